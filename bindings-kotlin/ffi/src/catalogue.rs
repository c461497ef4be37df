//! The answers of the catalogue.

use crate::money::Money;
use crate::payout::{MethodCode, display_as_debug, open_codes};
use crate::scalar::Moment;

use std::fmt;

open_codes! {
    /// The direction of a payment, seen from the merchant.
    PaymentTypeCode {
        /// Money comes in.
        Payin,
        /// Money goes out.
        Payout,
    }
}

/// What the merchant has in one currency.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Balance {
    /// All of it; it may still contain pending payouts and settlements.
    pub balance: Money,
    /// What can be spent now: the balance without what is pending.
    pub available: Money,
    /// Waits to be settled.
    pub pending_settlement: Money,
    /// Held for payouts that are not final.
    pub pending_payout: Money,
    /// When it last moved.
    pub last_movement: Option<Moment>,
    /// This entry's JSON as it came.
    pub raw: String,
}

/// A way to pay out some money now.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PayoutOption {
    /// The method.
    pub method_code: MethodCode,
    /// The operators it works through.
    pub operators: Vec<PayoutOperator>,
    /// The segment it is for, if any.
    pub segment_code: Option<String>,
    /// This entry's JSON as it came.
    pub raw: String,
}

/// An operator of a payout option.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PayoutOperator {
    /// The code to put into a request's method.
    pub code: String,
    /// The name for people.
    pub name: Option<String>,
    /// What the customer pays on top, if anything.
    pub customer_fee: Option<CustomerFee>,
}

/// The range of a fee that the customer pays on top of the amount.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct CustomerFee {
    /// At least this.
    pub min: Option<Money>,
    /// At most this.
    pub max: Option<Money>,
}

/// A bank, wallet or blockchain.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PaymentOperator {
    /// Its code.
    pub code: String,
    /// The name for people.
    pub name: Option<String>,
    /// This entry's JSON as it came.
    pub raw: String,
}

/// A combination of direction, method and currency, with its limits.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PaymentOption {
    /// The direction.
    pub type_code: PaymentTypeCode,
    /// The method.
    pub method_code: MethodCode,
    /// The currency.
    pub currency: String,
    /// The segment it is for, if any.
    pub segment_code: Option<String>,
    /// How much one payment may be.
    pub limit: AmountLimit,
    /// False means that it has to be activated in the back office first.
    pub is_available: bool,
    /// The operators it works through.
    pub operators: Vec<PaymentOptionOperator>,
    /// This entry's JSON as it came.
    pub raw: String,
}

/// An operator of a payment option.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PaymentOptionOperator {
    /// Its code.
    pub code: String,
    /// The name for people.
    pub name: Option<String>,
    /// False means that it has to be activated in the back office first.
    pub is_available: bool,
    /// How much one payment through it may be.
    pub limit: AmountLimit,
}

/// How much one payment may be. Whether the ends are included is not published.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct AmountLimit {
    /// Not below this.
    pub from: Option<Money>,
    /// Not above this.
    pub to: Option<Money>,
}

/// The merchant, as it is shown to customers.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct MerchantInfo {
    /// The name of the merchant's channel.
    pub name: String,
    /// The answer's JSON as it came.
    pub raw: String,
}

/// Which payment options to list. What is left out does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PaymentOptionFilter {
    /// Only this direction.
    #[uniffi(default = None)]
    pub type_code: Option<PaymentTypeCode>,
    /// Only these methods.
    #[uniffi(default = [])]
    pub method_codes: Vec<String>,
    /// Only these currencies.
    #[uniffi(default = [])]
    pub currencies: Vec<String>,
    /// Only these segments.
    #[uniffi(default = [])]
    pub segment_codes: Vec<String>,
    /// Only these operators.
    #[uniffi(default = [])]
    pub operator_codes: Vec<String>,
}

impl From<PaymentOptionFilter> for komopay_core::PaymentOptionFilter {
    fn from(filter: PaymentOptionFilter) -> Self {
        let PaymentOptionFilter { type_code, method_codes, currencies, segment_codes, operator_codes } = filter;
        Self {
            type_code: type_code.map(komopay_core::PaymentTypeCode::from),
            method_codes,
            currencies,
            segment_codes,
            operator_codes,
        }
    }
}

impl From<komopay_core::Balance> for Balance {
    fn from(balance: komopay_core::Balance) -> Self {
        let komopay_core::Balance { balance, available, pending_settlement, pending_payout, last_movement, raw } =
            balance;
        Self {
            balance: balance.into(),
            available: available.into(),
            pending_settlement: pending_settlement.into(),
            pending_payout: pending_payout.into(),
            last_movement: last_movement.map(Moment::from),
            raw: raw.as_str().to_owned(),
        }
    }
}

impl From<komopay_core::PayoutOption> for PayoutOption {
    fn from(option: komopay_core::PayoutOption) -> Self {
        let komopay_core::PayoutOption { method_code, operators, segment_code, raw } = option;
        Self {
            method_code: method_code.into(),
            operators: operators.into_iter().map(PayoutOperator::from).collect(),
            segment_code,
            raw: raw.as_str().to_owned(),
        }
    }
}

impl From<komopay_core::PayoutOperator> for PayoutOperator {
    fn from(operator: komopay_core::PayoutOperator) -> Self {
        let komopay_core::PayoutOperator { code, name, customer_fee } = operator;
        Self { code, name, customer_fee: customer_fee.map(CustomerFee::from) }
    }
}

impl From<komopay_core::CustomerFee> for CustomerFee {
    fn from(fee: komopay_core::CustomerFee) -> Self {
        let komopay_core::CustomerFee { min, max } = fee;
        Self { min: min.map(Money::from), max: max.map(Money::from) }
    }
}

impl From<komopay_core::PaymentOperator> for PaymentOperator {
    fn from(operator: komopay_core::PaymentOperator) -> Self {
        let komopay_core::PaymentOperator { code, name, raw } = operator;
        Self { code, name, raw: raw.as_str().to_owned() }
    }
}

impl From<komopay_core::PaymentOption> for PaymentOption {
    fn from(option: komopay_core::PaymentOption) -> Self {
        let komopay_core::PaymentOption {
            type_code,
            method_code,
            currency,
            segment_code,
            limit,
            is_available,
            operators,
            raw,
        } = option;
        Self {
            type_code: type_code.into(),
            method_code: method_code.into(),
            currency,
            segment_code,
            limit: limit.into(),
            is_available,
            operators: operators.into_iter().map(PaymentOptionOperator::from).collect(),
            raw: raw.as_str().to_owned(),
        }
    }
}

impl From<komopay_core::PaymentOptionOperator> for PaymentOptionOperator {
    fn from(operator: komopay_core::PaymentOptionOperator) -> Self {
        let komopay_core::PaymentOptionOperator { code, name, is_available, limit } = operator;
        Self { code, name, is_available, limit: limit.into() }
    }
}

impl From<komopay_core::AmountLimit> for AmountLimit {
    fn from(limit: komopay_core::AmountLimit) -> Self {
        let komopay_core::AmountLimit { from, to } = limit;
        Self { from: from.map(Money::from), to: to.map(Money::from) }
    }
}

impl From<komopay_core::MerchantInfo> for MerchantInfo {
    fn from(info: komopay_core::MerchantInfo) -> Self {
        let komopay_core::MerchantInfo { name, raw } = info;
        Self { name, raw: raw.as_str().to_owned() }
    }
}

/// What is shown is what the core shows: not the answer's JSON.
macro_rules! debug_without_raw {
    ($($name:ident { $($field:ident),+ })+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish_non_exhaustive()
            }
        })+
    };
}

debug_without_raw! {
    Balance { balance, available, pending_settlement, pending_payout, last_movement }
    PayoutOption { method_code, operators, segment_code }
    PaymentOperator { code, name }
    PaymentOption { type_code, method_code, currency, segment_code, limit, is_available, operators }
    MerchantInfo { name }
}

display_as_debug!(Balance, PayoutOption, PayoutOperator, CustomerFee, PaymentOperator);
display_as_debug!(PaymentOption, PaymentOptionOperator, AmountLimit, MerchantInfo, PaymentOptionFilter);
