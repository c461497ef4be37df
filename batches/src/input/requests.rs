//! Requests that a program makes, such as of the rows of a data frame.

use std::fmt;
use std::iter::Enumerate;

use komopay_core::{PayoutId, PayoutRequest, Result};

use super::columns::Field;
use super::payout_id::{check_batch_id, derived_payout_id};
use super::row::{key_problem, said};
use super::rows::{ItemDraft, RowProblem, RowRead, Rows};

/// Items of an iterator of key, payout id (if there is one) and request. Rows are counted from 1, and a problem names
/// the field of the request, such as `method.account.name`.
///
/// ```
/// use komopay_batches::{Requests, RowRead};
/// use komopay_core::{BankAccount, BankTransfer, Money, PayoutRequest};
///
/// let bank = BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", "0123456789"));
/// let request = PayoutRequest::new(Money::new("250000", "IDR")?, bank);
/// let mut rows = Requests::new("payroll-2026-11", [("EMP-17".to_owned(), None, request)])?;
/// assert!(matches!(rows.next(), Some(Ok(RowRead::Item(item))) if item.key == "EMP-17" && item.row == 1));
/// assert!(rows.next().is_none());
/// # Ok::<(), komopay_core::Error>(())
/// ```
pub struct Requests<I> {
    items: Enumerate<I>,
    batch_id: String,
}

impl<I: Iterator<Item = (String, Option<PayoutId>, PayoutRequest)>> Requests<I> {
    /// The items of this batch.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if it is none.
    pub fn new(batch_id: &str, items: impl IntoIterator<IntoIter = I>) -> Result<Self> {
        check_batch_id(batch_id)?;
        Ok(Self { items: items.into_iter().enumerate(), batch_id: batch_id.to_owned() })
    }

    fn read(&self, row: u64, key: String, id: Option<PayoutId>, request: PayoutRequest) -> Result<RowRead> {
        let mut problems = Vec::new();
        let mut bad = |field: &str, problem: String| {
            problems.push(RowProblem { row, field: Some(field.to_owned()), problem });
        };
        if let Some(problem) = key_problem(&key) {
            bad("key", problem.to_owned());
        }
        for error in request.problems() {
            bad(error.field().unwrap_or("request"), said(&error).1);
        }
        if !problems.is_empty() {
            return Ok(RowRead::Bad(problems));
        }
        let payout_id = id.map_or_else(|| derived_payout_id(&self.batch_id, &key), Ok)?;
        Ok(RowRead::Item(Box::new(ItemDraft { key, payout_id, request, row })))
    }
}

impl<I: Iterator<Item = (String, Option<PayoutId>, PayoutRequest)>> Iterator for Requests<I> {
    type Item = Result<RowRead>;

    fn next(&mut self) -> Option<Self::Item> {
        let (at, (key, id, request)) = self.items.next()?;
        let row = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1);
        Some(self.read(row, key, id, request))
    }
}

impl<I: Iterator<Item = (String, Option<PayoutId>, PayoutRequest)> + Send> Rows for Requests<I> {
    fn column(&self, field: Field) -> &str {
        field.name_in_request()
    }

    fn unused_columns(&self) -> &[String] {
        &[]
    }
}

impl<I> fmt::Debug for Requests<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").field("batch_id", &self.batch_id).finish_non_exhaustive()
    }
}
