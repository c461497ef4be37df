import Foundation

extension PayoutRequest {
    /// Checks every limit of the contract, and the rules of single currencies, before anything is sent.
    /// ``Client/createPayout(_:_:resume:)`` does this too, unless the client's `validate` is false.
    ///
    /// - Throws: ``KomopayError/invalidRequest(_:)``, naming the field.
    public func validate() throws {
        try translating { try KomoPay.validate(request: self) }
    }

    /// A keyed, canonical digest of the whole request, payee included: 64 characters, `2:` and hex digits, the same for
    /// the same request in every language. Stored beside the id, it tells later whether a request is the one that was
    /// sent: see ``matchesFingerprint(key:stored:)``. The signature in the callback URL does not count, nor its expiry.
    ///
    /// ```swift
    /// let digest = try request.fingerprint(key: Data("the merchant's own key".utf8))
    /// ```
    ///
    /// - Parameter key: The merchant's own, so that nobody can try account numbers out: 16 bytes or more.
    /// - Throws: ``KomopayError/configuration(_:)``, if the key is shorter.
    public func fingerprint(key: Data) throws -> String {
        try translating { try KomoPay.fingerprint(request: self, key: key) }
    }

    /// Whether a stored fingerprint is this request's: one that ``fingerprint(key:)`` gives, or one of the form that it
    /// gave before (64 hex digits), in which the signature in the callback URL counts. What has neither form is
    /// nobody's. It takes equally long whatever the digits are.
    ///
    /// ```swift
    /// let same = try request.matchesFingerprint(key: Data("the merchant's own key".utf8), stored: digest)
    /// ```
    ///
    /// - Throws: ``KomopayError/configuration(_:)``, if the key is shorter than 16 bytes.
    public func matchesFingerprint(key: Data, stored: String) throws -> Bool {
        try translating { try KomoPay.matchesFingerprint(request: self, key: key, stored: stored) }
    }
}
