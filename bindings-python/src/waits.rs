//! Waiting for many payouts: what `client.wait_for_payouts(...)` gives, which a loop asks for one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use komopay_bindings_common::log::Listener;
use komopay_core as core;
use komopay_core::called_by;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::sync::Mutex;

use crate::answer::{Answered, ToPython};
use crate::caller::Caller;
use crate::error::{guard, raise, raise_kind};
use crate::process::{generation, locked};
use crate::telemetry::Told;

/// A wait for many payouts. It goes on while it is asked for the next one.
///
/// Example:
///
///     >>> with Client.from_env() as client:
///     ...     waits = client.wait_for_payouts(["TST-0"], timeout=1)
///     ...     [(waited.payout_id, waited.payout) for waited in waits]
///     [('TST-0', None)]
#[pyclass(frozen, module = "komopay")]
pub struct PayoutWaits {
    caller: Caller,
    told: Told,
    generation: u64,
    /// It is taken out by what ends it.
    waits: std::sync::Mutex<Option<Arc<Mutex<core::PayoutWaits>>>>,
}

impl PayoutWaits {
    pub fn new(caller: Caller, told: Told, waits: core::PayoutWaits) -> Self {
        Self { caller, told, generation: generation(), waits: std::sync::Mutex::new(Some(Arc::new(Mutex::new(waits)))) }
    }
}

#[pymethods]
impl PayoutWaits {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// The next payout whose wait has ended.
    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Answered<core::WaitedPayout>>> {
        let next = self.ask(py)?.into_pyobject(py)?;
        Ok((!next.is_none()).then(|| Answered::new(next.unbind())))
    }

    /// Ends it: nothing more is read. Leaving the loop does so, too, as soon as nobody has this any more.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     waits = client.wait_for_payouts(["TST-0"], timeout=60)
    ///     ...     waits.close()
    ///     ...     list(waits)
    ///     []
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.end(py))
    }

    /// The same as the next; None when all have ended.
    fn _next(&self, py: Python<'_>) -> PyResult<Answered<Option<core::WaitedPayout>>> {
        self.ask(py)
    }
}

impl PayoutWaits {
    fn ask(&self, py: Python<'_>) -> PyResult<Answered<Option<core::WaitedPayout>>> {
        guard(py, || {
            if self.generation != generation() {
                let text = "this wait was begun before the process was forked, and is the parent's; begin one here";
                return Err(raise_kind(py, core::ErrorKind::Closed, text, None));
            }
            let Some(waits) = locked(py, &self.waits).clone() else { return Ok(Answered::new(py.None())) };
            let next = async move { Ok(waits.lock().await.next().await) };
            self.caller.start(py)?.call(py, None, self.told.clone_ref(py), next)
        })
    }
}

impl PayoutWaits {
    /// Ends it, and tells what it tells of that.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        let Some(waits) = locked(py, &self.waits).take() else { return Ok(()) };
        if self.generation != generation() {
            // In a forked child, it is the parent's.
            std::mem::forget(waits);
            return Ok(());
        }
        let listener = Listener::new();
        let mut waits = Some(waits);
        let end = poll_fn(|_| {
            drop(waits.take());
            Poll::Ready(())
        });
        let _ = pin!(called_by(listener.clone(), end)).poll(&mut Context::from_waker(Waker::noop()));
        self.told.tell(py, &listener)
    }
}

impl Drop for PayoutWaits {
    fn drop(&mut self) {
        Python::try_attach(|py| {
            if let Err(error) = self.end(py) {
                error.write_unraisable(py, None);
            }
        });
    }
}

#[cfg(feature = "stubs")]
const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!("komopay.waits", "WaitedPayout");

impl ToPython for core::WaitedPayout {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = HINT;

    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { payout_id, result } = self;
        let known = PyDict::new(py);
        known.set_item("payout_id", payout_id.as_str())?;
        match result {
            Ok(payout) => known.set_item("payout", payout.to_python(py)?)?,
            Err(error) => known.set_item("error", raise(py, &error).into_value(py))?,
        }
        let class = py.import(intern!(py, "komopay.waits"))?.getattr(intern!(py, "WaitedPayout"))?;
        Ok(class.call((), Some(&known))?.unbind())
    }
}

/// None when there is none any more.
impl ToPython for Option<core::WaitedPayout> {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::either(&HINT, &crate::hint::NONE);

    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.map_or_else(|| Ok(py.None()), |waited| waited.to_python(py))
    }
}
