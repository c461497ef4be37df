import Foundation
import KomoPay

/// What the runner is told, a line of it. Which members are there depends on what to do.
struct Told: Decodable, Sendable {
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

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}

/// Something with members that may be missing.
protocol Members {}

extension Members {
    func of<T>(_ member: KeyPath<Self, T?>) throws -> T {
        guard let value = self[keyPath: member] else { throw Broken(why: "\(member) is missing") }
        return value
    }
}

extension Told: Members {}

func seconds(_ milliseconds: Double) -> TimeInterval { milliseconds / 1000 }

extension Told {
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

        func filter() -> PaymentOptionFilter {
            let known: [String: PaymentTypeCode] = ["PAYIN": .payin, "PAYOUT": .payout]
            return PaymentOptionFilter(
                typeCode: typeCode.map { known[$0] ?? .unknown(text: $0) }, methodCodes: methodCodes ?? [],
                currencies: currencies ?? [], segmentCodes: segmentCodes ?? [], operatorCodes: operatorCodes ?? [])
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
                .bankTransfer(
                    operatorCode: try of(\.operatorCode), account: try account.bank(), emailAddress: emailAddress,
                    remark: remark)
            case "crypto_transfer":
                .cryptoTransfer(
                    operatorCode: try of(\.operatorCode), account: CryptoAccount(number: try account.of(\.number)),
                    remark: remark)
            case "wallet_transfer":
                .walletTransfer(
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
            case "payout": .payout(payoutId: try of(\.payoutId), money: try of(\.money).money())
            case "read": .read(payoutId: try of(\.payoutId))
            case "operations": .operations(operations: try of(\.operations), money: try money?.money())
            default: throw Broken(why: "no scope \(type)")
            }
        }
    }
}
