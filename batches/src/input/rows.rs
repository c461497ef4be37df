//! What readers of rows give.

use std::fmt;

use komopay_core::{PayoutId, PayoutRequest, Result};

use super::columns::Field;

/// A payout that a row asks for: checked, under its id, not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemDraft {
    /// What the merchant calls it: the value of the unique column.
    pub key: String,
    /// The id that it is paid under, from the input or derived from the batch's id and the key.
    pub payout_id: PayoutId,
    /// What is sent.
    pub request: PayoutRequest,
    /// Where it stands in the input: the line that its row begins in, the header's being 1; of requests, its place,
    /// from 1.
    pub row: u64,
}

/// What is wrong with a row. No value of the row is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The line that the row begins in, as [`ItemDraft::row`].
    pub row: u64,
    /// The column, or field, that is at fault, by its name in the input.
    pub field: Option<String>,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl RowProblem {
    /// The problem of a row whose key, or payout id, an earlier row of the batch has.
    ///
    /// ```
    /// use komopay_batches::RowProblem;
    ///
    /// let problem = RowProblem::repeated(7, "invoice", 3);
    /// assert_eq!(problem.to_string(), "row 7, invoice: is that of row 3: each row needs one of its own");
    /// ```
    #[must_use]
    pub fn repeated(row: u64, column: &str, first: u64) -> Self {
        let problem = format!("is that of row {first}: each row needs one of its own");
        Self { row, field: Some(column.to_owned()), problem }
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "row {}, {field}: {}", self.row, self.problem),
            None => write!(f, "row {}: {}", self.row, self.problem),
        }
    }
}

/// One row, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowRead {
    /// It can be sent.
    Item(Box<ItemDraft>),
    /// It cannot, for these reasons: one at least, and of every bad field one.
    Bad(Vec<RowProblem>),
}

/// A reader of rows. `Err` is said once, at the end: the input cannot be read any further.
pub trait Rows: Iterator<Item = Result<RowRead>> + Send {
    /// What this field is called in the input, for a problem that is found later.
    fn column(&self, field: Field) -> &str;

    /// The columns that nothing is taken from, in their order.
    fn unused_columns(&self) -> &[String];
}
