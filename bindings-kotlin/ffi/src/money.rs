//! `Money`: in each language a class of its own, with an exact amount, equal by value. The core parses it.

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
    pub fn parts(&self) -> MoneyParts {
        MoneyParts { amount: self.0.amount().to_string(), currency: self.0.currency().to_owned() }
    }
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
