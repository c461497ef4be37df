//! The one tokio runtime of this process. No task on it ever touches Python, so none can wait for the GIL.

use komopay_bindings_common::SharedRuntime;
use komopay_core::ErrorKind;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::error::raise_kind;
use crate::process::Own;

/// Of each process its own: in a forked child, the threads are the parent's.
static RUNTIME: Own<SharedRuntime> = Own::new(new(), new);

/// Python sees to its signals itself.
const fn new() -> SharedRuntime {
    SharedRuntime::new(|| {})
}

/// The runtime, started by the first call.
pub fn get(py: Python<'_>) -> PyResult<&'static Runtime> {
    RUNTIME.get().get().map_err(|error| raise_kind(py, ErrorKind::Internal, &error.to_string(), None))
}

/// The runtime, if a call has started it.
pub fn started() -> Option<&'static Runtime> {
    RUNTIME.get().started()
}
