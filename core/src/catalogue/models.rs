//! The shapes of the catalogue. What a merchant decides by must be readable; the rest may be missing.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{RawJson, Unreadable, object};
use crate::money::{Amount, Money};
use crate::values::{MethodCode, lenient, open_codes, timestamp};

/// What the merchant has in one currency (contract: `Balance`).
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub last_movement: Option<Timestamp>,
    /// This entry's JSON as it came.
    pub raw: RawJson,
}

open_codes! {
    /// The direction of a payment, seen from the merchant (contract: `PaymentTypeCode`).
    PaymentTypeCode {
        /// Money comes in.
        Payin = "PAYIN",
        /// Money goes out.
        Payout = "PAYOUT",
    }
}

/// A way to pay out this money now (contract: `AvailablePayoutOptionList`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutOption {
    /// The method.
    pub method_code: MethodCode,
    /// The operators it works through.
    pub operators: Vec<PayoutOperator>,
    /// The segment it is for, if any.
    pub segment_code: Option<String>,
    /// This entry's JSON as it came.
    pub raw: RawJson,
}

/// An operator of a payout option (contract: `PayoutOperator`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutOperator {
    /// The code to put into a request's method.
    pub code: String,
    /// The name for people.
    pub name: Option<String>,
    /// What the customer pays on top, if anything.
    pub customer_fee: Option<CustomerFee>,
}

/// The range of a fee borne by the customer on top of the amount (contract: `CustomerTransactionFee`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomerFee {
    /// At least this.
    pub min: Option<Money>,
    /// At most this.
    pub max: Option<Money>,
}

/// A bank, wallet or blockchain (contract: `PaymentOperatorList`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOperator {
    /// Its code.
    pub code: String,
    /// The name for people.
    pub name: Option<String>,
    /// This entry's JSON as it came.
    pub raw: RawJson,
}

/// A combination of direction, method and currency, with its limits (contract: `PaymentOption`).
#[derive(Clone, Debug, PartialEq, Eq)]
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
    pub raw: RawJson,
}

/// An operator of a payment option (contract: `PaymentOptionOperator`).
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// How much one payment may be (contract: `AmountInterval`). Whether the ends are included is not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountLimit {
    /// Not below this.
    pub from: Option<Money>,
    /// Not above this.
    pub to: Option<Money>,
}

/// The merchant, as it is shown to customers (contract: `MerchantInfo`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MerchantInfo {
    /// The name of the merchant's channel (`channelInfo.name`).
    pub name: String,
    /// The answer's JSON as it came.
    pub raw: RawJson,
}

/// Which payment options to list. Empty lists do not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentOptionFilter {
    /// Only this direction.
    pub type_code: Option<PaymentTypeCode>,
    /// Only these methods.
    pub method_codes: Vec<String>,
    /// Only these currencies.
    pub currencies: Vec<String>,
    /// Only these segments.
    pub segment_codes: Vec<String>,
    /// Only these operators.
    pub operator_codes: Vec<String>,
}

/// An entry of a list, read from its own JSON.
pub(crate) trait Entry: Sized {
    fn parse(json: &str) -> Result<Self, Unreadable>;
}

/// An entry that is a code and nothing else.
impl Entry for String {
    fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Wire {
            code: String,
        }
        Ok(object::<Wire>(json)?.code)
    }
}

impl Entry for Balance {
    fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            currency_code: String,
            balance: Amount,
            available_balance: Amount,
            pending_settlement_amount: Amount,
            pending_payout_amount: Amount,
            last_balance_movement: Option<Box<RawValue>>,
        }
        let wire: Wire = object(json)?;
        Ok(Self {
            balance: wire.balance.of(&wire.currency_code)?,
            available: wire.available_balance.of(&wire.currency_code)?,
            pending_settlement: wire.pending_settlement_amount.of(&wire.currency_code)?,
            pending_payout: wire.pending_payout_amount.of(&wire.currency_code)?,
            last_movement: timestamp(None, wire.last_balance_movement, "lastBalanceMovement"),
            raw: RawJson::new(json),
        })
    }
}

impl Entry for PaymentOperator {
    fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Wire {
            code: String,
            name: Option<Box<RawValue>>,
        }
        let wire: Wire = object(json)?;
        Ok(Self { code: wire.code, name: lenient(None, wire.name, "name"), raw: RawJson::new(json) })
    }
}

impl Entry for PayoutOption {
    fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            payment_method_code: MethodCode,
            payment_operators: Option<Vec<OperatorWire>>,
            segment_code: Option<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct OperatorWire {
            code: String,
            name: Option<Box<RawValue>>,
            customer_transaction_fee: Option<Box<RawValue>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FeeWire {
            min_fee: Option<Box<RawValue>>,
            max_fee: Option<Box<RawValue>>,
        }
        let wire: Wire = object(json)?;
        let operator = |wire: OperatorWire| PayoutOperator {
            code: wire.code,
            name: lenient(None, wire.name, "name"),
            customer_fee: lenient::<FeeWire>(None, wire.customer_transaction_fee, "customerTransactionFee").map(
                |fee| CustomerFee {
                    min: lenient(None, fee.min_fee, "minFee"),
                    max: lenient(None, fee.max_fee, "maxFee"),
                },
            ),
        };
        Ok(Self {
            method_code: wire.payment_method_code,
            operators: wire.payment_operators.unwrap_or_default().into_iter().map(operator).collect(),
            segment_code: lenient(None, wire.segment_code, "segmentCode"),
            raw: RawJson::new(json),
        })
    }
}

impl Entry for PaymentOption {
    fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            payment_type_code: PaymentTypeCode,
            payment_method_code: MethodCode,
            currency_code: String,
            segment_code: Option<Box<RawValue>>,
            transaction_amount_limit: LimitWire,
            is_available: bool,
            payment_operators: Option<Vec<OperatorWire>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct OperatorWire {
            code: String,
            name: Option<Box<RawValue>>,
            is_available: bool,
            transaction_amount_limit: LimitWire,
        }
        #[derive(Deserialize)]
        struct LimitWire {
            from: Option<Amount>,
            to: Option<Amount>,
        }
        let limit = |wire: LimitWire, currency: &str| -> Result<AmountLimit, Unreadable> {
            let money = |amount: Option<Amount>| amount.map(|amount| amount.of(currency)).transpose();
            Ok(AmountLimit { from: money(wire.from)?, to: money(wire.to)? })
        };
        let wire: Wire = object(json)?;
        let operator = |operator: OperatorWire| {
            Ok(PaymentOptionOperator {
                code: operator.code,
                name: lenient(None, operator.name, "name"),
                is_available: operator.is_available,
                limit: limit(operator.transaction_amount_limit, &wire.currency_code)?,
            })
        };
        let operators = wire.payment_operators.unwrap_or_default().into_iter().map(operator);
        Ok(Self {
            operators: operators.collect::<Result<_, Unreadable>>()?,
            limit: limit(wire.transaction_amount_limit, &wire.currency_code)?,
            type_code: wire.payment_type_code,
            method_code: wire.payment_method_code,
            currency: wire.currency_code,
            segment_code: lenient(None, wire.segment_code, "segmentCode"),
            is_available: wire.is_available,
            raw: RawJson::new(json),
        })
    }
}

impl MerchantInfo {
    pub(crate) fn parse(json: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            channel_info: ChannelWire,
        }
        #[derive(Deserialize)]
        struct ChannelWire {
            name: String,
        }
        let wire: Wire = object(json)?;
        Ok(Self { name: wire.channel_info.name, raw: RawJson::new(json) })
    }
}
