//! How many, and how much.

use komopay_core::{Money, Result};

/// How many, and how much, of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTotal {
    /// How many.
    pub count: u64,
    /// How much, exact.
    pub sum: Money,
}

impl ReportTotal {
    pub(super) fn none(currency: &str) -> Result<Self> {
        Ok(Self { count: 0, sum: Money::restore("0", currency)? })
    }

    pub(super) fn add(&mut self, money: &Money) -> Result<()> {
        self.sum = self.sum.checked_add(money)?;
        self.count += 1;
        Ok(())
    }
}
