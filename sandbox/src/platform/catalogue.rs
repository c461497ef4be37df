//! What can be paid and how: currencies, segments, operators, and options with their limits.
//!
//! [`Catalogue::new`] is the whole of it. The codes of real banks are those seen in the contract's examples; everything
//! else is invented and says so in its name. The currencies that start with `DEMO_` each have one option with one
//! peculiarity, so that every refusal can be met without waiting for it.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use crate::platform::money::json_number;

/// Money of the merchant in the beginning, by currency.
pub(crate) const BALANCES: [(&str, &str); 12] = [
    ("DEMO_CLOSED", "1000000"),
    ("DEMO_DAILY", "1000000"),
    ("DEMO_ERROR", "1000000"),
    ("DEMO_NONE", "1000000"),
    ("DEMO_OFF", "1000000"),
    ("DEMO_VIP", "1000000"),
    ("IDR", "1000000000"),
    ("INR", "100000000"),
    ("JPY", "100000000"),
    ("USD", "1000000"),
    ("USDT", "1000000"),
    ("ZAR", "1000000"),
];

/// Customer groups.
pub(crate) const SEGMENTS: [&str; 2] = ["VIP", "STANDARD"];

/// Payment methods, of both directions.
pub(crate) const METHODS: [&str; 3] = [BANK, CRYPTO, WALLET];

/// Operators: code and name.
pub(crate) const OPERATORS: [(&str, &str); 12] = [
    (TEST_BANK, "Test bank"),
    ("DEMO_CHAIN", "Demo chain"),
    ("DEMO_WALLET_A", "Demo wallet A"),
    ("DEMO_WALLET_B", "Demo wallet B"),
    ("DEMO_WALLET_IN", "Demo wallet India"),
    ("IDR_003", "Bank Danamon"),
    ("IDR_008", "Bank Mandiri"),
    ("IDR_014", "Bank BCA"),
    ("ID_OVO", "OVO"),
    ("INR_DEMO", "Demo bank India"),
    ("JPY_DEMO", "Demo bank Japan"),
    ("ZAR_DEMO", "Demo bank South Africa"),
];

const BANK: &str = "BANK_TRANSFER";
const CRYPTO: &str = "CRYPTO_TRANSFER";
const WALLET: &str = "WALLET_TRANSFER";

/// The operator of the create that KomoPay documents. It takes every currency.
const TEST_BANK: &str = "BNK_000";

/// The direction of a payment, seen from the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Direction {
    Payin,
    Payout,
}

/// What an option that is switched on does with a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Open,
    Closed,
    Faulty,
}

/// An interval of amounts; both ends belong to it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Limits {
    #[serde(serialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Decimal>,
    #[serde(serialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Decimal>,
}

impl Limits {
    pub(crate) fn allow(self, amount: Decimal) -> bool {
        self.from.is_none_or(|from| from <= amount) && self.to.is_none_or(|to| amount <= to)
    }
}

/// A method in a currency, with its operators and limits; as JSON an element of `GET /payment-options`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentOption {
    #[serde(rename = "paymentTypeCode")]
    pub(crate) direction: Direction,
    #[serde(rename = "paymentMethodCode")]
    pub(crate) method: &'static str,
    #[serde(rename = "currencyCode")]
    pub(crate) currency: String,
    /// Only for this segment; `None`: for everyone.
    #[serde(rename = "segmentCode", skip_serializing_if = "Option::is_none")]
    pub(crate) segment: Option<&'static str>,
    #[serde(rename = "transactionAmountLimit")]
    pub(crate) limits: Limits,
    pub(crate) is_available: bool,
    #[serde(rename = "paymentOperators")]
    pub(crate) operators: Vec<OptionOperator>,
    #[serde(skip)]
    pub(crate) condition: Condition,
    /// The most that is taken in one day (UTC).
    #[serde(skip)]
    pub(crate) daily_limit: Option<Decimal>,
}

/// An operator within an option.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OptionOperator {
    pub(crate) code: &'static str,
    /// The contract does not require it here, and an operator that is switched off comes without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<&'static str>,
    pub(crate) is_available: bool,
    #[serde(rename = "transactionAmountLimit")]
    pub(crate) limits: Limits,
    /// What the customer pays on top, at least and at most.
    #[serde(skip)]
    pub(crate) customer_fee: Option<(Decimal, Decimal)>,
}

impl PaymentOption {
    /// An open payout option without limits.
    fn new(method: &'static str, currency: &str, operators: &[&'static str]) -> Self {
        let operators = operators.iter().map(|code| OptionOperator {
            code,
            name: operator_name(code),
            is_available: true,
            limits: Limits::default(),
            customer_fee: None,
        });
        Self {
            direction: Direction::Payout,
            method,
            currency: currency.to_owned(),
            segment: None,
            limits: Limits::default(),
            is_available: true,
            operators: operators.collect(),
            condition: Condition::Open,
            daily_limit: None,
        }
    }

    fn limited(mut self, from: Option<i64>, to: Option<i64>) -> Self {
        self.limit(Limits { from: from.map(Decimal::from), to: to.map(Decimal::from) });
        self
    }

    fn only_for(self, segment: &'static str) -> Self {
        Self { segment: Some(segment), ..self }
    }

    fn in_condition(self, condition: Condition) -> Self {
        Self { condition, ..self }
    }

    /// With one more operator, which has to be activated in the back office first.
    fn and_switched_off(mut self, code: &'static str) -> Self {
        let limits = Limits { to: None, ..self.limits };
        self.operators.push(OptionOperator { code, name: None, is_available: false, limits, customer_fee: None });
        self
    }

    fn with_customer_fee(mut self, least: Decimal, most: Decimal) -> Self {
        for operator in &mut self.operators {
            operator.customer_fee = Some((least, most));
        }
        self
    }

    /// Sets the limits of the option and all its operators.
    pub(crate) fn limit(&mut self, limits: Limits) {
        self.limits = limits;
        for operator in &mut self.operators {
            operator.limits = limits;
        }
    }
}

/// Everything that can be paid.
#[derive(Clone)]
pub(crate) struct Catalogue {
    pub(crate) options: Vec<PaymentOption>,
}

impl Catalogue {
    /// The options for a merchant with accounts in these currencies.
    ///
    /// A currency that is not in [`BALANCES`] can be paid through the test bank, without limits.
    pub(crate) fn new<'a>(currencies: impl Iterator<Item = &'a str>) -> Self {
        let option = PaymentOption::new;
        let demo = |currency| option(BANK, currency, &[TEST_BANK]);
        let mut options = vec![
            option(BANK, "IDR", &["IDR_014", "IDR_008"])
                .limited(Some(10_000), Some(50_000_000))
                .and_switched_off("IDR_003"),
            option(BANK, "IDR", &["IDR_003"]).limited(Some(10_000), Some(50_000_000)).only_for("VIP"),
            option(BANK, "IDR", &[TEST_BANK]).limited(Some(1), Some(50_000_000)),
            option(WALLET, "IDR", &["ID_OVO"]).limited(Some(1), Some(20_000_000)),
            option(BANK, "INR", &["INR_DEMO", TEST_BANK]).limited(Some(100), Some(1_000_000)),
            option(WALLET, "INR", &["DEMO_WALLET_IN"]).limited(Some(1), Some(100_000)),
            option(BANK, "JPY", &["JPY_DEMO", TEST_BANK]).limited(Some(1_000), Some(10_000_000)),
            option(BANK, "USD", &[TEST_BANK]).limited(None, Some(50_000)),
            option(WALLET, "USD", &["DEMO_WALLET_A", "DEMO_WALLET_B"]).limited(Some(1), Some(10_000)),
            option(BANK, "USDT", &[TEST_BANK]),
            option(CRYPTO, "USDT", &["DEMO_CHAIN"]).with_customer_fee(Decimal::new(5, 1), Decimal::from(2)),
            option(BANK, "ZAR", &["ZAR_DEMO", TEST_BANK]).limited(Some(50), Some(500_000)),
            PaymentOption { is_available: false, ..demo("DEMO_OFF") },
            demo("DEMO_CLOSED").in_condition(Condition::Closed),
            demo("DEMO_ERROR").in_condition(Condition::Faulty),
            demo("DEMO_VIP").only_for("VIP"),
            PaymentOption { daily_limit: Some(Decimal::from(100_000)), ..demo("DEMO_DAILY") },
        ];
        let known = BTreeSet::from(BALANCES.map(|(currency, _)| currency));
        options.extend(currencies.filter(|currency| !known.contains(currency)).map(demo));
        options.push(PaymentOption {
            direction: Direction::Payin,
            ..option(BANK, "IDR", &["IDR_014"]).limited(Some(10_000), None)
        });
        Self { options }
    }

    /// The payout options of a method in a currency, to be changed.
    pub(crate) fn payout_options_mut<'a>(
        &'a mut self,
        method: &'a str,
        currency: &'a str,
    ) -> impl Iterator<Item = &'a mut PaymentOption> {
        self.options.iter_mut().filter(move |option| {
            option.direction == Direction::Payout && option.method == method && option.currency == currency
        })
    }
}

/// The name of an operator; `None` if there is no such operator.
pub(crate) fn operator_name(code: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

#[expect(clippy::ref_option, reason = "serde hands over a reference")]
fn number<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    value.map(json_number).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_and_segment_of_an_option_is_in_its_list() {
        let catalogue = Catalogue::new(BALANCES.iter().map(|(currency, _)| *currency));
        for option in &catalogue.options {
            assert!(METHODS.contains(&option.method), "{option:?}");
            assert!(option.segment.is_none_or(|segment| SEGMENTS.contains(&segment)), "{option:?}");
            assert!(option.operators.iter().all(|operator| operator_name(operator.code).is_some()), "{option:?}");
            assert!(BALANCES.iter().any(|(currency, _)| *currency == option.currency), "{option:?}");
        }
        for (operator, _) in OPERATORS {
            let has = |option: &PaymentOption| option.operators.iter().any(|known| known.code == operator);
            assert!(catalogue.options.iter().any(has), "{operator}");
        }
    }

    #[test]
    fn a_currency_of_the_caller_is_paid_through_the_test_bank() {
        let count = |currencies: &[&str]| Catalogue::new(currencies.iter().copied()).options.len();
        assert_eq!(count(&["IDR", "XYZ"]), count(&["IDR"]) + 1);
    }

    #[test]
    fn both_ends_belong_to_the_limits() {
        let limits = Limits { from: Some(Decimal::from(10)), to: Some(Decimal::from(20)) };
        assert!([10, 15, 20].into_iter().all(|amount| limits.allow(Decimal::from(amount))));
        assert!(![9, 21].into_iter().any(|amount| limits.allow(Decimal::from(amount))));
    }
}
