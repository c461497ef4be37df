//! The changes of payouts in PostgreSQL, for all the hosts whose changes end in one database.

use std::sync::{Arc, mpsc};

use jiff::Timestamp;
use komopay_core::{ChangeRecord, ChangeStore, Error, ErrorKind, PayoutId, Result, StoreError, credible};
use tokio::runtime::Runtime;

use crate::db::{Clock, Db, Durability, Forms, JournalLocation, Migration, Row, Tx, Value};

/// A payout has one change of each number. Times are milliseconds since 1970. The same tables as in a file, but for
/// their names: they may be in a schema with others.
const TABLES: &str = "
    CREATE TABLE komopay_changes (
        number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payout_id TEXT NOT NULL,
        sequence BIGINT NOT NULL,
        previous_status TEXT,
        payout TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        taken_at BIGINT NOT NULL,
        taken_until BIGINT NOT NULL,
        acknowledged BIGINT NOT NULL,
        over_at BIGINT,
        UNIQUE (payout_id, sequence)
    );
    CREATE INDEX komopay_changes_free ON komopay_changes (number) WHERE acknowledged = 0;
    CREATE INDEX komopay_changes_pending ON komopay_changes (payout_id, sequence) WHERE acknowledged = 0;
    CREATE INDEX komopay_changes_over ON komopay_changes (over_at) WHERE over_at IS NOT NULL;
    CREATE TABLE komopay_changes_owner (one BIGINT PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL);
";

const FORMS: Forms = Forms {
    table: "komopay_changes_form",
    migrations: &[Migration { number: 1, sqlite: "", postgres: TABLES }],
    // What a standby has not got is read from the platform again.
    stops_at_failover: false,
};

/// Held for the rest of the transaction, by whoever records or acknowledges a change of this payout: of two that do so
/// at once, the later one sees what the other has done.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('komopay change of ' || $1, 0))";

const LATEST: &str = "
    SELECT payout_id, sequence, previous_status, payout FROM komopay_changes
    WHERE payout_id = $1 ORDER BY sequence DESC LIMIT 1";

const RECORD: &str = "
    INSERT INTO komopay_changes
        (payout_id, sequence, previous_status, payout, recorded_at, taken_at, taken_until, acknowledged)
    SELECT $1, $2, $3, $4, $5, $6, $6, 0
    WHERE NOT EXISTS (SELECT 1 FROM komopay_changes WHERE payout_id = $1 AND sequence >= $2)
    ON CONFLICT DO NOTHING";

/// With the change that was just recorded, those before it are not the last any more.
const FOLLOWED: &str = "
    UPDATE komopay_changes SET over_at = $3
    WHERE payout_id = $1 AND sequence < $2 AND acknowledged = 1 AND over_at IS NULL";

const ACKNOWLEDGE: &str = "
    UPDATE komopay_changes SET acknowledged = 1, over_at = CASE WHEN EXISTS (
        SELECT 1 FROM komopay_changes AS later WHERE later.payout_id = $1 AND later.sequence > $2
    ) THEN $3 END
    WHERE payout_id = $1 AND sequence = $2 AND acknowledged = 0";

/// What may be taken, the oldest first. Who takes at the same time passes over what another has locked.
const TAKE: &str = "
    WITH free AS MATERIALIZED (
        SELECT number FROM komopay_changes AS change
        WHERE acknowledged = 0 AND NOT (taken_at <= $1 AND taken_until > $2) AND NOT EXISTS (
            SELECT 1 FROM komopay_changes AS earlier WHERE earlier.payout_id = change.payout_id
            AND earlier.sequence < change.sequence AND earlier.acknowledged = 0
        )
        ORDER BY number LIMIT $3 FOR UPDATE OF change SKIP LOCKED
    )
    UPDATE komopay_changes AS change SET taken_at = $2, taken_until = $4 FROM free WHERE change.number = free.number
    RETURNING change.number, payout_id, sequence, previous_status, payout";

/// What is over is deleted, the oldest first. The index is in that order: no more is looked at.
const PRUNE: &str = "
    WITH over AS MATERIALIZED (
        SELECT number FROM komopay_changes WHERE over_at IS NOT NULL AND over_at <= $1
        ORDER BY over_at LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM komopay_changes USING over WHERE komopay_changes.number = over.number";

/// A store of changes in PostgreSQL, for all the processes and hosts whose changes end in one database.
///
/// Its tables are `komopay_changes`, `komopay_changes_owner` and `komopay_changes_form`, in the schema that the URL
/// names, or `komopay`. They are made when it is opened, if there are none; a role that finds them needs the rights to
/// read, insert, update and delete their rows, and no other. Only a primary will do, and none that could lose what it
/// has said is committed: see [`JournalLocation`] for the URL and for what is encrypted. A pooler in transaction mode
/// may stand between.
///
/// What it has said that it recorded survives a crash of the server. A standby that is not synchronous may not have the
/// last of it when it takes over: numbers of changes that were handled already may then be given again. It belongs to
/// the base URL, merchant and mode of the first client that is made with it, and is refused to others. It holds amounts
/// and statuses, and no account number.
///
/// Open it after a fork, and in each process for itself. Its functions wait for the server, on a thread of its own; a
/// client calls them where that keeps nobody up.
///
/// ```no_run
/// use std::sync::Arc;
/// use komopay_batches::PostgresChangeStore;
/// use komopay_core::{Config, Credentials, SANDBOX_URL};
///
/// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
/// let store = PostgresChangeStore::open("postgresql://shop:YOUR_PASSWORD@db.example.com/shop")?;
/// config.change_store = Some(Arc::new(store));
/// # Ok::<(), komopay_core::StoreError>(())
/// ```
pub struct PostgresChangeStore {
    db: Db,
    // Where the connections live. `None` when it is dropped.
    runtime: Option<Arc<Runtime>>,
    process: u32,
}

impl Drop for PostgresChangeStore {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if self.process == std::process::id() {
            // It is not waited for: whoever drops this may not block.
            if let Some(runtime) = Arc::into_inner(runtime) {
                runtime.shutdown_background();
            }
        } else {
            // Its threads are the parent's.
            std::mem::forget(runtime);
        }
    }
}

impl PostgresChangeStore {
    /// Opens the tables in the database of this URL, and makes them if there are none.
    ///
    /// # Errors
    /// If the URL is not of PostgreSQL or cannot be read; if the server cannot be reached now
    /// or is a standby ([`StoreError::is_unavailable`]), or could lose what it has committed; if the role may not do
    /// what it has to; if the tables are of a newer version. No error shows the password.
    pub fn open(url: &str) -> Result<Self, StoreError> {
        Self::open_at(&Self::location(url)?)
    }

    /// Reads such a URL, and reaches for no server.
    ///
    /// # Errors
    /// If the URL is not of PostgreSQL.
    pub fn location(url: &str) -> Result<JournalLocation, StoreError> {
        match url.parse() {
            Ok(location @ JournalLocation::Postgres(_)) => Ok(location),
            _ => Err(StoreError::new(
                "the URL has to be postgresql://USER:PASSWORD@HOST/DATABASE; a file is a SqliteChangeStore's",
            )),
        }
    }

    /// As [`open`](Self::open), with a URL that was read before.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(location: &JournalLocation) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("komopay-changes")
            .enable_all()
            .build()
            .map_err(|error| StoreError::new(format!("no thread for the store of changes: {error}")))?;
        let location = location.clone();
        let opened = wait(&runtime, async move { Db::open_with(&location, Clock::default(), &FORMS).await });
        match opened {
            Ok(db) => Ok(Self { db, runtime: Some(Arc::new(runtime)), process: std::process::id() }),
            Err(error) => {
                // As when it is dropped.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Runs a transaction to its end, on the store's own thread.
    fn run<T, F>(&self, work: impl FnOnce(Tx) -> F + Send + 'static) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send,
    {
        let runtime = self.runtime.as_ref().filter(|_| self.process == std::process::id()).ok_or_else(|| {
            StoreError::new(
                "the store of changes was opened in another process, which forked this one; open it after the fork",
            )
        })?;
        let db = self.db.clone();
        wait(runtime, async move { work(db.begin(Durability::Full).await?).await })
    }
}

/// Waits for what is done on the runtime. Unlike `block_on`, that is no panic on a thread of another runtime.
fn wait<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T, StoreError> {
    let (tell, told) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody waits any more only if this process ends.
        let _ = tell.send(work.await);
    });
    let answer = told.recv().map_err(|_| StoreError::new("the store of changes panicked"))?;
    answer.map_err(|error| failed(&error))
}

/// Errors of a database name the setting `journal`, which this is not.
fn failed(error: &Error) -> StoreError {
    let text = error.message();
    let text = text.strip_prefix("journal: ").unwrap_or(text);
    if error.kind() == ErrorKind::Unavailable { StoreError::unavailable(text) } else { StoreError::new(text) }
}

/// A number as databases have them. What is larger than any is like the largest.
fn integer(number: impl TryInto<i64>) -> Value {
    number.try_into().unwrap_or(i64::MAX).into()
}

/// The change in the columns of a row, from this one on.
fn read(row: &Row, from: usize) -> Result<ChangeRecord> {
    let sequence = row.int(from + 1)?;
    Ok(ChangeRecord {
        payout_id: PayoutId::new(row.text(from)?)?,
        sequence: u64::try_from(sequence).map_err(|_| Error::internal("a change has a negative number"))?,
        previous_status: row.opt_text(from + 2)?,
        payout: row.text(from + 3)?,
    })
}

impl ChangeStore for PostgresChangeStore {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        const READ: &str = "SELECT settings FROM komopay_changes_owner";
        const NOTE: &str = "INSERT INTO komopay_changes_owner (one, settings) VALUES (1, $1) ON CONFLICT DO NOTHING";
        let owner = owner.to_owned();
        self.run(async move |mut tx| {
            if let [row, ..] = &tx.query(READ, &[]).await?[..] {
                return row.text(0);
            }
            // Who comes second waits here for the first, and then reads what that has noted.
            let is_first = tx.execute(NOTE, &[owner.clone().into()]).await? == 1;
            let noted = tx.query(READ, &[]).await?;
            tx.commit().await?;
            if is_first {
                tracing::info!(target: "komopay", "the store of changes in PostgreSQL now belongs to {owner}");
            }
            noted.first().ok_or_else(|| Error::internal("the note of whose the changes are is gone"))?.text(0)
        })
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        let id = Value::from(payout_id.as_str());
        self.run(async move |mut tx| tx.query(LATEST, &[id]).await?.first().map(|row| read(row, 0)).transpose())
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        let (id, sequence) = (Value::from(change.payout_id.as_str()), integer(change.sequence));
        let (status, payout) = (change.previous_status.clone().into(), change.payout.clone().into());
        let (now, free) = (Value::from(Timestamp::now().as_millisecond()), i64::MIN.into());
        self.run(async move |mut tx| {
            tx.query(ALONE, std::slice::from_ref(&id)).await?;
            let row = [id.clone(), sequence.clone(), status, payout, now.clone(), free];
            let is_recorded = tx.execute(RECORD, &row).await? == 1;
            if is_recorded {
                tx.execute(FOLLOWED, &[id, sequence, now]).await?;
            }
            tx.commit().await?;
            Ok(is_recorded)
        })
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        let [credible, now, until] = [credible(now), now, until].map(|time| Value::from(time.as_millisecond()));
        let values = [credible, now, integer(limit), until];
        self.run(async move |mut tx| {
            let rows = tx.query(TAKE, &values).await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            tx.commit().await?;
            let numbered = rows.iter().map(|row| Ok((row.int(0)?, read(row, 1)?)));
            let mut taken: Vec<_> = numbered.collect::<Result<_>>()?;
            // What an update returns has no order of its own.
            taken.sort_by_key(|(number, _)| *number);
            Ok(taken.into_iter().map(|(_, change)| change).collect())
        })
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        let (id, sequence) = (Value::from(payout_id.as_str()), integer(sequence));
        let now = Timestamp::now().as_millisecond().into();
        self.run(async move |mut tx| {
            tx.query(ALONE, std::slice::from_ref(&id)).await?;
            tx.execute(ACKNOWLEDGE, &[id, sequence, now]).await?;
            tx.commit().await
        })
    }

    fn prune(&self, until: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let values = [until.as_millisecond().into(), integer(limit)];
        self.run(async move |mut tx| {
            let pruned = tx.execute(PRUNE, &values).await?;
            tx.commit().await?;
            Ok(usize::try_from(pruned).unwrap_or(usize::MAX))
        })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
