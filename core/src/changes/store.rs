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
#[error("{0}")]
pub struct StoreError(String);

impl StoreError {
    /// An error with this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// How much later than `now` a change may have been taken by a clock that is right: by somebody who read it later, and
/// came first.
const HEAD_START: Duration = Duration::from_secs(60);

/// The latest time at which a change may have been taken, if the clock is right.
pub(super) fn credible(now: Timestamp) -> Timestamp {
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
pub(super) mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn change(payout_id: &str, sequence: u64) -> ChangeRecord {
        ChangeRecord {
            payout_id: PayoutId::new(payout_id).unwrap(),
            sequence,
            previous_status: (sequence > 1).then(|| "PROCESSING".to_owned()),
            payout: format!("{{\"n\": {sequence}}}"),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn names(changes: &[ChangeRecord]) -> Vec<String> {
        changes.iter().map(|change| format!("{}{}", change.payout_id, change.sequence)).collect()
    }

    /// What every store has to do.
    pub fn keeps_its_promises(store: &dyn ChangeStore) {
        let [a, b] = ["A", "B"].map(|id| PayoutId::new(id).unwrap());
        // It has one owner, the first.
        for owner in ["first", "second", "first"] {
            assert_eq!(store.claim(owner).unwrap(), "first");
        }
        assert_eq!(store.latest(&a).unwrap(), None);
        assert!(store.take(10, at(0), at(60)).unwrap().is_empty());
        for (payout_id, sequence) in [("A", 1), ("B", 1), ("A", 2), ("C", 1)] {
            assert!(store.record(&change(payout_id, sequence)).unwrap());
        }
        let other = ChangeRecord { payout: "{}".to_owned(), ..change("A", 2) };
        assert!(!store.record(&other).unwrap() && !store.record(&change("A", 1)).unwrap());
        assert_eq!(store.latest(&a).unwrap(), Some(change("A", 2)));
        assert_eq!(store.latest(&b).unwrap(), Some(change("B", 1)));

        // The oldest first, one of each payout, and to one taker at a time.
        assert!(store.take(0, at(0), at(60)).unwrap().is_empty());
        assert_eq!(names(&store.take(2, at(0), at(60)).unwrap()), ["A1", "B1"]);
        assert_eq!(store.take(2, at(59), at(90)).unwrap(), [change("C", 1)]);
        assert!(store.take(9, at(59), at(90)).unwrap().is_empty());
        // Who took A1 and B1 said nothing; it comes again, in the same order.
        assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["A1", "B1"]);
        assert_eq!(names(&store.take(9, at(90), at(120)).unwrap()), ["C1"]);

        // What is acknowledged is never given again, and lets the next one through.
        store.acknowledge(&a, 1).unwrap();
        store.acknowledge(&a, 1).unwrap();
        store.acknowledge(&a, 7).unwrap();
        store.acknowledge(&PayoutId::new("Z").unwrap(), 1).unwrap();
        assert_eq!(names(&store.take(9, at(91), at(120)).unwrap()), ["A2"]);
        store.acknowledge(&b, 1).unwrap();
        assert_eq!(names(&store.take(9, at(120), at(130)).unwrap()), ["A2", "C1"]);
        store.acknowledge(&a, 2).unwrap();
        store.acknowledge(&PayoutId::new("C").unwrap(), 1).unwrap();
        assert!(store.take(9, at(9000), at(9001)).unwrap().is_empty());
        // The clock is set back: what was taken by it before is not withheld until it is there again. The length of
        // the leases says nothing, since each taker has its own.
        assert!(store.record(&change("D", 1)).unwrap());
        assert_eq!(names(&store.take(9, at(9000), at(9600)).unwrap()), ["D1"]);
        assert!(store.take(9, at(9000), at(9001)).unwrap().is_empty());
        // Who read the clock before that, and comes after it.
        assert!(store.take(9, at(8990), at(8991)).unwrap().is_empty());
        assert_eq!(names(&store.take(9, at(100), at(101)).unwrap()), ["D1"]);
        assert!(store.take(9, at(100), at(101)).unwrap().is_empty());
        store.acknowledge(&PayoutId::new("D").unwrap(), 1).unwrap();
        // It still knows where they stood.
        assert_eq!(store.latest(&a).unwrap(), Some(change("A", 2)));
        assert!(!store.record(&change("A", 2)).unwrap());
    }

    /// What every store has to do about what is over. Gives how many changes it deleted, which one that keeps nothing
    /// else may have done before.
    pub fn prunes_only_what_is_over(store: &dyn ChangeStore) -> usize {
        let [a, b, c] = ["A", "B", "C"].map(|id| PayoutId::new(id).unwrap());
        let mut pruned = 0;
        let mut prune = |until, limit| {
            let now = store.prune(until, limit).unwrap();
            assert!(now <= limit);
            pruned += now;
            now
        };
        for (payout_id, sequence) in [("A", 1), ("B", 1), ("A", 2), ("C", 1), ("A", 3)] {
            assert!(store.record(&change(payout_id, sequence)).unwrap());
        }
        // Nothing of it is over: not what is not acknowledged, and not the last of its payout.
        store.acknowledge(&b, 1).unwrap();
        assert_eq!(prune(Timestamp::MAX, 9), 0);
        store.acknowledge(&a, 1).unwrap();
        store.acknowledge(&a, 2).unwrap();
        // Not for long enough.
        assert_eq!(prune(at(0), 9), 0);
        prune(Timestamp::MAX, 1);
        prune(Timestamp::MAX, 9);
        assert_eq!(names(&store.take(9, at(0), at(60)).unwrap()), ["C1", "A3"]);
        store.acknowledge(&a, 3).unwrap();
        store.acknowledge(&c, 1).unwrap();
        assert_eq!(prune(Timestamp::MAX, 9), 0);

        // Whatever comes late or twice is known, the numbers go on, and a correction is told.
        for (id, last) in [(&a, 3), (&b, 1), (&c, 1)] {
            assert_eq!(store.latest(id).unwrap().map(|latest| latest.sequence), Some(last));
            for sequence in 1..=last {
                assert!(!store.record(&change(id.as_str(), sequence)).unwrap(), "{id} {sequence}");
                store.acknowledge(id, sequence).unwrap();
            }
        }
        assert!(store.take(9, at(60), at(120)).unwrap().is_empty());
        // What was the last one is over with the next one, if it was acknowledged.
        assert!(store.record(&change("B", 2)).unwrap() && store.record(&change("B", 3)).unwrap());
        prune(Timestamp::MAX, 9);
        assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["B2"]);
        store.acknowledge(&b, 2).unwrap();
        prune(Timestamp::MAX, 9);
        assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["B3"]);
        assert_eq!(prune(Timestamp::MAX, 9), 0);
        pruned
    }

    /// Of many that record the same number, and of many that take, one does.
    pub fn one_of_many_wins(store: &Arc<impl ChangeStore>) {
        for sequence in 1..=20 {
            let all = |what: fn(&dyn ChangeStore, u64) -> bool| -> usize {
                let threads: Vec<_> = (0..8)
                    .map(|_| {
                        let store = Arc::clone(store);
                        thread::spawn(move || what(&*store, sequence))
                    })
                    .collect();
                threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
            };
            assert_eq!(all(|store, sequence| store.record(&change("RACE", sequence)).unwrap()), 1);
            assert_eq!(all(|store, _| !store.take(1, at(0), at(60)).unwrap().is_empty()), 1);
            store.acknowledge(&PayoutId::new("RACE").unwrap(), sequence).unwrap();
        }
    }

    #[test]
    fn the_store_in_memory_keeps_its_promises() {
        keeps_its_promises(&MemoryChangeStore::new());
        assert_eq!(prunes_only_what_is_over(&MemoryChangeStore::new()), 0);
        one_of_many_wins(&Arc::new(MemoryChangeStore::new()));
    }
}
