//! A panic becomes an ordinary exception, as in `komopay`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;

/// Runs the body of an entry. A panic in it becomes an `InternalError`.
pub fn guard<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // The panic's own text went to stderr; it may hold anything, so it does not enter an error.
    catch_unwind(AssertUnwindSafe(body))
        .unwrap_or_else(|_| Err(internal(py, "a fault of the stand-in gateway: it panicked")))
}

/// The error of a fault of ours.
pub fn internal(py: Python<'_>, problem: &str) -> PyErr {
    let class = py.import("komopay.errors").and_then(|errors| errors.getattr("InternalError"));
    class.and_then(|class| class.call1((problem,))).map_or_else(|failed| failed, PyErr::from_value)
}
