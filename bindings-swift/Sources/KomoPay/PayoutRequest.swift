import Foundation

extension PayoutRequest {
    /// A keyed, canonical digest of the whole request, payee included: the same for the same request in every language.
    /// Stored beside the id, it tells later whether a request is the one that was sent.
    ///
    /// - Parameter key: The merchant's own, so that nobody can try account numbers out; not empty.
    /// - Throws: ``KomopayError/invalidRequest(_:)``.
    public func fingerprint(key: Data) throws -> String {
        try translating { try KomoPay.fingerprint(request: self, key: key) }
    }
}
