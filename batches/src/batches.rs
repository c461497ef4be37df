//! The front door: one method per thing that is done with a batch.

use std::collections::HashSet;
use std::time::Duration;

use komopay_core::{Client, Error, Payout, Result};

use crate::batch::BatchState;
use crate::chunk::{Fence, Micros};
use crate::db::{Clock, JournalLocation};
use crate::drive::{Budget, Stop, Worker};
use crate::input::{Field, check_batch_id, RowProblem, RowRead, Rows};
use crate::item::ItemState;
use crate::journal::{BatchEvent, BatchRecord, Changes, Finished, Journal, Planning, RULE, Stored, Wanted};
use crate::plan::{ControlTotals, Plan};
use crate::seal::Keys;
use crate::settings::BatchSettings;

/// For how long after its end the platform may still take a token.
const LEEWAY: Duration = Duration::from_secs(60);

/// How many rows are stored at a time.
const GROUP: usize = 1000;

/// How many items that were paid lately a plan tells.
const PAID_LATELY_TOLD: usize = 100;

/// Batches of one merchant: planned, approved, paid exactly once and reported. Cheap to clone.
#[derive(Clone)]
pub struct Batches {
    journal: Journal,
    client: Client,
}

/// A batch to be planned.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Its id, which is never made up: the same file under the same id is the same batch. 1 to 100 letters, digits, `_`,
    /// `-` or `.`.
    pub id: String,
    /// Who makes it.
    pub maker: String,
    /// What it is paid by.
    pub settings: BatchSettings,
    /// The rows that are good are paid, even if others are not: a choice that is written down.
    pub valid_only: bool,
    /// What the maker expects all rows to add up to.
    pub control: ControlTotals,
}

impl NewBatch {
    /// A batch of this id and maker, with default settings.
    #[must_use]
    pub fn new(id: impl Into<String>, maker: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            maker: maker.into(),
            settings: BatchSettings::default(),
            valid_only: false,
            control: ControlTotals::default(),
        }
    }
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
    /// `configuration`, naming `journal` or `journal_key`; `unavailable`, naming `journal`, if it cannot be reached now.
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

    /// The client that pays.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Checks every row, stores those that are good, and says what they add up to. Nothing is sent.
    ///
    /// The same rows are the same items, in whatever order: to plan a batch again is harmless. Until it was started,
    /// its contents are what the last plan says; any change of them voids an approval. After that, they stand: a row that
    /// is another one now is a problem, and is not paid.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id` or `maker`; `configuration`, naming a setting; what keeps the input from
    /// being read; what keeps the platform from being asked for limits and balances.
    pub async fn plan(&self, new: NewBatch, rows: impl Rows + 'static) -> Result<Planned> {
        check_batch_id(&new.id)?;
        check_name("maker", &new.maker)?;
        new.settings.check(self.client.attempt_timeout())?;
        let mut planning = self.journal.plan(&new.id, &new.maker, &new.settings).await?;
        let mut plan = Plan::new(&new.id, rows.unused_columns());
        let columns = [Field::Key, Field::PayoutId].map(|field| rows.column(field).to_owned());
        let (mut rows, mut is_more) = (rows, true);
        while is_more {
            let (keys, batch) = (self.journal.keys.clone(), new.id.clone());
            // Reading, checking and sealing take the processor's time.
            let read = tokio::task::spawn_blocking(move || -> Result<_> {
                let group = Group::read(&mut rows, &keys, &batch)?;
                Ok((rows, group))
            });
            let group;
            (rows, group) = read.await.map_err(|_| Error::internal("the reader of rows ended without a result"))??;
            is_more = group.is_more;
            group.store(&mut planning, &mut plan, &columns).await?;
        }
        self.end_plan(planning, plan, &new).await
    }

    /// Looks at all rows together, and ends the plan.
    async fn end_plan(&self, planning: Planning, mut plan: Plan, new: &NewBatch) -> Result<Planned> {
        plan.compare(&new.control)?;
        plan.check(&self.client).await?;
        for lately in planning.paid_lately(new.settings.paid_lately_days, PAID_LATELY_TOLD).await? {
            plan.warnings.push(lately.warning());
        }
        let valid = plan.problems.is_empty() && plan.items() > 0 && (plan.bad_rows == 0 || new.valid_only);
        let unanswered: Vec<&str> = plan.warnings.iter().map(|warning| warning.text.as_str()).collect();
        let kept = serde_json::to_string(&unanswered).map_err(|_| Error::internal("texts are written as JSON"))?;
        let Finished { state, changes } =
            planning.finish(valid, new.valid_only && plan.bad_rows > 0, &new.maker, &kept).await?;
        let digest = match state {
            BatchState::Validated | BatchState::Approved => Some(self.journal.digest(&new.id, None).await?.finish()),
            _ => None,
        };
        let Changes { inserted, changed, removed } = changes;
        Ok(Planned { plan, state, digest, inserted, changed, removed })
    }

    /// Approves a batch as it stands: bound to the digest of all that it would pay, which the plan said. What that
    /// proves: these payees and amounts were approved, and nothing else is paid. What it does not: who `by` is; that is
    /// the application's word.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id`, if it has bad rows or was started; `digest`, if the batch is another one by
    /// now; `approver`, if that is its maker, and another has to approve (`approval_by_another`).
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
        self.journal.start(batch_id, by, why).await
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
        self.work(batch_id, Wanted::ToSend, budget, stop).await
    }

    /// Reads the items that the platform took, until the budget is used up or none is due: each after a few seconds,
    /// then less and less often, up to every 15 minutes.
    ///
    /// # Errors
    /// As those of [`Batches::drive`].
    pub async fn follow(&self, batch_id: &str, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
        self.work(batch_id, Wanted::ToFollow, budget, stop).await
    }

    async fn work(&self, batch_id: &str, wanted: Wanted, budget: Budget, stop: &Stop) -> Result<BatchStatus> {
        let record = self.journal.batch(batch_id).await?;
        if record.state.is_open_to_changes() {
            let text = format!("is {}: it was not started", record.state);
            return Err(Error::invalid("batch_id", text));
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

    /// Says that the journal is a restored one, so that what was written last may be lost. All that is open is in doubt,
    /// and nothing is concluded until every token that may be about has ended. Where PostgreSQL tells that it is another
    /// server, or a standby that took over, that is done when the journal is opened. Gives how many groups of items are
    /// in doubt.
    ///
    /// # Errors
    /// `invalid_request`, naming what cannot be used; `unavailable`, naming `journal`.
    pub async fn restored(&self, by: &str, why: &str) -> Result<u64> {
        check_name("by", by)?;
        check_name("why", why)?;
        self.journal.restored(by, why).await
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

/// What came of a plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// What the rows add up to, and what is wrong with them.
    pub plan: Plan,
    /// `validated`, if it may be approved; `draft`, if rows or totals are bad; else the state that it was in before.
    pub state: BatchState,
    /// The digest of all that it would pay, payees included: what an approval is bound to. None, unless it may be
    /// approved.
    pub digest: Option<String>,
    /// How many items are new.
    pub inserted: u64,
    /// How many have other contents than before.
    pub changed: u64,
    /// How many are in the input no more.
    pub removed: u64,
}

/// Some rows, read and sealed.
struct Group {
    items: Vec<Stored>,
    bad: Vec<Vec<RowProblem>>,
    is_more: bool,
}

impl Group {
    fn read(rows: &mut impl Rows, keys: &Keys, batch: &str) -> Result<Self> {
        let mut group = Self { items: Vec::new(), bad: Vec::new(), is_more: false };
        for row in rows.by_ref() {
            match row? {
                RowRead::Item(draft) => group.items.push(Stored::of(draft, batch, keys)?),
                RowRead::Bad(problems) => group.bad.push(problems),
            }
            if group.items.len() + group.bad.len() >= GROUP {
                group.is_more = true;
                break;
            }
        }
        Ok(group)
    }

    async fn store(mut self, planning: &mut Planning, plan: &mut Plan, columns: &[String; 2]) -> Result<()> {
        let [key, payout_id] = columns;
        let found = planning.add(&self.items, [key, payout_id]).await?;
        let refused: HashSet<u64> = found.iter().map(|problem| problem.row).collect();
        for item in self.items.iter().map(Stored::draft).filter(|item| !refused.contains(&item.row)) {
            plan.add_item(item)?;
        }
        self.bad.extend(found.into_iter().map(|problem| vec![problem]));
        self.bad.iter().for_each(|problems| plan.add_bad(problems));
        planning.keep(&self.bad.concat()).await
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
