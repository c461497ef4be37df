import Foundation
import KomoPay
// A `Mirror` sees nothing in what masks itself: the runtime is asked for the fields.
@_spi(Reflection) import Swift

/// What an answer holds, as JSON. Plain values that nobody changes, whatever the compiler can know of them.
struct Encoded: @unchecked Sendable {
    let json: Any

    init(_ value: Any?) {
        json = encode(value)
    }

    init(members: KeyValuePairs<String, Any?>) {
        json = object(members)
    }
}

/// A value of the SDK, as JSON.
func encode(_ value: Any?) -> Any {
    switch value {
    case let plain as String: plain
    case let plain as Bool: plain
    case let plain as Int: plain
    case let plain as Int64: plain
    case let span as TimeInterval: Int((span * 1000).rounded())
    case let date as Date: moment(date)
    // With the digits that it came with, which `amount` does not keep.
    case let money as Money: ["amount": String("\(money)".prefix { $0 != " " }), "currency": money.currency]
    case let code as MethodCode: code.code()
    case let code as PayoutStatus: code.code()
    case let code as FailureCode: code.code()
    case let code as PaymentTypeCode: code.code()
    case let code as Concern: code.code()
    case let token as AccessToken: object(["token": token.expose(), "expires_at": token.expiresAt])
    case let method as PayoutMethod: object(members(method))
    case let scope as AccessScope: object(members(scope))
    case let kind as ErrorKind:
        ["kind": kind.code(), "retryable": kind.retryable(), "money_may_have_moved": kind.moneyMayHaveMoved()]
    case let error as KomopayError: object(members(error))
    case let list as [Any]: list.map(encode)
    case let value?:
        Mirror(reflecting: value).displayStyle == .optional
            ? Mirror(reflecting: value).children.first.map { encode($0.value) } ?? NSNull() : fields(value)
    case nil: NSNull()
    }
}

/// An object in which what is absent is `null`.
private func object(_ members: KeyValuePairs<String, Any?>) -> [String: Any] {
    Dictionary(uniqueKeysWithValues: members.map { ($0.key, encode($0.value)) })
}

/// All that a value holds, by its name.
private func fields<T>(_ value: T) -> [String: Any] {
    var fields: [String: Any] = [:]
    _forEachFieldWithKeyPath(of: T.self) { name, path in
        let words = String(cString: name).map { $0.isUppercase ? "_\($0.lowercased())" : String($0) }
        fields[words.joined()] = encode(value[keyPath: path])
        return true
    }
    return fields
}

/// RFC 3339 in UTC, with microseconds: the finest that comes.
private func moment(_ date: Date) -> String {
    let micros = (date.timeIntervalSince1970 * 1_000_000).rounded()
    let seconds = (micros / 1_000_000).rounded(.down)
    let text = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: seconds))
    return text.dropLast() + String(format: ".%06dZ", Int(micros - seconds * 1_000_000))
}

private func members(_ method: PayoutMethod) -> KeyValuePairs<String, Any?> {
    switch method {
    case .bankTransfer(let code, let account, let email, let remark):
        ["type": "bank_transfer", "operator_code": code, "account": account, "email_address": email, "remark": remark]
    case .cryptoTransfer(let code, let account, let remark):
        ["type": "crypto_transfer", "operator_code": code, "account": account, "remark": remark]
    case .walletTransfer(let account, let code, let phone, let remark):
        ["type": "wallet_transfer", "operator_code": code, "account": account, "phone_number": phone, "remark": remark]
    }
}

private func members(_ scope: AccessScope) -> KeyValuePairs<String, Any?> {
    switch scope {
    case .payout(let id, let money): ["type": "payout", "payout_id": id, "money": money]
    case .read(let id): ["type": "read", "payout_id": id]
    case .operations(let operations, let money): ["type": "operations", "operations": operations, "money": money]
    }
}

private func members(_ error: KomopayError) -> KeyValuePairs<String, Any?> {
    [
        "kind": error.kind.code(), "message": error.message, "http_status": error.httpStatus,
        "callback_status": error.callbackStatus, "field": error.field, "reasons": error.reasons,
        "payout_id": error.payoutId, "attempts": error.attempts, "retry_after": error.retryAfter,
        "retryable": error.retryable, "money_may_have_moved": error.moneyMayHaveMoved, "payout": error.payout,
        "cause": error.cause, "concerns": error.concerns, "texts": allTexts(error) + [error.localizedDescription],
    ]
}
