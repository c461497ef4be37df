import Foundation

/// Sends the log of the SDK to `logger`, up to `level`; without one it goes nowhere. What becomes of a create that
/// nobody waits for any more is told there, with its id. No record holds a secret, a token or an account number.
///
/// What a call has to say is told in its caller's task, with its task-local values, before the call returns; what
/// nobody waits for any more on a thread of the SDK.
///
/// ```swift
/// setLogger { record in print("komopay \(record.level): \(record.text)") }
/// ```
///
/// - Parameters:
///   - level: What matters less than this is left out.
///   - logger: Called for one record after the other of a call, and for several calls at a time.
public func setLogger(upTo level: LogLevel = .info, _ logger: @escaping @Sendable (LogRecord) -> Void) {
    callers.listen(logger)
    setLogger(logger: Forwarder(logger), level: level)
}

private let callers = Callers()

/// The calls that have a listener, by their numbers.
private final class Callers: @unchecked Sendable {
    private let lock = NSLock()
    private var logger: (@Sendable (LogRecord) -> Void)?
    private var waiting: [Int64: AsyncStream<Void>.Continuation] = [:]
    private var last: Int64 = 0

    func listen(_ logger: @escaping @Sendable (LogRecord) -> Void) {
        lock.withLock { self.logger = logger }
    }

    /// A new caller, if anybody listens.
    func add(_ wakes: AsyncStream<Void>.Continuation) -> Int64? {
        lock.withLock {
            guard logger != nil else { return nil }
            last += 1
            waiting[last] = wakes
            return last
        }
    }

    func tell(_ records: [LogRecord]) {
        if let logger = lock.withLock({ logger }) { records.forEach(logger) }
    }

    func remove(_ call: Int64) {
        lock.withLock { waiting[call] = nil }
    }

    func wake(_ call: Int64) {
        _ = lock.withLock { waiting[call] }?.yield()
    }
}

private final class Forwarder: NativeLogger {
    private let logger: @Sendable (LogRecord) -> Void

    init(_ logger: @escaping @Sendable (LogRecord) -> Void) {
        self.logger = logger
    }

    func log(record: LogRecord) {
        logger(record)
    }

    func wake(call: Int64) {
        callers.wake(call)
    }
}

/// Runs a call, and tells the logger, if there is one, what the log says of it, in this task.
func heard<T: Sendable>(
    _ call: @escaping @Sendable (Cancellation) async throws -> T, noting: (Cancellation) -> Void
) async throws -> T {
    let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    guard let caller = callers.add(wake) else {
        let cancellation = Cancellation(call: nil)
        noting(cancellation)
        return try await call(cancellation)
    }
    defer { callers.remove(caller) }
    let cancellation = Cancellation(call: caller)
    noting(cancellation)
    return try await withThrowingTaskGroup(of: T.self) { group in
        group.addTask {
            defer { wake.finish() }
            return try await call(cancellation)
        }
        for await _ in wakes {
            callers.tell(cancellation.takeRecords())
        }
        let ended = await group.nextResult()
        callers.tell(cancellation.endRecords())
        guard let ended else { throw CancellationError() }
        return try ended.get()
    }
}
