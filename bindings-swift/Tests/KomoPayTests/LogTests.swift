import XCTest

@testable import KomoPay

final class LogTests: XCTestCase {
    @TaskLocal static var request = "-"

    func testACallIsToldInItsOwnTaskBeforeItReturns() async throws {
        let heard = Heard()
        setLogger(upTo: .debug) { record in heard.add(record, Self.request) }
        defer { setLogger(upTo: .error) { _ in } }
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await Self.$request.withValue("request-\(number)") {
                        _ = try await client.createPayout("L-\(number)", documented())
                        let records = heard.of("request-\(number)")
                        XCTAssertTrue(records.contains { $0.text.contains("POST /payouts/L-\(number)") })
                    }
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<20 {
            let sent = try XCTUnwrap(heard.of("request-\(number)").first { $0.httpStatus == 201 })
            XCTAssertEqual(sent.payoutId, "L-\(number)")
            XCTAssertEqual(sent.attempt, 2, "the first asked for the token")
            XCTAssertNotNil(sent.durationMs)
        }
        try await client.close()
    }
}

private final class Heard: @unchecked Sendable {
    private let lock = NSLock()
    private var records: [(LogRecord, String)] = []

    func add(_ record: LogRecord, _ request: String) {
        lock.withLock { records.append((record, request)) }
    }

    func of(_ request: String) -> [LogRecord] {
        lock.withLock { records.filter { $0.1 == request }.map { $0.0 } }
    }
}
