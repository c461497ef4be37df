//! What callers give, checked: the constructors of values that refuse with an [`Error`].
//!
//! An error carries the id of its payout, and perhaps the payout. So these values know nothing of errors, and what
//! makes errors of their problems stands here, above both.

use std::cmp::Ordering;
use std::str::FromStr;

use rust_decimal::Decimal;

use crate::error::{Error, Result};
use crate::money::{Money, currency_problem, parse_amount};
use crate::values::PayoutId;

impl PayoutId {
    /// An id from its text.
    ///
    /// # Errors
    /// `invalid_request`, naming `payout_id`.
    pub fn new(id: impl Into<String>) -> Result<Self> {
        Self::parse(id.into()).map_err(|problem| Error::invalid("payout_id", problem))
    }
}

impl FromStr for PayoutId {
    type Err = Error;
    fn from_str(id: &str) -> Result<Self> {
        Self::new(id)
    }
}

impl Money {
    /// Money from what a person wrote: the text of a JSON number (`10000`, `42.05`, `1E+4`) and a currency code (`IDR`;
    /// crypto tickers are fine).
    ///
    /// One to three digits, a point and three digits, such as `250.000`, are a thousandfold to some and the plain
    /// number to others. For a currency of at most two decimals they are refused; the error says what to write.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount` or `money.currency`, if the text is no number, if it has more digits
    /// than can be kept exactly (28 significant digits always fit), if it can be read in two ways, or if the code has
    /// lower-case letters, blanks or other characters that no code has.
    pub fn new(amount: impl AsRef<str>, currency: impl Into<String>) -> Result<Self> {
        let (text, currency) = (amount.as_ref(), currency.into());
        let money = Self::exact(text, currency)?;
        match money.two_readings(text) {
            Some(problem) => Err(Error::invalid("money.amount", problem)),
            None => Ok(money),
        }
    }

    /// Money from the text that a program wrote, such as that of another language's decimal type: as [`Money::new`],
    /// but `250.000` is 250.
    ///
    /// # Errors
    /// As [`Money::new`], but for the text that can be read in two ways.
    pub fn exact(amount: impl AsRef<str>, currency: impl Into<String>) -> Result<Self> {
        Self::from_decimal(read_amount(amount.as_ref())?, currency)
    }

    /// Money from a decimal, as it is.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.currency`, as [`Money::new`].
    pub fn from_decimal(amount: Decimal, currency: impl Into<String>) -> Result<Self> {
        let currency = currency.into();
        check_currency("money.currency", &currency)?;
        told(amount, currency)
    }

    /// Money that was money before, from the texts of its amount and its currency: what the platform answered comes
    /// back as it was, whatever it calls a currency.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount` if that is no exact number, or `money.currency` if the code is empty.
    pub fn restore(amount: impl AsRef<str>, currency: impl Into<String>) -> Result<Self> {
        told(read_amount(amount.as_ref())?, currency.into())
    }

    /// The sum, exact, with the decimals of both.
    ///
    /// ```
    /// use komopay_core::Money;
    ///
    /// let sum = Money::new("0.1", "USD")?.checked_add(&Money::new("0.20", "USD")?)?;
    /// assert_eq!(sum.to_string(), "0.30 USD");
    /// assert!(sum.checked_add(&Money::new("1", "IDR")?).is_err());
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// `invalid_request`, naming `money.currency` if these are two currencies, or `money.amount` if the sum has more
    /// digits than can be kept exactly.
    pub fn checked_add(&self, other: &Self) -> Result<Self> {
        self.plus_of(other, "+", other.amount())
    }

    /// The difference, exact, with the decimals of both.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn checked_sub(&self, other: &Self) -> Result<Self> {
        self.plus_of(other, "-", -other.amount())
    }

    /// Which of two amounts of one currency is larger.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.currency`, if these are two currencies.
    pub fn checked_cmp(&self, other: &Self) -> Result<Ordering> {
        self.check_same_currency(other)?;
        Ok(self.amount().cmp(&other.amount()))
    }

    fn plus_of(&self, other: &Self, sign: &str, amount: Decimal) -> Result<Self> {
        self.check_same_currency(other)?;
        self.plus(amount).ok_or_else(|| {
            let problem = "has more digits than can be kept exactly; nothing was rounded";
            Error::invalid("money.amount", format!("{self} {sign} {other} {problem}"))
        })
    }

    fn check_same_currency(&self, other: &Self) -> Result<()> {
        if self.currency() == other.currency() {
            return Ok(());
        }
        let problem = format!("{self} and {other} are two currencies, of which there is no sum, difference or order");
        Err(Error::invalid("money.currency", problem))
    }

    /// Refuses what a payout may not ask for: a currency that is none, zero, a negative amount, more decimals than the
    /// currency has.
    pub(crate) fn check_payable(&self) -> Result<()> {
        check_currency("money.currency", self.currency())?;
        match self.unpayable_amount() {
            Some(problem) => Err(Error::invalid("money.amount", problem)),
            None => Ok(()),
        }
    }
}

/// Refuses what no currency code is: the one rule for all codes that come from a caller. The list of codes is open, but
/// a code in lower case, or with a blank, would match no ceiling, no filter and no answer, and nobody would be told.
pub(crate) fn check_currency(field: &str, code: &str) -> Result<()> {
    match currency_problem(code) {
        Some(problem) => Err(Error::invalid(field, problem)),
        None => Ok(()),
    }
}

fn read_amount(text: &str) -> Result<Decimal> {
    parse_amount(text).map_err(|problem| Error::invalid("money.amount", problem))
}

fn told(amount: Decimal, currency: String) -> Result<Money> {
    Money::told(amount, currency).map_err(|problem| Error::invalid("money.currency", problem))
}
