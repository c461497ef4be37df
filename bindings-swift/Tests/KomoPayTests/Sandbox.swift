import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
import KomoPay

/// What this comes to, if that takes no longer.
func within<T: Sendable>(seconds: Double, _ body: @escaping @Sendable () async throws -> T) async throws -> T {
    let (ends, continuation) = AsyncThrowingStream<T, any Error>.makeStream()
    let work = Task {
        do { continuation.yield(try await body()) } catch { continuation.finish(throwing: error) }
    }
    let alarm = Task {
        try await Task.sleep(nanoseconds: UInt64(seconds * 1_000_000_000))
        continuation.finish(throwing: Sandbox.Unusable(what: "it was waited for in vain, for \(seconds) s"))
    }
    defer {
        work.cancel()
        alarm.cancel()
    }
    for try await end in ends { return end }
    throw CancellationError()
}

/// The stand-in gateway as a process of its own, with its control API.
final class Sandbox: Sendable {
    static let secret = "canary-secret-b5c1f0"

    let baseUrl: String
    private let controlToken = UUID().uuidString
    private let process: Process

    /// Starts it on a free port and waits until it listens.
    init() throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KOMOPAY_SANDBOX_BIN"] ?? "")
        process.arguments = ["--port", "0", "--control", "--processing-ms", "0", "--secret", Sandbox.secret]
        let token = ["KOMOPAY_SANDBOX_TOKEN": controlToken]
        process.environment = ProcessInfo.processInfo.environment.merging(token) { $1 }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var said = ""
        while !said.contains("\n") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Unusable(what: "it ended before it listened") }
            said += String(decoding: more, as: UTF8.self)
        }
        // Read on, so that it never blocks on a full pipe.
        output.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
        baseUrl = String(said.prefix { $0 != "\n" }.dropFirst("komopay-sandbox listens on ".count))
    }

    /// Ends it. Not politely: it inherits that a task's thread has every signal blocked.
    func stop() {
        kill(process.processIdentifier, SIGKILL)
    }

    /// A client of it.
    func client(_ credentials: Credentials? = nil, settleWindow: TimeInterval? = nil) throws -> Client {
        let merchant = Credentials.merchant(merchantCode: "SANDBOX_MERCHANT", secret: Sandbox.secret)
        return try Client(
            Config(
                baseUrl: baseUrl, credentials: credentials ?? merchant, totalTimeout: 20, attemptTimeout: 10,
                settleWindow: settleWindow))
    }

    /// The ledger, a line each: `executed TST-223344 10000 IDR`.
    func ledger() async throws -> [String] {
        let lines = try await ask("ledger") as? [[String: Any]] ?? []
        return lines.map { line in
            ["kind", "payout_id", "amount", "currency"].map { line[$0] as? String ?? "?" }.joined(separator: " ")
        }
    }

    /// How many calls of this operation it has seen.
    func calls(_ operation: String) async throws -> Int {
        (try await ask("calls") as? [String: Any])?[operation] as? Int ?? 0
    }

    /// Returns when it has seen a call of this operation.
    func seen(_ operation: String) async throws {
        try await within(seconds: 20) { while try await self.calls(operation) == 0 {} }
    }

    /// Returns when nothing is pending any more.
    func idle() async throws {
        _ = try await ask("idle")
    }

    /// Breaks the next call of this operation, by an effect of its control API.
    func inject(_ effect: String, into operation: String) async throws {
        let fault = #"{"when": {"operation": "\#(operation)", "on": {"nth": 1}}, "effect": \#(effect)}"#
        _ = try await ask("faults", by: "POST", body: fault)
    }

    /// Holds the next call of this operation until the faults are cleared.
    func hold(_ operation: String) async throws {
        try await inject(#"{"type": "hold"}"#, into: operation)
    }

    /// Breaks and holds nothing any more.
    func clearFaults() async throws {
        _ = try await ask("faults", by: "DELETE")
    }

    private func ask(_ path: String, by method: String = "GET", body: String? = nil) async throws -> Any {
        var request = URLRequest(url: URL(string: "\(baseUrl)/_sandbox/\(path)")!)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("Bearer \(controlToken)", forHTTPHeaderField: "Authorization")
        let (data, answer) = try await URLSession.shared.data(for: request)
        guard let status = (answer as? HTTPURLResponse)?.statusCode, 200..<300 ~= status else {
            throw Unusable(what: "\(path): \(answer)")
        }
        let json = data.isEmpty ? Data("null".utf8) : data
        return try JSONSerialization.jsonObject(with: json, options: .fragmentsAllowed)
    }

    struct Unusable: Error {
        let what: String
    }
}
