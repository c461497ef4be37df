//! Changes in an SQLite file: they outlive the process, and the processes of one machine share them.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::store::{ChangeRecord, ChangeStore, StoreError};
use crate::payouts::PayoutId;

/// The number of the form of the file, in its `user_version`.
const FORM: i64 = 1;

/// A payout has one change of each number. Times are milliseconds since 1970.
const TABLES: &str = "
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        payout_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        previous_status TEXT,
        payout TEXT NOT NULL,
        recorded_at INTEGER NOT NULL,
        taken_until INTEGER NOT NULL,
        acknowledged INTEGER NOT NULL,
        UNIQUE (payout_id, sequence)
    ) STRICT;
    CREATE INDEX pending ON changes (payout_id, sequence) WHERE acknowledged = 0;
    PRAGMA user_version = 1;
";

const RECORD: &str = "
    INSERT INTO changes (payout_id, sequence, previous_status, payout, recorded_at, taken_until, acknowledged)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE payout_id = ?1 AND sequence >= ?2)";

const TAKE: &str = "
    UPDATE changes SET taken_until = ?3
    WHERE number IN (
        SELECT number FROM changes AS change
        WHERE acknowledged = 0 AND taken_until <= ?2 AND NOT EXISTS (
            SELECT 1 FROM changes AS earlier
            WHERE earlier.payout_id = change.payout_id AND earlier.sequence < change.sequence AND earlier.acknowledged = 0
        )
        ORDER BY number LIMIT ?1
    )
    RETURNING number, payout_id, sequence, previous_status, payout";

/// A store in an SQLite file, which several processes of one machine may share; not for a network drive.
///
/// What it has said that it recorded survives a crash of the process and of the machine (`synchronous=FULL`). The file
/// is made for its owner only; it holds amounts and statuses, and no account number. It grows by a row of about a
/// kilobyte for each change; old rows that are acknowledged may be deleted, except the last one of each payout.
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
    open: Mutex<Option<Open>>,
}

/// A connection, and the process that opened it: it must never be used, nor closed, in a child that was forked.
struct Open {
    process: u32,
    connection: Connection,
}

impl SqliteChangeStore {
    /// Opens the file, which is made if there is none.
    ///
    /// # Errors
    /// If it cannot be opened, or is of another program or version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = Self { path: path.as_ref().to_owned(), open: Mutex::new(None) };
        store.on(|_| Ok(()))?;
        Ok(store)
    }

    fn on<T>(&self, ask: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::new(format!("{}: {error}", self.path.display()));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let process = std::process::id();
        if open.as_ref().is_some_and(|open| open.process != process) {
            std::mem::forget(open.take());
        }
        let open = match &mut *open {
            Some(open) => open,
            closed => closed.insert(Open { process, connection: connect(&self.path)? }),
        };
        ask(&mut open.connection).map_err(|error| failed(&error))
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: &dyn std::fmt::Display| StoreError::new(format!("{}: {error}", path.display()));
    make_private(path).map_err(|error| failed(&error))?;
    let prepare = || -> rusqlite::Result<(Connection, i64)> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        connection.execute_batch("PRAGMA synchronous = FULL;")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let form = |connection: &Connection| connection.query_row("PRAGMA user_version", [], |row| row.get(0));
        let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables == 0 && form(&transaction)? == 0_i64 {
            transaction.execute_batch(TABLES)?;
        }
        transaction.commit()?;
        let form = form(&connection)?;
        Ok((connection, form))
    };
    match prepare().map_err(|error| failed(&error))? {
        (connection, FORM) => Ok(connection),
        (_, form) => Err(failed(&format_args!("is no store of changes of this version (user_version {form})"))),
    }
}

/// Makes the file for its owner only. SQLite makes those beside it alike.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
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
            Ok(connection.prepare(RECORD)?.execute(row)? == 1)
        })
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        let limit = integer(u64::try_from(limit).unwrap_or(u64::MAX));
        let mut taken: Vec<(i64, ChangeRecord)> = self.on(|connection| {
            connection
                .prepare(TAKE)?
                .query_map(params![limit, now.as_millisecond(), until.as_millisecond()], |row| {
                    Ok((row.get(0)?, read(row, 1)?))
                })?
                .collect()
        })?;
        // What an update returns has no order of its own.
        taken.sort_by_key(|(number, _)| *number);
        Ok(taken.into_iter().map(|(_, change)| change).collect())
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        const ACKNOWLEDGE: &str = "UPDATE changes SET acknowledged = 1 WHERE payout_id = ?1 AND sequence = ?2";
        self.on(|connection| {
            connection.prepare(ACKNOWLEDGE)?.execute(params![payout_id.as_str(), integer(sequence)]).map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::store::tests::{keeps_its_promises, one_of_many_wins};
    use super::*;

    #[test]
    fn the_store_in_a_file_keeps_its_promises() {
        let folder = tempfile::tempdir().unwrap();
        keeps_its_promises(&SqliteChangeStore::open(folder.path().join("one.sqlite")).unwrap());
        one_of_many_wins(&Arc::new(SqliteChangeStore::open(folder.path().join("many.sqlite")).unwrap()));
    }

    #[test]
    fn what_was_recorded_is_there_when_the_file_is_opened_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        let change = ChangeRecord {
            payout_id: PayoutId::new("A").unwrap(),
            sequence: 1,
            previous_status: None,
            payout: "{}".to_owned(),
        };
        assert!(SqliteChangeStore::open(&path).unwrap().record(&change).unwrap());
        let again = SqliteChangeStore::open(&path).unwrap();
        assert_eq!(again.latest(&change.payout_id).unwrap(), Some(change.clone()));
        assert_eq!(again.take(1, Timestamp::now(), Timestamp::MAX).unwrap(), [change]);
    }

    #[cfg(unix)]
    #[test]
    fn the_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let _store = SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap();
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), 3, "the file, its log and its index");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
        }
    }

    #[test]
    fn what_is_no_store_of_changes_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "these are notes of somebody, and no database of ours at all ".repeat(50)).unwrap();
        assert!(SqliteChangeStore::open(&text).is_err());
        assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are notes"));

        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE orders (id TEXT)").unwrap();
        let error = SqliteChangeStore::open(&other).err().unwrap();
        assert!(error.to_string().contains("no store of changes"), "{error}");
        assert!(SqliteChangeStore::open(folder.path().join("no/such/folder/x")).is_err());
    }
}
