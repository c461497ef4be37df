//! JSON of the core's values. Every type is taken apart without `..`, so that a new field does not compile until it is
//! encoded.

use std::time::Duration;

use jiff::Timestamp;
use komopay_core::{
    AccessScope, AccessToken, AmountLimit, Attempt, Balance, BankAccount, BankTransfer, Callback, CryptoAccount,
    CryptoTransfer, CustomerFee, Error, ErrorKind, FailureReason, MerchantInfo, Money, PaymentOperator, PaymentOption,
    PaymentOptionOperator, Payout, PayoutAccepted, PayoutChange, PayoutMethod, PayoutOperator, PayoutOption,
    PayoutRequest, PayoutStatus, Reason, WalletAccount, WalletTransfer,
};
use serde_json::{Value, json};

pub fn money(money: &Money) -> Value {
    json!({"amount": money.amount().to_string(), "currency": money.currency()})
}

fn moment(moment: Timestamp) -> Value {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string().into()
}

fn span(span: Duration) -> Value {
    u64::try_from(span.as_millis()).expect("a span that anybody waits for").into()
}

fn all<T>(values: &[T], encode: impl Fn(&T) -> Value) -> Value {
    values.iter().map(encode).collect()
}

pub fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    json!({"texts": texts.into_iter().collect::<Value>()})
}

pub fn accepted(accepted: &PayoutAccepted) -> Value {
    let PayoutAccepted {
        payout_id,
        payment_id,
        reference,
        money: sum,
        method_code,
        segment_code,
        exchanged_to_currency,
        recovered,
        payout: found,
        raw,
    } = accepted;
    json!({
        "payout_id": payout_id.as_str(),
        "payment_id": payment_id,
        "reference": reference,
        "money": money(sum),
        "method_code": method_code.as_str(),
        "segment_code": segment_code,
        "exchanged_to_currency": exchanged_to_currency,
        "recovered": recovered,
        "payout": found.as_ref().map(payout),
        "raw": raw.as_str(),
    })
}

pub fn payout(payout: &Payout) -> Value {
    let Payout {
        payout_id,
        payment_id,
        reference,
        money: sum,
        method_code,
        segment_code,
        exchanged_to_currency,
        status,
        failure_reason,
        created_at,
        processed_at,
        is_test,
        processor_status,
        fee,
        raw,
    } = payout;
    json!({
        "payout_id": payout_id.as_str(),
        "payment_id": payment_id,
        "reference": reference,
        "money": money(sum),
        "method_code": method_code.as_str(),
        "segment_code": segment_code,
        "exchanged_to_currency": exchanged_to_currency,
        "status": status.as_str(),
        "failure_reason": failure_reason.as_ref().map(|reason| {
            let FailureReason { code, failed_at, message } = reason;
            json!({"code": code.as_str(), "failed_at": failed_at.map(moment), "message": message})
        }),
        "created_at": created_at.map(moment),
        "processed_at": processed_at.map(moment),
        "is_test": is_test,
        "processor_status": processor_status,
        "fee": fee.as_ref().map(money),
        "raw": raw.as_str(),
    })
}

pub fn callback(callback: &Callback) -> Value {
    let Callback { payout_id, verified } = callback;
    json!({"payout_id": payout_id.as_str(), "verified": verified})
}

pub fn change(change: &PayoutChange) -> Value {
    let PayoutChange { payout_id, sequence, previous_status, payout: changed, is_correction } = change;
    json!({
        "payout_id": payout_id.as_str(),
        "sequence": sequence,
        "previous_status": previous_status.as_ref().map(PayoutStatus::as_str),
        "payout": payout(changed),
        "is_correction": is_correction,
    })
}

pub fn balance(entry: &Balance) -> Value {
    let Balance { balance, available, pending_settlement, pending_payout, last_movement, raw } = entry;
    json!({
        "balance": money(balance),
        "available": money(available),
        "pending_settlement": money(pending_settlement),
        "pending_payout": money(pending_payout),
        "last_movement": last_movement.map(moment),
        "raw": raw.as_str(),
    })
}

pub fn payout_option(option: &PayoutOption) -> Value {
    let PayoutOption { method_code, operators, segment_code, raw } = option;
    let operator = |operator: &PayoutOperator| {
        let PayoutOperator { code, name, customer_fee } = operator;
        let fee = customer_fee
            .as_ref()
            .map(|CustomerFee { min, max }| json!({"min": min.as_ref().map(money), "max": max.as_ref().map(money)}));
        json!({"code": code, "name": name, "customer_fee": fee})
    };
    json!({
        "method_code": method_code.as_str(),
        "operators": all(operators, operator),
        "segment_code": segment_code,
        "raw": raw.as_str(),
    })
}

pub fn payment_operator(operator: &PaymentOperator) -> Value {
    let PaymentOperator { code, name, raw } = operator;
    json!({"code": code, "name": name, "raw": raw.as_str()})
}

pub fn payment_option(option: &PaymentOption) -> Value {
    let PaymentOption { type_code, method_code, currency, segment_code, limit, is_available, operators, raw } = option;
    let amounts = |limit: &AmountLimit| {
        let AmountLimit { from, to } = limit;
        json!({"from": from.as_ref().map(money), "to": to.as_ref().map(money)})
    };
    let operator = |operator: &PaymentOptionOperator| {
        let PaymentOptionOperator { code, name, is_available, limit } = operator;
        json!({"code": code, "name": name, "is_available": is_available, "limit": amounts(limit)})
    };
    json!({
        "type_code": type_code.as_str(),
        "method_code": method_code.as_str(),
        "currency": currency,
        "segment_code": segment_code,
        "limit": amounts(limit),
        "is_available": is_available,
        "operators": all(operators, operator),
        "raw": raw.as_str(),
    })
}

pub fn merchant_info(info: &MerchantInfo) -> Value {
    let MerchantInfo { name, raw } = info;
    json!({"name": name, "raw": raw.as_str()})
}

pub fn token(token: &AccessToken) -> Value {
    json!({"token": token.expose(), "expires_at": token.expires_at.map(moment)})
}

pub fn request(request: &PayoutRequest) -> Value {
    let PayoutRequest { money: sum, method: how, segment_code, exchanged_to_currency, callback_url, customer_ip } =
        request;
    json!({
        "money": money(sum),
        "method": method(how),
        "segment_code": segment_code,
        "exchanged_to_currency": exchanged_to_currency,
        "callback_url": callback_url,
        "customer_ip": customer_ip,
    })
}

fn bank_account(account: &BankAccount) -> Value {
    let BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province } =
        account;
    json!({
        "name": name,
        "number": number,
        "account_type": account_type,
        "bank_code": bank_code,
        "bank_name": bank_name,
        "bank_branch": bank_branch,
        "bank_city": bank_city,
        "bank_province": bank_province,
    })
}

fn method(method: &PayoutMethod) -> Value {
    match method {
        PayoutMethod::BankTransfer(BankTransfer { operator_code, account, email_address, remark }) => {
            json!({
                "type": "bank_transfer",
                "operator_code": operator_code,
                "account": bank_account(account),
                "email_address": email_address,
                "remark": remark,
            })
        }
        PayoutMethod::CryptoTransfer(CryptoTransfer { operator_code, account: CryptoAccount { number }, remark }) => {
            json!({
                "type": "crypto_transfer",
                "operator_code": operator_code,
                "account": {"number": number},
                "remark": remark,
            })
        }
        PayoutMethod::WalletTransfer(WalletTransfer { operator_code, account, phone_number, remark }) => {
            let WalletAccount { name, number } = account;
            json!({
                "type": "wallet_transfer",
                "operator_code": operator_code,
                "account": {"name": name, "number": number},
                "phone_number": phone_number,
                "remark": remark,
            })
        }
    }
}

pub fn scope(scope: &AccessScope) -> Value {
    match scope {
        AccessScope::Payout { id, money: sum } => {
            json!({"type": "payout", "payout_id": id.as_str(), "money": money(sum)})
        }
        AccessScope::Read { id } => json!({"type": "read", "payout_id": id.as_str()}),
        AccessScope::Operations { operations, money: sum } => {
            json!({"type": "operations", "operations": operations, "money": sum.as_ref().map(money)})
        }
    }
}

pub fn kind(kind: ErrorKind) -> Value {
    json!({
        "kind": kind.as_str(),
        "retryable": kind.retryable(),
        "money_may_have_moved": kind.money_may_have_moved(),
    })
}

pub fn error(error: &Error) -> Value {
    json!({
        "kind": error.kind().as_str(),
        "message": error.message(),
        "http_status": error.http_status(),
        "callback_status": error.callback_status(),
        "field": error.field(),
        "reasons": all(error.reasons(), |Reason { code, field, description }| {
            json!({"code": code, "field": field, "description": description})
        }),
        "payout_id": error.payout_id().map(komopay_core::PayoutId::as_str),
        "attempts": all(error.attempts(), |Attempt { operation, started_at, duration, http_status, request_id }| {
            json!({
                "operation": operation,
                "started_at": moment(*started_at),
                "duration": span(*duration),
                "http_status": http_status,
                "request_id": request_id,
            })
        }),
        "retry_after": error.retry_after().map(span),
        "retryable": error.retryable(),
        "money_may_have_moved": error.money_may_have_moved(),
        "payout": error.payout().map(payout),
        "cause": error.cause().map(self::error),
        "concerns": error.concerns().map(komopay_core::Concern::as_str),
        "texts": [
            error.to_string(),
            format!("{error:?}"),
            format!("{error:#?} {:?} {:?}", error.attempts(), error.reasons()),
        ],
    })
}
