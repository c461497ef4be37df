//! What calls, errors and values need of Python, loaded when a client is made.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Loads it, once. A process that gives up its rights later on can load nothing in the middle of telling an outcome.
pub fn load(py: Python<'_>) -> PyResult<()> {
    static LOADED: PyOnceLock<()> = PyOnceLock::new();
    LOADED.get_or_try_init(py, || py.import("komopay._needed").map(drop)).copied()
}
