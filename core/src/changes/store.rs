//! Where changes are kept: between the platform's callback and the application, nothing is lost and nothing doubled.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::values::PayoutId;

/// A change as a store keeps it. `Debug` does not show the payout's JSON.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ChangeRecord {
    /// The payout that changed.
    pub payout_id: PayoutId,
    /// The number of the change: 1, 2, 3 ... for each payout.
    pub sequence: u64,
    /// The status before it, as the platform writes it; none of the first change.
    pub previous_status: Option<String>,
    /// The whole payout after it: the platform's JSON as it came. It holds no account number, name or address of a
    /// payee, since the platform repeats none.
    pub payout: String,
}

impl fmt::Debug for ChangeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChangeRecord")
            .field("payout_id", &self.payout_id)
            .field("sequence", &self.sequence)
            .field("previous_status", &self.previous_status)
            .finish_non_exhaustive()
    }
}

/// Why a store could not do what it was asked. The text enters errors and logs: it holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct StoreError {
    text: String,
    is_unavailable: bool,
}

impl StoreError {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_unavailable: false }
    }

    /// The same of a store that is out of reach now, and may be back later: a client that is made meanwhile fails with
    /// `unavailable`, and not with `configuration`.
    #[must_use]
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_unavailable: true }
    }

    /// Whether the store is out of reach now, and may be back later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        self.is_unavailable
    }
}

/// How much later than `now` a change may have been taken by a clock that is right: by somebody who read it later, and
/// came first.
const HEAD_START: Duration = Duration::from_secs(60);

/// The latest time at which a change may have been taken, if the clock is right.
#[must_use]
pub fn credible(now: Timestamp) -> Timestamp {
    now.checked_add(HEAD_START).unwrap_or(Timestamp::MAX)
}

/// Keeps the changes of payouts until the application has handled them: an outbox.
///
/// Several processes may share what is behind it, and hosts whose changes end in one database must: numbers of two
/// stores cannot be compared, and who keeps the highest number would drop a final status. Its functions may block; they
/// are called on threads that may, several at a time. What a function has done when it returns survives a crash, as far
/// as the store survives one at all.
pub trait ChangeStore: Send + Sync + 'static {
    /// Notes whose changes these are, if that was not noted before, and gives what is noted then: of two that ask at
    /// once, both are given the same. A client is made only if that is its own text, which names its base URL, its
    /// merchant and its mode; so what one platform or merchant said is never told to another.
    ///
    /// # Errors
    /// If the store cannot be read, or the note may not have been kept.
    fn claim(&self, owner: &str) -> Result<String, StoreError>;

    /// The change of this payout with the highest number, acknowledged or not.
    ///
    /// # Errors
    /// If the store cannot be read.
    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError>;

    /// Records a change, unless this payout already has one of this number: that is told by `false`, and changes
    /// nothing. Both in one step, so that of two processes that record the same number one is told `false`.
    ///
    /// # Errors
    /// If the change may not have been recorded.
    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError>;

    /// Takes changes that are not acknowledged, the oldest first, at most `limit`, and of each payout only the one with
    /// the lowest number. A change that somebody took before, until a time after `now`, is not given; what is given is
    /// taken until `until`. One that was taken more than a minute after `now` is given, too: the clock has been set
    /// back, and the time that it was taken until may be far. Less than that is how far two who take at once may be
    /// apart.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError>;

    /// Notes that the application has handled a change: it is never given again, and the payout's next one may be. That
    /// holds whoever has it: also if the lease of who says so has run out. Of one that is acknowledged already, or not
    /// there, nothing is noted.
    ///
    /// # Errors
    /// If it may not have been noted.
    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError>;

    /// Deletes changes that are over: acknowledged, and not the last of their payout, both since `until` or longer. At
    /// most `limit` of them, and gives how many; it looks at no more than these, however many are kept. **The one with
    /// the highest number of a payout is never deleted**: by it, what comes late or twice is told from what is new, and
    /// the numbers go on. It is asked when there was nothing to take.
    ///
    /// # Errors
    /// If the store cannot be read or written.
    fn prune(&self, until: Timestamp, limit: usize) -> Result<usize, StoreError>;
}

/// A store in memory: for tests, and for a single process that may forget what it was told when it ends, and keeps no
/// numbers of changes beyond it: they begin at 1 again. It grows by every payout whose change was seen, of which it
/// keeps the last change, and those that are not acknowledged.
///
/// ```
/// use std::sync::Arc;
/// use komopay_core::{Config, Credentials, MemoryChangeStore, SANDBOX_URL};
///
/// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
/// config.change_store = Some(Arc::new(MemoryChangeStore::new()));
/// ```
#[derive(Default)]
pub struct MemoryChangeStore(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    owner: Option<String>,
    latest: HashMap<PayoutId, ChangeRecord>,
    /// What is not acknowledged, the oldest first.
    pending: Vec<Pending>,
}

struct Pending {
    change: ChangeRecord,
    /// From when and until when somebody has it.
    taken: Option<(Timestamp, Timestamp)>,
}

impl MemoryChangeStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ChangeStore for MemoryChangeStore {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        Ok(self.lock().owner.get_or_insert_with(|| owner.to_owned()).clone())
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        Ok(self.lock().latest.get(payout_id).cloned())
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        let mut kept = self.lock();
        let last = kept.latest.get(&change.payout_id).map_or(0, |latest| latest.sequence);
        if last >= change.sequence {
            return Ok(false);
        }
        kept.latest.insert(change.payout_id.clone(), change.clone());
        kept.pending.push(Pending { change: change.clone(), taken: None });
        Ok(true)
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        let mut kept = self.lock();
        let mut seen = std::collections::HashSet::new();
        let mut taken = Vec::new();
        for Pending { change, taken: lease } in &mut kept.pending {
            if taken.len() >= limit {
                break;
            }
            // Those of one payout are in the order of their numbers.
            let is_taken = lease.is_some_and(|(at, until)| at <= credible(now) && until > now);
            if seen.insert(change.payout_id.clone()) && !is_taken {
                *lease = Some((now, until));
                taken.push(change.clone());
            }
        }
        Ok(taken)
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        self.lock()
            .pending
            .retain(|Pending { change, .. }| change.payout_id != *payout_id || change.sequence != sequence);
        Ok(())
    }

    /// Nothing: what is over was not kept.
    fn prune(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

#[cfg(test)]
pub(super) mod promises;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::MemoryChangeStore;
    use super::promises::{keeps_its_promises, one_of_many_wins, prunes_only_what_is_over};

    #[test]
    fn the_store_in_memory_keeps_its_promises() {
        keeps_its_promises(&MemoryChangeStore::new());
        assert_eq!(prunes_only_what_is_over(&MemoryChangeStore::new()), 0);
        one_of_many_wins(&Arc::new(MemoryChangeStore::new()));
    }
}
