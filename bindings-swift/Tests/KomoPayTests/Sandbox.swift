import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
import KomoPay

/// The stand-in gateway as a process of its own, with its control API.
final class Sandbox: Sendable {
    static let secret = "canary-secret-b5c1f0"

    let baseUrl: String
    private let process: Process

    /// Starts it on a free port and waits until it listens.
    init(_ arguments: String...) throws {
        process = Process()
        process.executableURL = URL(fileURLWithPath: ProcessInfo.processInfo.environment["KOMOPAY_SANDBOX_BIN"] ?? "")
        process.arguments = ["--port", "0", "--control", "--secret", Sandbox.secret] + arguments
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        var said = ""
        while !said.contains("\n") {
            let more = output.fileHandleForReading.availableData
            guard !more.isEmpty else { throw Unusable(what: "it ended before it listened") }
            said += String(decoding: more, as: UTF8.self)
        }
        baseUrl = String(said.prefix { $0 != "\n" }.dropFirst("komopay-sandbox listens on ".count))
    }

    /// Ends it. Not politely: it inherits that a task's thread has every signal blocked.
    func stop() {
        kill(process.processIdentifier, SIGKILL)
    }

    /// The settings of a client of it.
    func config(
        credentials: Credentials? = nil, totalTimeout: TimeInterval? = nil, settleWindow: TimeInterval? = nil
    ) -> Config {
        let merchant = Credentials.merchant(merchantCode: "SANDBOX_MERCHANT", secret: Sandbox.secret)
        return Config(
            baseUrl: baseUrl, credentials: credentials ?? merchant, totalTimeout: totalTimeout,
            settleWindow: settleWindow)
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

    /// Returns when it has seen so many calls of this operation.
    func await(_ operation: String, _ count: Int = 1) async throws {
        while try await calls(operation) < count {}
    }

    /// Returns when nothing is pending any more.
    func idle() async throws {
        _ = try await ask("idle")
    }

    /// Injects a fault, as its control API takes it.
    func inject(_ fault: String) async throws {
        _ = try await ask("faults", body: fault)
    }

    private func ask(_ path: String, body: String? = nil) async throws -> Any {
        var request = URLRequest(url: URL(string: "\(baseUrl)/_sandbox/\(path)")!)
        if let body {
            request.httpMethod = "POST"
            request.httpBody = Data(body.utf8)
            request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        }
        let (data, answer) = try await URLSession.shared.data(for: request)
        guard let status = (answer as? HTTPURLResponse)?.statusCode, 200..<300 ~= status else {
            throw Unusable(what: "\(path): \(answer)")
        }
        return try JSONSerialization.jsonObject(with: data.isEmpty ? Data("null".utf8) : data, options: .fragmentsAllowed)
    }

    struct Unusable: Error {
        let what: String
    }
}
