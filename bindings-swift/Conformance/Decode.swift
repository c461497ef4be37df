import Foundation
import KomoPay

/// A line of the conductor. Which members are there depends on what to do.
struct Command: Decodable, Sendable {
    let `do`: String
    let client: String?
    let call: String?
    let operation: String?
    let arguments: Arguments?
    let settings: Settings?
    let value: Value?
    let left: Value?
    let right: Value?
    let request: Request?
    let key: String?
    let stored: String?

    init(_ line: Data) throws {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        self = try decoder.decode(Command.self, from: line)
        try refuseUnknown(JSONSerialization.jsonObject(with: line), self)
    }
}

/// A decoder passes over what it does not know, and so would hide what this runner was told in vain.
private func refuseUnknown(_ json: Any, _ decoded: Any) throws {
    let mirror = Mirror(reflecting: decoded)
    if mirror.displayStyle == .optional || decoded is Command.Value {
        try mirror.children.first.map { try refuseUnknown(json, $0.value) }
    } else if let list = json as? [Any] {
        for (json, decoded) in zip(list, mirror.children) { try refuseUnknown(json, decoded.value) }
    } else if let object = json as? [String: Any], mirror.displayStyle == .struct {
        for (name, json) in object where name != "is" {
            let words = name.split(separator: "_").map(String.init)
            let label = (words.first ?? "") + words.dropFirst().map(\.capitalized).joined()
            guard let member = mirror.children.first(where: { $0.label == label }) else {
                throw Broken(why: "\(mirror.subjectType) has no \(name)")
            }
            try refuseUnknown(json, member.value)
        }
    }
}

/// Something with members that may be missing.
protocol Members {}

extension Members {
    func of<T>(_ member: KeyPath<Self, T?>) throws -> T {
        guard let value = self[keyPath: member] else { throw Broken(why: "\(member) is missing") }
        return value
    }

    /// Refuses members that are there and have no use.
    func only(_ names: [String]) throws {
        for case (let name?, let value) in Mirror(reflecting: self).children where !names.contains(name) {
            let member = Mirror(reflecting: value)
            if member.displayStyle != .optional || !member.children.isEmpty { throw Broken(why: "\(name) has no use") }
        }
    }
}

extension Command: Members {}

func seconds(_ milliseconds: Double) -> TimeInterval { milliseconds / 1000 }

extension Command {
    struct Arguments: Decodable, Sendable, Members {
        let payoutId: String?
        let request: Request?
        let resume: Bool?
        let timeout: Double?
        let money: Sum?
        let segmentCode: String?
        let exchangedToCurrency: String?
        let currencies: [String]?
        let typeCode: String?
        let methodCodes: [String]?
        let segmentCodes: [String]?
        let operatorCodes: [String]?
        let scope: Scope?
        let validity: Double?
        let base: String?
        let expiresAt: String?
        let place: String?
        let body: Body?
        let url: String?
        let limit: Int?
        let sequence: Int64?

        func signaturePlace() throws -> SignaturePlace? {
            switch place {
            case nil: nil
            case "path": .path
            case "query": .query
            case let other?: throw Broken(why: "no place \(other)")
            }
        }

        func end() throws -> Date? {
            guard let text = expiresAt else { return nil }
            let formatter = ISO8601DateFormatter()
            formatter.formatOptions.formUnion(text.contains(".") ? .withFractionalSeconds : [])
            guard let moment = formatter.date(from: text) else { throw Broken(why: "\(text) is no moment") }
            return moment
        }

        func filter() -> PaymentOptionFilter {
            let known: [String: PaymentTypeCode] = ["PAYIN": .payin, "PAYOUT": .payout]
            return PaymentOptionFilter(
                typeCode: typeCode.map { known[$0] ?? .unknown(text: $0) }, methodCodes: methodCodes ?? [],
                currencies: currencies ?? [], segmentCodes: segmentCodes ?? [], operatorCodes: operatorCodes ?? [])
        }
    }

    /// The body of a callback: a text, or so many times one.
    struct Body: Decodable, Sendable, Members {
        let text: String?
        let `repeat`: String?
        let times: Int?

        init(from decoder: any Decoder) throws {
            text = try? decoder.singleValueContainer().decode(String.self)
            let members = try? decoder.container(keyedBy: CodingKeys.self)
            `repeat` = try members?.decode(String.self, forKey: .repeat)
            times = try members?.decode(Int.self, forKey: .times)
        }

        private enum CodingKeys: String, CodingKey {
            case `repeat`, times
        }

        func data() throws -> Data {
            Data(try (text ?? String(repeating: of(\.repeat), count: of(\.times))).utf8)
        }
    }

    struct Sum: Decodable, Sendable {
        let amount: String
        let currency: String

        func money() throws -> Money { try Money(amount, currency) }
    }

    struct Request: Decodable, Sendable {
        let money: Sum
        let method: Method
        let segmentCode: String?
        let exchangedToCurrency: String?
        let callbackUrl: String?
        let customerIp: String?

        func request() throws -> PayoutRequest {
            PayoutRequest(
                money: try money.money(), method: try method.method(), segmentCode: segmentCode,
                exchangedToCurrency: exchangedToCurrency, callbackUrl: callbackUrl, customerIp: customerIp)
        }
    }

    struct Method: Decodable, Sendable, Members {
        let type: String
        let operatorCode: String?
        let account: Account
        let emailAddress: String?
        let phoneNumber: String?
        let remark: String?

        func method() throws -> PayoutMethod {
            switch type {
            case "bank_transfer":
                try only(["type", "operatorCode", "account", "emailAddress", "remark"])
                return .bankTransfer(
                    operatorCode: try of(\.operatorCode), account: try account.bank(), emailAddress: emailAddress,
                    remark: remark)
            case "crypto_transfer":
                try only(["type", "operatorCode", "account", "remark"])
                try account.only(["number"])
                return .cryptoTransfer(
                    operatorCode: try of(\.operatorCode), account: CryptoAccount(number: try account.of(\.number)),
                    remark: remark)
            case "wallet_transfer":
                try only(["type", "operatorCode", "account", "phoneNumber", "remark"])
                try account.only(["name", "number"])
                return .walletTransfer(
                    account: WalletAccount(name: account.name, number: account.number), operatorCode: operatorCode,
                    phoneNumber: phoneNumber, remark: remark)
            default:
                throw Broken(why: "no method \(type)")
            }
        }
    }

    struct Account: Decodable, Sendable, Members {
        let name: String?
        let number: String?
        let accountType: String?
        let bankCode: String?
        let bankName: String?
        let bankBranch: String?
        let bankCity: String?
        let bankProvince: String?

        func bank() throws -> BankAccount {
            BankAccount(
                name: try of(\.name), number: try of(\.number), accountType: accountType, bankCode: bankCode,
                bankName: bankName, bankBranch: bankBranch, bankCity: bankCity, bankProvince: bankProvince)
        }
    }

    struct Scope: Decodable, Sendable, Members {
        let type: String
        let payoutId: String?
        let operations: [String]?
        let money: Sum?

        func scope() throws -> AccessScope {
            switch type {
            case "payout":
                try only(["type", "payoutId", "money"])
                return .payout(payoutId: try of(\.payoutId), money: try of(\.money).money())
            case "read":
                try only(["type", "payoutId"])
                return .read(payoutId: try of(\.payoutId))
            case "operations":
                try only(["type", "operations", "money"])
                return .operations(operations: try of(\.operations), money: try money?.money())
            default: throw Broken(why: "no scope \(type)")
            }
        }
    }
}
