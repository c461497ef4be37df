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
const FORM: i64 = 2;

/// How long to wait for a lock of another process.
const PATIENCE: Duration = Duration::from_secs(10);

/// A payout has one change of each number. Times are milliseconds since 1970.
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

/// Whose changes they are: one row, or none until a client is made with the file. Files of form 1 have no such table.
const OWNER: &str = "
    CREATE TABLE owner (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL) STRICT;
    PRAGMA user_version = 2;
";

const RECORD: &str = "
    INSERT INTO changes (payout_id, sequence, previous_status, payout, recorded_at, taken_at, taken_until, acknowledged)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6, 0
    WHERE NOT EXISTS (SELECT 1 FROM changes WHERE payout_id = ?1 AND sequence >= ?2)";

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
/// to others. It holds amounts and statuses, and no account number. It grows by a row of about a kilobyte for each
/// change; old rows that are acknowledged may be deleted, except the last one of each payout.
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
        0 if all == 0 => transaction.execute_batch(&format!("{TABLES}{OWNER}"))?,
        1 if of_changes == 1 => transaction.execute_batch(OWNER)?,
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
            Ok(connection.prepare(RECORD)?.execute(row)? == 1)
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
        const ACKNOWLEDGE: &str = "UPDATE changes SET acknowledged = 1 WHERE payout_id = ?1 AND sequence = ?2";
        self.on(|connection| {
            connection.prepare(ACKNOWLEDGE)?.execute(params![payout_id.as_str(), integer(sequence)]).map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::Arc;

    use super::super::store::tests::{keeps_its_promises, one_of_many_wins};
    use super::*;

    fn change(payout_id: &str) -> ChangeRecord {
        ChangeRecord {
            payout_id: PayoutId::new(payout_id).unwrap(),
            sequence: 1,
            previous_status: None,
            payout: "{}".to_owned(),
        }
    }

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
        let change = change("A");
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
        files::make(&text).unwrap();
        std::fs::write(&text, "these are notes of somebody, and no database of ours at all ".repeat(50)).unwrap();
        assert!(SqliteChangeStore::open(&text).is_err());
        assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are notes"));

        let other = folder.path().join("other.sqlite");
        files::make(&other).unwrap();
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE orders (id TEXT)").unwrap();
        let error = SqliteChangeStore::open(&other).err().unwrap();
        assert!(error.to_string().contains("not a store of changes"), "{error}");
        assert!(SqliteChangeStore::open(folder.path().join("no/such/folder/x")).is_err());
    }

    /// What another process sees of the file, which it opens, reads and closes.
    fn seen_by_another(path: &Path) -> String {
        let mut another = Command::new(std::env::current_exe().unwrap());
        another.args(["--nocapture", "--exact", "changes::sqlite::tests::another_process"]);
        let output = another.env("KOMOPAY_TEST_FILE", path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let output = String::from_utf8(output.stdout).unwrap();
        output.lines().find_map(|line| line.split_once("it sees ")).expect("it tells what it sees").1.to_owned()
    }

    /// The other process of a test, when one asks for it.
    #[test]
    fn another_process() {
        let Some(path) = std::env::var_os("KOMOPAY_TEST_FILE") else { return };
        let connection = Connection::open(path).unwrap();
        let mut all = connection.prepare("SELECT payout_id FROM changes ORDER BY number").unwrap();
        let seen = all.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<Vec<String>>>().unwrap();
        println!("it sees {}", seen.join(" "));
    }

    #[test]
    fn a_file_that_is_opened_twice_in_a_process_keeps_its_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        let [first, second] = [(); 2].map(|()| SqliteChangeStore::open(&path).unwrap());
        assert!(first.record(&change("A")).unwrap());
        // Who closes a file and finds no lock on it deletes its log, and those who have it open write on into nothing.
        assert_eq!(seen_by_another(&path), "A");
        assert!(folder.path().join("changes.sqlite-wal").exists());
        assert!(first.record(&change("B")).unwrap() && second.record(&change("C")).unwrap());
        assert_eq!(seen_by_another(&path), "A B C");
        drop(first);
        assert!(second.record(&change("D")).unwrap());
        assert_eq!(seen_by_another(&path), "A B C D");
    }

    #[test]
    fn who_finds_nothing_to_take_does_not_write() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        let store = SqliteChangeStore::open(&path).unwrap();
        store.on(|connection| connection.busy_timeout(Duration::ZERO)).unwrap();
        assert!(store.record(&change("A")).unwrap());
        store.acknowledge(&change("A").payout_id, 1).unwrap();
        let mut other = Connection::open(&path).unwrap();
        let writing = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        assert!(store.take(10, Timestamp::now(), Timestamp::MAX).unwrap().is_empty());
        assert!(store.record(&change("B")).is_err(), "somebody writes");
        drop(writing);
    }

    #[test]
    fn a_store_of_the_process_that_forked_this_one_says_so_and_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap();
        store.owner.become_another();
        let connection = Arc::clone(&store.connection);
        // As it is in the child, if a thread of the parent had it.
        let held = connection.lock().unwrap();
        let error = store.record(&change("A")).unwrap_err();
        assert!(
            error.to_string().ends_with("another process, which forked this one; open it after the fork"),
            "{error}"
        );
        drop(store);
        drop(held);
        assert_eq!(Arc::strong_count(&connection), 2, "it is never closed");
    }

    #[test]
    fn who_opens_a_new_file_waits_for_another_process_that_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        files::make(&path).unwrap();
        let mut other = Connection::open(&path).unwrap();
        let making = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let opening = std::thread::spawn(move || tell.send(SqliteChangeStore::open(path).map(drop)).unwrap());
        assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "it waits");
        making.commit().unwrap();
        assert_eq!(told.recv().unwrap(), Ok(()));
        opening.join().unwrap();
    }

    #[test]
    fn a_file_that_was_made_before_stores_had_owners_is_taken_once_with_all_that_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        files::make(&path).unwrap();
        let older = Connection::open(&path).unwrap();
        older.execute_batch(&format!("PRAGMA journal_mode = WAL; {TABLES} PRAGMA user_version = 1;")).unwrap();
        let row = params!["A", 1, None::<String>, "{}", 0, i64::MIN];
        older.execute(RECORD, row).unwrap();
        drop(older);

        let store = SqliteChangeStore::open(&path).unwrap();
        assert_eq!(store.latest(&change("A").payout_id).unwrap(), Some(change("A")));
        assert_eq!(store.claim("first").unwrap(), "first");
        assert_eq!(SqliteChangeStore::open(&path).unwrap().claim("second").unwrap(), "first");
        drop(store);
        // A person hands it over.
        Connection::open(&path).unwrap().execute("DELETE FROM owner", []).unwrap();
        assert_eq!(SqliteChangeStore::open(&path).unwrap().claim("second").unwrap(), "second");
    }

    #[test]
    fn a_database_of_another_program_with_our_number_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.sqlite");
        files::make(&path).unwrap();
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b); PRAGMA user_version = 1;").unwrap();
        assert!(SqliteChangeStore::open(&path).is_err());
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 1);
    }

    #[test]
    fn of_many_that_claim_a_new_file_all_are_told_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        let claims: Vec<_> = (0..8)
            .map(|number| {
                let path = path.clone();
                std::thread::spawn(move || SqliteChangeStore::open(path).unwrap().claim(&format!("{number}")).unwrap())
            })
            .collect();
        let told: std::collections::HashSet<_> = claims.into_iter().map(|claim| claim.join().unwrap()).collect();
        assert_eq!(told.len(), 1, "{told:?}");
    }

    #[test]
    fn a_log_of_somebody_elses_is_never_written_into_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changes.sqlite");
        assert!(SqliteChangeStore::open(&path).unwrap().record(&change("A")).unwrap());
        // What would be in the file if it were: one change more.
        let copy = folder.path().join("copy.sqlite");
        std::fs::copy(&path, &copy).unwrap();
        let forging = Connection::open(&copy).unwrap();
        let row = params!["FORGED", 1, None::<String>, "{}", 0, i64::MIN];
        forging.execute(RECORD, row).unwrap();
        let log = PathBuf::from(format!("{}-wal", path.display()));
        files::make(&log).unwrap();
        std::fs::write(&log, std::fs::read(format!("{}-wal", copy.display())).unwrap()).unwrap();
        // It is looked at after SQLite has opened it, too: here by another user who was fast enough.
        drop(open(&path).unwrap());
        assert!(log.exists());
        std::fs::remove_file(&log).unwrap();
        let store = SqliteChangeStore::open(&path).unwrap();
        assert_eq!(store.latest(&change("FORGED").payout_id).unwrap(), None);
    }
}
