//! An outbox: payouts that are intended in the merchant's own transaction, so that its order and its payout are
//! committed together or not at all.

use komopay_core::{PayoutId, PayoutRequest, Result};

use crate::input::{ItemDraft, check_batch_id, check_key, derived_payout_id};
use crate::journal::{OutboxRow, Stored};
use crate::seal::Keys;

/// Makes the rows of an outbox. It needs the journal's key, and no connection: the application inserts the row in a
/// transaction of its own.
#[derive(Clone, Debug)]
pub struct Outbox {
    batch_id: String,
    keys: Keys,
}

impl Outbox {
    /// The outbox of this id.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`.
    pub fn new(batch_id: &str, keys: Keys) -> Result<Self> {
        check_batch_id(batch_id)?;
        Ok(Self { batch_id: batch_id.to_owned(), keys })
    }

    /// The row of a payout, checked as every create is. Without a payout id, one is derived from the outbox's id and
    /// the key.
    ///
    /// # Errors
    /// `invalid_request`, naming the field.
    pub fn row(&self, key: &str, payout_id: Option<PayoutId>, request: &PayoutRequest) -> Result<OutboxRow> {
        check_key(key)?;
        request.validate()?;
        let payout_id = payout_id.map_or_else(|| derived_payout_id(&self.batch_id, key), Ok)?;
        let draft = ItemDraft { key: key.to_owned(), payout_id, request: request.clone(), row: 0 };
        Ok(Stored::of(Box::new(draft), &self.batch_id, &self.keys)?.into_outbox(&self.batch_id))
    }

    /// Whether a stored fingerprint is this request's: where the key was there before, the same request again is
    /// nothing new, and another one is an error.
    ///
    /// # Errors
    /// `configuration`, naming `journal_key`, if the key that it was made with is not here.
    pub fn matches(&self, fingerprint: &str, request: &PayoutRequest) -> Result<bool> {
        self.keys.matches(fingerprint, request)
    }
}
