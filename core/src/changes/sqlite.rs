//! Changes in an SQLite file: they outlive the process, and the processes of one machine share them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use super::files;
use super::owner::Owner;
use super::store::{ChangeRecord, ChangeStore, StoreError, credible};
use crate::values::PayoutId;

/// The number of the form of the file, in its `user_version`.
const FORM: i64 = 3;

/// How long to wait for a lock of another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// A payout has one change of each number. Times are milliseconds since 1970. The tables of form 1; each further form
/// adds to them.
const TABLES: &str = "
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        payout_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        previous_status TEXT,
        payout TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        taken_at INTEGER NOT NULL,
        taken_until INTEGER NOT NULL,
        acknowledged INTEGER NOT NULL,
        UNIQUE (payout_id, sequence)
    ) STRICT;
    CREATE INDEX pending ON changes (payout_id, sequence) WHERE acknowledged = 0;
";

/// Form 2: whose changes they are, one row, or none until a client is made with the file.
const OWNER: &str = "
    CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL) STRICT;
    PRAGMA user_version = 2;
";

/// Form 3: since when a change is over, which is acknowledged and not the last of its payout. Without the index, who
/// looks for these would look at the last one of every payout that there ever was.
const OVER: &str = "
    ALTER TABLE changes ADD COLUMN over_at INTEGER;
    CREATE INDEX over ON changes (over_at) WHERE over_at IS NOT NULL;
    UPDATE changes SET over_at = recorded_at WHERE acknowledged = 1 AND EXISTS (
        SELECT 1 FROM changes AS later
        WHERE later.payout_id = changes.payout_id AND later.sequence > changes.sequence
    );
    PRAGMA user_version = 3;
";

const RECORD: &str = "
    INSERT INTO changes (payout_id, sequence, previous_status, payout, recorded_at, taken_at, taken_until, acknowledged)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6, 0
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE payout_id = ?1 AND sequence >= ?2)";

/// With the change that was just recorded, those before it are not the last any more.
const FOLLOWED: &str = "
    UPDATE changes SET over_at = ?3
    WHERE payout_id = ?1 AND sequence < ?2 AND acknowledged = 1 AND over_at IS NULL";

const ACKNOWLEDGE: &str = "
    UPDATE changes SET acknowledged = 1, over_at = CASE WHEN EXISTS (
        SELECT 1 FROM changes AS later WHERE later.payout_id = ?1 AND later.sequence > ?2
    ) THEN ?3 END
    WHERE payout_id = ?1 AND sequence = ?2 AND acknowledged = 0";

/// What may be deleted, the oldest first.
const OVER_SINCE: &str = "
    SELECT number FROM changes INDEXED BY over WHERE over_at IS NOT NULL AND over_at <= ?1 ORDER BY over_at LIMIT ?2";

/// What may be taken. `INDEXED BY`: however long the history is, only what is pending is looked at.
const FREE: &str = "
    SELECT number FROM changes AS change INDEXED BY pending
    WHERE acknowledged = 0 AND NOT (taken_at <= ?2 AND taken_until > ?1) AND NOT EXISTS (
        SELECT 1 FROM changes AS earlier
        WHERE earlier.payout_id = change.payout_id AND earlier.sequence < change.sequence AND earlier.acknowledged = 0
    )";

/// Held while a file is made and opened: closing a file drops the locks of all that this process has open of it.
static OPENING: Mutex<()> = Mutex::new(());

/// A store in an SQLite file, which several processes of one machine may share; not for a network drive.
///
/// What it has said that it recorded survives a crash of the process and of the machine (`synchronous=FULL`). The file
/// is made for its user only, and refused if others could have written it: if it is another user's, has rights for
/// everybody, is a symbolic link, or stands in a folder where everybody may replace it (on Unix). Rights of its group
/// are logged. It belongs to the base URL, merchant and mode of the first client that is made with it, and is refused
/// to others. It holds amounts and statuses, and no account number. A row has about a kilobyte: one stays for each
/// payout, its last change, and the others for `keep_changes` after they are over.
///
/// ```
/// use std::sync::Arc;
/// use komopay_core::{Config, Credentials, SANDBOX_URL, SqliteChangeStore};
///
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("changes.sqlite");
/// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
/// config.change_store = Some(Arc::new(SqliteChangeStore::open(path)?));
/// # Ok::<(), komopay_core::StoreError>(())
/// ```
pub struct SqliteChangeStore {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    // The last to be dropped: until then, the connection is open.
    owner: Owner,
}

impl Drop for SqliteChangeStore {
    fn drop(&mut self) {
        if !self.owner.is_this_process() {
            // One more that holds it: it is never closed, since that would tell the parent's locks wrong.
            std::mem::forget(Arc::clone(&self.connection));
        }
    }
}

impl SqliteChangeStore {
    /// Opens the file, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be opened, is of another program or version, or could have been written by others; in a process
    /// that was forked while its parent had one open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let failed = |error: &dyn std::fmt::Display| StoreError::new(format!("{}: {error}", path.display()));
        let owner = Owner::enter().ok_or_else(|| {
            failed(&"the process that forked this one had a store open; open stores after the fork, and none before it")
        })?;
        let connection = Arc::new(Mutex::new(connect(&path, failed)?));
        Ok(Self { path, connection, owner })
    }

    fn on<T>(&self, ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::new(format!("{}: {error}", self.path.display()));
        // Before the lock, which may have been taken when the process was forked.
        if !self.owner.is_this_process() {
            return Err(failed(&"was opened in another process, which forked this one; open it after the fork"));
        }
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        ask(&mut connection).map_err(|error| failed(&error))
    }
}

fn connect(path: &Path, failed: impl Fn(&dyn std::fmt::Display) -> StoreError) -> Result<Connection, StoreError> {
    let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
    let real = files::resolve(path).map_err(|error| failed(&error))?;
    files::check_folder(&real).map_err(StoreError::new)?;
    files::make(&real).map_err(|error| failed(&error))?;
    let checked = files::check(&real).map_err(StoreError::new)?;
    let connection = open(&real).map_err(|error| failed(&error))?;
    // What was opened is what was checked, and so is the log that SQLite found or made beside it.
    if files::check(&real).map_err(StoreError::new)? != checked {
        return Err(failed(&"was replaced by another file while it was opened"));
    }
    match prepare(connection).map_err(|error| failed(&error))? {
        (connection, FORM) => Ok(connection),
        (_, form) => Err(failed(&format_args!("is not a store of changes of this version (user_version {form})"))),
    }
}

/// Opens the file, and writes nothing of a log that was there into it, not even when it is closed.
fn open(path: &Path) -> rusqlite::Result<Connection> {
    // SQLite makes no file itself: it would be for everybody to read.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(PATIENCE)?;
    write_ahead(&connection)?;
    // A first look makes the files beside it.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Makes what is in the file ready for use. Gives the number of its form.
fn prepare(mut connection: Connection) -> rusqlite::Result<(Connection, i64)> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.execute_batch("PRAGMA synchronous = FULL;")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let form = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    let count =
        |of: &str| transaction.query_row(&format!("SELECT count(*) FROM sqlite_schema {of}"), [], |row| row.get(0));
    let (all, of_changes): (i64, i64) = (count("")?, count("WHERE name = 'changes'")?);
    match form(&transaction)? {
        0 if all == 0 => transaction.execute_batch(&format!("{TABLES}{OWNER}{OVER}"))?,
        1 if of_changes == 1 => transaction.execute_batch(&format!("{OWNER}{OVER}"))?,
        2 if of_changes == 1 => transaction.execute_batch(OVER)?,
        _ => {}
    }
    transaction.commit()?;
    let form = form(&connection)?;
    Ok((connection, form))
}

/// Sets the kind of log. Unlike others, this statement does not wait for another process that is about the same.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            set => return set,
        }
    }
}

/// The change in the columns of a row, from this one on.
fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<ChangeRecord> {
    let payout_id: String = row.get(from)?;
    let payout_id = PayoutId::new(payout_id).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(from, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let sequence: i64 = row.get(from + 1)?;
    let sequence = u64::try_from(sequence).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(from + 1, sequence))?;
    Ok(ChangeRecord { payout_id, sequence, previous_status: row.get(from + 2)?, payout: row.get(from + 3)? })
}

/// A number as SQLite has them. What is larger than any is like the largest.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl ChangeStore for SqliteChangeStore {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        const READ: &str = "SELECT settings FROM owner";
        const NOTE: &str = "INSERT INTO owner (one, settings) VALUES (1, ?1) ON CONFLICT DO NOTHING";
        self.on(|connection| {
            let noted = |connection: &Connection| connection.query_row(READ, [], |row| row.get(0)).optional();
            if let Some(owner) = noted(connection)? {
                return Ok(owner);
            }
            if connection.execute(NOTE, [owner])? == 1 {
                let path = self.path.display();
                tracing::info!(target: "komopay", "the store of changes {path} now belongs to {owner}");
            }
            Ok(noted(connection)?.unwrap_or_default())
        })
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        const LATEST: &str = "SELECT payout_id, sequence, previous_status, payout FROM changes
            WHERE payout_id = ?1 ORDER BY sequence DESC LIMIT 1";
        self.on(|connection| connection.prepare(LATEST)?.query_row([payout_id.as_str()], |row| read(row, 0)).optional())
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        let ChangeRecord { payout_id, sequence, previous_status, payout } = change;
        let (now, free) = (Timestamp::now().as_millisecond(), i64::MIN);
        self.on(|connection| {
            let row = params![payout_id.as_str(), integer(*sequence), previous_status, payout, now, free];
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_recorded = transaction.prepare(RECORD)?.execute(row)? == 1;
            if is_recorded {
                transaction.prepare(FOLLOWED)?.execute(params![payout_id.as_str(), integer(*sequence), now])?;
            }
            transaction.commit()?;
            Ok(is_recorded)
        })
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
        let [now, credible, until] = [now, credible(now), until].map(Timestamp::as_millisecond);
        let mut taken: Vec<(i64, ChangeRecord)> = self.on(|connection| {
            // Who looks does not write, so that a worker that finds nothing keeps nobody waiting.
            let is_any: bool =
                connection.query_row(&format!("SELECT EXISTS ({FREE})"), [now, credible], |row| row.get(0))?;
            if !is_any {
                return Ok(Vec::new());
            }
            let take = format!(
                "UPDATE changes SET taken_at = ?1, taken_until = ?3
                WHERE number IN ({FREE} ORDER BY number LIMIT ?4)
                RETURNING number, payout_id, sequence, previous_status, payout"
            );
            connection
                .prepare(&take)?
                .query_map([now, credible, until, limit], |row| Ok((row.get(0)?, read(row, 1)?)))?
                .collect()
        })?;
        // What an update returns has no order of its own.
        taken.sort_by_key(|(number, _)| *number);
        Ok(taken.into_iter().map(|(_, change)| change).collect())
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        let now = Timestamp::now().as_millisecond();
        self.on(|connection| {
            connection.prepare(ACKNOWLEDGE)?.execute(params![payout_id.as_str(), integer(sequence), now]).map(drop)
        })
    }

    fn prune(&self, until: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let until = until.as_millisecond();
        let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
        self.on(|connection| {
            // Who looks does not write.
            if !connection.prepare(OVER_SINCE)?.exists([until, limit])? {
                return Ok(0);
            }
            connection.prepare(&format!("DELETE FROM changes WHERE number IN ({OVER_SINCE})"))?.execute([until, limit])
        })
    }
}

#[cfg(test)]
mod tests;
