//! What a report says of the batch as a whole.

use jiff::Timestamp;
use komopay_core::{Money, Shown};

use super::total::ReportTotal;
use crate::batch::BatchState;

/// What a report says of the batch as a whole, beside the totals of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchSummary {
    /// The merchant's name of the batch.
    pub id: String,
    /// Where it stands.
    pub state: BatchState,
    /// Who made it, in the application's word.
    pub maker: Option<String>,
    /// Who approved it, in the application's word.
    pub approver: Option<String>,
    /// The digest of its content, which the approval is bound to.
    pub digest: Option<String>,
    /// When it was made, by the journal's clock.
    pub created_at: Option<Timestamp>,
    /// When the items of this report were read, by the journal's clock.
    pub reported_at: Option<Timestamp>,
    /// What was planned, by currency: what the items have to add up to. None of an open batch, which is not planned.
    pub planned: Option<Vec<ReportTotal>>,
    /// How many rows of the input were bad and, by an explicit choice, left out.
    pub rows_left_out: u64,
    /// How the balances moved since the batch was started, where that was noted.
    pub balances: Vec<BalanceChange>,
    /// What happened to the batch, in order: people's decisions, and its states.
    pub events: Vec<ReportEvent>,
}

impl BatchSummary {
    /// The summary of a batch of which nothing else is known; the rest is public.
    #[must_use]
    pub fn new(id: impl Into<String>, state: BatchState) -> Self {
        Self {
            id: id.into(),
            state,
            maker: None,
            approver: None,
            digest: None,
            created_at: None,
            reported_at: None,
            planned: None,
            rows_left_out: 0,
            balances: Vec::new(),
            events: Vec::new(),
        }
    }
}

/// A balance of the merchant, twice. What this batch does not explain was moved by others: other payouts, money that
/// came in, and fees that the platform did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceChange {
    /// The whole balance when the batch was started, with what was pending then.
    pub before: Money,
    /// The whole balance when the report was made, of the same currency.
    pub after: Money,
}

/// One thing that happened to a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEvent {
    /// When, by the journal's clock.
    pub at: Timestamp,
    /// What, in a word or two, such as `approved`.
    pub what: String,
    /// Who decided it: the name that the application gave, or `komopay` for what follows from a rule.
    pub who: String,
    /// Why. It is shown without its long numbers.
    pub why: Option<String>,
    /// Of what: an item's key, a digest, or a count.
    pub details: Option<String>,
}

impl ReportEvent {
    /// Why, as it may be shown.
    pub(super) fn shown_why(&self) -> Option<String> {
        self.why.as_deref().map(|why| Shown(why).to_string())
    }
}
