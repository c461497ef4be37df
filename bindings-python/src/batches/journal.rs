//! The journal of a Python `Batches`: opened by the first call, in each process anew.

use std::future::Future;
use std::mem;
use std::path::absolute;
use std::sync::{Arc, Mutex};

use komopay_batches::{Batches, JournalLocation, Keys};
use komopay_core::{ErrorKind, Result};
use pyo3::prelude::*;
use pyo3::types::PyString;
use tokio::sync::OnceCell;

use crate::client::{Client, variable_of};
use crate::error::{guard, raise, raise_kind};
use crate::given::{Given, setting};
use crate::process::{detached, generation, locked};

/// Where the key is looked up that was not given.
const KEY: &str = "KOMOPAY_JOURNAL_KEY";

/// A journal, and the client that pays.
pub struct Journal {
    client: Py<Client>,
    location: JournalLocation,
    keys: Keys,
    state: Mutex<State>,
}

/// The journal of the process that opened it.
struct State {
    generation: u64,
    is_closed: bool,
    opened: Arc<OnceCell<Batches>>,
}

impl Drop for State {
    /// To close the parent's in a forked child would reach for the parent's locks and connections.
    fn drop(&mut self) {
        if self.generation != generation() {
            mem::forget(Arc::clone(&self.opened));
        }
    }
}

impl State {
    fn new(is_closed: bool) -> Self {
        Self { generation: generation(), is_closed, opened: Arc::default() }
    }
}

impl Journal {
    /// A journal that is not opened yet.
    pub fn new(client: Py<Client>, given: &Bound<'_, PyAny>, key: Option<Given<'_, String>>) -> PyResult<Self> {
        let py = given.py();
        let location = location(given)?;
        let keys = keys(py, key)?;
        Ok(Self { client, location, keys, state: Mutex::new(State::new(false)) })
    }

    /// Gives the open journal of this process.
    pub fn open(&self, py: Python<'_>) -> PyResult<impl Future<Output = Result<Batches>> + Send + 'static> {
        let opened = {
            let mut state = locked(py, &self.state);
            if state.generation != generation() {
                let is_closed = state.is_closed;
                if matches!(self.location, JournalLocation::Sqlite(_)) && state.opened.initialized() {
                    let problem = "was opened before this process was forked, and is the parent's: an SQLite file is \
                                   for one process. Open it after the fork, or keep the journal in PostgreSQL";
                    return Err(setting("journal").refuse(py, problem));
                }
                *state = State::new(is_closed);
            }
            if state.is_closed {
                return Err(raise_kind(py, ErrorKind::Closed, "the journal was closed", None));
            }
            // A standby took over from its server: what may have been lost is looked at when it is opened.
            if state.opened.get().is_some_and(Batches::must_be_reopened) {
                state.opened = Arc::default();
            }
            Arc::clone(&state.opened)
        };
        let core = self.client.bind(py).get().core(py)?;
        let (location, keys) = (self.location.clone(), self.keys.clone());
        Ok(async move {
            let open = || Batches::open(core, &location, keys);
            opened.get_or_try_init(open).await.cloned()
        })
    }

    /// Closes it, for this object.
    pub fn close(&self, py: Python<'_>) {
        let before = {
            let mut state = locked(py, &self.state);
            if state.generation == generation() {
                let closed = State::new(true);
                Some(mem::replace(&mut *state, closed))
            } else {
                state.is_closed = true;
                None
            }
        };
        // To close a file may take its time.
        detached(py, || drop(before));
    }

    /// Where it is, without user and password.
    pub fn shown(&self) -> String {
        self.location.to_string()
    }
}

/// A new key for a journal, as `journal_key` takes it: 32 random bytes. Keep it like a password, and apart from the
/// journal: without it, nobody can read the payees in there.
///
/// Example:
///
///     >>> from komopay.batches import generate_journal_key
///     >>> len(generate_journal_key())
///     44
#[pyfunction]
pub fn generate_journal_key(py: Python<'_>) -> PyResult<String> {
    guard(py, || Keys::generate().map_err(|error| raise(py, &error)))
}

/// The keys that were given, or those of the environment.
pub fn keys(py: Python<'_>, given: Option<Given<'_, String>>) -> PyResult<Keys> {
    let key = match setting("journal_key").maybe(given)? {
        Some(key) => Some(key),
        None => variable_of(py, KEY)?,
    };
    let key = key.ok_or_else(|| {
        let problem =
            format!("give a key, or set {KEY} in the environment; komopay.batches.generate_journal_key() makes one");
        setting("journal_key").refuse(py, &problem)
    })?;
    Keys::parse(&key).map_err(|error| raise(py, &error))
}

/// A path, which may be relative to the folder that the process is in now, or a URL.
fn location(given: &Bound<'_, PyAny>) -> PyResult<JournalLocation> {
    let (py, name) = (given.py(), setting("journal"));
    let text = if given.is_instance_of::<PyString>() {
        name.text(given)?
    } else {
        let path = name.path(given)?;
        format!("sqlite:{}", path.to_str().ok_or_else(|| name.refuse(py, "must be a path that is text"))?)
    };
    match text.parse::<JournalLocation>() {
        Ok(JournalLocation::Sqlite(path)) => Ok(JournalLocation::Sqlite(absolute(&path).unwrap_or(path))),
        Ok(server) => Ok(server),
        Err(error) => Err(raise(py, &error)),
    }
}
