import Foundation
import XCTest

@testable import KomoPay

final class MoneyTests: XCTestCase {
    func testAnAmountIsExactAndKeepsItsDigits() throws {
        let money = try Money("42.05", "USD")
        XCTAssertEqual(money.amount, Decimal(4205) / 100)
        XCTAssertEqual(money.currency, "USD")
        XCTAssertEqual("\(money)", "42.05 USD")
        XCTAssertEqual("\(try Money(10000, "IDR"))", "10000 IDR")
        let longest = "12345678901234567890.12345678"
        XCTAssertEqual("\(try Money(longest, "USDT"))", "\(longest) USDT")
        XCTAssertEqual(try Money(longest, "USDT").amount.description, longest)
    }

    func testMoneyIsEqualByValue() throws {
        let (short, long) = (try Money("42", "IDR"), try Money("42.00", "IDR"))
        XCTAssertEqual(short, long)
        XCTAssertEqual(Set([short, long]).count, 1)
        XCTAssertNotEqual(short, try Money("42", "INR"))
        XCTAssertNotEqual(short, try Money("42.01", "IDR"))
    }

    func testWhatIsNoAmountIsRefusedByName() {
        for (amount, currency, field) in [
            ("1,5", "USD", "money.amount"), ("nan", "USD", "money.amount"), ("", "USD", "money.amount"),
            ("0.12345678901234567890123456789012", "USD", "money.amount"), ("1", "", "money.currency"),
        ] {
            XCTAssertThrowsError(try Money(amount, currency)) { error in
                guard case KomopayError.invalidRequest(let failure) = error else { return XCTFail("\(error)") }
                XCTAssertEqual(failure.field, field, amount)
            }
        }
    }

    func testATextThatCanBeReadInTwoWaysIsRefusedAndTheErrorSaysWhatToWrite() throws {
        for (amount, write) in [("250.000", "write 250000, or 250 "), ("1.000", "write 1000, or 1 ")] {
            XCTAssertThrowsError(try Money(amount, "IDR")) { error in
                guard case KomopayError.invalidRequest(let failure) = error else { return XCTFail("\(error)") }
                XCTAssertEqual(failure.field, "money.amount")
                XCTAssertTrue(failure.message.contains(write), failure.message)
            }
        }
        for (amount, currency) in [("1.234", "KWD"), ("1.000", "USDT"), ("0.500", "IDR"), ("1.00", "IDR")] {
            XCTAssertEqual("\(try Money(amount, currency))", "\(amount) \(currency)")
        }
        // What was money crosses the border as it is.
        let told = Money(parts: MoneyParts(amount: "250.000", currency: "IDR"))
        _ = try Client(Config(baseUrl: "http://127.0.0.1:1", credentials: .token(token: "t"), maxAmount: [told]))
    }

    func testACurrencyIsACodeInCapitalLetters() {
        for currency in ["idr", " IDR", "IDR\n", "360"] {
            XCTAssertThrowsError(try Money("1", currency)) { error in
                guard case KomopayError.invalidRequest(let failure) = error else { return XCTFail("\(error)") }
                XCTAssertEqual(failure.field, "money.currency", currency)
            }
        }
    }

    func testASpanThatIsNoneIsRefusedByNameAndNotByACrash() async throws {
        XCTAssertEqual(micros(1.5), 1_500_000)
        XCTAssertEqual(micros(0), 0)
        XCTAssertEqual(micros(.greatestFiniteMagnitude), .max)
        let client = try Client(
            Config(baseUrl: "http://127.0.0.1:1", credentials: .merchant(merchantCode: "M", secret: "s")))
        for span: TimeInterval in [-1, .nan, .infinity, -.infinity] {
            guard micros(span) == -1 else { return XCTFail("\(span) would cross as \(micros(span))") }
            do {
                _ = try await client.waitForPayout("A-1", timeout: span)
                XCTFail("\(span) is a time")
            } catch KomopayError.invalidRequest(let failure) {
                XCTAssertEqual(failure.field, "timeout")
            }
        }
    }
}
