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

use crate::json::{Unreadable, nested};
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
/// assert!(Money::new("250.000", "IDR").is_err()); // 250, or a quarter of a million?
/// assert!(Money::new("250000", "idr").is_err()); // no ceiling for IDR would hold it
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: String,
}

impl Money {
    /// Money as a program or an answer tells it, or why its currency is none.
    pub(crate) fn told(amount: Decimal, currency: String) -> Result<Self, &'static str> {
        if currency.is_empty() {
            return Err("is empty; give a currency code such as IDR");
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

    /// The amount as a text that people, and [`Money::new`], can read in one way only: `250` of what came as `250.000`,
    /// and `42.0510` of what came as `42.051`, if its currency has at most two decimals.
    ///
    /// ```
    /// use komopay_core::Money;
    ///
    /// let money = Money::exact("250.000", "IDR")?;
    /// assert_eq!(money.unambiguous_amount(), "250");
    /// assert_eq!(Money::new(money.unambiguous_amount(), "IDR")?, money);
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    #[must_use]
    pub fn unambiguous_amount(&self) -> String {
        let is_one_way = |text: &String| self.two_readings(text).is_none();
        let (written, plain) = (self.amount.to_string(), self.amount.normalize().to_string());
        let longer = format!("{plain}0");
        [written, plain].into_iter().find(is_one_way).unwrap_or(longer)
    }

    /// Whether it is nothing, of whatever currency.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.amount.is_zero()
    }

    /// The same amount on the other side of zero.
    #[must_use]
    pub fn negated(&self) -> Self {
        // Zero has one sign only, so that it is written in one way.
        let amount = if self.amount.is_zero() { self.amount } else { -self.amount };
        Self { amount, currency: self.currency.clone() }
    }

    /// The exact sum of two amounts, in this currency; none, if it has more digits than can be kept.
    pub(crate) fn plus(&self, amount: Decimal) -> Option<Self> {
        let amount = sum(self.amount, amount).or_else(|| sum(self.amount.normalize(), amount.normalize()))?;
        Some(Self { amount, currency: self.currency.clone() })
    }

    /// Why no payout can be of this amount, if none can.
    pub(crate) fn unpayable_amount(&self) -> Option<String> {
        if self.amount <= Decimal::ZERO {
            return Some("must be above 0".to_owned());
        }
        let allowed = decimals(&self.currency)?;
        (self.amount.normalize().scale() > allowed).then(|| {
            format!("{} has more decimals than {} allows ({allowed}); nothing was rounded", self.amount, self.currency)
        })
    }

    /// What to write in place of the text of this amount, if people can read that in two ways.
    pub(crate) fn two_readings(&self, text: &str) -> Option<String> {
        if !is_ambiguous(text) || decimals(&self.currency).is_none_or(|decimals| decimals > 2) {
            return None;
        }
        let (thousands, plain) = (text.replace('.', ""), self.amount.normalize());
        if self.unpayable_amount().is_some() {
            return Some(format!(
                "{text} is ambiguous, and {} has no third decimal: write {thousands} if that is meant",
                self.currency
            ));
        }
        Some(format!("{text} is ambiguous: write {thousands}, or {plain} if that is meant"))
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

/// Why this is no currency code, and what to write instead.
pub(crate) fn currency_problem(code: &str) -> Option<String> {
    let is_code = |code: &str| {
        code.bytes().any(|b| b.is_ascii_uppercase())
            && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"._-".contains(&b))
    };
    if is_code(code) {
        return None;
    }
    let meant = code.trim().to_ascii_uppercase();
    // What is longer may be anything, even an account number.
    let meant = if meant.len() <= 12 && is_code(&meant) { meant } else { "a code such as IDR".to_owned() };
    Some(format!("must be a currency code in capital letters, without blanks: write {meant}"))
}

/// Whether people read this in two ways: one to three digits without a leading zero, a point, and three digits.
fn is_ambiguous(text: &str) -> bool {
    let Some((whole, decimals)) = text.split_once('.') else { return false };
    (1..=3).contains(&whole.len())
        && !whole.starts_with('0')
        && decimals.len() == 3
        && whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit())
}

/// Reads the text of a JSON number without ever rounding.
pub(crate) fn parse_amount(text: &str) -> Result<Decimal, String> {
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

/// The exact sum with the decimals of both, as far as they can be kept. Not `Decimal`'s own, which rounds.
fn sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let mut scale = left.scale().max(right.scale());
    let aligned = |value: Decimal| value.mantissa().checked_mul(10_i128.checked_pow(scale - value.scale())?);
    let mut mantissa = aligned(left)?.checked_add(aligned(right)?)?;
    loop {
        match Decimal::try_from_i128_with_scale(mantissa, scale) {
            Ok(sum) => return Some(sum),
            // A zero at the end may go, no other digit.
            Err(_) if scale > 0 && mantissa % 10 == 0 => (mantissa, scale) = (mantissa / 10, scale - 1),
            Err(_) => return None,
        }
    }
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
        Self::told(amount, wire.currency_code).map_err(de::Error::custom)
    }
}

/// An amount that stands alone in an answer, its currency elsewhere.
#[derive(Deserialize)]
pub(crate) struct Amount(Box<RawValue>);

impl Amount {
    /// The amount as money of this currency.
    pub fn of(&self, currency: &str) -> Result<Money, Unreadable> {
        let amount = parse_amount(self.0.get()).map_err(Unreadable)?;
        Money::told(amount, currency.to_owned()).map_err(|problem| Unreadable(format!("money.currency: {problem}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

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
            let checked = Money::exact(amount, currency).unwrap().check_payable();
            assert_eq!(checked.is_ok(), allowed, "{amount} {currency}: {checked:?}");
        }
    }

    #[test]
    fn what_people_read_in_two_ways_is_refused_and_the_error_says_what_to_write() {
        for (amount, currency, says) in [
            ("250.000", "IDR", "write 250000, or 250 if"),
            ("1.000", "IDR", "write 1000, or 1 if"),
            ("999.999", "INR", "write 999999 if"),
            ("42.050", "USD", "write 42050, or 42.05 if"),
            ("42.051", "USD", "write 42051 if"),
            ("100.500", "JPY", "write 100500 if"),
        ] {
            let error = Money::new(amount, currency).unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")), "{amount}");
            assert!(error.message().contains(says), "{error}");
            assert_eq!(Money::exact(amount, currency).unwrap().amount().to_string(), amount);
        }
    }

    #[test]
    fn what_can_be_read_in_one_way_only_is_taken() {
        for (amount, currency) in [
            ("1.234", "KWD"),
            ("1.000", "BTC"),
            ("250.000", "NEW"),
            ("0.500", "IDR"),
            ("1.00", "IDR"),
            ("1.0000", "IDR"),
            ("1000.000", "IDR"),
            ("-1.000", "IDR"),
            ("1.000E0", "IDR"),
            ("1000", "IDR"),
        ] {
            assert!(Money::new(amount, currency).is_ok(), "{amount} {currency}");
        }
    }

    #[test]
    fn a_currency_is_a_code_in_capitals_and_the_error_says_which() {
        for code in ["IDR", "USDT", "1INCH", "DEMO_DAILY", "USDT-TRC20", "A.B"] {
            assert!(Money::new("1", code).is_ok(), "{code}");
        }
        for (code, says) in [
            ("", "such as IDR"),
            ("idr", "write IDR"),
            ("Idr", "write IDR"),
            (" IDR", "write IDR"),
            ("IDR\n", "write IDR"),
            ("\u{a0}IDR", "write IDR"),
            ("I DR", "such as IDR"),
            ("IDR,USD", "such as IDR"),
            ("360", "such as IDR"),
            ("₿", "such as IDR"),
            // The first letter is of another alphabet.
            ("ІDR", "such as IDR"),
            ("a12345678901234", "such as IDR"),
        ] {
            let error = Money::new("1", code).unwrap_err();
            assert_eq!(error.field(), Some("money.currency"), "{code}");
            assert!(error.message().contains(says), "{error}");
            assert!(Money::from_decimal(Decimal::ONE, code).is_err() && Money::exact("1", code).is_err(), "{code}");
        }
    }

    #[test]
    fn what_the_platform_answers_is_kept_whatever_it_calls_a_currency() {
        for (amount, currency) in [("250.000", "IDR"), ("1", "idr"), ("1", "₿"), ("1", " IDR")] {
            let json = format!(r#"{{"amount":{amount},"currencyCode":"{currency}"}}"#);
            let money: Money = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&money).unwrap(), json);
            assert_eq!(Money::restore(money.amount().to_string(), money.currency()).unwrap(), money);
        }
        assert!(Money::restore("1", "").is_err());
        let of_the_platform = Money::restore("1", "idr").unwrap();
        assert_eq!(of_the_platform.check_payable().unwrap_err().field(), Some("money.currency"));
    }

    #[test]
    fn a_sum_has_every_digit_and_the_decimals_of_both() {
        for (left, right, sum) in [
            ("1", "2", "3"),
            ("42.00", "1", "43.00"),
            ("0.1", "0.2", "0.3"),
            ("1.5", "-1.50", "0.00"),
            ("-1", "0.25", "-0.75"),
            // Only a zero at the end makes room.
            ("1.0000000000000000000000000000", "100000000000000000000", "100000000000000000001"),
            ("7.9228162514264337593543950335", "0.0000000000000000000000000005", "7.922816251426433759354395034"),
        ] {
            let money = |text| Money::exact(text, "XTS").unwrap();
            assert_eq!(money(left).checked_add(&money(right)).unwrap().amount().to_string(), sum, "{left} + {right}");
            assert_eq!(money(sum).checked_sub(&money(right)).unwrap(), money(left), "{sum} - {right}");
        }
    }

    #[test]
    fn a_sum_that_would_be_rounded_is_refused() {
        let most = "79228162514264337593543950335";
        for (left, right) in [(most, "1"), (most, "0.5"), ("1234567890123456789012345678", "0.05"), ("1E28", "1E-28")] {
            let error = Money::exact(left, "XTS").unwrap().checked_add(&Money::exact(right, "XTS").unwrap());
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")), "{error}");
        }
    }

    #[test]
    fn two_currencies_are_neither_added_nor_compared() {
        let (rupiah, dollars) = (Money::new("1", "IDR").unwrap(), Money::new("1", "USD").unwrap());
        let refused = [
            rupiah.checked_add(&dollars).err(),
            rupiah.checked_sub(&dollars).err(),
            rupiah.checked_cmp(&dollars).err(),
        ];
        for error in refused.map(Option::unwrap) {
            assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.currency")));
            assert!(error.message().contains("1 IDR and 1 USD"), "{error}");
        }
    }

    #[test]
    fn an_amount_is_written_so_that_it_can_be_read_in_one_way_only() {
        for (amount, currency, written) in [
            ("250.000", "IDR", "250"),
            ("42.050", "USD", "42.05"),
            ("42.051", "USD", "42.0510"),
            ("42.051", "KWD", "42.051"),
            ("42.00", "USD", "42.00"),
            ("-1.000", "IDR", "-1.000"),
        ] {
            let money = Money::exact(amount, currency).unwrap();
            assert_eq!(money.unambiguous_amount(), written);
            assert_eq!(Money::new(written, currency).unwrap(), money);
        }
    }

    #[test]
    fn zero_has_no_sign() {
        let zero = Money::new("0.00", "IDR").unwrap();
        assert_eq!((zero.negated().to_string(), zero.is_zero()), ("0.00 IDR".to_owned(), true));
        assert_eq!(Money::new("-1.50", "USD").unwrap().negated().to_string(), "1.50 USD");
    }

    #[test]
    fn money_is_equal_by_value_and_hashes_alike() {
        use std::collections::HashSet;
        let set: HashSet<Money> = ["42", "42.0", "4.2E1"].iter().map(|a| Money::new(a, "IDR").unwrap()).collect();
        assert_eq!(set.len(), 1);
        assert_ne!(Money::new("42", "IDR").unwrap(), Money::new("42", "USD").unwrap());
    }
}
