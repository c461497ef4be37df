// One contestant of Swift in `cargo xtask bench`: typed creates with a ready token, one after the other or so many at a
// time. Prints one line of JSON.
//
//     komopay-contestant komopay --url http://127.0.0.1:8080 --calls 1000 [--in-flight 64]

import Foundation
import KomoPay

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

typealias Call = @Sendable (String) async throws -> Void

/// The documented request, as a user of this SDK builds it.
func komopay(_ url: String) throws -> Call {
    let client = try Client(Config(baseUrl: url, credentials: .token(token: "ready-token")))
    return { payoutId in
        let request = PayoutRequest(
            money: try Money("10000", "IDR"),
            method: .bankTransfer(
                operatorCode: "BNK_000", account: BankAccount(name: "Test account", number: "11223344"),
                emailAddress: "customer@test.com"))
        let accepted = try await client.createPayout(payoutId, request)
        precondition(accepted.money.currency == "IDR")
    }
}

struct MoneyOnWire: Codable {
    let amount: Decimal
    let currencyCode: String
}

struct Requested: Codable {
    let money: MoneyOnWire
}

struct Account: Codable {
    let accountName: String
    let accountNumber: String
}

struct Method: Codable {
    let paymentMethodCode: String
    let account: Account
    let paymentOperatorCode: String
    let emailAddress: String
}

struct Create: Codable {
    let paymentRequested: Requested
    let paymentMethod: Method
}

struct Accepted: Codable {
    struct Method: Codable {
        let paymentMethodCode: String
    }
    let paymentRequested: Requested
    let paymentMethodResponse: Method
}

/// The same by what Foundation has: URLSession and Codable.
func urlsession(_ url: String) -> Call {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpMaximumConnectionsPerHost = 64
    let session = URLSession(configuration: configuration)
    return { payoutId in
        var request = URLRequest(url: URL(string: "\(url)/payouts/\(payoutId)")!)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.setValue("2", forHTTPHeaderField: "X-API-Version")
        request.setValue("Bearer ready-token", forHTTPHeaderField: "Authorization")
        let account = Account(accountName: "Test account", accountNumber: "11223344")
        request.httpBody = try JSONEncoder().encode(
            Create(
                paymentRequested: Requested(money: MoneyOnWire(amount: 10000, currencyCode: "IDR")),
                paymentMethod: Method(
                    paymentMethodCode: "BANK_TRANSFER", account: account, paymentOperatorCode: "BNK_000",
                    emailAddress: "customer@test.com")))
        let (body, answer) = try await session.data(for: request)
        precondition((answer as? HTTPURLResponse)?.statusCode == 201)
        let accepted = try JSONDecoder().decode(Accepted.self, from: body)
        precondition(accepted.paymentRequested.money.currencyCode == "IDR")
    }
}

/// Makes so many calls, so many at a time.
func series(_ name: String, _ calls: Int, _ inFlight: Int, _ call: @escaping Call) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for worker in 0..<inFlight {
            group.addTask {
                for number in stride(from: worker, to: calls, by: inFlight) {
                    try await call("\(name)-\(number)")
                }
            }
        }
        try await group.waitForAll()
    }
}

let words = CommandLine.arguments
func option(_ name: String) -> String? {
    words.firstIndex(of: name).flatMap { words.indices.contains($0 + 1) ? words[$0 + 1] : nil }
}
guard words.count > 1, let url = option("--url"), let calls = option("--calls").flatMap(Int.init) else {
    print("usage: komopay-contestant komopay|urlsession --url URL --calls N [--in-flight K]")
    exit(2)
}
let inFlight = option("--in-flight").flatMap(Int.init) ?? 1
let call = words[1] == "urlsession" ? urlsession(url) : try komopay(url)
try await series("warm", max(calls / 10, inFlight), inFlight, call)
let start = ContinuousClock.now
try await series("call", calls, inFlight, call)
let took = ContinuousClock.now - start
let seconds = Double(took.components.seconds) + Double(took.components.attoseconds) / 1e18
print("{\"calls\": \(calls), \"seconds\": \(seconds)}")
exit(0)
