import Foundation
import KomoPay

/// What the conductor can send.
protocol Decoded {
    init(json: Any) throws
}

extension Decoded {
    init(json: Any) throws {
        guard let value = json as? Self else { throw Broken(why: "this is no \(Self.self)") }
        self = value
    }
}

extension String: Decoded {}
extension Bool: Decoded {}
extension Int: Decoded {}
extension Int64: Decoded {}
extension Double: Decoded {}

extension Array: Decoded where Element: Decoded {
    init(json: Any) throws {
        guard let list = json as? [Any] else { throw Broken(why: "this is no list") }
        self = try list.map(Element.init(json:))
    }
}

/// The members of an object. It notes which were asked for: what is passed over would have been told in vain.
final class Members: Decoded, @unchecked Sendable {
    private let members: [String: Any]
    private var asked: Set<String> = []

    init(json: Any) throws {
        guard let members = json as? [String: Any] else { throw Broken(why: "this is no object") }
        self.members = members
    }

    /// What may be missing.
    subscript<T: Decoded>(_ name: String) -> T? {
        get throws {
            asked.insert(name)
            guard let member = members[name], !(member is NSNull) else { return nil }
            return try T(json: member)
        }
    }

    func of<T: Decoded>(_ name: String) throws -> T {
        guard let member: T = try self[name] else { throw Broken(why: "\(name) is missing") }
        return member
    }

    func end() throws {
        if let name = members.keys.first(where: { !asked.contains($0) }) { throw Broken(why: "\(name) has no use") }
    }
}

/// What is made of the members of an object, all of them.
protocol Composed: Decoded {
    init(_ members: Members) throws
}

extension Composed {
    init(json: Any) throws {
        let members = try Members(json: json)
        try self.init(members)
        try members.end()
    }
}

/// Spans come in milliseconds.
func seconds(_ milliseconds: Double?) -> TimeInterval? { milliseconds.map { $0 / 1000 } }

extension Date: Decoded {
    init(json: Any) throws {
        let (text, formatter) = (try String(json: json), ISO8601DateFormatter())
        formatter.formatOptions.formUnion(text.contains(".") ? .withFractionalSeconds : [])
        guard let moment = formatter.date(from: text) else { throw Broken(why: "\(text) is no moment") }
        self = moment
    }
}

/// The body of a callback: a text, or so many times one.
extension Data: Decoded {
    init(json: Any) throws {
        if let text = json as? String {
            self.init(text.utf8)
        } else {
            let members = try Members(json: json)
            self.init(String(repeating: try members.of("repeat"), count: try members.of("times")).utf8)
            try members.end()
        }
    }
}

extension SignaturePlace: Decoded {
    init(json: Any) throws {
        switch try String(json: json) {
        case "path": self = .path
        case "query": self = .query
        case let other: throw Broken(why: "no place \(other)")
        }
    }
}

extension PaymentTypeCode: Decoded {
    // The core knows the codes by their texts.
    init(json: Any) throws { self = .unknown(text: try String(json: json)) }
}

extension PaymentOptionFilter: Composed {
    init(_ filter: Members) throws {
        self.init(
            typeCode: try filter["type_code"], methodCodes: try filter["method_codes"] ?? [],
            currencies: try filter["currencies"] ?? [], segmentCodes: try filter["segment_codes"] ?? [],
            operatorCodes: try filter["operator_codes"] ?? [])
    }
}

extension Money: Composed {
    init(_ money: Members) throws { try self.init(money.of("amount") as String, money.of("currency")) }
}

extension PayoutRequest: Composed {
    init(_ request: Members) throws {
        self.init(
            money: try request.of("money"), method: try request.of("method"),
            segmentCode: try request["segment_code"], exchangedToCurrency: try request["exchanged_to_currency"],
            callbackUrl: try request["callback_url"], customerIp: try request["customer_ip"])
    }
}

extension PayoutMethod: Composed {
    init(_ method: Members) throws {
        switch try method.of("type") as String {
        case "bank_transfer":
            self = .bankTransfer(
                operatorCode: try method.of("operator_code"), account: try method.of("account"),
                emailAddress: try method["email_address"], remark: try method["remark"])
        case "crypto_transfer":
            self = .cryptoTransfer(
                operatorCode: try method.of("operator_code"), account: try method.of("account"),
                remark: try method["remark"])
        case "wallet_transfer":
            self = .walletTransfer(
                account: try method.of("account"), operatorCode: try method["operator_code"],
                phoneNumber: try method["phone_number"], remark: try method["remark"])
        case let other: throw Broken(why: "no method \(other)")
        }
    }
}

extension BankAccount: Composed {
    init(_ account: Members) throws {
        self.init(
            name: try account.of("name"), number: try account.of("number"), accountType: try account["account_type"],
            bankCode: try account["bank_code"], bankName: try account["bank_name"],
            bankBranch: try account["bank_branch"], bankCity: try account["bank_city"],
            bankProvince: try account["bank_province"])
    }
}

extension CryptoAccount: Composed {
    init(_ account: Members) throws { self.init(number: try account.of("number")) }
}

extension WalletAccount: Composed {
    init(_ account: Members) throws { self.init(name: try account["name"], number: try account["number"]) }
}

extension AccessScope: Composed {
    init(_ scope: Members) throws {
        switch try scope.of("type") as String {
        case "payout": self = .payout(payoutId: try scope.of("payout_id"), money: try scope.of("money"))
        case "read": self = .read(payoutId: try scope.of("payout_id"))
        case "operations": self = .operations(operations: try scope.of("operations"), money: try scope["money"])
        case let other: throw Broken(why: "no scope \(other)")
        }
    }
}
