//! Exact money: a JSON number is read digit by digit and echoed as the text it was.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;

/// Exponents beyond this cannot belong to a payable amount; the limit keeps the expanded text short.
const EXPONENT_LIMIT: i32 = 60;

/// Decimals of a fee in a currency without a limit of its own (crypto).
const UNLIMITED_FEE_DECIMALS: u32 = 6;

/// An amount with the text it came as.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Amount {
    #[serde(skip)]
    value: Decimal,
    text: Box<RawValue>,
}

impl Amount {
    /// Reads a JSON number greater than zero. The error is the rest of a sentence that starts with the field's name.
    pub(crate) fn parse(number: &RawValue) -> Result<Self, &'static str> {
        if !number.get().starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err("must be a JSON number");
        }
        let value = decimal(number.get()).ok_or("is out of range")?;
        if value <= Decimal::ZERO {
            return Err("must be greater than 0");
        }
        Ok(Self { value, text: number.to_owned() })
    }

    pub(crate) fn value(&self) -> Decimal {
        self.value
    }

    /// How many decimals are needed to write the value: 42.00 needs none.
    fn decimals(&self) -> u32 {
        self.value.scale()
    }
}

/// An amount and its currency, written exactly as they came.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Money {
    pub(crate) amount: Amount,
    pub(crate) currency_code: String,
}

impl Money {
    /// Whether the amount has more decimals than its currency.
    pub(crate) fn exceeds_precision(&self) -> bool {
        currency_decimals(&self.currency_code).is_some_and(|limit| self.amount.decimals() > limit)
    }

    /// What the gateway charges: one per cent, floored, at least the smallest unit.
    pub(crate) fn fee(&self) -> Decimal {
        let decimals = currency_decimals(&self.currency_code).unwrap_or(UNLIMITED_FEE_DECIMALS);
        let percent = self.amount.value.checked_mul(Decimal::new(1, 2)).unwrap_or(self.amount.value);
        percent.trunc_with_scale(decimals).max(Decimal::new(1, decimals)).normalize()
    }
}

/// Reads a decimal number exactly; `None` when it is no number or does not fit.
///
/// Exponents are applied to the digits: `1E+4` is 10000, `1.5e-1` is 0.15. Trailing zeros after the point are dropped.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    if exponent.abs() > EXPONENT_LIMIT {
        return None;
    }
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.chars().chain(fraction.chars()).all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let shift = usize::try_from(exponent.unsigned_abs()).ok()?;
    let (whole, fraction) = if exponent >= 0 {
        let padded = format!("{fraction:0<shift$}");
        let (moved, rest) = padded.split_at_checked(shift)?;
        (format!("{whole}{moved}"), rest.to_owned())
    } else {
        let padded = format!("{whole:0>width$}", width = whole.len() + shift);
        let (rest, moved) = padded.split_at_checked(whole.len())?;
        (rest.to_owned(), format!("{moved}{fraction}"))
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let plain = match fraction.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    };
    Decimal::from_str_exact(&plain).ok()
}

/// A number as JSON, with all its digits.
pub(crate) fn json_number(value: Decimal) -> Box<RawValue> {
    // The text of a decimal is always a JSON number.
    RawValue::from_string(value.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Decimals the platform takes in a currency; `None` where nothing limits them (crypto and unknown codes).
fn currency_decimals(code: &str) -> Option<u32> {
    match code {
        // ISO 4217 says 2, the platform takes whole numbers only.
        "IDR" | "INR" => Some(0),
        _ => iso_currency::Currency::from_code(code)?.exponent().map(u32::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str) -> Result<Amount, &'static str> {
        Amount::parse(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn every_spelling_of_a_number_has_its_exact_value() {
        for (text, expected) in [
            ("10000", "10000"),
            ("1E+4", "10000"),
            ("1e4", "10000"),
            ("100000e-1", "10000"),
            ("42.00", "42"),
            ("0.1", "0.1"),
            ("1.5e-1", "0.15"),
            ("12.345e2", "1234.5"),
            ("3.133", "3.133"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
            ("-1", "-1"),
        ] {
            assert_eq!(decimal(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_rather_than_rounded() {
        for text in ["1e61", "0.12345678901234567890123456789", "79228162514264337593543950336"] {
            assert_eq!(amount(text).unwrap_err(), "is out of range", "{text}");
        }
    }

    #[test]
    fn zero_negative_and_quoted_amounts_are_refused() {
        assert_eq!(amount("0").unwrap_err(), "must be greater than 0");
        assert_eq!(amount("0.00").unwrap_err(), "must be greater than 0");
        assert_eq!(amount("-1").unwrap_err(), "must be greater than 0");
        assert_eq!(amount("\"10\"").unwrap_err(), "must be a JSON number");
        assert_eq!(amount("null").unwrap_err(), "must be a JSON number");
    }

    #[test]
    fn precision_follows_the_currency() {
        for (text, currency, exceeds) in [
            ("42.00", "IDR", false),
            ("42.05", "IDR", true),
            ("42.05", "INR", true),
            ("42.05", "USD", false),
            ("42.050", "USD", false),
            ("42.055", "USD", true),
            ("1.5", "JPY", true),
            ("1.234", "KWD", false),
            ("0.000000000000000001", "USDT", false),
        ] {
            let money = Money { amount: amount(text).unwrap(), currency_code: currency.to_owned() };
            assert_eq!(money.exceeds_precision(), exceeds, "{text} {currency}");
        }
    }

    #[test]
    fn the_fee_is_one_per_cent_and_never_zero() {
        for (text, currency, fee) in [
            ("10000", "IDR", "100"),
            ("10", "IDR", "1"),
            ("42.05", "USD", "0.42"),
            ("0.01", "USD", "0.01"),
            ("12.5", "USDT", "0.125"),
        ] {
            let money = Money { amount: amount(text).unwrap(), currency_code: currency.to_owned() };
            assert_eq!(money.fee().to_string(), fee, "{text} {currency}");
        }
    }
}
