/// A callback that was read: the platform says that this payout changed. Its status is read from the platform.
public struct Callback: Hashable, Sendable {
    /// The payout that changed.
    public let payoutId: String
    /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without
    /// `callbackKeys`: with them, what does not verify is refused.
    public let verified: Bool

    init(_ parts: CallbackParts) {
        payoutId = parts.payoutId
        verified = parts.verified
    }
}
