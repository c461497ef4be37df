//! Rows become items.

use komopay_core::{PayoutId, PayoutRequest};

/// A row that is good.
#[derive(Clone, Debug)]
pub struct ItemDraft {
    /// The row's own key, unique in its batch.
    pub key: String,
    /// The id of its payout.
    pub payout_id: PayoutId,
    /// What is to be paid.
    pub request: PayoutRequest,
    /// The line of the input.
    pub row: u64,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The line of the input.
    pub row: u64,
    /// The field.
    pub field: Option<String>,
    /// What is wrong with it.
    pub problem: String,
}
