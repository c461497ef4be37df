import KomoPay
import XCTest

/// Nothing here waits for time to pass: the gateway holds a call for as long as a test needs.
final class CancellationTests: XCTestCase {
    func testACancelledCreateReleasesItsCallerAtOnceAndIsReadToItsEnd() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, request) = (try sandbox.client(), try documented())
        try await sandbox.hold("create_payout")
        let create = Task { try await client.createPayout("A-1", request) }
        try await sandbox.seen("create_payout")

        let (log, continuation) = AsyncStream.makeStream(of: String.self)
        setLogger { record in if record.text.contains("A-1") { continuation.yield(record.text) } }

        create.cancel()
        await assertCancelled(create)
        let text = try await within(seconds: 20) { await log.first { _ in true } }
        XCTAssert(text?.contains("resume") == true, "the log names the id and the way on: \(text ?? "")")
        // The gateway still holds it.
        let before = try await sandbox.ledger()
        XCTAssertEqual(before, [])

        try await sandbox.clearFaults()
        // The gateway executes it whoever listens. Only who read its answer can say this.
        _ = try await within(seconds: 20) { await log.first { $0.contains("accepted, with nobody waiting") } }
        try await client.close()
        try await sandbox.idle()
        let (after, creates) = (try await sandbox.ledger(), try await sandbox.calls("create_payout"))
        XCTAssertEqual(after, ["executed A-1 10000 IDR", "booked A-1 10000 IDR"])
        XCTAssertEqual(creates, 1)
    }

    func testACreateThatNeverArrivedIsNotSentAgainOnceItIsCancelled() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, request) = (try sandbox.client(settleWindow: 0.2), try documented())
        try await sandbox.inject(#"{"type": "close_after_reading"}"#, into: "create_payout")
        try await sandbox.hold("get_payout")
        let create = Task { try await client.createPayout("A-1", request) }
        try await sandbox.seen("get_payout")

        create.cancel()
        await assertCancelled(create)
        try await sandbox.clearFaults()
        try await client.close()

        let (ledger, creates) = (try await sandbox.ledger(), try await sandbox.calls("create_payout"))
        XCTAssertEqual(ledger, [])
        XCTAssertEqual(creates, 1)
    }

    func testACreateIsNotSentOnceItIsCancelledBeforeIt() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, request) = (try sandbox.client(), try documented())
        try await sandbox.hold("issue_token")
        let create = Task { try await client.createPayout("A-1", request) }
        try await sandbox.seen("issue_token")

        create.cancel()
        await assertCancelled(create)
        try await sandbox.clearFaults()
        try await client.close()

        let creates = try await sandbox.calls("create_payout")
        XCTAssertEqual(creates, 0)
    }

    func testATaskThatIsCancelledBeforeItsCallSendsNothing() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, request) = (try sandbox.client(), try documented())
        // Often, since what left too late would be seen only sometimes.
        for number in 1...200 {
            let create = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await client.createPayout("A-\(number)", request)
            }
            await assertCancelled(create)
        }
        try await client.close()

        for operation in ["issue_token", "create_payout", "get_payout"] {
            let calls = try await sandbox.calls(operation)
            XCTAssertEqual(calls, 0, operation)
        }
    }

    func testAWaitIsReleasedAndTheClientGoesOn() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        try await sandbox.hold("get_payout")
        let wait = Task { try await client.waitForPayout("A-1", timeout: 60) }
        try await sandbox.seen("get_payout")

        wait.cancel()
        await assertCancelled(wait)
        let segments = try await client.segments()
        XCTAssertEqual(segments, ["VIP", "STANDARD"])
    }

    func testAClientIsClosedEvenByATaskThatIsCancelled() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        let close = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await client.close()
        }
        await assertCancelled(close)
        // It closes as soon as it gets its turn.
        for _ in 1...1_000 {
            do { _ = try await client.segments() } catch KomopayError.closed { return }
        }
        XCTFail("it is open")
    }

    private func assertCancelled<T: Sendable>(_ task: Task<T, any Error>, line: UInt = #line) async {
        do {
            let value = try await within(seconds: 20) { try await task.value }
            XCTFail("it ended with \(value)", line: line)
        } catch {
            XCTAssertTrue(error is CancellationError, "\(error)", line: line)
        }
    }
}
