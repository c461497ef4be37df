//! JSON of the core's values. Every type is taken apart without `..`, so that a new field does not compile until it is
//! encoded.

use std::time::Duration;

use jiff::Timestamp;
use komopay_core::{
    AccessScope, AccessToken, AmountLimit, Attempt, Attempts, Balance, BankAccount, BankTransfer, Callback, Concern,
    CryptoAccount, CryptoTransfer, CustomerFee, Error, ErrorKind, FailureCode, FailureReason, MerchantInfo, MethodCode,
    Money, PaymentOperator, PaymentOption, PaymentOptionOperator, PaymentTypeCode, Payout, PayoutAccepted,
    PayoutChange, PayoutId, PayoutMethod, PayoutOperator, PayoutOption, PayoutRequest, PayoutStatus, RawJson, Reason,
    WalletAccount, WalletTransfer,
};
use serde_json::{Value, json};

/// A value of the core, as the scenarios write it.
pub trait Encode {
    fn encode(&self) -> Value;
}

macro_rules! encode {
    ($($type:ty: $value:ident => $json:expr,)*) => {
        $(
            impl Encode for $type {
                fn encode(&self) -> Value {
                    let $value = self;
                    json!($json)
                }
            }
        )*
    };
}

encode! {
    str: text => text,
    String: text => text,
    bool: truth => truth,
    u16: number => number,
    u64: number => number,
    RawJson: raw => raw.as_str(),
    PayoutId: id => id.as_str(),
    PayoutStatus: code => code.as_str(),
    MethodCode: code => code.as_str(),
    FailureCode: code => code.as_str(),
    PaymentTypeCode: code => code.as_str(),
    Concern: concern => concern.as_str(),
    Timestamp: moment => moment.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
    Duration: span => u64::try_from(span.as_millis()).expect("a span that anybody waits for"),
    Money: money => json!({"amount": money.amount().to_string(), "currency": money.currency()}),
    AccessToken: token => json!({"token": token.expose(), "expires_at": token.expires_at.encode()}),
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self) -> Value {
        (**self).encode()
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::encode)
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self) -> Value {
        self.iter().map(T::encode).collect()
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self) -> Value {
        self.as_slice().encode()
    }
}

impl Encode for Attempts {
    fn encode(&self) -> Value {
        (**self).encode()
    }
}

macro_rules! values {
    ($($type:ident $(is $name:literal)? { $($field:ident),* })*) => {
        $(
            impl Encode for $type {
                fn encode(&self) -> Value {
                    let Self { $($field),* } = self;
                    json!({ $("type": $name,)? $(stringify!($field): $field.encode()),* })
                }
            }
        )*
    };
}

values! {
    PayoutAccepted {
        payout_id, payment_id, reference, money, method_code, segment_code, exchanged_to_currency, recovered, payout,
        raw, attempts
    }
    Payout {
        payout_id, payment_id, reference, money, method_code, segment_code, exchanged_to_currency, status,
        failure_reason, created_at, processed_at, is_test, processor_status, fee, raw, attempts
    }
    FailureReason { code, failed_at, message }
    Callback { payout_id, verified }
    PayoutChange { payout_id, sequence, previous_status, payout, is_correction }
    Balance { balance, available, pending_settlement, pending_payout, last_movement, raw }
    PayoutOption { method_code, operators, segment_code, raw }
    PayoutOperator { code, name, customer_fee }
    CustomerFee { min, max }
    PaymentOperator { code, name, raw }
    PaymentOption { type_code, method_code, currency, segment_code, limit, is_available, operators, raw }
    PaymentOptionOperator { code, name, is_available, limit }
    AmountLimit { from, to }
    MerchantInfo { name, raw }
    PayoutRequest { money, method, segment_code, exchanged_to_currency, callback_url, customer_ip }
    BankTransfer is "bank_transfer" { operator_code, account, email_address, remark }
    BankAccount { name, number, account_type, bank_code, bank_name, bank_branch, bank_city, bank_province }
    CryptoTransfer is "crypto_transfer" { operator_code, account, remark }
    CryptoAccount { number }
    WalletTransfer is "wallet_transfer" { operator_code, account, phone_number, remark }
    WalletAccount { name, number }
    Reason { code, field, description }
    Attempt { operation, started_at, duration, http_status, request_id }
}

impl Encode for PayoutMethod {
    fn encode(&self) -> Value {
        match self {
            Self::BankTransfer(transfer) => transfer.encode(),
            Self::CryptoTransfer(transfer) => transfer.encode(),
            Self::WalletTransfer(transfer) => transfer.encode(),
        }
    }
}

impl Encode for AccessScope {
    fn encode(&self) -> Value {
        match self {
            Self::Payout { id, money } => json!({"type": "payout", "payout_id": id.encode(), "money": money.encode()}),
            Self::Read { id } => json!({"type": "read", "payout_id": id.encode()}),
            Self::Operations { operations, money } => {
                json!({"type": "operations", "operations": operations, "money": money.encode()})
            }
        }
    }
}

impl Encode for ErrorKind {
    fn encode(&self) -> Value {
        json!({
            "kind": self.as_str(),
            "retryable": self.retryable(),
            "money_may_have_moved": self.money_may_have_moved(),
        })
    }
}

impl Encode for Error {
    fn encode(&self) -> Value {
        let debug = format!("{self:#?} {:?} {:?}", self.attempts(), self.reasons());
        json!({
            "kind": self.kind().as_str(),
            "message": self.message(),
            "http_status": self.http_status(),
            "callback_status": self.callback_status(),
            "field": self.field(),
            "reasons": self.reasons().encode(),
            "payout_id": self.payout_id().encode(),
            "attempts": self.attempts().encode(),
            "retry_after": self.retry_after().encode(),
            "retryable": self.retryable(),
            "money_may_have_moved": self.money_may_have_moved(),
            "payout": self.payout().encode(),
            "cause": self.cause().encode(),
            "concerns": self.concerns().encode(),
            "texts": [self.to_string(), format!("{self:?}"), debug],
        })
    }
}

pub fn texts(texts: impl IntoIterator<Item = String>) -> Value {
    json!({"texts": texts.into_iter().collect::<Value>()})
}
