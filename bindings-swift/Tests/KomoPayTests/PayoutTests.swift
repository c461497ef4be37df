import KomoPay
import XCTest

final class PayoutTests: XCTestCase {
    func testAPayoutIsMadeAndFollowedToItsEnd() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try Client(sandbox.config())

        let accepted = try await client.createPayout("TST-223344", documented())
        XCTAssertEqual(accepted.payoutId, "TST-223344")
        XCTAssertFalse(accepted.recovered)
        let payout = try await client.waitForPayout("TST-223344", timeout: 60)
        try await client.close()

        XCTAssertEqual(payout.status, .success)
        XCTAssertEqual(payout.money, try Money("10000.00", "IDR"))
        let ledger = try await sandbox.ledger()
        XCTAssertEqual(ledger, ["executed TST-223344 10000 IDR", "booked TST-223344 10000 IDR"])
    }
}

/// The create that KomoPay documents.
func documented(_ number: String = "11223344") throws -> PayoutRequest {
    PayoutRequest(
        money: try Money(10000, "IDR"),
        method: .bankTransfer(
            operatorCode: "BNK_000", account: BankAccount(name: "Test account", number: number),
            emailAddress: "customer@test.com"),
        callbackUrl: "https://callback.example.com")
}
