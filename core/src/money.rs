//! Money, exact in both directions: a decimal that came in is the decimal that goes out.
//!
//! On the wire an amount is a JSON *number* in major units (`42.05` USD), and it never passes through a binary float.
//! Nothing rounds here: an amount that does not fit is an error.

use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde::ser::{self, Serialize, SerializeStruct, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::lenient::nested;
use crate::read::Unreadable;
use crate::scrub::Shown;

/// An exact amount of one currency, in major units.
///
/// Equal by value: `42 IDR` equals `42.00 IDR`, and both hash alike. Sign, zero and the number of decimals are
/// checked when a request is made, not here, since answers may carry what a request may not.
///
/// ```
/// use komopay_core::Money;
///
/// let money = Money::new("42.05", "USD")?;
/// assert_eq!(money.to_string(), "42.05 USD");
/// assert_eq!(Money::new("42", "IDR")?, Money::new("42.00", "IDR")?);
/// assert!(Money::new("0.12345678901234567890123456789012", "USD").is_err()); // would be rounded
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: String,
}

impl Money {
    /// Money from the text of a JSON number (`10000`, `42.05`, `1E+4`) and a currency code (`IDR`; crypto tickers
    /// are fine).
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount` or `money.currency`, if the text is no number, if it has more
    /// digits than can be kept exactly (28 significant digits always fit), or if the code is empty.
    pub fn new(amount: impl AsRef<str>, currency: impl Into<String>) -> Result<Self> {
        let amount = parse_amount(amount.as_ref()).map_err(|problem| Error::invalid("money.amount", problem))?;
        Self::from_decimal(amount, currency)
    }

    /// Money from a decimal, as it is.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.currency`, if the code is empty.
    pub fn from_decimal(amount: Decimal, currency: impl Into<String>) -> Result<Self> {
        let currency = currency.into();
        if currency.is_empty() {
            return Err(Error::invalid("money.currency", "is empty; give a currency code such as IDR"));
        }
        Ok(Self { amount, currency })
    }

    /// The amount in major units.
    #[must_use]
    pub fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency code.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.currency
    }

    /// Refuses what a payout may not ask for: zero, a negative amount, more decimals than the currency has.
    pub(crate) fn check_payable(&self) -> Result<()> {
        if self.amount <= Decimal::ZERO {
            return Err(Error::invalid("money.amount", "must be above 0"));
        }
        match decimals(&self.currency) {
            Some(allowed) if self.amount.normalize().scale() > allowed => Err(Error::invalid(
                "money.amount",
                format_args!(
                    "{} has more decimals than {} allows ({allowed}); nothing was rounded",
                    self.amount, self.currency
                ),
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, Shown(&self.currency))
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Money({self})")
    }
}

/// How many decimals a currency allows; `None` is no limit (crypto, and codes that ISO 4217 does not know).
///
/// The platform takes IDR and INR in whole units only, although ISO 4217 gives them two decimals.
fn decimals(currency: &str) -> Option<u32> {
    match currency {
        "IDR" | "INR" => Some(0),
        code => iso_currency::Currency::from_code(code).and_then(iso_currency::Currency::exponent).map(u32::from),
    }
}

/// Reads the text of a JSON number without ever rounding.
fn parse_amount(text: &str) -> Result<Decimal, String> {
    // serde_json knows the grammar of a number; a float, an underscore, a space or NaN does not pass.
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok();
    if !is_number {
        return Err("is not a decimal number such as 10000 or 42.05".to_owned());
    }
    let too_long = || "has more digits than can be kept exactly; nothing was rounded".to_owned();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| too_long())?),
        None => (text, 0),
    };
    let mantissa = Decimal::from_str_exact(mantissa).map_err(|_| too_long())?;
    if exponent == 0 {
        return Ok(mantissa);
    }
    shift(mantissa, exponent).ok_or_else(too_long)
}

/// `value` times ten to the power of `exponent`, or nothing if that cannot be held exactly.
fn shift(value: Decimal, exponent: i64) -> Option<Decimal> {
    if value.is_zero() {
        return Some(Decimal::ZERO);
    }
    let value = value.normalize();
    let scale = i64::from(value.scale()).checked_sub(exponent)?;
    if scale >= 0 {
        return Decimal::try_from_i128_with_scale(value.mantissa(), u32::try_from(scale).ok()?).ok();
    }
    let factor = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
    Decimal::try_from_i128_with_scale(value.mantissa().checked_mul(factor)?, 0).ok()
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The digits go out as they are; a Decimal never prints an exponent.
        let amount = RawValue::from_string(self.amount.to_string()).map_err(ser::Error::custom)?;
        let mut money = serializer.serialize_struct("Money", 2)?;
        money.serialize_field("amount", &amount)?;
        money.serialize_field("currencyCode", &self.currency)?;
        money.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wire {
            amount: Box<RawValue>,
            currency_code: String,
        }
        let wire: Wire = nested(deserializer)?;
        let amount = parse_amount(wire.amount.get()).map_err(de::Error::custom)?;
        Self::from_decimal(amount, wire.currency_code).map_err(de::Error::custom)
    }
}

/// An amount that stands alone in an answer, its currency elsewhere.
#[derive(Deserialize)]
pub(crate) struct Amount(Box<RawValue>);

impl Amount {
    /// The amount as money of this currency.
    pub fn of(&self, currency: &str) -> Result<Money, Unreadable> {
        let amount = parse_amount(self.0.get()).map_err(Unreadable)?;
        Money::from_decimal(amount, currency).map_err(|error| Unreadable(error.message().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(amount: &str) -> String {
        let json = format!(r#"{{"amount":{amount},"currencyCode":"XTS"}}"#);
        let money: Money = serde_json::from_str(&json).unwrap();
        serde_json::to_string(&money).unwrap()
    }

    #[test]
    fn amounts_survive_as_json_numbers() {
        for (amount, same) in [
            ("10000", "10000"),
            ("42.05", "42.05"),
            ("0.1", "0.1"),
            ("42.00", "42.00"),
            ("1E+4", "10000"),
            ("1e-2", "0.01"),
            ("12.5E1", "125"),
            ("0E+999", "0"),
            ("-3.50", "-3.50"),
            ("1234567890123456789012345678", "1234567890123456789012345678"),
            ("12345678901234567890.12345678", "12345678901234567890.12345678"),
            ("0.1234567890123456789012345678", "0.1234567890123456789012345678"),
        ] {
            assert_eq!(round_trip(amount), format!(r#"{{"amount":{same},"currencyCode":"XTS"}}"#));
        }
    }

    #[test]
    fn what_would_be_rounded_is_refused() {
        for amount in [
            "0.12345678901234567890123456789",
            "123456789012345678901234567890",
            "1E+29",
            "1E-29",
            "1.5E-28",
            "1E+99999999999999999999",
        ] {
            let error = Money::new(amount, "XTS").unwrap_err();
            assert_eq!(error.field(), Some("money.amount"), "{amount}");
        }
    }

    #[test]
    fn what_is_no_json_number_is_refused() {
        for amount in ["", "abc", "1_000", " 1", "1 ", "NaN", "007", ".5", "5.", "+5", "1,5", "\"1\"", "1e", "0x1", "-"]
        {
            assert!(Money::new(amount, "XTS").is_err(), "{amount}");
        }
        assert!(serde_json::from_str::<Money>(r#"{"amount":"42.05","currencyCode":"USD"}"#).is_err());
    }

    #[test]
    fn a_request_may_not_have_more_decimals_than_its_currency() {
        for (amount, currency, allowed) in [
            ("42", "IDR", true),
            ("42.00", "IDR", true),
            ("42.05", "IDR", false),
            ("42.5", "INR", false),
            ("42.05", "USD", true),
            ("42.050", "USD", true),
            ("42.051", "USD", false),
            ("42.5", "JPY", false),
            ("1.234", "KWD", true),
            ("1.23456789", "BTC", true),
            ("1.23456789", "NEW", true),
            ("0", "IDR", false),
            ("-1", "IDR", false),
        ] {
            let checked = Money::new(amount, currency).unwrap().check_payable();
            assert_eq!(checked.is_ok(), allowed, "{amount} {currency}: {checked:?}");
        }
    }

    #[test]
    fn money_is_equal_by_value_and_hashes_alike() {
        use std::collections::HashSet;
        let set: HashSet<Money> = ["42", "42.0", "4.2E1"].iter().map(|a| Money::new(a, "IDR").unwrap()).collect();
        assert_eq!(set.len(), 1);
        assert_ne!(Money::new("42", "IDR").unwrap(), Money::new("42", "USD").unwrap());
    }
}
