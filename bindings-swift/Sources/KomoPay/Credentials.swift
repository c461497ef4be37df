import Foundation

extension Credentials {
    /// Credentials of a function that gives a token whenever a new one is needed, for example by asking the merchant's
    /// server.
    ///
    /// ```swift
    /// let client = try Client(Config(baseUrl: sandboxUrl(), credentials: .provider { try await server.payoutToken()
    /// }))
    /// ```
    ///
    /// If it throws, the call ends with ``KomopayError/unavailable(_:)``, which names the type of what was thrown and
    /// nothing of its text: that may hold a token.
    public static func provider(_ provide: @escaping @Sendable () async throws -> String) -> Credentials {
        .provider(provider: TokenProvider(provide: provide))
    }
}

private final class TokenProvider: NativeTokenProvider {
    private let function: @Sendable () async throws -> String

    init(provide: @escaping @Sendable () async throws -> String) {
        function = provide
    }

    func provide() async throws -> String {
        do { return try await function() } catch { throw ProviderFailure.Failed(typeName: "\(type(of: error))") }
    }
}
