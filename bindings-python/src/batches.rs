//! `Batches`: the front door of `komopay-batches`, one method per operation, for a thread that blocks and for an event
//! loop. It converts, and decides nothing.

mod feed;
mod journal;
mod outbox;
mod report;
mod rows;
mod source;
mod values;

use std::future::pending;
use std::time::Duration;

use komopay_batches as batches;
use komopay_batches::{BatchSettings, BatchTokens, Budget, ControlTotals, Keys, NewBatch};
use komopay_core as core;
use komopay_core::{Error, MethodCode};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use tokio::task::JoinHandle;

use crate::answer::{Answered, ToPython};
use crate::caller::Caller;
use crate::client::Client;
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Or, Read, argument, setting};
use crate::payout::Payout;
use crate::repr::Repr;
use crate::settings::Ceilings;
use crate::telemetry::Told;
use crate::wait::Attend;

use journal::Journal;
pub use outbox::Outbox;
use report::{Form, Writing};
use source::Feeding;
pub use source::{RowSource, csv, json_lines};
pub use values::{_fields_of_batches, _read_of_batches};

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

/// Asks a `drive` or `follow` to end, from another thread or a signal handler: what is under way ends first, and
/// nothing new is started.
///
/// Example:
///
///     >>> from komopay.batches import Stop
///     >>> stop = Stop()
///     >>> stop.stop()
///     >>> stop.is_stopped
///     True
#[pyclass(frozen, module = "komopay.batches")]
#[derive(Default)]
pub struct Stop(batches::Stop);

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Asks for it.
    ///
    /// Example:
    ///
    ///     >>> from komopay.batches import Stop
    ///     >>> stop = Stop()
    ///     >>> stop.stop()
    fn stop(&self) {
        self.0.stop();
    }

    /// Whether it was asked for.
    #[getter]
    fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }

    fn __repr__(&self) -> String {
        format!("Stop(is_stopped={})", if self.0.is_stopped() { "True" } else { "False" })
    }
}

/// A thread that drives: a Ctrl-C stops it softly.
impl Attend for batches::Stop {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }

    fn attend(&self, _: Python<'_>) -> PyResult<()> {
        Ok(())
    }

    fn end_softly(&self) -> bool {
        let text = "interrupted: nothing new is sent, and what is under way ends first; a second time leaves at once";
        tracing::warn!(target: "komopay", "{text}");
        self.stop();
        true
    }
}

impl Read for BatchTokens {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::literal!("chunk", "payout");

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "chunk" => Ok(Self::Chunk),
            "payout" => Ok(Self::Payout),
            _ => Err(argument.refuse(given.py(), "must be 'chunk' or 'payout'")),
        }
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

/// The header of a CSV file for payouts by this method, such as `BANK_TRANSFER`, or without one by any: every column
/// that it may have.
///
/// Errors: `InvalidRequestError`, naming `method_code`, if it is not known.
///
/// Example:
///
///     >>> from komopay.batches import csv_template
///     >>> csv_template().split(",")[:4]
///     ['id', 'payout_id', 'amount', 'currency']
#[pyfunction]
#[pyo3(signature = (method_code=None))]
pub fn csv_template(py: Python<'_>, method_code: Option<Given<'_, String>>) -> PyResult<String> {
    guard(py, || {
        let name = argument("method_code");
        let code = name.maybe(method_code)?.map(|code| MethodCode::from(code.as_str()));
        if let Some(MethodCode::Unknown(_)) = code {
            return Err(name.refuse(py, &format!("must be one of {}", MethodCode::KNOWN.join(", "))));
        }
        Ok(batches::csv_template(code.as_ref()))
    })
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

    /// Checks every row, writes down those that are good, and says what they add up to. Nothing is sent.
    ///
    /// `batch_id` is never made up: the same rows under the same id are the same payouts, for ever, so to plan again is
    /// harmless. Until the batch is started, its contents are what the last plan says, and any change of them voids an
    /// approval. After that they stand: a row that is another one now is a problem, and is not paid.
    ///
    /// rows is `csv(path)` or `json_lines(path)`, or an iterable of `(key, PayoutRequest)`, of `(key, payout_id,
    /// PayoutRequest)`, or of dicts with the names of the CSV template, such as the rows of a data frame:
    /// `frame.to_dict("records")`. It is read some rows at a time, in the caller's thread; what it raises is raised
    /// here, and the batch is as it was. Without a payout id, one is derived from the batch's id and the row's key.
    ///
    /// maker is who makes it. `valid_only` pays the good rows even if others are bad: a choice that is written down.
    /// count and sums, such as `{"IDR": "1250000"}`, are what you expect the rows to add up to.
    ///
    /// - `concurrency`: how many payouts of one process are under way at a time, 32.
    /// - `requests_per_second`: how many creates all processes together start in a second; no limit without it.
    /// - `tokens`: `"chunk"` for a token for up to 32 payouts, or `"payout"` for one for each, which allows its money
    ///   only.
    /// - `token_seconds`: for how long a token is asked for, 60. What was on its way in a crash is settled after that.
    /// - `max_refusals`: it pauses when so many were refused; no limit without it.
    /// - `max_refused_share`: it pauses when this share was refused, from 100 on; 0.1. With 1.0 it never does.
    /// - `stop_on_low_balance`: it pauses when the balance is too low for a payout, True.
    /// - `approval_by_another`: somebody else than its maker has to approve it, True.
    /// - `paid_lately_days`: the same payee and amount in another batch within so many days is a warning, 7.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used; `ConfigurationError`, naming a setting, or `input` if
    /// a file cannot be read; else those of `payment_options` and `balances`.
    ///
    /// Example:
    ///
    ///     >>> from tempfile import TemporaryDirectory
    ///     >>> from komopay.batches import Batches, generate_journal_key
    ///     >>> account = BankAccount(name="Siti Rahmawati", number="0123456789")
    ///     >>> bank = BankTransfer(operator_code="BNK_000", account=account)
    ///     >>> rows = ((f"EMP-{n}", PayoutRequest(money=Money(n * 1000, "IDR"), method=bank)) for n in range(10, 15))
    ///     >>> with TemporaryDirectory() as folder, Client.from_env() as client:
    ///     ...     with Batches(client, journal=f"{folder}/journal", journal_key=generate_journal_key()) as batches:
    ///     ...         planned = batches.plan("payroll-2026-11", rows, maker="siti", count=5, sums={"IDR": 60_000})
    ///     >>> planned.state, planned.plan.currencies[0].sum
    ///     ('validated', Money('60000', 'IDR'))
    #[pyo3(
        signature = (batch_id, rows: "Rows", *, maker, valid_only=Or::DEFAULT, count=None, sums=None,
            concurrency=Or::DEFAULT, requests_per_second=None, tokens=Or::DEFAULT, token_seconds=Or::DEFAULT,
            max_refusals=None, max_refused_share=Or::DEFAULT, stop_on_low_balance=Or::DEFAULT,
            approval_by_another=Or::DEFAULT, paid_lately_days=Or::DEFAULT),
        text_signature = "($self, batch_id, rows, *, maker, valid_only=False, count=None, sums=None, concurrency=32, \
            requests_per_second=None, tokens='chunk', token_seconds=60, max_refusals=None, max_refused_share=0.1, \
            stop_on_low_balance=True, approval_by_another=True, paid_lately_days=7)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn plan(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        rows: &Bound<'_, PyAny>,
        maker: Given<'_, String>,
        valid_only: Or<'_, bool>,
        count: Option<Given<'_, u64>>,
        sums: Option<Given<'_, Ceilings>>,
        concurrency: Or<'_, u32>,
        requests_per_second: Option<Given<'_, f64>>,
        tokens: Or<'_, BatchTokens>,
        token_seconds: Or<'_, u64>,
        max_refusals: Option<Given<'_, u64>>,
        max_refused_share: Or<'_, f64>,
        stop_on_low_balance: Or<'_, bool>,
        approval_by_another: Or<'_, bool>,
        paid_lately_days: Or<'_, u32>,
    ) -> PyResult<Answered<values::Planned>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let mut new = NewBatch::new(id.clone(), argument("maker").take(maker)?);
            new.valid_only = argument("valid_only").take_or(valid_only, new.valid_only)?;
            let sums = argument("sums").maybe(sums)?.map(Vec::from).unwrap_or_default();
            new.control = ControlTotals { count: argument("count").maybe(count)?, sums };
            new.settings = BatchSettings {
                paid_lately_days: setting("paid_lately_days").take_or(paid_lately_days, 7)?,
                ..settings(
                    concurrency,
                    requests_per_second,
                    tokens,
                    token_seconds,
                    max_refusals,
                    max_refused_share,
                    stop_on_low_balance,
                    approval_by_another,
                )?
            };
            let made;
            let feeding = if let Ok(feeding) = rows.cast::<Feeding>() {
                feeding.get()
            } else {
                made = Feeding::of(rows, false)?;
                &made
            };
            let unopened = feeding.unopened(py)?;
            let open = self.journal.open(py)?;
            let call = async move {
                let batches = open.await?;
                // What comes first may have to be waited for.
                let rows = tokio::task::spawn_blocking(move || unopened.open(&id)).await;
                let rows = rows.map_err(|_| Error::internal("the reader of rows ended without a result"))??;
                batches.plan(new, rows).await.map(values::Planned::from)
            };
            let started = self.caller.start(py)?;
            started.call_attending(py, feeding, apart(call))
        })
    }

    /// Rows for a plan of an event loop, which hands them over.
    #[pyo3(signature = (rows: "object") -> "object")]
    #[allow(clippy::unused_self, reason = "a method of the batches that it is for")]
    fn _feeding(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Feeding> {
        guard(py, || Feeding::of(rows, true))
    }

    /// Opens an outbox: a batch that takes payouts one by one, in transactions of your own (`Outbox`). Gives the digest
    /// to approve. It needs a journal in the database that those transactions are of.
    ///
    /// It has no contents to approve: ceilings are approved instead, by currency the most of one payout and the most of
    /// an hour. What is above pauses it; a currency that is not there is not paid. Other settings than before void the
    /// approval. The settings are those of `plan`.
    ///
    /// Errors: `ConfigurationError`, naming `journal` if that is no PostgreSQL, or a setting; `InvalidRequestError`,
    /// naming what cannot be used.
    #[pyo3(
        signature = (batch_id, *, maker, ceilings, concurrency=Or::DEFAULT, requests_per_second=None,
            tokens=Or::DEFAULT, token_seconds=Or::DEFAULT, max_refusals=None, max_refused_share=Or::DEFAULT,
            stop_on_low_balance=Or::DEFAULT, approval_by_another=Or::DEFAULT),
        text_signature = "($self, batch_id, *, maker, ceilings, concurrency=32, requests_per_second=None, \
            tokens='chunk', token_seconds=60, max_refusals=None, max_refused_share=0.1, stop_on_low_balance=True, \
            approval_by_another=True)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn open_outbox(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        maker: Given<'_, String>,
        ceilings: Given<'_, outbox::Ceilings>,
        concurrency: Or<'_, u32>,
        requests_per_second: Option<Given<'_, f64>>,
        tokens: Or<'_, BatchTokens>,
        token_seconds: Or<'_, u64>,
        max_refusals: Option<Given<'_, u64>>,
        max_refused_share: Or<'_, f64>,
        stop_on_low_balance: Or<'_, bool>,
        approval_by_another: Or<'_, bool>,
    ) -> PyResult<Answered<String>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let maker = argument("maker").take(maker)?;
            let settings = BatchSettings {
                ceilings: setting("ceilings").take(ceilings)?.0,
                ..settings(
                    concurrency,
                    requests_per_second,
                    tokens,
                    token_seconds,
                    max_refusals,
                    max_refused_share,
                    stop_on_low_balance,
                    approval_by_another,
                )?
            };
            self.call(py, move |batches| async move { batches.open_outbox(&id, &maker, &settings).await })
        })
    }

    /// Approves a batch as it stands: bound to the digest that its plan gave, over all that it would pay, payees
    /// included.
    ///
    /// That proves that these payees and amounts were approved, and that nothing else is paid. It does not prove who by
    /// is: that is your application's word.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id` if it has bad rows or was started, `digest` if it is another
    /// one by now, or `approver` if that is its maker, and another has to approve.
    #[pyo3(signature = (batch_id, *, by, digest, why=None))]
    fn approve(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        digest: Given<'_, String>,
        why: Option<Given<'_, String>>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let digest = argument("digest").take(digest)?;
            let why = argument("why").maybe(why)?;
            self.call(py, move |batches| async move { batches.approve(&id, &by, &digest, why.as_deref()).await })
        })
    }

    /// Starts a batch that was approved, or goes on with one that is paused.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if it was not approved, or is not what was approved any more.
    #[pyo3(signature = (batch_id, *, by, why=None))]
    fn start(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Option<Given<'_, String>>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").maybe(why)?;
            self.call(py, move |batches| async move { batches.start(&id, &by, why.as_deref()).await })
        })
    }

    /// Lets nobody send more of a batch. What is under way ends first. False, if it does not run.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used.
    #[pyo3(signature = (batch_id, *, by, why))]
    fn pause(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<bool>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.pause(&id, &by, &why).await })
        })
    }

    /// Cancels what was not sent, and gives how many items that are. What was sent is followed to its end.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if all is sent.
    #[pyo3(signature = (batch_id, *, by, why))]
    fn cancel(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<u64>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.cancel(&id, &by, &why).await })
        })
    }

    /// Sends what is planned, and settles what is in doubt, until the time is over or nothing is due now.
    ///
    /// time is in seconds, or a timedelta: after it nothing new is started, and what is under way ends first. Call it
    /// again at any time, from any process, also while another one drives: the journal knows where it stands. A process
    /// that dies in it loses no payout, and pays none twice.
    ///
    /// Ctrl-C stops it: nothing new is sent, what is under way ends first, and then `KeyboardInterrupt` is raised. A
    /// second Ctrl-C leaves at once, and what was under way is settled by the next call.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if it was not started; `UnavailableError`, naming `journal`;
    /// `ConfigurationError`, naming `journal_key`, if its items were sealed with another key. How single payouts end is
    /// told by the status.
    #[pyo3(signature = (batch_id, time=Or::DEFAULT, *, stop=None),
        text_signature = "($self, batch_id, time=60.0, *, stop=None)")]
    fn drive(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        time: Or<'_, Duration>,
        stop: Option<Given<'_, Py<Stop>>>,
    ) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let (id, budget, stop) = work(py, batch_id, time, stop)?;
            let asked = stop.clone();
            self.call_until(py, &stop, move |batches| async move { batches.drive(&id, budget, &asked).await })
        })
    }

    /// Reads the payouts that the platform took, until the time is over or none is due now: each after a few seconds,
    /// then less and less often, up to every 15 minutes.
    ///
    /// time, Ctrl-C and errors are as those of `drive`.
    #[pyo3(signature = (batch_id, time=Or::DEFAULT, *, stop=None),
        text_signature = "($self, batch_id, time=60.0, *, stop=None)")]
    fn follow(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        time: Or<'_, Duration>,
        stop: Option<Given<'_, Py<Stop>>>,
    ) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let (id, budget, stop) = work(py, batch_id, time, stop)?;
            let asked = stop.clone();
            self.call_until(py, &stop, move |batches| async move { batches.follow(&id, budget, &asked).await })
        })
    }

    /// Takes a payout that a callback, or a read of your own, showed. False, if no item has its id.
    ///
    /// Errors: `UnavailableError`, naming `journal`.
    fn observe(&self, py: Python<'_>, payout: Given<'_, Payout>) -> PyResult<Answered<bool>> {
        guard(py, || {
            let payout = argument("payout").take(payout)?.to_core().map_err(|error| raise(py, &error))?;
            self.call(py, move |batches| async move { batches.observe(&payout).await })
        })
    }

    /// How a batch stands.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.
    fn status(&self, py: Python<'_>, batch_id: Given<'_, String>) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            self.call(py, move |batches| async move { batches.status(&id).await })
        })
    }

    /// Settles an item that needs a person, by what that person found out: its payout was made, or was not.
    ///
    /// item is its key.
    ///
    /// Errors: `InvalidRequestError`, naming `item`, if there is none of this key, or it needs no person.
    #[pyo3(signature = (batch_id, item, *, made, by, why))]
    fn settle(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        item: Given<'_, String>,
        made: Given<'_, bool>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let (item, made) = (argument("item").take(item)?, argument("made").take(made)?);
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.settle(&id, &item, made, &by, &why).await })
        })
    }

    /// Tries an item again that is final and was not paid: a new item with a new payout id, which names the one it
    /// replaces. Gives its key.
    ///
    /// Errors: `InvalidRequestError`, naming `item`, if it may still be paid, was paid, or is tried again already.
    #[pyo3(signature = (batch_id, item, *, by, why))]
    fn retry(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        item: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<String>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let (item, why) = (argument("item").take(item)?, argument("why").take(why)?);
            self.call(py, move |batches| async move { batches.retry(&id, &item, &by, &why).await })
        })
    }

    /// Says that the journal is a restored one, so that what was written last may be lost: all that is open is in
    /// doubt, and nothing is concluded until every token that may be about has ended. Gives how many groups of items
    /// those are.
    ///
    /// Where PostgreSQL tells that it is another server, or a standby that took over, that is done when the journal is
    /// opened.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used.
    #[pyo3(signature = (*, by, why))]
    fn restored(&self, py: Python<'_>, by: Given<'_, String>, why: Given<'_, String>) -> PyResult<Answered<u64>> {
        guard(py, || {
            let (by, why) = (argument("by").take(by)?, argument("why").take(why)?);
            self.call(py, move |batches| async move { batches.restored(&by, &why).await })
        })
    }

    /// What is wrong with rows of the input, as it was planned last: those behind this row, up to 2,048 at a time.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.
    #[pyo3(signature = (batch_id, after=Or::DEFAULT), text_signature = "($self, batch_id, after=0)")]
    fn problems(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        after: Or<'_, u64>,
    ) -> PyResult<Answered<Vec<batches::RowProblem>>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let after = argument("after").take_or(after, 0)?;
            self.call(py, move |batches| async move { batches.problems(&id, after).await })
        })
    }

    /// Writes the report of a batch as it stands now, item by item, and gives its totals.
    ///
    /// target is a path, or a file that is open for writing: of bytes, or of text (with `newline=""`). format is
    /// `"csv"`, a row per item; `"jsonl"`, an object per item and a last one of the batch; or `"html"`, one page for
    /// people. It holds no name and no whole account number.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id; `ConfigurationError`, naming
    /// `report`, if it cannot be written. What an open file raises is raised as it is.
    #[pyo3(signature = (batch_id, target: "str | PathLike[str] | SupportsWrite", *, format=Or::DEFAULT),
        text_signature = "($self, batch_id, target, *, format='csv')")]
    fn report(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        target: &Bound<'_, PyAny>,
        format: Or<'_, Form>,
    ) -> PyResult<Answered<values::ReportTotals>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let form = argument("format").take_or(format, Form::Csv)?;
            let made;
            let writing = if let Ok(writing) = target.cast::<Writing>() {
                writing.get()
            } else {
                made = Writing::to(target)?;
                &made
            };
            let (sink, open) = (writing.sink(py)?, self.journal.open(py)?);
            let call = async move {
                let batches = open.await?;
                batches.status(&id).await?;
                batches.report(&id, form.writer(sink()?)).await.map(values::ReportTotals::from)
            };
            let totals = self.caller.start(py)?.call_attending(py, writing, apart(call))?;
            if matches!(self.caller, Caller::Blocks) {
                writing.write(py)?;
            }
            Ok(totals)
        })
    }

    /// A report for an event loop, which writes it.
    #[pyo3(signature = (target: "str | PathLike[str] | SupportsWrite") -> "object")]
    #[allow(clippy::unused_self, reason = "a method of the batches that it is for")]
    fn _writing(&self, py: Python<'_>, target: &Bound<'_, PyAny>) -> PyResult<Writing> {
        guard(py, || Writing::to(target))
    }

    /// What happened to a batch: decisions of people, and states that it came to.
    ///
    /// Errors: `InternalError` if the chain of events was broken: one was changed, or is missing.
    fn events(&self, py: Python<'_>, batch_id: Given<'_, String>) -> PyResult<Answered<Vec<batches::BatchEvent>>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            self.call(py, move |batches| async move { batches.events(&id).await })
        })
    }

    /// Erases the payees of batches that ended so long ago, in seconds or a timedelta, and gives how many items those
    /// are. What was paid when, and under which id, stays.
    ///
    /// Errors: `UnavailableError`, naming `journal`.
    fn erase_payees(&self, py: Python<'_>, ended_for: Given<'_, Duration>) -> PyResult<Answered<u64>> {
        guard(py, || {
            let ended_for = argument("ended_for").take(ended_for)?;
            self.call(py, move |batches| async move { batches.erase_payees(ended_for).await })
        })
    }

    /// Closes the journal, when the calls that are under way have ended. Then another process may open an SQLite file.
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

/// What a batch is paid by.
#[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
fn settings(
    concurrency: Or<'_, u32>,
    requests_per_second: Option<Given<'_, f64>>,
    tokens: Or<'_, BatchTokens>,
    token_seconds: Or<'_, u64>,
    max_refusals: Option<Given<'_, u64>>,
    max_refused_share: Or<'_, f64>,
    stop_on_low_balance: Or<'_, bool>,
    approval_by_another: Or<'_, bool>,
) -> PyResult<BatchSettings> {
    let usual = BatchSettings::default();
    Ok(BatchSettings {
        concurrency: setting("concurrency").take_or(concurrency, usual.concurrency)?,
        requests_per_second: setting("requests_per_second").maybe(requests_per_second)?,
        tokens: setting("tokens").take_or(tokens, usual.tokens)?,
        token_seconds: setting("token_seconds").take_or(token_seconds, usual.token_seconds)?,
        max_refusals: setting("max_refusals").maybe(max_refusals)?,
        max_refused_share: if max_refused_share.is_default() {
            usual.max_refused_share
        } else {
            Some(setting("max_refused_share").take_or(max_refused_share, 1.0)?)
        },
        stop_on_low_balance: setting("stop_on_low_balance").take_or(stop_on_low_balance, usual.stop_on_low_balance)?,
        approval_by_another: setting("approval_by_another").take_or(approval_by_another, usual.approval_by_another)?,
        paid_lately_days: usual.paid_lately_days,
        ceilings: usual.ceilings,
    })
}

/// The batch, and who does something with it.
fn named(batch_id: Given<'_, String>, by: Given<'_, String>) -> PyResult<(String, String)> {
    Ok((argument("batch_id").take(batch_id)?, argument("by").take(by)?))
}

/// A batch, and for how long somebody works on it.
fn work(
    py: Python<'_>,
    batch_id: Given<'_, String>,
    time: Or<'_, Duration>,
    stop: Option<Given<'_, Py<Stop>>>,
) -> PyResult<(String, Budget, batches::Stop)> {
    let id = argument("batch_id").take(batch_id)?;
    let time = argument("time").take_or(time, Budget::default().time)?;
    let stop = argument("stop").maybe(stop)?.map(|stop| stop.bind(py).get().0.clone()).unwrap_or_default();
    Ok((id, Budget { time }, stop))
}
