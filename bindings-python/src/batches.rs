//! `Batches`: the front door of `komopay-batches`, one method per operation, for a thread that blocks and for an event
//! loop. It converts, and decides nothing.

mod decisions;
mod feed;
mod items;
mod journal;
mod outbox;
mod plan;
mod report;
mod rows;
mod settings;
mod source;
mod values;
mod work;

use std::future::Future;

use komopay_batches as batches;
use komopay_core as core;
use komopay_core::Error;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use tokio::task::JoinHandle;

use crate::answer::{Answered, ToPython};
use crate::caller::Caller;
use crate::client::Client;
use crate::error::guard;
use crate::given::{Given, argument};
use crate::repr::Repr;
use crate::telemetry::Told;

pub use items::Items;
use journal::Journal;
pub use journal::generate_journal_key;
pub use outbox::{Outbox, OutboxRow};
pub use source::{RowSource, csv, csv_template, json_lines};
pub use values::{_fields_of_batches, _read_of_batches};
pub use work::Stop;

/// Batches of payouts: planned, approved, paid exactly once, and followed. For any number of threads.
///
/// journal is where everything is written down before money moves: the path of an SQLite file, for one process at a
/// time, or the URL of a PostgreSQL database (`postgresql://user:password@host/database`), for any number of them. It
/// is made if there is none, and belongs to the base URL, merchant and mode of the client that it was first opened
/// with.
///
/// `journal_key` seals the payees in it: what `generate_journal_key` makes, kept like a password and apart from the
/// journal. Without it, `KOMOPAY_JOURNAL_KEY` of the environment is taken. Several keys, with blanks between, rotate:
/// the first seals, all of them open.
///
/// A forked child may not use an SQLite journal that its parent has opened; one in PostgreSQL is opened anew there.
///
/// Errors: `ConfigurationError`, naming `journal` or `journal_key`; `UnavailableError` if the journal cannot be reached
/// now.
///
/// The examples of the methods begin with such `batches`, into which `planned` has put two `employees` as
/// `payroll-2026-11`.
///
/// Example:
///
///     >>> from tempfile import TemporaryDirectory
///     >>> from komopay.batches import Batches, generate_journal_key
///     >>> employees = [{"id": "EMP-1", "amount": "250000", "currency": "IDR", "operator_code": "BNK_000",
///     ...               "account_name": "Siti Rahmawati", "account_number": "0123456789"}]
///     >>> with TemporaryDirectory() as folder, Client.from_env() as client:
///     ...     with Batches(client, journal=f"{folder}/journal", journal_key=generate_journal_key()) as batches:
///     ...         planned = batches.plan("payroll-2026-11", employees, maker="siti", count=1)
///     ...         batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
///     ...         batches.start("payroll-2026-11", by="budi")
///     ...         batches.drive("payroll-2026-11").count("accepted")
///     1
#[pyclass(frozen, module = "komopay.batches")]
pub struct Batches {
    journal: Journal,
    caller: Caller,
}

#[pymethods]
impl Batches {
    #[new]
    #[pyo3(signature = (client, *, journal: "str | PathLike[str]", journal_key=None))]
    fn new(
        py: Python<'_>,
        client: Given<'_, Py<Client>>,
        journal: &Bound<'_, PyAny>,
        journal_key: Option<Given<'_, String>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let journal = Journal::new(argument("client").take(client)?, journal, journal_key)?;
            let batches = Self { journal, caller: Caller::Blocks };
            batches.open(py)?;
            Ok(batches)
        })
    }

    /// The same for the running event loop, which opens the journal with the first call: for `AsyncBatches`.
    #[staticmethod]
    #[pyo3(signature = (client, *, journal: "str | PathLike[str]", journal_key=None))]
    fn _for_event_loop(
        py: Python<'_>,
        client: Given<'_, Py<Client>>,
        journal: &Bound<'_, PyAny>,
        journal_key: Option<Given<'_, String>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let journal = Journal::new(argument("client").take(client)?, journal, journal_key)?;
            Ok(Self { journal, caller: Caller::EventLoop })
        })
    }

    /// Opens the journal, if it is not open.
    fn _open(&self, py: Python<'_>) -> PyResult<Answered<()>> {
        guard(py, || self.open(py))
    }

    /// Closes the journal, when the calls that are under way have ended. Then another process may open an SQLite file.
    ///
    /// Example:
    ///
    ///     >>> batches.close()
    ///     >>> batches.status("payroll-2026-11")
    ///     Traceback (most recent call last):
    ///     komopay.errors.ClosedError: the journal was closed
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            self.journal.close(py);
            Ok(())
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (
        exc_type: "type[BaseException] | None",
        exc_value: "BaseException | None",
        traceback: "object",
        /
    ))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyAny>>,
        exc_value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc_value, traceback);
        self.close(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(Repr::new(py, "Batches").text("journal", self.journal.shown().as_str()).finish()))
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "Batches hold keys and an open journal and cannot be pickled or copied; open them in each process";
        Err(PyTypeError::new_err(text))
    }
}

impl Batches {
    fn open(&self, py: Python<'_>) -> PyResult<Answered<()>> {
        self.call(py, |_| async { Ok(()) })
    }

    /// Makes a call.
    fn call<T, F>(
        &self,
        py: Python<'_>,
        call: impl FnOnce(batches::Batches) -> F + Send + 'static,
    ) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = core::Result<T>> + Send + 'static,
    {
        let open = self.journal.open(py)?;
        let call = apart(async move { call(open.await?).await });
        self.caller.start(py)?.call(py, None, Told::nobody(), call)
    }

    /// Makes a call that ends softly if it is asked to.
    fn call_until<T, F>(
        &self,
        py: Python<'_>,
        stop: &batches::Stop,
        call: impl FnOnce(batches::Batches) -> F + Send + 'static,
    ) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = core::Result<T>> + Send + 'static,
    {
        let open = self.journal.open(py)?;
        let call = apart(async move { call(open.await?).await });
        self.caller.start(py)?.call_attending(py, stop, call)
    }
}

/// A call in a task of its own, which ends if nobody waits for it any more. It goes on while its caller's thread does
/// something else between two slices of waiting, such as a handler of the log that asks the journal, too.
async fn apart<T: Send + 'static>(call: impl Future<Output = core::Result<T>> + Send + 'static) -> core::Result<T> {
    let task = match core::caller() {
        Some(caller) => tokio::spawn(core::called_by(caller, call)),
        None => tokio::spawn(call),
    };
    let mut task = Apart(task);
    (&mut task.0).await.map_err(|_| Error::internal("a fault of the komopay SDK: it panicked"))?
}

/// A task that nobody else waits for.
struct Apart<T>(JoinHandle<T>);

impl<T> Drop for Apart<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
