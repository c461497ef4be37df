//! The core's errors as Python exceptions. The classes are in `komopay/errors.py`; what they mean is in the core.

use std::panic::{AssertUnwindSafe, catch_unwind};

use komopay_core::{Error, ErrorKind, PayoutId};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::answer::ToPython;
use crate::process;

/// The class of `komopay/errors.py` for a kind. Without `_`, so that a new kind does not compile until it has one.
fn class_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Configuration => "ConfigurationError",
        ErrorKind::InvalidRequest => "InvalidRequestError",
        ErrorKind::Authentication => "AuthenticationError",
        ErrorKind::PermissionDenied => "PermissionDeniedError",
        ErrorKind::Rejected => "RejectedError",
        ErrorKind::DuplicatePayout => "DuplicatePayoutError",
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::RateLimited => "RateLimitedError",
        ErrorKind::Unavailable => "UnavailableError",
        ErrorKind::TimedOut => "TimedOutError",
        ErrorKind::NotFinal => "NotFinalError",
        ErrorKind::UnexpectedResponse => "UnexpectedResponseError",
        ErrorKind::OutcomeUnknown => "OutcomeUnknownError",
        ErrorKind::InvalidCallback => "InvalidCallbackError",
        ErrorKind::Closed => "ClosedError",
        ErrorKind::Internal => "InternalError",
    }
}

/// The error table of the core: (class name, kind, retryable, `money_may_have_moved`).
#[pyfunction]
pub fn _error_kinds() -> Vec<(&'static str, &'static str, bool, bool)> {
    ErrorKind::ALL
        .iter()
        .map(|kind| (class_name(*kind), kind.as_str(), kind.retryable(), kind.money_may_have_moved()))
        .collect()
}

/// Panics, as a fault of this SDK would. It is here to be tested.
#[pyfunction]
#[allow(clippy::panic, reason = "to test what a panic becomes")]
pub fn _panic(py: Python<'_>) -> PyResult<()> {
    guard(py, || panic!("on purpose"))
}

/// Runs the body of an entry. A panic in it becomes an `InternalError`, an ordinary exception.
pub fn guard<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // The panic's own text went to stderr; it may hold anything, so it does not enter an error.
    let result = catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(raise_kind(py, ErrorKind::Internal, "a fault of the komopay SDK: it panicked", None)));
    process::leave();
    result
}

/// Runs the body of a create that may have been sent: after a panic in it, nobody can say that it was not.
pub fn guard_create<T>(py: Python<'_>, payout_id: &PayoutId, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(lost(py, payout_id)));
    process::leave();
    result
}

/// The exception of a create that ended in a panic.
pub fn lost(py: Python<'_>, payout_id: &PayoutId) -> PyErr {
    raise(py, &Error::lost_create(payout_id, "the komopay SDK panicked"))
}

/// The exception of a create that was not handed to the core, for this reason.
pub fn not_sent(py: Python<'_>, payout_id: &str, why: PyErr) -> PyErr {
    let error = why.value(py);
    let named = || -> PyResult<()> {
        error.setattr("payout_id", payout_id)?;
        let message = format!("payout {payout_id} was not sent: {error}");
        error.setattr("args", (&message,))?;
        error.setattr("message", message)
    };
    // It stays what it is, if it cannot be told better.
    let _ = named();
    why
}

/// The exception of an error.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

/// An exception that the core does not know of, about no field.
pub fn raise_kind(py: Python<'_>, kind: ErrorKind, message: &str, payout_id: Option<&str>) -> PyErr {
    build(py, kind, message, &[("payout_id", payout_id)]).map_or_else(|failed| failed, PyErr::from_value)
}

/// An exception that the core does not know of, since what is wrong has no form in its types.
pub fn refuse(py: Python<'_>, kind: ErrorKind, field: &str, message: &str) -> PyErr {
    build(py, kind, message, &[("field", Some(field))]).map_or_else(|failed| failed, PyErr::from_value)
}

fn build<'py>(
    py: Python<'py>,
    kind: ErrorKind,
    message: &str,
    fields: &[(&str, Option<&str>)],
) -> PyResult<Bound<'py, PyAny>> {
    let known = PyDict::new(py);
    let mut about = None;
    for (name, value) in fields {
        about = about.or(value.filter(|_| *name == "field"));
        known.set_item(name, value)?;
    }
    known.set_item("callback_status", kind.callback_status(about))?;
    known.set_item("concerns", kind.concerns(about).map(komopay_core::Concern::as_str))?;
    class(py, kind)?.call((message,), Some(&known))
}

fn exception<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let known = PyDict::new(py);
    known.set_item("http_status", error.http_status())?;
    known.set_item("callback_status", error.callback_status())?;
    known.set_item("field", error.field())?;
    known.set_item("reasons", tuple(py, error.reasons())?)?;
    known.set_item("payout_id", error.payout_id().map(komopay_core::PayoutId::as_str))?;
    known.set_item("attempts", tuple(py, error.attempts())?)?;
    known.set_item("concerns", error.concerns().map(komopay_core::Concern::as_str))?;
    known.set_item("retry_after", error.retry_after())?;
    known.set_item("payout", error.payout().cloned().map(|payout| payout.to_python(py)).transpose()?)?;
    known.set_item("cause", error.cause().map(|cause| exception(py, cause)).transpose()?)?;
    class(py, error.kind())?.call((error.message(),), Some(&known))
}

fn tuple<'py, T: ToPython + Clone>(py: Python<'py>, values: &[T]) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, values.iter().cloned().map(|value| value.to_python(py)).collect::<PyResult<Vec<_>>>()?)
}

fn class(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyAny>> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let errors = ERRORS.get_or_try_init(py, || py.import("komopay.errors").map(Bound::unbind))?;
    errors.bind(py).getattr(class_name(kind))
}
