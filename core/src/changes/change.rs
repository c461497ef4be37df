//! Changes as the application sees them, and how it takes them out of the store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use url::Url;

use super::store::{ChangeRecord, ChangeStore, StoreError};
use crate::caller::spawn_blocking;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::values::{Payout, PayoutId, PayoutStatus};

/// A change of a payout, told once: another status, or another decision about a payout that was final.
#[derive(Clone, PartialEq, Eq)]
pub struct PayoutChange {
    /// The payout that changed.
    pub payout_id: PayoutId,
    /// The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change as long as the store
    /// lasts: in a new one, the numbers begin at 1 again, as those of a `MemoryChangeStore` do when the program starts.
    /// A note of the number that outlives the program needs a store that does.
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
    fn parse(record: ChangeRecord, check: impl Fn(&Payout) -> Result<()>) -> Result<Self> {
        let payout = payout(&record, check)?;
        let ChangeRecord { payout_id, sequence, previous_status, payout: _ } = record;
        let previous_status = previous_status.as_deref().map(PayoutStatus::from);
        let is_correction = previous_status.as_ref().is_some_and(PayoutStatus::is_final);
        Ok(Self { payout_id, sequence, previous_status, payout, is_correction })
    }
}

/// The payout of a record. It passes what an answer of the platform has to pass, `check` included: the file may have
/// been written by another version, or under other settings.
pub(crate) fn payout(record: &ChangeRecord, check: impl Fn(&Payout) -> Result<()>) -> Result<Payout> {
    let (payout, _) = Payout::parse(&record.payout_id, record.payout.as_bytes()).map_err(|unreadable| {
        let text = format!("change {} of {} cannot be read back: {}", record.sequence, record.payout_id, unreadable.0);
        failed(&StoreError::new(text))
    })?;
    check(&payout)?;
    Ok(payout)
}

/// How many calls of a client are in its store at once. The threads that may block are for other work, too, and a store
/// answers few at a time.
const AT_ONCE: usize = 4;

/// A client's store.
pub(crate) struct Store {
    store: Arc<dyn ChangeStore>,
    slots: Arc<Semaphore>,
}

impl Store {
    /// The store of this owner. One that belongs to another is refused: ids are unique for each merchant only.
    pub(crate) fn new(store: Arc<dyn ChangeStore>, owner: &str) -> Result<Self> {
        let refuse = |problem: String| Error::setting("change_store", problem);
        let claimed = store.claim(owner).map_err(|error| {
            if error.is_unavailable() { failed(&error) } else { refuse(format!("cannot be used: {error}")) }
        })?;
        if claimed != owner {
            return Err(refuse(format!(
                "belongs to another client: it is of `{claimed}`, and this client is of `{owner}`. Give each base URL, \
                 merchant and mode a store of its own. If a setting was changed, and the store is to go along: \
                 docs/callbacks.md says how a file is handed over"
            )));
        }
        Ok(Self { store, slots: Arc::new(Semaphore::new(AT_ONCE)) })
    }
}

/// Whose changes a store keeps, as a store notes it: no part of it may change its form, since files hold it.
///
/// A token does not say whose it is, so clients with tokens are told apart from those of a merchant, and not from each
/// other.
pub(crate) fn owner(base_url: &Url, credentials: &Credentials, is_test: Option<bool>) -> String {
    let is_test = is_test.map_or("unset", |is_test| if is_test { "true" } else { "false" });
    let owner = format!("base_url={base_url} is_test={is_test}");
    match credentials {
        Credentials::Merchant { code, .. } => format!("{owner} merchant_code={}", code.escape_default()),
        Credentials::Token(_) | Credentials::Provider(_) => owner,
    }
}

/// How many changes that are over are deleted at once: little enough that nobody waits for it.
const PRUNED_AT_ONCE: usize = 100;

/// Takes changes that nobody has, for the time of the lease. Where there is none, there is time to delete what has been
/// over for longer than `keep`.
///
/// One that cannot be read back, or does not pass the check, stays where it is, and holds up its own payout only.
pub(crate) async fn take(
    store: Option<&Store>,
    limit: usize,
    lease: Duration,
    keep: Duration,
    check: impl Fn(&Payout) -> Result<()>,
) -> Result<Vec<PayoutChange>> {
    let now = Timestamp::now();
    let over = now.checked_sub(keep).unwrap_or(Timestamp::MIN);
    let until = now.checked_add(lease).map_err(|_| Error::setting("change_lease", "is too long"))?;
    let taken = on(needed(store)?, move |store| {
        let taken = store.take(limit, now, until)?;
        if taken.is_empty()
            && let Err(error) = store.prune(over, PRUNED_AT_ONCE)
        {
            // It is there to be deleted the next time; nobody who takes changes can do anything about it.
            tracing::warn!(target: "komopay", "the store of changes could not delete what is over: {error}");
        }
        Ok(taken)
    })
    .await?;
    let (mut changes, mut first_error) = (Vec::new(), None);
    for record in taken {
        let id = record.payout_id.clone();
        match PayoutChange::parse(record, &check) {
            Ok(change) => changes.push(change),
            Err(error) => {
                tracing::error!(target: "komopay", payout_id = %id, kind = %error.kind(), "{error}");
                first_error.get_or_insert(error);
            }
        }
    }
    match first_error {
        Some(error) if changes.is_empty() => Err(error),
        _ => Ok(changes),
    }
}

/// Notes that a change was handled.
pub(crate) async fn acknowledge(store: Option<&Store>, id: &PayoutId, sequence: u64) -> Result<()> {
    let id = id.clone();
    on(needed(store)?, move |store| store.acknowledge(&id, sequence)).await
}

/// The store, without which no changes are kept.
pub(crate) fn needed(store: Option<&Store>) -> Result<&Store> {
    store.ok_or_else(|| Error::setting("change_store", "is missing; changes are kept in one, or not at all"))
}

/// Asks the store on a thread that may block, when there is room for it.
pub(crate) async fn on<T: Send + 'static>(
    store: &Store,
    ask: impl FnOnce(&dyn ChangeStore) -> Result<T, StoreError> + Send + 'static,
) -> Result<T> {
    // Nobody closes the semaphore, so there is room in the end. It ends with the work, also if nobody waits for that
    // any more.
    let slot = Arc::clone(&store.slots).acquire_owned().await;
    let store = Arc::clone(&store.store);
    let asked = spawn_blocking(move || {
        let _slot = slot;
        ask(&*store)
    })
    .await;
    // Its own text of a panic may hold anything.
    asked.map_err(|_| failed(&StoreError::new("it panicked")))?.map_err(|error| failed(&error))
}

fn failed(error: &StoreError) -> Error {
    Error::new(ErrorKind::Unavailable, format!("the store of changes failed: {error}")).with_field("change_store")
}

#[cfg(test)]
mod tests {
    use std::sync::{Condvar, Mutex};

    use super::super::store::MemoryChangeStore;
    use super::*;

    #[test]
    fn an_owner_is_named_by_base_url_mode_and_merchant_in_a_form_that_stays() {
        let url = Url::parse("https://API.komopay.id:443/v2").unwrap();
        let merchant = Credentials::merchant("CODE", "secret");
        let token = Credentials::token("token");
        for (credentials, is_test, name) in [
            (&merchant, None, "base_url=https://api.komopay.id/v2 is_test=unset merchant_code=CODE"),
            (&merchant, Some(false), "base_url=https://api.komopay.id/v2 is_test=false merchant_code=CODE"),
            (&token, Some(true), "base_url=https://api.komopay.id/v2 is_test=true"),
        ] {
            assert_eq!(owner(&url, credentials, is_test), name);
        }
        // It is shown and logged.
        let odd = Credentials::merchant("a\nb", "secret");
        assert!(owner(&url, &odd, None).ends_with("merchant_code=a\\nb"));
    }

    fn record(payout_id: &str, sequence: u64, payout: &str) -> ChangeRecord {
        let payout_id = PayoutId::new(payout_id).unwrap();
        ChangeRecord { payout_id, sequence, previous_status: None, payout: payout.to_owned() }
    }

    #[tokio::test]
    async fn a_change_that_cannot_be_read_back_stops_no_other() {
        let memory = Arc::new(MemoryChangeStore::new());
        let readable = r#"{"paymentRequested": {"money": {"amount": 1, "currencyCode": "IDR"}},
            "process": {"status": "SUCCESS", "createdAt": "2025-01-01T00:00:00Z", "isTest": true},
            "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": "A"}}"#;
        assert!(memory.record(&record("BAD", 7, "SECRET")).unwrap());
        assert!(memory.record(&record("A", 1, readable)).unwrap());
        let store = Store::new(memory, "").unwrap();
        let [lease, keep] = [Duration::from_secs(60); 2];
        let taken = take(Some(&store), 10, lease, keep, |_| Ok(())).await.unwrap();
        assert_eq!(taken.iter().map(|change| change.payout_id.as_str()).collect::<Vec<_>>(), ["A"]);

        // Alone, it is an error, which names it. What it says is shown to nobody.
        let store = Store::new(Arc::new(MemoryChangeStore::new()), "").unwrap();
        on(&store, |store| store.record(&record("BAD", 7, "SECRET"))).await.unwrap();
        let error = take(Some(&store), 10, lease, keep, |_| Ok(())).await.unwrap_err().to_string();
        assert!(error.contains("change 7 of BAD cannot be read back") && !error.contains("SECRET"), "{error}");
    }

    /// A store that answers when it is told to.
    #[derive(Default)]
    struct Slow {
        is_open: Mutex<bool>,
        opened: Condvar,
    }

    impl ChangeStore for Slow {
        fn claim(&self, owner: &str) -> Result<String, StoreError> {
            Ok(owner.to_owned())
        }

        fn latest(&self, _: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
            Ok(None)
        }

        fn record(&self, _: &ChangeRecord) -> Result<bool, StoreError> {
            Ok(true)
        }

        fn take(&self, _: usize, _: Timestamp, _: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
            drop(self.opened.wait_while(self.is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
            Ok(Vec::new())
        }

        fn acknowledge(&self, _: &PayoutId, _: u64) -> Result<(), StoreError> {
            Ok(())
        }

        fn prune(&self, _: Timestamp, _: usize) -> Result<usize, StoreError> {
            Ok(0)
        }
    }

    #[test]
    fn a_slow_store_leaves_threads_to_other_work() {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().max_blocking_threads(AT_ONCE + 1).build();
        runtime.unwrap().block_on(async {
            let slow = Arc::new(Slow::default());
            let store = Arc::new(Store::new(Arc::<Slow>::clone(&slow), "").unwrap());
            let takes: Vec<_> = (0..4 * AT_ONCE)
                .map(|_| {
                    let store = Arc::clone(&store);
                    tokio::spawn(async move { take(Some(&store), 1, Duration::ZERO, Duration::ZERO, |_| Ok(())).await })
                })
                .collect();
            // All of them have asked for a thread, or wait for their turn.
            tokio::task::yield_now().await;
            let other = tokio::time::timeout(Duration::from_secs(60), tokio::task::spawn_blocking(|| ())).await;
            *slow.is_open.lock().unwrap() = true;
            slow.opened.notify_all();
            assert!(other.is_ok(), "the store has all threads");
            for take in takes {
                assert_eq!(take.await.unwrap().unwrap(), []);
            }
        });
    }
}
