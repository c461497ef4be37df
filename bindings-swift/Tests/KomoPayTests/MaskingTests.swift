import Foundation
import XCTest

@testable import KomoPay

/// A text that nothing may show.
let canary = "550066007700"

/// All the texts that Swift shows a value by, alone and inside others.
func texts(_ value: Any) -> [String] {
    struct Holder {
        let held: Any
    }
    let dumped = [value, Holder(held: value), [value], ["it": value]].map { value in
        var text = ""
        dump(value, to: &text)
        return text
    }
    return dumped + [
        "\(value)", String(reflecting: value), "\([value])", "\(["it": value])", "\(Optional(value) as Any)",
        "\((1, value))", "\(Holder(held: value))",
    ]
}

final class MaskingTests: XCTestCase {
    func testNoValueShowsWhatIsSecretOrPersonalHoweverItIsShown() throws {
        let account = BankAccount(name: "Rahmawati", number: canary)
        let method = PayoutMethod.bankTransfer(
            operatorCode: "BNK_000", account: account, emailAddress: "rahmawati@example.com", remark: "Rahmawati")
        let wallet = WalletAccount(name: "Rahmawati", number: "\(canary)@wallet")
        let money = try Money(10000, "IDR")
        let signature = "1.0.\(canary)\(String(repeating: "A", count: 31))"
        let secret = Credentials.merchant(merchantCode: "M", secret: canary)
        let config = Config(
            baseUrl: "http://127.0.0.1:1", credentials: secret, callbackKeys: [String(repeating: canary, count: 3)])
        let values: [Any] = [
            account, method, wallet, CryptoAccount(number: "T\(canary)1234"), secret, Credentials.token(token: canary),
            Credentials.provider { canary }, config, try Client(config), PayoutRequest(money: money, method: method),
            PayoutRequest(
                money: money, method: method, callbackUrl: "https://shop.example/hook/\(signature)",
                customerIp: canary),
            PayoutRequest(money: money, method: method, callbackUrl: "https://shop.example/?komopay=\(signature)"),
            PayoutMethod.walletTransfer(account: wallet, phoneNumber: canary, remark: canary),
            PayoutMethod.cryptoTransfer(operatorCode: "C", account: CryptoAccount(number: "\(canary)1234")),
            AccessToken(IssuedToken(text: canary, expiresAt: nil)), IssuedToken(text: canary, expiresAt: nil),
            payout(money), accepted(money),
            PayoutChange(
                payoutId: "A", sequence: 1, previousStatus: nil, payout: payout(money), isCorrection: false),
            FailureReason(code: .ipDenied, failedAt: nil, message: canary),
            Balance(
                balance: money, available: money, pendingSettlement: money, pendingPayout: money, lastMovement: nil,
                raw: canary),
            PayoutOption(methodCode: .bankTransfer, operators: [], segmentCode: nil, raw: canary),
            PaymentOperator(code: "BNK_000", name: nil, raw: canary),
            PaymentOption(
                typeCode: .payout, methodCode: .bankTransfer, currency: "IDR", segmentCode: nil,
                limit: AmountLimit(from: nil, to: nil), isAvailable: true, operators: [], raw: canary),
            MerchantInfo(name: "M", raw: canary), KomopayError(failure(money)), failure(money),
            CallFailure.Failed(failure: failure(money)),
        ]
        for value in values {
            for text in texts(value) {
                XCTAssertFalse(text.contains(canary), "\(type(of: value))")
                XCTAssertFalse(text.lowercased().contains("rahmawati"), "\(type(of: value))")
                XCTAssertFalse(text.isEmpty, "\(type(of: value))")
            }
        }
    }

    func testAnAccountShowsItsLastFourDigits() {
        XCTAssertTrue("\(BankAccount(name: "Test account", number: "11223344"))".contains("****3344"))
    }

    func testTheTextsOfThePlatformAreShownWithoutControlCharacters() {
        let (name, code) = ("two\nlines", "I\nD\u{202e}R")
        let money = Money(parts: MoneyParts(amount: "1.50", currency: code))
        let limit = AmountLimit(from: money, to: nil)
        let values: [Any] = [
            money, limit, CustomerFee(min: money, max: nil), MerchantInfo(name: name, raw: ""),
            Balance(
                balance: money, available: money, pendingSettlement: money, pendingPayout: money, lastMovement: nil,
                raw: ""),
            PayoutOption(
                methodCode: .unknown(text: code), operators: [PayoutOperator(code: code, name: name, customerFee: nil)],
                segmentCode: code, raw: ""),
            PaymentOperator(code: code, name: name, raw: ""),
            PaymentOption(
                typeCode: .unknown(text: code), methodCode: .bankTransfer, currency: code, segmentCode: nil,
                limit: limit, isAvailable: true,
                operators: [PaymentOptionOperator(code: code, name: name, isAvailable: true, limit: limit)], raw: ""),
        ]
        for value in values {
            for text in ["\(value)", String(reflecting: value), "\([value])"] {
                XCTAssertNil(text.rangeOfCharacter(from: .controlCharacters), "\(type(of: value))")
            }
        }
        XCTAssertTrue("\(money)".hasPrefix("1.50 I"), "\(money)")
    }

    private func payout(_ money: Money) -> Payout {
        Payout(
            payoutId: "A-1", paymentId: nil, reference: nil, money: money, methodCode: .bankTransfer, segmentCode: nil,
            exchangedToCurrency: nil, status: .failed,
            failureReason: FailureReason(code: .system, failedAt: nil, message: canary), createdAt: nil,
            processedAt: nil, isTest: nil, processorStatus: canary, fee: nil, raw: canary)
    }

    private func accepted(_ money: Money) -> PayoutAccepted {
        PayoutAccepted(
            payoutId: "A-1", paymentId: nil, reference: nil, money: money, methodCode: .bankTransfer, segmentCode: nil,
            exchangedToCurrency: nil, recovered: true, payout: payout(money), raw: canary)
    }

    private func failure(_ money: Money) -> Failure {
        Failure(
            kind: .notFinal, message: "not final", httpStatus: nil, field: nil, reasons: [], payoutId: "A-1",
            attempts: [], retryAfter: nil, payout: payout(money), causes: [])
    }
}
