/// Sends the log of the SDK to `logger`, up to `level`; without one it goes nowhere. What becomes of a create that nobody
/// waits for any more is told there, with its id. No event holds a secret, a token or an account number.
///
/// ```swift
/// setLogger { level, text in print("komopay \(level): \(text)") }
/// ```
///
/// - Parameters:
///   - level: What matters less than this is left out.
///   - logger: Called on a thread of the SDK, one event after the other.
public func setLogger(upTo level: LogLevel = .info, _ logger: @escaping @Sendable (LogLevel, String) -> Void) {
    setLogger(logger: ForwardingLogger(logger), level: level)
}

private final class ForwardingLogger: NativeLogger {
    private let logger: @Sendable (LogLevel, String) -> Void

    init(_ logger: @escaping @Sendable (LogLevel, String) -> Void) {
        self.logger = logger
    }

    func log(level: LogLevel, text: String) {
        logger(level, text)
    }
}
