//! Callbacks that were read, and the changes of payouts that they and reads show.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::catalogue::ToPython;
use crate::error::guard;
use crate::given::{Argument, argument};
use crate::payout::Payout;
use crate::repr::Repr;

/// A callback that was read: the platform says that this payout changed. Its status is read from the platform.
///
/// Example:
///
///     >>> with Client.from_env() as client:  # it has no callback_keys
///     ...     client.read_callback(b'{"idEntity": "TST-223344"}', "/hook")
///     Callback(payout_id='TST-223344', verified=False)
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Callback {
    /// The payout that changed.
    payout_id: String,
    /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without keys: with
    /// keys, what does not verify is refused.
    verified: bool,
}

#[pymethods]
impl Callback {
    /// The largest body that is looked at, in bytes. Who receives callbacks need not read more than one byte above it.
    #[classattr]
    const LARGEST_BODY: usize = komopay_core::Callback::LARGEST_BODY;

    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str) {
        ("payout_id", "verified")
    }

    #[new]
    #[pyo3(signature = (*, payout_id, verified))]
    fn new(py: Python<'_>, payout_id: &Bound<'_, PyAny>, verified: &Bound<'_, PyAny>) -> PyResult<Self> {
        guard(py, || {
            let payout_id = argument("payout_id").text(payout_id)?;
            Ok(Self { payout_id, verified: argument("verified").truth(verified)? })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let Self { payout_id, verified } = self;
            let shown = Repr::new(py, "Callback").text("payout_id", payout_id.as_str());
            Ok(shown.value("verified", truth(*verified)).finish())
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let Self { payout_id, verified } = self;
        let known = PyDict::new(py);
        known.set_item("payout_id", payout_id)?;
        known.set_item("verified", verified)?;
        Ok((PyTuple::empty(py), known))
    }
}

impl From<komopay_core::Callback> for Callback {
    fn from(callback: komopay_core::Callback) -> Self {
        let komopay_core::Callback { payout_id, verified } = callback;
        Self { payout_id: payout_id.to_string(), verified }
    }
}

/// A change of a payout, told once: another status, or another decision about a payout that was final.
///
/// Example:
///
///     >>> def on_change(change: PayoutChange) -> None:
///     ...     print(f"{change.payout_id} is now {change.payout.status}, change {change.sequence}")
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PayoutChange {
    /// The payout that changed.
    payout_id: String,
    /// The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change for ever.
    sequence: u64,
    /// The status before it; None of the first change that was seen.
    previous_status: Option<String>,
    /// The whole payout after it, as the platform told it.
    payout: Payout,
    /// Whether it corrects a final status: what was done because of that has to be looked at again.
    is_correction: bool,
}

#[pymethods]
impl PayoutChange {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str, &'static str) {
        ("payout_id", "sequence", "payout")
    }

    #[new]
    #[pyo3(signature = (*, payout_id, sequence, payout, previous_status=None, is_correction=None),
        text_signature = "(*, payout_id, sequence, payout, previous_status=None, is_correction=False)")]
    fn new(
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        sequence: &Bound<'_, PyAny>,
        payout: &Bound<'_, PyAny>,
        previous_status: Option<Bound<'_, PyAny>>,
        is_correction: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                payout_id: argument("payout_id").text(payout_id)?,
                sequence: argument("sequence").whole(sequence)?,
                previous_status: argument("previous_status").optional(previous_status, Argument::text)?,
                payout: argument("payout").value(payout)?,
                is_correction: argument("is_correction").optional(is_correction, Argument::truth)?.unwrap_or_default(),
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let Self { payout_id, sequence, previous_status, payout, is_correction } = self;
            let shown = Repr::new(py, "PayoutChange")
                .text("payout_id", payout_id.as_str())
                .value("sequence", sequence.to_string())
                .code("previous_status", previous_status.as_deref())
                .value("is_correction", truth(*is_correction))
                .value("payout", payout.show(py));
            Ok(shown.finish())
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let Self { payout_id, sequence, previous_status, payout, is_correction } = self;
        let known = PyDict::new(py);
        known.set_item("payout_id", payout_id)?;
        known.set_item("sequence", sequence)?;
        known.set_item("previous_status", previous_status)?;
        known.set_item("payout", payout.clone())?;
        known.set_item("is_correction", is_correction)?;
        Ok((PyTuple::empty(py), known))
    }
}

impl From<komopay_core::PayoutChange> for PayoutChange {
    fn from(change: komopay_core::PayoutChange) -> Self {
        let komopay_core::PayoutChange { payout_id, sequence, previous_status, payout, is_correction } = change;
        Self {
            payout_id: payout_id.to_string(),
            sequence,
            previous_status: previous_status.map(|status| status.as_str().to_owned()),
            payout: payout.into(),
            is_correction,
        }
    }
}

impl ToPython for komopay_core::PayoutChange {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, PayoutChange::from(self))?.into_any())
    }
}

fn truth(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}
