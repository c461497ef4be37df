//! Stores of changes, each opened anew in every process: a fork finds nothing open, and no lock taken.
//!
//! A fork that Python is not told of finds what is open then. So nothing is open before a store is used; and a child of
//! a process that had used one is refused by the core, since its SQLite would take no locks.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockWriteGuard, TryLockError};

use jiff::Timestamp;
use komopay_batches::JournalLocation;
use komopay_core::{ChangeRecord, ChangeStore, ErrorKind, PayoutId, StoreError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::error::{guard, refuse};
use crate::given::{Argument, Given, setting};
use crate::process::{Own, detached};
use crate::repr::quote;

/// Taken by whoever works with a store in a file or in memory, and whole by a fork: SQLite in a child must know no
/// connection of the parent.
static WORK: Own<RwLock<()>> = Own::new(RwLock::new(()), RwLock::default);

/// What this process has open of each store that it has used, by the number of the store.
static USED: Own<Mutex<BTreeMap<u64, Arc<Used>>>> = Own::new(Mutex::new(BTreeMap::new()), Mutex::default);

/// A store as one process uses it.
struct Used {
    is_file: bool,
    open: Mutex<Option<Arc<dyn ChangeStore>>>,
}

/// How many stores were made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Where a store keeps what it is told.
enum Place {
    Memory,
    File(PathBuf),
    Server(JournalLocation),
}

/// A store, for every process that uses it.
struct Store {
    place: Place,
    /// Whose it is, once a client was made with it: also of what is opened anew, in a child or in place of a lost file.
    owner: OnceLock<String>,
    number: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    fn new(place: Place) -> Arc<Self> {
        Arc::new(Self { place, owner: OnceLock::new(), number: MADE.fetch_add(1, Ordering::Relaxed) })
    }

    /// A store that can be opened: so that what cannot be is told where it was given. It is closed again, for a fork
    /// that nobody tells of.
    fn tried(py: Python<'_>, place: Place) -> PyResult<Arc<Self>> {
        let store = Self::new(place);
        let try_out = || {
            let tried = store.on(|_| Ok(()));
            drop(lock(&store.used().open).take());
            tried
        };
        detached(py, try_out).map_err(|error| cannot_be_opened(py, &error))?;
        Ok(store)
    }

    /// Does this in the store, which is opened if it is not.
    fn on<T>(&self, work: impl FnOnce(&dyn ChangeStore) -> Result<T, StoreError>) -> Result<T, StoreError> {
        // A child knows nothing of a server's connections, and a server may keep one waiting for long.
        let is_server = matches!(self.place, Place::Server(_));
        let _working = (!is_server).then(|| WORK.get().read().unwrap_or_else(PoisonError::into_inner));
        let used = self.used();
        let store = {
            let mut open = lock(&used.open);
            match &*open {
                Some(store) => Arc::clone(store),
                None => Arc::clone(open.insert(self.open()?)),
            }
        };
        work(&*store)
    }

    fn used(&self) -> Arc<Used> {
        let new = || Arc::new(Used { is_file: matches!(self.place, Place::File(_)), open: Mutex::new(None) });
        Arc::clone(lock(USED.get()).entry(self.number).or_insert_with(new))
    }

    fn open(&self) -> Result<Arc<dyn ChangeStore>, StoreError> {
        let store: Arc<dyn ChangeStore> = match &self.place {
            Place::Memory => Arc::new(komopay_core::MemoryChangeStore::new()),
            Place::File(path) => Arc::new(komopay_core::SqliteChangeStore::open(path)?),
            Place::Server(location) => Arc::new(komopay_batches::PostgresChangeStore::open_at(location)?),
        };
        if let Some(owner) = self.owner.get()
            && store.claim(owner)? != *owner
        {
            return Err(StoreError::new("another store is in its place, which belongs to another client"));
        }
        Ok(store)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let used = lock(USED.get()).remove(&self.number);
        // Not under the lock: to close a file may take its time.
        drop(used);
    }
}

impl ChangeStore for Store {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        let is_closed = lock(&self.used().open).is_none();
        let claimed = self.on(|store| store.claim(owner))?;
        // Closed again, for a fork that nobody tells of: it is opened by who uses it.
        if is_closed && !matches!(self.place, Place::Memory) {
            lock(&self.used().open).take();
        }
        Ok(self.owner.get_or_init(|| claimed).clone())
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        self.on(|store| store.latest(payout_id))
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        self.on(|store| store.record(change))
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        self.on(|store| store.take(limit, now, until))
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        self.on(|store| store.acknowledge(payout_id, sequence))
    }

    fn prune(&self, until: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.on(|store| store.prune(until, limit))
    }
}

fn cannot_be_opened(py: Python<'_>, error: &StoreError) -> PyErr {
    let kind = if error.is_unavailable() { ErrorKind::Unavailable } else { ErrorKind::Configuration };
    refuse(py, kind, "change_store", &format!("change_store: cannot be opened: {error}"))
}

/// Nobody works with a store in a file or in memory while this is held.
pub struct Held(#[allow(dead_code, reason = "held, not read")] RwLockWriteGuard<'static, ()>);

/// Waits for those who work with such a store, and closes what would harm a child: an SQLite connection must not be
/// carried over a fork, nor be known to the SQLite that the child opens its own with.
pub fn hold(py: Python<'_>) -> Held {
    let held = loop {
        // Without the GIL, which who works with a store may wait for.
        py.detach(|| drop(WORK.get().write().unwrap_or_else(PoisonError::into_inner)));
        match WORK.get().try_write() {
            Ok(guard) => break Held(guard),
            Err(TryLockError::Poisoned(poisoned)) => break Held(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
    };
    close_files();
    held
}

/// Closes the files, each of which is opened again when it is used. What is in memory stays, with this process.
fn close_files() {
    for used in lock(USED.get()).values().filter(|used| used.is_file) {
        lock(&used.open).take();
    }
}

/// What can be given as `change_store`.
#[cfg(feature = "stubs")]
pub const HINT: pyo3::inspect::PyStaticExpr = crate::hint::either(
    &crate::hint::either(
        &<MemoryChangeStore as pyo3::PyTypeInfo>::TYPE_HINT,
        &<SqliteChangeStore as pyo3::PyTypeInfo>::TYPE_HINT,
    ),
    &<PostgresChangeStore as pyo3::PyTypeInfo>::TYPE_HINT,
);

/// The store that a caller gave.
pub fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Arc<dyn ChangeStore>> {
    if let Ok(store) = given.cast::<SqliteChangeStore>() {
        return Ok(Arc::<Store>::clone(&store.get().0));
    }
    if let Ok(store) = given.cast::<PostgresChangeStore>() {
        return Ok(Arc::<Store>::clone(&store.get().0));
    }
    if let Ok(store) = given.cast::<MemoryChangeStore>() {
        return Ok(Arc::<Store>::clone(&store.get().0));
    }
    Err(argument.wrong_type(given, "a MemoryChangeStore, a SqliteChangeStore or a PostgresChangeStore"))
}

/// Keeps changes in memory: for tests, and for a single process that may forget what it was told when it ends.
///
/// It grows by every payout whose change was seen, of which it keeps the last one. Clients of one process may share it
/// if they have the same base URL, merchant code and `is_test`; to others it is refused. A forked child begins with an
/// empty one, since what is in it is the parent's to handle.
///
/// Example:
///
///     >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
///     ...     client.take_changes()
///     []
#[pyclass(frozen, module = "komopay")]
pub struct MemoryChangeStore(Arc<Store>);

#[pymethods]
impl MemoryChangeStore {
    #[new]
    fn new() -> Self {
        Self(Store::new(Place::Memory))
    }

    #[allow(clippy::unused_self, reason = "Python's protocol wants a method")]
    fn __repr__(&self) -> &'static str {
        "MemoryChangeStore()"
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "a MemoryChangeStore is of one process and cannot be pickled or copied; make one in each, or a \
                    SqliteChangeStore, which they can share";
        Err(PyTypeError::new_err(text))
    }
}

/// Keeps changes in an SQLite file, which survives the process and which the processes of one machine may share.
///
/// It belongs to the base URL, merchant code (or none: a token) and `is_test` of the first client that is made with it,
/// and is refused to clients of others.
///
/// What it has said that it recorded survives a crash of the process and of the machine. The file is made for its
/// user only, and refused if others could have written it: if it is another user's, has rights for everybody, is a
/// symbolic link, or stands in a folder where everybody may replace it (not looked at on Windows). Rights of its
/// group are logged. It holds amounts and statuses and no account number. A change takes about a kilobyte: one stays
/// for each payout, its last, and the others for `keep_changes` after they are over. Not for a network drive. Do not
/// open the file with another SQLite, such as `sqlite3`, in a process that uses it here: closing it would drop the
/// locks of both.
///
/// Each process opens it for itself, in a forked child anew.
///
/// Errors: `ConfigurationError`, naming `change_store`, if it cannot be opened, is the file of another program, or
/// could have been written by others.
///
/// Example:
///
///     >>> from tempfile import TemporaryDirectory
///     >>> with TemporaryDirectory() as folder:
///     ...     store = SqliteChangeStore(f"{folder}/changes.sqlite")
///     ...     with Client.from_env(change_store=store) as client:
///     ...         client.take_changes()
///     []
#[pyclass(frozen, module = "komopay")]
pub struct SqliteChangeStore(Arc<Store>);

#[pymethods]
impl SqliteChangeStore {
    #[new]
    fn new(py: Python<'_>, path: Given<'_, PathBuf>) -> PyResult<Self> {
        guard(py, || {
            let path = setting("path").take(path)?;
            // In another folder later, it would be another file.
            let path = std::path::absolute(&path).unwrap_or(path);
            Store::tried(py, Place::File(path)).map(Self)
        })
    }

    /// Where the file is.
    #[getter]
    fn path(&self) -> Option<String> {
        match &self.0.place {
            Place::File(path) => Some(path.display().to_string()),
            Place::Memory | Place::Server(_) => None,
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(format!("SqliteChangeStore({})", quote(py, &self.path().unwrap_or_default()))))
    }

    /// The path: another process opens the same file.
    #[pyo3(signature = () -> "tuple[str]")]
    fn __getnewargs__(&self) -> (Option<String>,) {
        (self.path(),)
    }
}

/// Keeps changes in PostgreSQL, for any number of processes and hosts whose changes end in one database: best in that
/// database.
///
/// url is `postgresql://user:password@host/database`. The tables are made if there are none: `komopay_changes`,
/// `komopay_changes_owner` and `komopay_changes_form`, in the schema `komopay`, or in another with
/// `?options=-csearch_path%3DNAME`. Which rights a role needs, what is encrypted and which servers will do is in
/// docs/callbacks.md. No error, log or repr shows the user or the password.
///
/// It belongs to the base URL, merchant code (or none: a token) and `is_test` of the first client that is made with it,
/// and is refused to clients of others. What it has said that it recorded survives a crash of the process and of the
/// server. It holds amounts and statuses and no account number, as a `SqliteChangeStore` does.
///
/// Each process has connections of its own, up to 10, and opens them when it uses the store, in a forked child anew.
///
/// Errors: `ConfigurationError`, naming `change_store`, if the URL, the server or the role will not do;
/// `UnavailableError`, naming the same, if the server cannot be reached now.
///
/// Example:
///
///     >>> import os
///     >>> store = PostgresChangeStore(os.environ["SHOP_DATABASE"])  # postgresql://shop:...@db.example.com/shop
///     >>> with Client.from_env(change_store=store) as client:
///     ...     client.take_changes()
///     []
#[pyclass(frozen, module = "komopay")]
pub struct PostgresChangeStore(Arc<Store>);

#[pymethods]
impl PostgresChangeStore {
    #[new]
    fn new(py: Python<'_>, url: Given<'_, String>) -> PyResult<Self> {
        guard(py, || {
            let url = setting("url").take(url)?;
            let location = komopay_batches::PostgresChangeStore::location(&url);
            let location = location.map_err(|error| cannot_be_opened(py, &error))?;
            Store::tried(py, Place::Server(location)).map(Self)
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let shown = match &self.0.place {
                Place::Server(location) => location.to_string(),
                Place::Memory | Place::File(_) => String::new(),
            };
            Ok(format!("PostgresChangeStore({})", quote(py, &shown)))
        })
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "a PostgresChangeStore holds a password and cannot be pickled or copied; make one in each process";
        Err(PyTypeError::new_err(text))
    }
}
