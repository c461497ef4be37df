import Foundation
import KomoPay
import XCTest

final class CallbackTests: XCTestCase {
    private let key = "canary-key-0d81f2c4-7a3e-4b9c-9d55"

    func testASignedUrlIsOfOnePayoutAndWhatIsWrongWithACallbackIsTold() throws {
        let client = try client("http://127.0.0.1:1")
        let url = try client.callbackUrl("https://shop.example/hook", "A-1")
        let callback = try client.readCallback(body("A-1"), url: url)
        XCTAssertEqual(callback.payoutId, "A-1")
        XCTAssertTrue(callback.verified)
        let wrong: [(Data, String, String, Int)] = [
            (body("A-2"), url, "signature", 403), (body("A-1"), "/hook", "signature", 403),
            (Data("no JSON".utf8), url, "body", 400), (Data(count: 100_000), url, "body_size", 413),
        ]
        for (body, url, field, status) in wrong {
            XCTAssertThrowsError(try client.readCallback(body, url: url)) { error in
                guard case KomopayError.invalidCallback = error else { return XCTFail("\(error)") }
                XCTAssertEqual((error as? KomopayError)?.field, field)
                XCTAssertEqual((error as? KomopayError)?.callbackStatus, status)
            }
        }
        let later = Date(timeIntervalSinceNow: 60)
        let query = try client.callbackUrl("https://shop.example/hook", "A-1", expiresAt: later, place: .query)
        XCTAssertTrue(query.hasPrefix("https://shop.example/hook?komopay=1."), query)
        for never in [Date(timeIntervalSince1970: 0), Date(timeIntervalSince1970: 1e300)] {
            XCTAssertThrowsError(try client.callbackUrl("https://shop.example", "A-1", expiresAt: never)) { error in
                XCTAssertEqual((error as? KomopayError)?.field, "expires_at")
            }
        }
    }

    func testACallbackIsReadFromThePlatformAndItsChangeIsGivenOnce() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try client(sandbox.baseUrl, store: .memory)
        let account = BankAccount(name: "Test account", number: "11223344")
        let method = PayoutMethod.bankTransfer(
            operatorCode: "BNK_000", account: account, emailAddress: "customer@test.com")
        _ = try await client.createPayout("A-1", PayoutRequest(money: Money(10000, "IDR"), method: method))
        try await sandbox.idle()
        let url = try client.callbackUrl("https://shop.example/hook", "A-1")
        let payout = try await client.handleCallback(body("A-1"), url: url)
        XCTAssertEqual(payout.status, .success)
        let change = try await client.takeChanges().first
        XCTAssertEqual(change?.payout, payout)
        XCTAssertEqual(change?.sequence, 1)
        XCTAssertNil(change?.previousStatus)
        try await client.acknowledgeChange("A-1", 1)
        let left = try await client.takeChanges(limit: 1)
        XCTAssertTrue(left.isEmpty)
    }

    func testAStoreInAFileThatCannotBeOpenedIsNamed() throws {
        XCTAssertThrowsError(try client("http://127.0.0.1:1", store: .sqlite(path: "/no/such/folder/changes.sqlite"))) {
            XCTAssertEqual(($0 as? KomopayError)?.field, "change_store")
        }
    }

    private func client(_ baseUrl: String, store: ChangeStore? = nil) throws -> Client {
        let merchant = Credentials.merchant(merchantCode: "SANDBOX_MERCHANT", secret: Sandbox.secret)
        return try Client(
            Config(baseUrl: baseUrl, credentials: merchant, callbackKeys: [key], changeStore: store))
    }

    private func body(_ payoutId: String) -> Data { Data(#"{"idEntity": "\#(payoutId)"}"#.utf8) }
}
