//! The ends of calls of event loops, on their way to the loops: one wake-up for all that have ended.

use std::sync::{Mutex, PoisonError};

use komopay_core::PayoutId;
use pyo3::intern;
use pyo3::prelude::*;

use crate::awaited::left_behind;
use crate::error::guard;

/// Makes the value of a call, or its exception.
pub type Make = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// A call that has ended, on its way to its loop.
pub struct Settlement {
    pub event_loop: Py<PyAny>,
    pub future: Py<PyAny>,
    pub payout_id: Option<PayoutId>,
    pub make: Make,
}

/// Takes the ends of calls to their loops, with one wake-up for each loop.
pub fn settle(py: Python<'_>, settled: Vec<Settlement>) {
    let mut batches: Vec<Vec<Settlement>> = Vec::new();
    for settlement in settled {
        let same = |batch: &&mut Vec<Settlement>| {
            batch.first().is_some_and(|other| other.event_loop.is(&settlement.event_loop))
        };
        match batches.iter_mut().find(same) {
            Some(batch) => batch.push(settlement),
            None => batches.push(vec![settlement]),
        }
    }
    for batch in batches {
        let Some(event_loop) = batch.first().map(|first| first.event_loop.clone_ref(py)) else { continue };
        // A closed loop takes nothing; then the batch is dropped, and says so.
        let _ = Bound::new(py, Settle { batch: Mutex::new(batch) })
            .and_then(|settle| event_loop.call_method1(py, intern!(py, "call_soon_threadsafe"), (settle,)));
    }
}

/// Settles futures, in their loop's thread.
#[pyclass(frozen, name = "_Settle", module = "komopay._native")]
pub struct Settle {
    batch: Mutex<Vec<Settlement>>,
}

#[pymethods]
impl Settle {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let batch = std::mem::take(&mut *self.batch.lock().unwrap_or_else(PoisonError::into_inner));
            for Settlement { future, payout_id, make, .. } in batch {
                let future = future.bind(py);
                if future.call_method0(intern!(py, "done"))?.is_truthy()? {
                    if let Some(id) = payout_id {
                        left_behind(&id, "a create ended when its caller had just left");
                    }
                    continue;
                }
                match make(py) {
                    Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
                    Err(error) => future.call_method1(intern!(py, "set_exception"), (error.value(py),))?,
                };
            }
            Ok(())
        })
    }
}

impl Drop for Settle {
    /// With something in it, if the loop was closed before it came to it.
    fn drop(&mut self) {
        let batch = self.batch.get_mut().unwrap_or_else(PoisonError::into_inner);
        for id in batch.iter().filter_map(|settlement| settlement.payout_id.as_ref()) {
            left_behind(id, "the event loop was closed before it heard of a create");
        }
    }
}
