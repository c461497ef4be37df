/// How a wait for one of many payouts ended: with a payout that is final, or why that could not be seen. One of
/// `payout` and `error` is nil.
public struct WaitedPayout: Sendable {
    /// The merchant's id.
    public let payoutId: String
    /// The payout, which is final.
    public let payout: Payout?
    /// As `waitForPayout` would have thrown it: `notFinal` has the last payout that was seen.
    public let error: KomopayError?

    init(_ parts: WaitedParts) {
        payoutId = parts.payoutId
        payout = parts.payout
        error = parts.failure.map(KomopayError.init)
    }

    /// The payout.
    ///
    /// - Throws: The error, if there is one.
    public func result() throws -> Payout {
        if let payout { return payout }
        throw error ?? KomopayError(Failure(.internal, "neither a payout nor an error"))
    }
}
