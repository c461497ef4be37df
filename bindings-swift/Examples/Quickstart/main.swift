// Makes the payout that KomoPay documents, and follows it until it is final.
//
// The settings come from the environment: KOMOPAY_BASE_URL, KOMOPAY_MERCHANT_CODE and KOMOPAY_SECRET.
// `cargo xtask demo swift` runs this program against a gateway on your machine.

import Foundation
import KomoPay

// One payout has one id for ever. Store it in your database before the first call.
let payoutId = "TST-223344"

let environment = ProcessInfo.processInfo.environment
let client = try Client(
    Config(
        baseUrl: environment["KOMOPAY_BASE_URL"] ?? sandboxUrl(),
        credentials: .merchant(
            merchantCode: environment["KOMOPAY_MERCHANT_CODE"] ?? "", secret: environment["KOMOPAY_SECRET"] ?? "")))

let payee = BankAccount(name: "Test account", number: "11223344")
let request = PayoutRequest(
    money: try Money(10000, "IDR"),
    method: .bankTransfer(operatorCode: "BNK_000", account: payee, emailAddress: "customer@test.com"),
    callbackUrl: "https://callback.example.com")

// Nothing prints an account number: this shows its last four digits.
print("creating    \(payoutId): \(request.money) to \(payee)")
do {
    let accepted = try await client.createPayout(payoutId, request)
    print("accepted    \(accepted.payoutId), transaction \(accepted.reference ?? "not told")")
} catch KomopayError.outcomeUnknown(let failure) {
    // It may exist. Keep the id, and run this again later with `resume: true`: it is never paid twice.
    print("unknown     \(failure.message)")
    exit(2)
}

// It returns on `failed` and `refused`, too: look at the status.
let payout = try await client.waitForPayout(payoutId, timeout: 60)
let (processedAt, fee) = (payout.processedAt.map(\.description) ?? "?", payout.fee.map(\.description) ?? "?")
print("\(payout.status)     at \(processedAt), fee \(fee)")
try await client.close()
exit(payout.status == .success ? 0 : 1)
