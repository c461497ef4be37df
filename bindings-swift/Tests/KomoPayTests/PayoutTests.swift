import Foundation
import KomoPay
import XCTest

final class PayoutTests: XCTestCase {
    func testAPayoutIsMadeAndFollowedToItsEnd() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()

        let accepted = try await client.createPayout("TST-223344", documented())
        XCTAssertEqual(accepted.payoutId, "TST-223344")
        XCTAssertFalse(accepted.recovered)
        let payout = try await client.waitForPayout("TST-223344", timeout: 60)
        let again = try await client.getPayout("TST-223344")
        try await client.close()

        // How it was learned is no part of what it is.
        XCTAssertEqual(again.attempts.map(\.operation), ["GET /payouts/TST-223344"])
        XCTAssertNotEqual(again.attempts, payout.attempts)
        XCTAssertEqual(again, payout)
        XCTAssertEqual(again.hashValue, payout.hashValue)
        XCTAssertEqual(payout.status, .success)
        XCTAssertEqual(payout.money, try Money("10000.00", "IDR"))
        let ledger = try await sandbox.ledger()
        XCTAssertEqual(ledger, ["executed TST-223344 10000 IDR", "booked TST-223344 10000 IDR"])
    }

    func testALostAnswerPaysOnceAndResumeFindsIt() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        try await sandbox.inject(#"{"type": "execute_then_close"}"#, into: "create_payout")

        let accepted = try await client.createPayout("A-1", documented())
        let again = try await client.createPayout("A-1", documented(), resume: true)

        XCTAssertTrue(accepted.recovered)
        XCTAssertTrue(again.recovered)
        XCTAssertEqual(
            accepted.attempts.map(\.operation), ["POST /auth-tokens", "POST /payouts/A-1", "GET /payouts/A-1"])
        XCTAssertEqual(accepted.attempts.map(\.httpStatus), [200, nil, 200])
        let ledger = try await sandbox.ledger()
        XCTAssertEqual(ledger, ["executed A-1 10000 IDR", "booked A-1 10000 IDR"])
    }

    func testAnIssuedTokenPaysWhatItWasIssuedForAndNothingElse() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let token = try await sandbox.client().issueToken(.payout(payoutId: "A-1", money: Money(10000, "IDR")))
        XCTAssertNotNil(token.expiresAt)

        let app = try sandbox.client(.token(token: token.expose()))
        _ = try await app.createPayout("A-1", documented())
        do {
            _ = try await app.createPayout("A-2", documented())
            XCTFail("it paid")
        } catch KomopayError.permissionDenied {}
    }

    func testAProviderIsAskedForTokens() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let server = try sandbox.client()
        let app = try sandbox.client(
            .provider { try await server.issueToken(.read(payoutId: "A-1")).expose() })
        do {
            _ = try await app.getPayout("A-1")
            XCTFail("there is none")
        } catch KomopayError.notFound {}
    }

    func testOfAProvidersErrorOnlyItsTypeIsTold() async throws {
        struct ServerIsDown: Error, CustomStringConvertible {
            let description = "the answer was \(canary)"
        }
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let app = try sandbox.client(.provider { throw ServerIsDown() })
        do {
            _ = try await app.getPayout("A-1")
            XCTFail("there was no token")
        } catch let error as KomopayError {
            XCTAssertEqual(error.kind, .unavailable)
            XCTAssertTrue(error.message.contains("ServerIsDown"), error.message)
            XCTAssertFalse(texts(error).contains { $0.contains(canary) })
        }
    }

    func testTheCatalogueIsRead() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()

        let balances = try await client.balances(["IDR"])
        XCTAssertEqual(balances.map(\.balance.currency), ["IDR"])
        let currencies = try await client.currencies()
        XCTAssertTrue(currencies.contains("IDR"))
        let segments = try await client.segments()
        XCTAssertEqual(segments, ["VIP", "STANDARD"])
        let operators = try await client.paymentOperators()
        XCTAssertTrue(operators.map(\.code).contains("IDR_014"))
        let methods = try await client.paymentMethods()
        XCTAssertTrue(methods.contains("BANK_TRANSFER"))
        let options = try await client.payoutOptions(Money(10000, "IDR"))
        XCTAssertTrue(options.map(\.methodCode).contains(.bankTransfer))
        let filtered = try await client.paymentOptions(PaymentOptionFilter(typeCode: .payout, currencies: ["IDR"]))
        XCTAssertEqual(Set(filtered.map(\.currency)), ["IDR"])
        let (merchant, checked) = (try await client.merchantInfo(), try await client.checkCredentials())
        XCTAssertEqual(merchant, checked)
    }

    func testAPanicIsInternalAndInACreateThatMayHaveBeenSentAnUnknownOutcome() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        do {
            _ = try await client.getPayout("PANIC-READ")
            XCTFail("it did not panic")
        } catch KomopayError.internal {}
        do {
            _ = try await client.createPayout("PANIC-UNSENT", documented())
            XCTFail("it did not panic")
        } catch KomopayError.internal {}
        do {
            _ = try await client.createPayout("PANIC-SENT", documented())
            XCTFail("it did not panic")
        } catch let error as KomopayError {
            XCTAssertEqual(error.kind, .outcomeUnknown)
            XCTAssertEqual(error.payoutId, "PANIC-SENT")
            XCTAssertTrue(error.moneyMayHaveMoved)
        }
        let resumed = try await client.createPayout("PANIC-SENT", documented(), resume: true)
        XCTAssertTrue(resumed.recovered)
    }
}

/// The create that KomoPay documents, to an account that no output may show.
func documented() throws -> PayoutRequest {
    PayoutRequest(
        money: try Money(10000, "IDR"),
        method: .bankTransfer(
            operatorCode: "BNK_000", account: BankAccount(name: "Test account", number: canary),
            emailAddress: "customer@test.com"),
        callbackUrl: "https://callback.example.com")
}
