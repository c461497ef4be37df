import Foundation

/// An issued token. It shows itself without its text, which only ``expose()`` gives.
///
/// ```swift
/// let token = try await client.issueToken(.payout(payoutId: "TST-223344", money: Money(10000, "IDR")))
/// send(token.expose(), until: token.expiresAt)
/// ```
public struct AccessToken: Sendable {
    /// When it ends, by the platform's clock, if the token says so.
    public let expiresAt: Date?
    private let text: String

    init(_ token: IssuedToken) {
        text = token.text
        expiresAt = token.expiresAt
    }

    /// The token itself: to be handed over, not to be logged.
    public func expose() -> String { text }
}

extension AccessToken: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "AccessToken(expiresAt: \(expiresAt.map(\.description) ?? "unknown"))" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { .masking(self) }
}
