//! What calls tell of themselves, handed to Python: to the hook of `komopay.telemetry`, in the caller's own thread and
//! context, as its log is.
//!
//! A hook never ends a call: what it raises is Python's to report, and the call goes on without it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use komopay_bindings_common::log::{self, Listener};
use komopay_core::{CallEvent, CallOptions, Client};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::conversion::micros;
use crate::error::raise;
use crate::given::{Read, setting};
use crate::headers::Headers;
use crate::history;
use crate::logging::has_locks_of_gevent;
use crate::process::locked;

/// Who is told of calls.
static HOOK: Mutex<Option<Py<PyAny>>> = Mutex::new(None);

/// Whether there is one: what every call asks.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// Sets who is told of the calls that start from now on; nobody, if it is None.
#[pyfunction]
#[pyo3(signature = (hook: "object | None"))]
pub fn _set_telemetry(py: Python<'_>, hook: Option<Py<PyAny>>) {
    log::tell_of_calls(hook.is_some());
    IS_ON.store(hook.is_some(), Ordering::Relaxed);
    let before = std::mem::replace(&mut *locked(py, &HOOK), hook);
    // Not under the lock: its end may run code of the application.
    drop(before);
}

/// A call that is told of, as the hook knows it; none, where nobody asks.
pub struct Told(Option<Py<PyAny>>);

impl Told {
    /// A call that nobody is told of.
    pub const fn nobody() -> Self {
        Self(None)
    }

    /// A call of this name begins, which carries what the hook wants it to.
    ///
    /// # Errors
    /// What is no `Exception`, such as `KeyboardInterrupt`.
    pub fn start(py: Python<'_>, operation: &str, client: Client) -> PyResult<(Self, Client)> {
        // Where threads may wait for ever for locks that gevent has made of Python's, nobody is told.
        if !IS_ON.load(Ordering::Relaxed) || has_locks_of_gevent(py)? {
            return Ok((Self(None), client));
        }
        let hook = locked(py, &HOOK).as_ref().map(|hook| hook.clone_ref(py));
        let Some(hook) = hook else { return Ok((Self(None), client)) };
        match asked(hook.bind(py), operation, &client) {
            Ok(Some((call, client))) => Ok((Self(Some(call)), client)),
            Ok(None) => Ok((Self(None), client)),
            Err(error) if error.is_instance_of::<PyException>(py) => {
                error.write_unraisable(py, Some(hook.bind(py)));
                Ok((Self(None), client))
            }
            Err(error) => Err(error),
        }
    }

    /// Tells what has come of the call.
    ///
    /// # Errors
    /// What is no `Exception`.
    pub fn tell(&self, py: Python<'_>, listener: &Listener) -> PyResult<()> {
        let Some(call) = &self.0 else { return Ok(()) };
        for event in listener.take_told() {
            match told(py, call.bind(py), event) {
                Err(error) if error.is_instance_of::<PyException>(py) => {
                    error.write_unraisable(py, Some(call.bind(py)));
                }
                told => told?,
            }
        }
        Ok(())
    }

    pub fn clone_ref(&self, py: Python<'_>) -> Self {
        Self(self.0.as_ref().map(|call| call.clone_ref(py)))
    }
}

/// Asks the hook who is told of a call, and gives the client with the headers that it carries.
fn asked(hook: &Bound<'_, PyAny>, operation: &str, client: &Client) -> PyResult<Option<(Py<PyAny>, Client)>> {
    let py = hook.py();
    let call = hook.call_method1(intern!(py, "call_started"), (operation,))?;
    if call.is_none() {
        return Ok(None);
    }
    let headers = call.getattr(intern!(py, "headers"))?;
    let mut options = CallOptions::default();
    options.headers = Headers::read(setting("headers"), &headers)?.0;
    let client = client.with_options(&options).map_err(|error| raise(py, &error))?;
    Ok(Some((call.unbind(), client)))
}

fn told(py: Python<'_>, call: &Bound<'_, PyAny>, event: CallEvent) -> PyResult<()> {
    let known = PyDict::new(py);
    let (method, class) = match event {
        CallEvent::Started(_) => return Ok(()),
        CallEvent::Attempted(request) => {
            known.set_item("number", request.number)?;
            known.set_item("resend_count", request.resend_count)?;
            known.set_item("url", request.url)?;
            known.set_item("attempt", Py::new(py, history::Attempt::from(request.attempt))?)?;
            known.set_item("error", request.error.map(komopay_core::ErrorKind::as_str))?;
            (intern!(py, "attempted"), "CallAttempt")
        }
        CallEvent::Ended(ended) => {
            known.set_item("operation", ended.started.operation)?;
            known.set_item("payout_id", ended.started.payout_id.as_ref().map(komopay_core::PayoutId::as_str))?;
            known.set_item("started_at", micros(ended.started.started_at))?;
            known.set_item("duration", ended.duration)?;
            known.set_item("attempts", ended.attempts)?;
            known.set_item("retries", ended.retries)?;
            known.set_item("throttled", ended.throttled)?;
            known.set_item("outcome", ended.outcome.as_str())?;
            (intern!(py, "ended"), "CallEnded")
        }
    };
    let value = py.import("komopay.telemetry")?.getattr(class)?.call((), Some(&known))?;
    call.call_method1(method, (value,)).map(drop)
}
