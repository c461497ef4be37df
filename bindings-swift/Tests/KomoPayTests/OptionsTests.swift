import Foundation
import KomoPay
import XCTest

/// A client with other options for its calls is the same client; and waiting for many payouts.
final class OptionsTests: XCTestCase {
    func testAClientWithOtherOptionsHasTheTokensOfTheFirstAndIsClosedWithIt() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        _ = try await client.createPayout("A-1", documented())
        let hurried = try client.withOptions(totalTimeout: 10, headers: ["X-Job": "payroll-7"])
        _ = try await hurried.createPayout("A-1", documented(), resume: true)
        let tokens = try await sandbox.calls("issue_token")
        XCTAssertEqual(tokens, 1)

        try await hurried.close()
        do {
            _ = try await client.currencies()
            XCTFail("it is open")
        } catch KomopayError.closed {}
    }

    func testAHeaderThatIsNotTheCallersIsRefusedByItsNameAndNoValueIsRepeated() throws {
        let client = try Client(Config(baseUrl: "http://127.0.0.1:1", credentials: .token(token: "t")))
        for headers in [["Host": "canary"], ["authorization": "canary"], ["X-Job": "canary\r\nHost: a"]] {
            XCTAssertThrowsError(try client.withOptions(headers: headers)) { error in
                XCTAssertEqual((error as? KomopayError)?.field, "headers")
                XCTAssertFalse("\(error)".contains("canary"))
            }
        }
        let spans: [TimeInterval] = [-1, 0, .nan, 366 * 86_400]
        for span in spans {
            XCTAssertThrowsError(try client.withOptions(totalTimeout: span)) { error in
                XCTAssertEqual((error as? KomopayError)?.field, "total_timeout", "\(span)")
            }
        }
    }

    func testOneThatJoinsACreateWithLessTimeIsToldThatItsOutcomeIsNotKnown() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, request) = (try sandbox.client(), try documented())
        try await sandbox.hold("create_payout")
        let first = Task { try await client.createPayout("A-1", request) }
        try await sandbox.seen("create_payout")
        do {
            _ = try await client.withOptions(totalTimeout: 0.05).createPayout("A-1", request)
            XCTFail("it has an outcome")
        } catch KomopayError.outcomeUnknown(let failure) {
            XCTAssertEqual(failure.payoutId, "A-1")
        }
        try await sandbox.clearFaults()
        _ = try await first.value
        let ledger = try await sandbox.ledger()
        XCTAssertEqual(ledger, ["executed A-1 10000 IDR", "booked A-1 10000 IDR"])
    }

    func testEachOfManyPayoutsIsGivenOnceAndWhatIsWrongWithOneEndsNoOther() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let (client, ids) = (try sandbox.client(settleWindow: 0.2), (1...5).map { "A-\($0)" })
        for id in ids { _ = try await client.createPayout(id, documented()) }
        var (final, missing) = ([String](), [String]())
        for try await waited in try client.waitForPayouts(ids + ["A-1", "NONE"], timeout: 60, readsPerSecond: 1000) {
            do {
                let payout = try waited.result()
                XCTAssertEqual(payout.status, .success)
                final.append(waited.payoutId)
            } catch KomopayError.notFound {
                missing.append(waited.payoutId)
            }
        }
        XCTAssertEqual(final.sorted(), ids)
        XCTAssertEqual(missing, ["NONE"])
    }

    func testAWaitForManyIsCancelledWithItsTaskAndABadRateIsRefused() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        _ = try await client.createPayout("A-1", documented())
        try await sandbox.hold("get_payout")
        let waiting = Task { for try await _ in try client.waitForPayouts(["A-1"], timeout: 60) {} }
        try await sandbox.seen("get_payout")
        waiting.cancel()
        do {
            try await waiting.value
            XCTFail("it was not cancelled")
        } catch is CancellationError {}
        XCTAssertThrowsError(try client.waitForPayouts(["A-1"], timeout: 60, readsPerSecond: 0)) { error in
            XCTAssertEqual((error as? KomopayError)?.field, "reads_per_second")
        }
    }
}
