import Foundation
import XCTest

@testable import KomoPay

final class ErrorTests: XCTestCase {
    /// docs/errors.md: kind, retryable, money may have moved.
    private let table: [(String, Bool, Bool)] = [
        ("configuration", false, false), ("invalid_request", false, false), ("authentication", false, false),
        ("permission_denied", false, false), ("rejected", false, false), ("duplicate_payout", false, true),
        ("not_found", false, false), ("rate_limited", true, false), ("unavailable", true, false),
        ("timed_out", true, false), ("not_final", true, true), ("unexpected_response", false, false),
        ("outcome_unknown", true, true), ("invalid_callback", false, false),
        ("closed", false, false), ("internal", false, false),
    ]

    func testEveryKindHasItsCaseAndItsRowOfTheTable() {
        let errors = errorKinds().map { KomopayError(Failure($0, "a message")) }
        XCTAssertEqual(errors.map { $0.kind.code() }, table.map(\.0))
        for (error, (code, retryable, moneyMayHaveMoved)) in zip(errors, table) {
            XCTAssertEqual(name(error), code)
            XCTAssertEqual(error.retryable, retryable, code)
            XCTAssertEqual(error.moneyMayHaveMoved, moneyMayHaveMoved, code)
            XCTAssertEqual("\(error)", "\(code): a message")
            XCTAssertEqual(error.localizedDescription, "a message")
        }
    }

    func testAnErrorTellsWhatItKnows() async throws {
        let sandbox = try Sandbox()
        defer { sandbox.stop() }
        let client = try sandbox.client()
        try await sandbox.inject(
            #"{"type": "rejected", "code": "BALANCE_INSUFFICIENT", "uses_id_up": false}"#, into: "create_payout")
        do {
            _ = try await client.createPayout("A-1", documented())
            XCTFail("it was made")
        } catch let error as KomopayError {
            XCTAssertEqual(error.kind, .rejected)
            XCTAssertEqual(error.httpStatus, 406)
            XCTAssertEqual(error.reasons.map(\.code), ["BALANCE_INSUFFICIENT"])
            XCTAssertEqual(error.payoutId, "A-1")
            XCTAssertEqual(
                error.attempts.map(\.operation), ["POST /auth-tokens", "POST /payouts/A-1", "GET /payouts/A-1"])
            XCTAssertEqual(error.attempts.map(\.httpStatus), [200, 406, 410])
            XCTAssertEqual(error.concerns, .payout)
            XCTAssertNil(error.cause)
        }
    }

    func testACauseHasItsOwnCause() {
        let (first, second) = (Failure(.timedOut, "first"), Failure(.internal, "second"))
        let failure = Failure(
            kind: .outcomeUnknown, message: "it", httpStatus: nil, field: nil, reasons: [], payoutId: "A-1",
            attempts: [], retryAfter: 1.5, payout: nil, causes: [first, second])
        let error = KomopayError(failure)
        XCTAssertEqual(error.retryAfter, 1.5)
        XCTAssertEqual(error.cause?.message, "first")
        XCTAssertEqual(error.cause?.cause?.message, "second")
        XCTAssertNil(error.cause?.cause?.cause)
    }

    func testWhatNobodyForesawIsInternalAndInACreateAnUnknownOutcome() {
        struct Surprise: Error {
            let text = canary
        }
        guard case KomopayError.internal(let read) = translated(Surprise()) else { return XCTFail("a read") }
        XCTAssertTrue(read.message.contains("Surprise"))
        XCTAssertFalse(read.message.contains(canary))
        let creating = Creating(payoutId: "A-1", resume: false)
        guard case KomopayError.outcomeUnknown(let create) = translated(Surprise(), creating: creating) else {
            return XCTFail("a create")
        }
        XCTAssertEqual(create.payoutId, "A-1")
        XCTAssertTrue(translated(CallFailure.Cancelled, creating: creating) is CancellationError)
    }

    func testAFaultBeforeTheCoreHasBegunWithACreateSaysThatItWasNotSent() {
        struct Surprise: Error {}
        let fresh = Creating(payoutId: "A-1", resume: false)
        guard case KomopayError.internal(let unsent) = translated(Surprise(), creating: fresh, hasBegun: false) else {
            return XCTFail("a first create")
        }
        XCTAssertEqual(unsent.payoutId, "A-1")
        XCTAssertTrue(unsent.message.hasPrefix("payout A-1 was not sent: "), unsent.message)
        let resumed = Creating(payoutId: "A-1", resume: true)
        guard case KomopayError.outcomeUnknown = translated(Surprise(), creating: resumed, hasBegun: false) else {
            return XCTFail("a resumed create")
        }
    }

    func testSettingsThatCannotBeUsedAreRefusedByName() {
        let merchant = Credentials.merchant(merchantCode: "M", secret: "s")
        XCTAssertThrowsError(try Client(Config(baseUrl: "http://example.com", credentials: merchant))) { error in
            XCTAssertEqual((error as? KomopayError)?.kind, .configuration)
            XCTAssertEqual((error as? KomopayError)?.field, "base_url")
        }
        XCTAssertThrowsError(
            try Client(Config(baseUrl: sandboxUrl(), credentials: merchant, totalTimeout: .nan))
        ) { error in
            XCTAssertEqual((error as? KomopayError)?.field, "total_timeout")
        }
    }

    private func name(_ error: KomopayError) -> String {
        switch error {
        case .configuration: "configuration"
        case .invalidRequest: "invalid_request"
        case .authentication: "authentication"
        case .permissionDenied: "permission_denied"
        case .rejected: "rejected"
        case .duplicatePayout: "duplicate_payout"
        case .notFound: "not_found"
        case .rateLimited: "rate_limited"
        case .unavailable: "unavailable"
        case .timedOut: "timed_out"
        case .notFinal: "not_final"
        case .unexpectedResponse: "unexpected_response"
        case .outcomeUnknown: "outcome_unknown"
        case .invalidCallback: "invalid_callback"
        case .closed: "closed"
        case .internal: "internal"
        }
    }
}
