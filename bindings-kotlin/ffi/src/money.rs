//! `Money`: in each language a class of its own, with an exact amount, equal by value. The core parses it.

use crate::error::{CallFailure, Failure};

/// An exact amount in major units, as each language's front shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Money(komopay_core::Money);

/// The two halves of money, as they cross.
#[derive(uniffi::Record)]
pub struct MoneyParts {
    /// The amount in plain digits, such as `42.05`.
    pub amount: String,
    /// The currency's code.
    pub currency: String,
}

uniffi::custom_type!(Money, MoneyParts, {
    lower: |money| money.parts(),
    // It was money on the other side: made there by the functions below, or handed out from here.
    try_lift: |parts| Ok(Money(komopay_core::Money::restore(parts.amount, parts.currency)?)),
});

impl Money {
    fn parts(&self) -> MoneyParts {
        MoneyParts { amount: self.0.amount().to_string(), currency: self.0.currency().to_owned() }
    }
}

/// Reads an amount that a person wrote: exact, and to be read in one way only.
#[uniffi::export]
fn parse_money(amount: String, currency: String) -> Result<MoneyParts, CallFailure> {
    let money = komopay_core::Money::new(amount, currency).map_err(|error| Failure::from(&error))?;
    Ok(Money(money).parts())
}

/// Reads an amount that a program wrote, such as that of a decimal type.
#[uniffi::export]
fn exact_money(amount: String, currency: String) -> Result<MoneyParts, CallFailure> {
    let money = komopay_core::Money::exact(amount, currency).map_err(|error| Failure::from(&error))?;
    Ok(Money(money).parts())
}

/// How money is shown, such as `42.05 USD`: a currency is what the platform calls one.
#[uniffi::export]
fn show_money(money: Money) -> String {
    money.0.to_string()
}

impl From<komopay_core::Money> for Money {
    fn from(money: komopay_core::Money) -> Self {
        Self(money)
    }
}

impl From<Money> for komopay_core::Money {
    fn from(money: Money) -> Self {
        money.0
    }
}

impl std::fmt::Debug for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.0, f)
    }
}
