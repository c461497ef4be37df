//! Changes as the application sees them, and how it takes them out of the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::store::{ChangeRecord, ChangeStore, StoreError};
use crate::error::{Error, ErrorKind, Result};
use crate::payouts::{Payout, PayoutId, PayoutStatus};

/// A change of a payout, told once: another status, or another decision about a payout that was final.
#[derive(Clone, PartialEq, Eq)]
pub struct PayoutChange {
    /// The payout that changed.
    pub payout_id: PayoutId,
    /// The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change for ever.
    pub sequence: u64,
    /// The status before it; none of the first change that was seen.
    pub previous_status: Option<PayoutStatus>,
    /// The whole payout after it, as the platform told it.
    pub payout: Payout,
    /// Whether it corrects a final status: what was done because of that has to be looked at again.
    pub is_correction: bool,
}

impl fmt::Debug for PayoutChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutChange")
            .field("payout_id", &self.payout_id)
            .field("sequence", &self.sequence)
            .field("previous_status", &self.previous_status)
            .field("payout", &self.payout)
            .field("is_correction", &self.is_correction)
            .finish()
    }
}

impl PayoutChange {
    fn read(record: ChangeRecord) -> Result<Self> {
        let payout = payout(&record)?;
        let ChangeRecord { payout_id, sequence, previous_status, payout: _ } = record;
        let previous_status = previous_status.as_deref().map(PayoutStatus::from);
        let is_correction = previous_status.as_ref().is_some_and(PayoutStatus::is_final);
        Ok(Self { payout_id, sequence, previous_status, payout, is_correction })
    }
}

/// The payout of a record.
pub(super) fn payout(record: &ChangeRecord) -> Result<Payout> {
    Payout::read(&record.payout_id, record.payout.as_bytes()).map_err(|unreadable| {
        let text = format!("change {} of {} cannot be read back: {}", record.sequence, record.payout_id, unreadable.0);
        failed(&StoreError::new(text))
    })
}

/// Takes changes that nobody has, for the time of the lease.
pub(crate) async fn take(
    store: Option<&Arc<dyn ChangeStore>>,
    limit: usize,
    lease: Duration,
) -> Result<Vec<PayoutChange>> {
    let now = Timestamp::now();
    let until = now.checked_add(lease).map_err(|_| Error::setting("change_lease", "is too long"))?;
    let taken = on(&needed(store)?, move |store| store.take(limit, now, until)).await?;
    taken.into_iter().map(PayoutChange::read).collect()
}

/// Notes that a change was handled.
pub(crate) async fn acknowledge(store: Option<&Arc<dyn ChangeStore>>, id: &PayoutId, sequence: u64) -> Result<()> {
    let id = id.clone();
    on(&needed(store)?, move |store| store.acknowledge(&id, sequence)).await
}

fn needed(store: Option<&Arc<dyn ChangeStore>>) -> Result<Arc<dyn ChangeStore>> {
    store.cloned().ok_or_else(|| Error::setting("change_store", "is missing; changes are kept in one, or not at all"))
}

/// Asks the store on a thread that may block.
pub(super) async fn on<T: Send + 'static>(
    store: &Arc<dyn ChangeStore>,
    ask: impl FnOnce(&dyn ChangeStore) -> Result<T, StoreError> + Send + 'static,
) -> Result<T> {
    let store = Arc::clone(store);
    let asked = tokio::task::spawn_blocking(move || ask(&*store)).await;
    // Its own text of a panic may hold anything.
    asked.map_err(|_| failed(&StoreError::new("it panicked")))?.map_err(|error| failed(&error))
}

fn failed(error: &StoreError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the store of changes failed: {error}")).with_field("change_store")
}
