//! The front door: one method per thing that is done with a batch.

mod planning;
mod reporting;

use std::time::Duration;

use komopay_core::{Client, Error, Payout, Result};

use crate::batch::BatchState;
use crate::budget::{Budget, Stop};
use crate::chunk::{Fence, Micros};
use crate::db::{Clock, JournalLocation};
use crate::drive::Worker;
use crate::input::{RowProblem, check_batch_id};
use crate::item::ItemState;
use crate::journal::{BatchEvent, BatchRecord, Journal, RULE, Taken, Wanted};
use crate::seal::Keys;
use crate::settings::BatchSettings;

pub use planning::{NewBatch, Planned};

/// For how long after its end the platform may still take a token.
const LEEWAY: Duration = Duration::from_secs(60);

/// Batches of one merchant: planned, approved, paid exactly once and reported. Cheap to clone.
#[derive(Clone)]
pub struct Batches {
    journal: Journal,
    client: Client,
}

/// How a batch stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchStatus {
    /// The batch.
    pub batch_id: String,
    /// Its state.
    pub state: BatchState,
    /// Why it is paused, or was cancelled.
    pub why: Option<String>,
    /// How many items are in which state, by currency. States without items are left out.
    pub counts: Vec<ItemCount>,
    /// When there is something to do again, from now on; none if there is not.
    pub due_in: Option<Duration>,
}

/// How many items of one currency are in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemCount {
    /// The state.
    pub state: ItemState,
    /// The currency.
    pub currency: String,
    /// How many.
    pub count: u64,
}

/// A batch that workers have something to do for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueBatch {
    /// The batch.
    pub batch_id: String,
    /// When there is something to do, from now on.
    pub due_in: Duration,
}

impl BatchStatus {
    /// How many items are in this state.
    #[must_use]
    pub fn count(&self, state: ItemState) -> u64 {
        self.counts.iter().filter(|count| count.state == state).map(|count| count.count).sum()
    }

    /// How many items there are.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.counts.iter().map(|count| count.count).sum()
    }
}

impl Batches {
    /// Opens the journal of a merchant's batches, and makes it if there is none.
    ///
    /// # Errors
    /// `configuration`, naming `journal` or `journal_key`; `unavailable`, naming `journal`, if it cannot be reached
    /// now.
    pub async fn open(client: Client, journal: &JournalLocation, keys: Keys) -> Result<Self> {
        #[cfg(not(feature = "proofs"))]
        let clock = Clock::default();
        #[cfg(feature = "proofs")]
        let clock = Clock::of_environment();
        Self::open_with(client, journal, keys, clock).await
    }

    /// The same, with a clock that proofs put forward.
    #[cfg(feature = "proofs")]
    #[doc(hidden)]
    pub async fn open_by(client: Client, at: &JournalLocation, keys: Keys, clock: Clock) -> Result<Self> {
        Self::open_with(client, at, keys, clock).await
    }

    async fn open_with(client: Client, at: &JournalLocation, keys: Keys, clock: Clock) -> Result<Self> {
        let fence = Fence { leeway: micros(LEEWAY), settle_window: micros(client.settle_window()) };
        let journal = Journal::open(at, keys, client.owner(), fence, clock).await?;
        Ok(Self { journal, client })
    }

    /// Whether each call fails from now on, with `unavailable`, until the journal is opened again: a standby took over
    /// from its server, or that was restored from a backup. What may have been lost is looked at when it is opened.
    #[must_use]
    pub fn must_be_reopened(&self) -> bool {
        self.journal.db.is_replaced()
    }

    /// The client that pays.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Opens an outbox: a batch that takes payouts one by one, in transactions of the application's own
    /// ([`Outbox`](crate::Outbox)). It has no contents to approve; `settings.ceilings` are approved instead, and pause
    /// it. Other settings than before void the approval. Gives what to approve.
    ///
    /// # Errors
    /// `configuration`, naming `journal` if that is no PostgreSQL, or a setting; `invalid_request`, naming `batch_id`.
    pub async fn open_outbox(&self, batch_id: &str, maker: &str, settings: &BatchSettings) -> Result<String> {
        check_batch_id(batch_id)?;
        check_name("maker", maker)?;
        settings.check(self.client.attempt_timeout())?;
        self.journal.open_outbox(batch_id, maker, settings).await?;
        Ok(self.journal.digest(batch_id, None).await?.finish())
    }

    /// Approves a batch as it stands: bound to the digest of all that it would pay, which the plan said. What that
    /// proves: these payees and amounts were approved, and nothing else is paid. What it does not: who `by` is; that is
    /// the application's word.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if it has bad rows or was started; `digest`, if the batch is another one
    /// by now; `approver`, if that is its maker, and another has to approve (`approval_by_another`).
    pub async fn approve(&self, batch_id: &str, by: &str, digest: &str, why: Option<&str>) -> Result<()> {
        check_name("approver", by)?;
        check_why(why)?;
        self.journal.approve(batch_id, by, digest, why).await
    }

    /// Starts a batch that was approved, or goes on with one that is paused.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if it was not approved, or is not what was approved any more.
    pub async fn start(&self, batch_id: &str, by: &str, why: Option<&str>) -> Result<()> {
        check_name("by", by)?;
        check_why(why)?;
        // For the report. That they cannot be read now keeps nobody from being paid.
        let balances = self.client.balances(&[]).await.unwrap_or_default();
        self.journal.start(batch_id, by, why, &balances).await
    }

    /// Lets workers claim nothing more of a batch. What is under way ends first. False, if it does not run.
    ///
    /// # Errors
    /// `invalid_request`, naming what cannot be used.
    pub async fn pause(&self, batch_id: &str, by: &str, why: &str) -> Result<bool> {
        check_name("by", by)?;
        check_name("why", why)?;
        self.journal.pause(batch_id, by, why).await
    }

    /// Cancels what was not sent, and gives how many items that are. What was sent is followed to its end.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if all is sent.
    pub async fn cancel(&self, batch_id: &str, by: &str, why: &str) -> Result<u64> {
        check_name("by", by)?;
        check_name("why", why)?;
        let cancelled = self.journal.cancel(batch_id, by, why).await?;
        self.journal.advance(batch_id).await?;
        Ok(cancelled)
    }

    /// Sends what is planned, and settles what is in doubt, until the budget is used up or nothing is due. It may be
    /// called again at any time, by any process, also while another one works: the journal is the cursor.
    ///
    /// Dropping the future loses no payout: what was on its way is settled by the next one, once its token has ended.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if it was not started; `unavailable`, naming `journal`; `configuration`,
    /// naming `journal_key`, if its items were sealed with a key that is not here. How single items end is told by
    /// [`Batches::status`] and the report.
    pub async fn drive(&self, batch_id: &str, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
        self.work(batch_id, Wanted::Sending, budget, stop).await
    }

    /// Reads the items that the platform took, until the budget is used up or none is due: each after a few seconds,
    /// then less and less often, up to every 15 minutes.
    ///
    /// # Errors
    /// As those of [`Batches::drive`].
    pub async fn follow(&self, batch_id: &str, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
        self.work(batch_id, Wanted::Following, budget, stop).await
    }

    async fn work(&self, batch_id: &str, wanted: Wanted, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
        let record = self.journal.batch(batch_id).await?;
        if record.state.is_open_to_changes() {
            let text = format!("is {}: it was not started", record.state);
            return Err(Error::invalid("batch_id", text));
        }
        if record.is_open && wanted == Wanted::Sending {
            match self.journal.take_intents(batch_id).await? {
                Taken::Items(_) => {}
                Taken::Above(why) => {
                    self.journal.pause(batch_id, RULE, &why).await?;
                }
            }
        }
        let worker = Worker::new(&self.journal, &self.client, &record, stop).await?;
        let result = worker.run(wanted, budget).await;
        if let Some(why) = worker.halted() {
            self.journal.pause(batch_id, RULE, &why).await?;
        }
        result?;
        self.journal.advance(batch_id).await?;
        self.status(batch_id).await
    }

    /// Takes a payout that a callback or a read of the application's own showed. False, if no item has its id.
    ///
    /// # Errors
    /// `unavailable`, naming `journal`.
    pub async fn observe(&self, payout: &Payout) -> Result<bool> {
        self.journal.observe(payout).await
    }

    /// How a batch stands.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if there is none of this id; `unavailable`, naming `journal`.
    pub async fn status(&self, batch_id: &str) -> Result<BatchStatus> {
        let record = self.journal.batch(batch_id).await?;
        let counts = self.journal.tally(batch_id).await?;
        let counts = counts.into_iter().map(|(state, currency, count)| ItemCount { state, currency, count }).collect();
        let due_in = self.journal.due_in(&record).await?;
        let BatchRecord { id: batch_id, state, why, .. } = record;
        Ok(BatchStatus { batch_id, state, why, counts, due_in })
    }

    /// The batches of this journal that workers have something to do for, now or later: what a worker asks that is
    /// there for all of them. The most urgent come first; those that are late are all due now.
    ///
    /// # Errors
    /// `unavailable`, naming `journal`.
    pub async fn due(&self) -> Result<Vec<DueBatch>> {
        let due = self.journal.due().await?;
        Ok(due.into_iter().map(|(batch_id, due_in)| DueBatch { batch_id, due_in }).collect())
    }

    /// Settles an item that needs a person, by what that person found out: its payout was made, or was not.
    ///
    /// # Errors
    /// `invalid_request`, naming `item`, if there is none of this key or it needs no person.
    pub async fn settle(&self, batch_id: &str, item: &str, made: bool, by: &str, why: &str) -> Result<()> {
        check_name("by", by)?;
        check_name("why", why)?;
        self.journal.settle(batch_id, item, made, by, why).await?;
        self.journal.advance(batch_id).await.map(drop)
    }

    /// Tries an item again that is final and was not paid: a new item with a new payout id, which names the one it
    /// replaces. Gives its key.
    ///
    /// # Errors
    /// `invalid_request`, naming `item`, if it may still be paid, was paid, or is tried again already.
    pub async fn retry(&self, batch_id: &str, item: &str, by: &str, why: &str) -> Result<String> {
        check_name("by", by)?;
        check_name("why", why)?;
        self.journal.retry(batch_id, item, by, why).await
    }

    /// Says that the journal is a restored one, so that what was written last may be lost. All that is open is in
    /// doubt, and nothing is concluded until every token that may be about has ended. Where PostgreSQL tells that it is
    /// another server, or a standby that took over, that is done when the journal is opened. Gives how many groups of
    /// items are in doubt.
    ///
    /// # Errors
    /// `invalid_request`, naming what cannot be used; `unavailable`, naming `journal`.
    pub async fn restored(&self, by: &str, why: &str) -> Result<u64> {
        check_name("by", by)?;
        check_name("why", why)?;
        self.journal.restored(by, why).await
    }

    /// What is wrong with rows of the input, as it was planned last: those behind a line, up to 2,048 at a time.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if there is none of this id; `unavailable`, naming `journal`.
    pub async fn problems(&self, batch_id: &str, after: u64) -> Result<Vec<RowProblem>> {
        self.journal.batch(batch_id).await?;
        self.journal.problems(batch_id, i64::try_from(after).unwrap_or(i64::MAX)).await
    }

    /// What happened to a batch: decisions of people, and states that it came to.
    ///
    /// # Errors
    /// `internal`, if the chain of events was broken: one was changed, or is missing.
    pub async fn events(&self, batch_id: &str) -> Result<Vec<BatchEvent>> {
        self.journal.batch(batch_id).await?;
        self.journal.events(batch_id).await
    }

    /// Erases the payees of batches that ended so long ago. What was paid when, and under which id, stays.
    ///
    /// # Errors
    /// `unavailable`, naming `journal`.
    pub async fn erase_payees(&self, ended_for: Duration) -> Result<u64> {
        self.journal.erase_payees(micros(ended_for)).await
    }
}

fn micros(time: Duration) -> Micros {
    Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX)
}

fn check_why(why: Option<&str>) -> Result<()> {
    why.map_or(Ok(()), |why| check_name("why", why))
}

/// A name or a reason that is written down.
fn check_name(field: &str, name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 500 || name.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must be 1 to 500 characters, on one line"));
    }
    Ok(())
}
