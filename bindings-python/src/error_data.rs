//! Errors from plain data: what `komopay/errors.py` makes its exceptions of.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::data::{Fields, Part, Plain, Way};
use crate::error::guard;
use crate::given::argument;
use crate::history::{Attempt, Reason};
use crate::payout::Payout;

/// What plain data say of an error: its kind, whether it is retryable, whether money may have moved, its message, the
/// data of its cause, and everything else.
#[pyfunction]
#[pyo3(signature = (data) -> "tuple[str, bool, bool, str, dict[str, object] | None, dict[str, object]]")]
#[allow(clippy::type_complexity, clippy::needless_pass_by_value, reason = "a tuple and an argument of Python")]
pub fn _read_error<'py>(
    py: Python<'py>,
    data: Plain<'py>,
) -> PyResult<(String, bool, bool, String, Option<Bound<'py, PyAny>>, Bound<'py, PyDict>)> {
    guard(py, || {
        let fields = Fields::of(argument("data"), &data.0, "an error")?;
        let known = PyDict::new(py);
        known.set_item("http_status", take::<Option<u16>>(&fields, "http_status")?)?;
        known.set_item("callback_status", take::<Option<u16>>(&fields, "callback_status")?.unwrap_or(500))?;
        known.set_item("field", take::<Option<String>>(&fields, "field")?)?;
        let (reasons, attempts): (Vec<Reason>, Vec<Attempt>) = (take(&fields, "reasons")?, take(&fields, "attempts")?);
        known.set_item("reasons", PyTuple::new(py, reasons)?)?;
        known.set_item("attempts", PyTuple::new(py, attempts)?)?;
        known.set_item("payout_id", take::<Option<String>>(&fields, "payout_id")?)?;
        known.set_item("concerns", take::<Option<String>>(&fields, "concerns")?)?;
        known.set_item("retry_after", take::<Option<Duration>>(&fields, "retry_after")?)?;
        known.set_item("payout", take::<Option<Payout>>(&fields, "payout")?)?;
        // Read in its turn, which refuses what is none.
        let cause = fields.pop("cause")?.filter(|cause| !cause.is_none());
        let (retryable, moved) = (take(&fields, "retryable")?, take(&fields, "money_may_have_moved")?);
        Ok((take(&fields, "kind")?, retryable, moved, take(&fields, "message")?, cause, known))
    })
}

fn take<T: Part>(fields: &Fields<'_>, name: &str) -> PyResult<T> {
    fields.take(name, argument(name), Way::Answer)
}
