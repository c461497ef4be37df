import Foundation
import KomoPay

/// What an answer holds, as JSON. Plain values that nobody changes, whatever the compiler can know of them.
struct Encoded: @unchecked Sendable {
    let json: Any

    init(_ json: Any?) {
        self.json = json ?? NSNull()
    }
}

/// An object in which what is absent is `null`.
private func object(_ members: KeyValuePairs<String, Any?>) -> [String: Any] {
    Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value ?? NSNull()) })
}

private func milliseconds(_ span: TimeInterval) -> Int { Int((span * 1000).rounded()) }

/// RFC 3339 in UTC, with microseconds: the finest that comes.
private func moment(_ date: Date) -> String {
    let micros = (date.timeIntervalSince1970 * 1_000_000).rounded()
    let seconds = (micros / 1_000_000).rounded(.down)
    let text = ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: seconds))
    return text.dropLast() + String(format: ".%06dZ", Int(micros - seconds * 1_000_000))
}

/// With the digits that it came with, which `amount` does not keep.
func json(_ money: Money) -> [String: Any] {
    ["amount": String("\(money)".prefix { $0 != " " }), "currency": money.currency]
}

func json(_ accepted: PayoutAccepted) -> [String: Any] {
    object([
        "payout_id": accepted.payoutId, "payment_id": accepted.paymentId, "reference": accepted.reference,
        "money": json(accepted.money), "method_code": accepted.methodCode.code(),
        "segment_code": accepted.segmentCode, "exchanged_to_currency": accepted.exchangedToCurrency,
        "recovered": accepted.recovered, "payout": accepted.payout.map(json), "raw": accepted.raw,
    ])
}

func json(_ payout: Payout) -> [String: Any] {
    object([
        "payout_id": payout.payoutId, "payment_id": payout.paymentId, "reference": payout.reference,
        "money": json(payout.money), "method_code": payout.methodCode.code(), "segment_code": payout.segmentCode,
        "exchanged_to_currency": payout.exchangedToCurrency, "status": payout.status.code(),
        "failure_reason": payout.failureReason.map(json), "created_at": payout.createdAt.map(moment),
        "processed_at": payout.processedAt.map(moment), "is_test": payout.isTest,
        "processor_status": payout.processorStatus, "fee": payout.fee.map(json), "raw": payout.raw,
    ])
}

private func json(_ reason: FailureReason) -> [String: Any] {
    object(["code": reason.code.code(), "failed_at": reason.failedAt.map(moment), "message": reason.message])
}

func json(_ balance: Balance) -> [String: Any] {
    object([
        "balance": json(balance.balance), "available": json(balance.available),
        "pending_settlement": json(balance.pendingSettlement), "pending_payout": json(balance.pendingPayout),
        "last_movement": balance.lastMovement.map(moment), "raw": balance.raw,
    ])
}

func json(_ option: PayoutOption) -> [String: Any] {
    object([
        "method_code": option.methodCode.code(), "operators": option.operators.map(json),
        "segment_code": option.segmentCode, "raw": option.raw,
    ])
}

private func json(_ payoutOperator: PayoutOperator) -> [String: Any] {
    object([
        "code": payoutOperator.code, "name": payoutOperator.name,
        "customer_fee": payoutOperator.customerFee.map { object(["min": $0.min.map(json), "max": $0.max.map(json)]) },
    ])
}

func json(_ paymentOperator: PaymentOperator) -> [String: Any] {
    object(["code": paymentOperator.code, "name": paymentOperator.name, "raw": paymentOperator.raw])
}

func json(_ option: PaymentOption) -> [String: Any] {
    object([
        "type_code": option.typeCode.code(), "method_code": option.methodCode.code(), "currency": option.currency,
        "segment_code": option.segmentCode, "limit": json(option.limit), "is_available": option.isAvailable,
        "operators": option.operators.map(json), "raw": option.raw,
    ])
}

private func json(_ optionOperator: PaymentOptionOperator) -> [String: Any] {
    object([
        "code": optionOperator.code, "name": optionOperator.name, "is_available": optionOperator.isAvailable,
        "limit": json(optionOperator.limit),
    ])
}

private func json(_ limit: AmountLimit) -> [String: Any] {
    object(["from": limit.from.map(json), "to": limit.to.map(json)])
}

func json(_ info: MerchantInfo) -> [String: Any] {
    ["name": info.name, "raw": info.raw]
}

func json(_ token: AccessToken) -> [String: Any] {
    object(["token": token.expose(), "expires_at": token.expiresAt.map(moment)])
}

func json(_ request: PayoutRequest) -> [String: Any] {
    object([
        "money": json(request.money), "method": json(request.method), "segment_code": request.segmentCode,
        "exchanged_to_currency": request.exchangedToCurrency, "callback_url": request.callbackUrl,
        "customer_ip": request.customerIp,
    ])
}

private func json(_ method: PayoutMethod) -> [String: Any] {
    switch method {
    case .bankTransfer(let code, let account, let emailAddress, let remark):
        let account = object([
            "name": account.name, "number": account.number, "account_type": account.accountType,
            "bank_code": account.bankCode, "bank_name": account.bankName, "bank_branch": account.bankBranch,
            "bank_city": account.bankCity, "bank_province": account.bankProvince,
        ])
        return object([
            "type": "bank_transfer", "operator_code": code, "account": account, "email_address": emailAddress,
            "remark": remark,
        ])
    case .cryptoTransfer(let code, let account, let remark):
        return object([
            "type": "crypto_transfer", "operator_code": code, "account": ["number": account.number],
            "remark": remark,
        ])
    case .walletTransfer(let account, let code, let phoneNumber, let remark):
        return object([
            "type": "wallet_transfer", "operator_code": code,
            "account": object(["name": account.name, "number": account.number]), "phone_number": phoneNumber,
            "remark": remark,
        ])
    }
}

func json(_ callback: Callback) -> [String: Any] {
    ["payout_id": callback.payoutId, "verified": callback.verified]
}

func json(_ change: PayoutChange) -> [String: Any] {
    object([
        "payout_id": change.payoutId, "sequence": change.sequence, "previous_status": change.previousStatus?.code(),
        "payout": json(change.payout), "is_correction": change.isCorrection,
    ])
}

func json(_ scope: AccessScope) -> [String: Any] {
    switch scope {
    case .payout(let id, let money):
        ["type": "payout", "payout_id": id, "money": json(money)]
    case .read(let id):
        ["type": "read", "payout_id": id]
    case .operations(let operations, let money):
        object(["type": "operations", "operations": operations, "money": money.map(json)])
    }
}

func json(_ kind: ErrorKind) -> [String: Any] {
    ["kind": kind.code(), "retryable": kind.retryable(), "money_may_have_moved": kind.moneyMayHaveMoved()]
}

func json(_ error: KomopayError) -> [String: Any] {
    object([
        "kind": error.kind.code(), "message": error.message, "http_status": error.httpStatus,
        "callback_status": error.callbackStatus, "field": error.field,
        "reasons": error.reasons.map { object(["code": $0.code, "field": $0.field, "description": $0.description]) },
        "payout_id": error.payoutId, "attempts": error.attempts.map(json),
        "retry_after": error.retryAfter.map(milliseconds), "retryable": error.retryable,
        "money_may_have_moved": error.moneyMayHaveMoved, "payout": error.payout.map(json),
        "cause": error.cause.map(json), "concerns": error.concerns?.code(),
        "texts": allTexts(error) + [error.localizedDescription],
    ])
}

private func json(_ attempt: Attempt) -> [String: Any] {
    object([
        "operation": attempt.operation, "started_at": moment(attempt.startedAt),
        "duration": milliseconds(attempt.duration), "http_status": attempt.httpStatus,
        "request_id": attempt.requestId,
    ])
}
