//! The stand-in gateway inside the process, and its program.
//!
//! It runs on threads of its own: a client's runtime that is busy or stuck never holds up the gateway it talks to.

use std::ffi::OsString;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use komopay_sandbox::magic::{MAGIC_NUMBERS, Outcome};
use komopay_sandbox::{
    CallbackFault, ChangeError, DEFAULT_MERCHANT_CODE, DEFAULT_SECRET, Delivery, DeliveryOutcome, Fault, LedgerEntry,
    Operation, RECORD_VARIABLE, StartError,
};
use pyo3::exceptions::{PyKeyError, PyOSError, PyPermissionError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::given::{Argument, argument, setting};
use crate::panics::{guard, internal};

/// How often a waiting thread looks for signals.
const TICK: Duration = Duration::from_millis(50);

/// How long a stop waits for calls in progress: long enough for one that is about to be answered. The others are cut.
const LAST_CALLS: Duration = Duration::from_millis(100);

/// How long a stop waits for its threads, which end as soon as they look up.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a caller said that shall go wrong.
const FAULT: Argument<'_> = argument("fault");

/// What a sandbox runs on.
struct Threads(Option<Runtime>);

impl Threads {
    fn start() -> std::io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("komopay-sandbox").enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// Waits with the GIL released, and answers Ctrl-C.
    fn wait<T: Send>(&self, py: Python<'_>, call: impl Future<Output = T> + Send) -> PyResult<T> {
        let Some(runtime) = &self.0 else { return Err(has_ended()) };
        let mut call = Box::pin(call);
        loop {
            let tick = py.detach(|| runtime.block_on(async { tokio::time::timeout(TICK, call.as_mut()).await }));
            if let Ok(result) = tick {
                return Ok(result);
            }
            py.check_signals()?;
        }
    }

    /// Ends every call. Another thread that still waits here ends the rest.
    fn end(self: Arc<Self>) {
        if let Some(runtime) = Arc::into_inner(self).and_then(|mut threads| threads.0.take()) {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// A running stand-in gateway. `komopay.testing.Sandbox` is its front.
#[pyclass(frozen, module = "komopay_testing._native")]
pub struct Sandbox {
    /// There until it is dropped.
    gateway: Option<komopay_sandbox::Sandbox>,
    /// There until it is stopped.
    threads: Mutex<Option<Arc<Threads>>>,
    /// A forked child has the gateway's memory and none of its threads.
    process: u32,
}

/// Money, as an object of `komopay`.
type Money = Py<PyAny>;

/// Sequence, time, kind, payout id, money, payee hash.
type Line = (u64, Timestamp, String, String, Money, String);

/// Sequence, time, payout id, status, attempt, URL, outcome, HTTP status, reason.
type Attempt = (u64, Timestamp, String, Option<&'static str>, u32, String, &'static str, Option<u16>, Option<String>);

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (
        *, processing_time, seed, merchant_code, secret, balances, port, control, forge_to_ports, callback_interval,
        callback_on_create, deliver_to_any_host
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn new(
        py: Python<'_>,
        processing_time: &Bound<'_, PyAny>,
        seed: &Bound<'_, PyAny>,
        merchant_code: Option<Bound<'_, PyAny>>,
        secret: Option<Bound<'_, PyAny>>,
        balances: Option<Bound<'_, PyAny>>,
        port: &Bound<'_, PyAny>,
        control: &Bound<'_, PyAny>,
        forge_to_ports: &Bound<'_, PyAny>,
        callback_interval: &Bound<'_, PyAny>,
        callback_on_create: &Bound<'_, PyAny>,
        deliver_to_any_host: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        guard(py, || {
            let code = setting("merchant_code").optional(merchant_code, Argument::text)?;
            let secret = setting("secret").optional(secret, Argument::text)?;
            let (code, secret) =
                (code.as_deref().unwrap_or(DEFAULT_MERCHANT_CODE), secret.as_deref().unwrap_or(DEFAULT_SECRET));
            let mut builder = komopay_sandbox::Sandbox::builder()
                .processing_time(setting("processing_time").seconds(processing_time)?)
                .seed(setting("seed").whole(seed)?)
                .merchant(code, secret)
                .port(setting("port").port(port)?)
                .control(setting("control").truth(control)?)
                .callback_interval(setting("callback_interval").seconds(callback_interval)?)
                .callback_on_create(setting("callback_on_create").truth(callback_on_create)?)
                .deliver_to_any_host(setting("deliver_to_any_host").truth(deliver_to_any_host)?);
            for (currency, amount) in setting("balances").optional(balances, Argument::amounts)?.unwrap_or_default() {
                builder = builder.balance(&currency, &amount);
            }
            for port in setting("forge_to_ports").ports(forge_to_ports)? {
                builder = builder.forge_to_port(port);
            }
            if let Some(path) = std::env::var_os(RECORD_VARIABLE) {
                builder = builder.record(path);
            }
            let threads = Threads::start()?;
            let gateway = threads.wait(py, builder.start())?.map_err(|error| not_started(py, error))?;
            Ok(Self {
                gateway: Some(gateway),
                threads: Mutex::new(Some(Arc::new(threads))),
                process: std::process::id(),
            })
        })
    }

    /// Where it listens, the merchant code and secret it accepts, and the token of its control API.
    #[getter]
    fn address(&self, py: Python<'_>) -> PyResult<(String, String, String, Option<String>)> {
        guard(py, || {
            let gateway = self.gateway()?;
            let own = str::to_owned;
            let token = gateway.control_token().map(own);
            Ok((own(gateway.base_url()), own(gateway.merchant_code()), own(gateway.secret()), token))
        })
    }

    /// What happened to money so far: sequence, time, kind, payout id, money, payee hash.
    fn ledger(&self, py: Python<'_>) -> PyResult<Vec<Line>> {
        guard(py, || {
            let gateway = self.gateway()?;
            py.detach(|| gateway.ledger()).into_iter().map(|entry| line(py, entry)).collect()
        })
    }

    /// Balance, available and pending in payouts; None without an account in the currency.
    fn balance(&self, py: Python<'_>, currency: &Bound<'_, PyAny>) -> PyResult<Option<(Money, Money, Money)>> {
        guard(py, || {
            let gateway = self.gateway()?;
            let currency = argument("currency").text(currency)?;
            let Some(found) = py.detach(|| gateway.balance(&currency)) else { return Ok(None) };
            let komopay_sandbox::Balance { balance, available, pending_payout } = found;
            let money = |amount: &dyn ToString| money(py, amount, &currency);
            Ok(Some((money(&balance)?, money(&available)?, money(&pending_payout)?)))
        })
    }

    /// How many calls of an operation have arrived.
    fn calls(&self, py: Python<'_>, operation: &Bound<'_, PyAny>) -> PyResult<u64> {
        guard(py, || {
            let gateway = self.gateway()?;
            let field = argument("operation");
            let operation: Operation = read(py, field, Value::String(field.text(operation)?))?;
            Ok(py.detach(|| gateway.calls(operation)))
        })
    }

    /// Breaks something, said in the JSON of the control API.
    fn inject(&self, py: Python<'_>, fault: &str) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let fault: Fault = read_json(py, FAULT, fault)?;
            if let Some(mistake) = fault.mistake() {
                return Err(FAULT.refuse(py, &mistake));
            }
            py.detach(|| gateway.inject(fault));
            Ok(())
        })
    }

    /// Lets something go wrong with callbacks, said in the JSON of the control API.
    fn inject_into_callbacks(&self, py: Python<'_>, fault: &str) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let fault: CallbackFault = read_json(py, FAULT, fault)?;
            if let Some(mistake) = fault.mistake() {
                return Err(FAULT.refuse(py, &mistake));
            }
            py.detach(|| gateway.inject_into_callbacks(fault));
            Ok(())
        })
    }

    /// The delivery log: sequence, time, payout id, status, attempt, URL, outcome, HTTP status, reason.
    fn deliveries(&self, py: Python<'_>) -> PyResult<Vec<Attempt>> {
        guard(py, || {
            let gateway = self.gateway()?;
            Ok(py.detach(|| gateway.deliveries()).into_iter().map(attempt).collect())
        })
    }

    /// Waits until every callback is delivered or given up; whether that came in time.
    fn wait_for_deliveries(&self, py: Python<'_>, timeout: &Bound<'_, PyAny>) -> PyResult<bool> {
        guard(py, || {
            let gateway = self.gateway()?;
            let limit = argument("timeout").seconds(timeout)?;
            let threads = lock(&self.threads).clone();
            // What has been stopped delivers nothing any more.
            threads.map_or(Ok(true), |threads| threads.wait(py, gateway.wait_for_deliveries(limit)))
        })
    }

    /// Gives a payout a final status, and sends the callback of that.
    fn change_status(
        &self,
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        status: &Bound<'_, PyAny>,
        failure: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let (payout_id, named) = (argument("payout_id").text(payout_id)?, argument("status").text(status)?);
            let failure = argument("failure").optional(failure, Argument::text)?;
            let outcome = Outcome::named(&named, failure.as_deref());
            let outcome = outcome.map_err(|problem| argument("status").refuse(py, &problem))?;
            py.detach(|| gateway.change_status(&payout_id, outcome)).map_err(|error| not_changed(py, error, "status"))
        })
    }

    /// Sends a callback about a payout, though nothing has changed.
    fn send_callback(&self, py: Python<'_>, payout_id: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let payout_id = argument("payout_id").text(payout_id)?;
            py.detach(|| gateway.send_callback(&payout_id)).map_err(|error| not_changed(py, error, "payout_id"))
        })
    }

    /// Sends a callback that no payout asked for; what became of it.
    fn forge_callback(
        &self,
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        url: &Bound<'_, PyAny>,
    ) -> PyResult<Attempt> {
        guard(py, || {
            let gateway = self.gateway()?;
            let (payout_id, url) = (argument("payout_id").text(payout_id)?, argument("url").text(url)?);
            let threads = lock(&self.threads).clone().ok_or_else(has_ended)?;
            threads.wait(py, gateway.forge_callback(&payout_id, &url))?.map(attempt).ok_or_else(has_ended)
        })
    }

    /// Puts the clock forward.
    fn advance(&self, py: Python<'_>, time: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(py, || {
            self.gateway()?.advance(argument("time").seconds(time)?);
            Ok(())
        })
    }

    /// Breaks nothing any more.
    fn clear_faults(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            py.detach(|| gateway.clear_faults());
            Ok(())
        })
    }

    /// Switches the merchant on or off.
    fn set_merchant_active(&self, py: Python<'_>, active: &Bound<'_, PyAny>) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let active = argument("active").truth(active)?;
            py.detach(|| gateway.set_merchant_active(active));
            Ok(())
        })
    }

    /// Returns when nothing is pending.
    fn idle(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let threads = lock(&self.threads).clone();
            threads.map_or(Ok(()), |threads| threads.wait(py, gateway.idle()))
        })
    }

    /// Stops. The ledger and the balances can be read afterwards.
    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let gateway = self.gateway()?;
            let Some(threads) = lock(&self.threads).take() else { return Ok(()) };
            // Whether it ended in time does not matter: the end of the threads is the end of every call.
            let _ = threads.wait(py, async { tokio::time::timeout(LAST_CALLS, gateway.stop()).await })?;
            py.detach(|| threads.end());
            Ok(())
        })
    }
}

impl Sandbox {
    fn gateway(&self) -> PyResult<&komopay_sandbox::Sandbox> {
        match &self.gateway {
            Some(gateway) if std::process::id() == self.process => Ok(gateway),
            _ => Err(PyRuntimeError::new_err(format!(
                "this sandbox belongs to process {}, from which this one was forked; ask it there",
                self.process
            ))),
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::process::id() != self.process {
            // The threads that would end are not here, and whoever of them held a lock will never release it.
            std::mem::forget(self.gateway.take());
            std::mem::forget(lock(&self.threads).take());
        }
    }
}

/// The operations of the merchant API, by the names that faults and counts know.
#[pyfunction]
pub fn operations(py: Python<'_>) -> PyResult<Vec<String>> {
    guard(py, || {
        let names = Operation::ALL.iter().map(|operation| name(py, operation));
        names.collect()
    })
}

/// Runs the sandbox's program until it is stopped; returns its exit code.
#[pyfunction]
pub fn run_program(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
    guard(py, || Ok(py.detach(|| komopay_sandbox::run_program(arguments))))
}

/// The account numbers that decide how a payout ends: (digits, status, failure reason).
#[pyfunction]
pub fn magic_numbers() -> Vec<(&'static str, &'static str, Option<&'static str>)> {
    MAGIC_NUMBERS.iter().map(|(digits, outcome)| (*digits, outcome.status(), outcome.failure_reason())).collect()
}

fn line(py: Python<'_>, entry: LedgerEntry) -> PyResult<Line> {
    let LedgerEntry { sequence, at, kind, payout_id, amount, currency, payee_hash } = entry;
    Ok((sequence, micros(at), name(py, &kind)?, payout_id, money(py, &amount, &currency)?, payee_hash))
}

fn attempt(delivery: Delivery) -> Attempt {
    let Delivery { sequence, at, payout_id, status, attempt, url, outcome } = delivery;
    let (outcome, http_status, reason) = match outcome {
        DeliveryOutcome::Answered { status } => ("answered", Some(status), None),
        DeliveryOutcome::AnswerLost { status } => ("answer_lost", Some(status), None),
        DeliveryOutcome::Failed { reason } => ("failed", None, Some(reason)),
        DeliveryOutcome::Lost => ("lost", None, None),
        DeliveryOutcome::Withheld { reason } => ("withheld", None, Some(reason)),
    };
    (sequence, micros(at), payout_id, status, attempt, url, outcome, http_status, reason)
}

/// Whatever the gateway holds can be shown: not by the constructor, which refuses what may have been meant otherwise.
fn money(py: Python<'_>, amount: &dyn ToString, currency: &str) -> PyResult<Money> {
    static RESTORE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let restore = RESTORE
        .get_or_try_init(py, || PyResult::Ok(py.import("komopay")?.getattr("Money")?.getattr("_restore")?.unbind()))?;
    restore.call1(py, (amount.to_string(), currency))
}

/// The time in whole microseconds, all that a Python `datetime` holds.
fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// What a value is called in the sandbox's JSON.
fn name(py: Python<'_>, value: &impl serde::Serialize) -> PyResult<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => Ok(name),
        _ => Err(internal(py, "a value of the sandbox has no name")),
    }
}

/// Reads what has a name or a form in the sandbox's JSON. The error lists what there is.
fn read<T: DeserializeOwned>(py: Python<'_>, what: Argument<'_>, value: Value) -> PyResult<T> {
    serde_json::from_value(value).map_err(|error| what.refuse(py, &error.to_string()))
}

fn read_json<T: DeserializeOwned>(py: Python<'_>, what: Argument<'_>, json: &str) -> PyResult<T> {
    read(py, what, serde_json::from_str(json).map_err(|error| what.refuse(py, &error.to_string()))?)
}

fn not_started(py: Python<'_>, error: StartError) -> PyErr {
    let text = error.to_string();
    match error {
        // With its number, Python makes it the class that it is, such as PermissionError.
        StartError::Listen { source, .. } | StartError::Record { source, .. } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, text)),
            None if source.kind() == std::io::ErrorKind::PermissionDenied => PyPermissionError::new_err(text),
            None => PyOSError::new_err(text),
        },
        StartError::NoTime { setting: name } => setting(name).refuse(py, &text),
        // Nothing else can be set from here.
        _ => setting("balances").refuse(py, &text),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn not_changed(py: Python<'_>, error: ChangeError, name: &str) -> PyErr {
    let text = error.to_string();
    if error == ChangeError::NoPayout { PyKeyError::new_err(text) } else { argument(name).refuse(py, &text) }
}

fn has_ended() -> PyErr {
    PyRuntimeError::new_err("this sandbox has been stopped")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
