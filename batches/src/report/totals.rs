//! The totals of a report, and whether they are what was planned.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use komopay_core::{Money, Result};

use super::item::ReportItem;
use super::summary::{BalanceChange, BatchSummary};
use super::total::ReportTotal;
use crate::item::ItemState;

/// The totals of the items of a report. They are counted from the items themselves, never taken from the journal.
///
/// In each currency: input and new tries together are the sum over the states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportTotals {
    currencies: BTreeMap<String, ReportCurrency>,
    fees: BTreeMap<String, ReportTotal>,
    fees_untold: u64,
}

/// The totals of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportCurrency {
    /// What was handed over: all items but new tries.
    pub input: ReportTotal,
    /// Items that are new tries of others. They ask for the same money once more, so they are no part of the input.
    pub tried_again: ReportTotal,
    /// Every item by its state, in the order of [`ItemState::ALL`].
    pub states: [(ItemState, ReportTotal); 9],
}

impl ReportCurrency {
    fn none(currency: &str) -> Result<Self> {
        let none = ReportTotal::none(currency)?;
        Ok(Self {
            input: none.clone(),
            tried_again: none.clone(),
            states: ItemState::ALL.map(|state| (state, none.clone())),
        })
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> &str {
        self.input.sum.currency()
    }

    /// Of items in this state.
    #[must_use]
    pub fn of_state(&self, state: ItemState) -> Option<&ReportTotal> {
        self.states.iter().find(|(of, _)| *of == state).map(|(_, tally)| tally)
    }
}

/// The items do not add up to what was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportDifference {
    /// What was planned.
    pub planned: ReportTotal,
    /// What the items add up to.
    pub found: ReportTotal,
}

impl ReportTotals {
    pub(super) fn add(&mut self, item: &ReportItem) -> Result<()> {
        let currency = item.money.currency();
        let totals = entry(&mut self.currencies, currency, ReportCurrency::none)?;
        let source = if item.replaces.is_none() { &mut totals.input } else { &mut totals.tried_again };
        source.add(&item.money)?;
        for (state, tally) in &mut totals.states {
            if *state == item.state {
                tally.add(&item.money)?;
            }
        }
        match &item.fee {
            Some(fee) => entry(&mut self.fees, fee.currency(), ReportTotal::none)?.add(fee)?,
            None if item.state.is_made() => self.fees_untold += 1,
            None => {}
        }
        Ok(())
    }

    /// The totals of each currency, in the order of the codes.
    pub fn currencies(&self) -> impl Iterator<Item = &ReportCurrency> {
        self.currencies.values()
    }

    /// The fees that the platform told, by their currency, with the number of items that each is of.
    pub fn fees(&self) -> impl Iterator<Item = &ReportTotal> {
        self.fees.values()
    }

    /// How many payouts the platform took without telling a fee so far.
    #[must_use]
    pub fn fees_untold(&self) -> u64 {
        self.fees_untold
    }

    /// How many items there are.
    #[must_use]
    pub fn items(&self) -> u64 {
        ItemState::ALL.into_iter().map(|state| self.of_state(state)).sum()
    }

    /// How many items are in this state, in all currencies.
    #[must_use]
    pub fn of_state(&self, state: ItemState) -> u64 {
        self.currencies().filter_map(|totals| totals.of_state(state)).map(|tally| tally.count).sum()
    }

    /// Where the input, as the items add up to it, is not what was planned. Then the journal was changed by hand, or
    /// the report is not of all items: find out before anything else is paid.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.currency`, if a planned total has no currency.
    pub fn differences(&self, summary: &BatchSummary) -> Result<Vec<ReportDifference>> {
        let Some(planned) = &summary.planned else { return Ok(Vec::new()) };
        let mut differences = Vec::new();
        for planned in planned {
            let found = match self.currencies.get(planned.sum.currency()) {
                Some(totals) => totals.input.clone(),
                None => ReportTotal::none(planned.sum.currency())?,
            };
            if found != *planned {
                differences.push(ReportDifference { planned: planned.clone(), found });
            }
        }
        for totals in self.currencies() {
            if !planned.iter().any(|planned| planned.sum.currency() == totals.currency()) && totals.input.count > 0 {
                let planned = ReportTotal::none(totals.currency())?;
                differences.push(ReportDifference { planned, found: totals.input.clone() });
            }
        }
        Ok(differences)
    }

    /// How a balance moved by this batch: less by what arrived, and by the fees that were told in its currency.
    ///
    /// # Errors
    /// `invalid_request`, naming `money.amount`, if the sum has more digits than can be kept exactly.
    pub fn moved(&self, currency: &str) -> Result<Money> {
        let mut moved = Money::restore("0", currency)?;
        let arrived = self.currencies.get(currency).and_then(|totals| totals.of_state(ItemState::Succeeded));
        for tally in arrived.into_iter().chain(self.fees.get(currency)) {
            moved = moved.checked_sub(&tally.sum)?;
        }
        Ok(moved)
    }

    /// What of the change of a balance this batch does not explain.
    ///
    /// # Errors
    /// `invalid_request`: naming `money.currency`, if its two amounts are of two currencies; naming `money.amount`, if
    /// the rest has more digits than can be kept exactly.
    pub fn unexplained(&self, change: &BalanceChange) -> Result<Money> {
        change.after.checked_sub(&change.before)?.checked_sub(&self.moved(change.before.currency())?)
    }
}

fn entry<'a, T>(
    map: &'a mut BTreeMap<String, T>,
    currency: &str,
    none: impl FnOnce(&str) -> Result<T>,
) -> Result<&'a mut T> {
    match map.entry(currency.to_owned()) {
        Entry::Occupied(entry) => Ok(entry.into_mut()),
        Entry::Vacant(entry) => Ok(entry.insert(none(currency)?)),
    }
}
