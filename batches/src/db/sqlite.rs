//! A journal in an SQLite file, for one process at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use komopay_core::store_files as files;
use komopay_core::store_owner::Owner;
use komopay_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, Statement};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::migration::Forms;
use super::value::{Row, Value};

/// How long to wait for whoever reads the file with a tool of SQLite.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for who has let the file go just now: a program that is being started has all that was open in the
/// process that starts it, until it runs.
const LETTING_GO: Duration = Duration::from_millis(500);
/// How much of the file is kept in memory, in KiB.
const CACHE_KIB: i64 = 8 * 1024;
/// More texts than a journal has.
const CACHED: usize = 200;

/// A journal's file. There is one connection, which each transaction has to itself.
pub(super) struct Database {
    connection: Arc<Mutex<Open>>,
    path: PathBuf,
}

/// An open file. Its fields are closed in this order: who may open it next finds it closed.
struct Open {
    // Taken out by a forked child only, in which it is never closed.
    connection: Option<Connection>,
    _lock: File,
    owner: Owner,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.owner.is_this_process() {
            // Closing it would tell the parent's locks wrong.
            std::mem::forget(self.connection.take());
        }
    }
}

impl Database {
    pub(super) fn open(path: &Path, forms: &Forms) -> Result<Self> {
        let open = open(path)?;
        let database = Self { connection: Arc::new(Mutex::new(open)), path: path.to_owned() };
        let guard = database.connection.clone().try_lock_owned().map_err(|error| Error::internal(error.to_string()))?;
        let mut tx = Tx::begin(guard)?;
        tx.migrate(forms).map_err(|error| database.named(&error))?;
        tx.end("COMMIT").map_err(|error| refused(path, error))?;
        Ok(database)
    }

    pub(super) async fn begin(&self) -> Result<Tx> {
        Tx::begin(self.connection.clone().lock_owned().await)
    }

    fn named(&self, error: &Error) -> Error {
        if error.field().is_some() {
            return error.clone();
        }
        refused(&self.path, error)
    }
}

/// The time of this machine, which is the database's: in microseconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn refused(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::setting("journal", format!("{}: {problem}", path.display()))
}

/// Opens the file if it can be believed, and if no other process has it.
fn open(path: &Path) -> Result<Open> {
    let fail = |problem: &dyn std::fmt::Display| refused(path, problem);
    let owner = Owner::enter().ok_or_else(|| {
        fail(&"the process that forked this one had an SQLite file open; open journals after the fork, none before it")
    })?;
    let real = files::resolve(path).map_err(|error| fail(&error))?;
    files::check_folder(&real).map_err(|error| fail(&error))?;
    let lock = lock(&real)?;
    files::make(&real).map_err(|error| fail(&error))?;
    let checked = files::check(&real).map_err(|error| fail(&error))?;
    let connection = connect(&real).map_err(|error| fail(&error))?;
    // What was opened is what was checked, and so is the log that SQLite found or made beside it.
    if files::check(&real).map_err(|error| fail(&error))? != checked {
        return Err(fail(&"was replaced by another file while it was opened"));
    }
    Ok(Open { connection: Some(connection), _lock: lock, owner })
}

/// Keeps other processes out for as long as the file that is given is open. It stands beside the journal, since closing
/// any handle of the journal itself would drop the locks that SQLite has of it.
fn lock(real: &Path) -> Result<File> {
    let mut path = real.as_os_str().to_owned();
    path.push("-lock");
    let path = PathBuf::from(path);
    let fail = |problem: &dyn std::fmt::Display| refused(&path, problem);
    files::make(&path).map_err(|error| fail(&error))?;
    files::check(&path).map_err(|error| fail(&error))?;
    let file = OpenOptions::new().read(true).write(true).open(&path).map_err(|error| fail(&error))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < LETTING_GO => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(refused(
                    real,
                    "another process works with this journal, or another part of this one. An SQLite file is for one \
                     at a time: wait until that has ended, or keep the journal in PostgreSQL",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(fail(&error)),
        }
    }
}

/// Opens the file, and has it write ahead: a commit is one write and one `fsync`.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // SQLite makes no file itself: it would be for everybody to read.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    // Nothing of a log that was there is written into the file, as long as nobody has looked whose it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(PATIENCE)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // A first look makes the files beside it.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(CACHED);
    Ok(connection)
}

/// A transaction, which has the connection to itself.
pub(super) struct Tx(OwnedMutexGuard<Open>);

impl Tx {
    fn begin(open: OwnedMutexGuard<Open>) -> Result<Self> {
        if !open.owner.is_this_process() {
            return Err(Error::setting(
                "journal",
                "was opened in another process, which forked this one; open it after the fork",
            ));
        }
        let tx = Self(open);
        tx.connection()?.execute_batch("BEGIN IMMEDIATE").map_err(|error| fault(&error))?;
        Ok(tx)
    }

    fn connection(&self) -> Result<&Connection> {
        self.0.connection.as_ref().ok_or_else(|| Error::internal("the journal's file was closed"))
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.execute_many(sql, &[params])
    }

    pub(super) fn execute_many<P: AsRef<[Value]>>(&mut self, sql: &str, rows: &[P]) -> Result<u64> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(|error| fault(&error))?;
        let places = places(&statement)?;
        let mut written = 0;
        for row in rows {
            bind(&mut statement, &places, row.as_ref())?;
            written += statement.raw_execute().map_err(|error| fault(&error))?;
        }
        Ok(u64::try_from(written).unwrap_or(u64::MAX))
    }

    pub(super) fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.connection()?.prepare_cached(sql).map_err(|error| fault(&error))?;
        let places = places(&statement)?;
        bind(&mut statement, &places, params)?;
        let columns = statement.column_count();
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| fault(&error))? {
            let values = (0..columns).map(|column| row.get_ref(column).map_err(|error| fault(&error)).and_then(read));
            found.push(Row::new(values.collect::<Result<_>>()?));
        }
        Ok(found)
    }

    /// Waits for the disk on a thread that may block.
    pub(super) async fn commit(self) -> Result<()> {
        let ended = tokio::task::spawn_blocking(move || self.end("COMMIT")).await;
        ended.map_err(|error| Error::internal(format!("the commit of a journal: {error}")))?.map_err(|error| {
            let fate = match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::ConstraintViolation) => {
                    "was not committed"
                }
                _ => "may have been committed",
            };
            Error::unavailable(format!("a transaction of the journal {fate}: {error}"))
        })
    }

    fn end(&self, how: &str) -> rusqlite::Result<()> {
        self.0.connection.as_ref().map_or(Ok(()), |connection| connection.execute_batch(how))
    }

    fn migrate(&mut self, forms: &Forms) -> Result<()> {
        const TABLES: &str = "SELECT count(*), count(CASE WHEN name = $1 THEN 1 END) FROM sqlite_schema";
        let is_noted = match self.query(TABLES, &[forms.table.into()])?.first() {
            Some(row) if row.int(1)? == 1 => true,
            Some(row) if row.int(0)? == 0 => false,
            _ => return Err(Error::internal("is an SQLite file of something else than a journal")),
        };
        let read = if is_noted { format!("SELECT form FROM {}", forms.table) } else { "SELECT 0".to_owned() };
        let form = match self.query(&read, &[])?.first() {
            Some(row) => row.int(0)?,
            None => return Err(Error::internal("is damaged: it does not say what form its tables have")),
        };
        let missing = forms.missing(form)?;
        if !is_noted {
            self.execute(&forms.note(), &[])?;
        }
        for migration in missing {
            self.connection()?.execute_batch(migration.sqlite).map_err(|error| fault(&error))?;
        }
        if !is_noted || !missing.is_empty() {
            self.execute(&forms.write(!is_noted), &[forms.newest().into()])?;
        }
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let is_open = self.0.connection.as_ref().is_some_and(|connection| !connection.is_autocommit());
        if is_open
            && self.0.owner.is_this_process()
            && let Err(error) = self.end("ROLLBACK")
        {
            tracing::warn!(target: "komopay", "a transaction of the journal could not be rolled back: {error}");
        }
    }
}

/// Where `$1`, `$2` and so on stand: SQLite numbers its parameters in the order in which they appear.
fn places(statement: &Statement<'_>) -> Result<Vec<usize>> {
    let place = |number: usize| {
        let place = statement.parameter_index(&format!("${number}")).map_err(|error| fault(&error))?;
        place.ok_or_else(|| Error::internal(format!("a statement of the journal has no ${number}")))
    };
    (1..=statement.parameter_count()).map(place).collect()
}

fn bind(statement: &mut Statement<'_>, places: &[usize], params: &[Value]) -> Result<()> {
    if places.len() != params.len() {
        let (asked, given) = (places.len(), params.len());
        return Err(Error::internal(format!(
            "a statement of the journal has {asked} parameters and was given {given}"
        )));
    }
    for (place, value) in places.iter().zip(params) {
        statement.raw_bind_parameter(*place, value).map_err(|error| fault(&error))?;
    }
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn read(value: ValueRef<'_>) -> Result<Value> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => String::from_utf8(text.to_vec())
            .map(Value::Text)
            .map_err(|_| Error::internal("the journal is damaged: a text in it is no UTF-8")),
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
        ValueRef::Real(_) => Err(Error::internal("the journal is damaged: there is a fraction in it")),
    }
}

/// What `SQLite` says of a failure names tables and columns, and repeats no value.
fn fault(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DiskFull
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory,
        ) => Error::unavailable(format!("the journal: {error}")),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::NotADatabase) => {
            Error::setting("journal", error)
        }
        Some(ErrorCode::DatabaseCorrupt) => Error::internal(format!("the journal is damaged: {error}")),
        _ => Error::internal(format!("a statement failed: {error}")),
    }
}
