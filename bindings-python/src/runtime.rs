//! The tokio runtimes of this process. No task on them ever touches Python, so none can wait for the GIL.

use std::future::Future;

use komopay_bindings_common::{Driver, Ending, SharedRuntime};
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

/// The runtime with threads, started by the first call that needs it.
pub fn threads(py: Python<'_>) -> PyResult<&'static Runtime> {
    RUNTIME.get().threads().map_err(|error| not_started(py, &error))
}

/// Who drives a call that this thread waits for.
pub fn driver(py: Python<'_>) -> PyResult<Driver> {
    RUNTIME.get().driver().map_err(|error| not_started(py, &error))
}

/// Starts this, if a call has started a runtime.
pub fn start(work: impl Future<Output = ()> + Send + 'static) -> Option<Ending> {
    RUNTIME.get().start(work)
}

fn not_started(py: Python<'_>, error: &std::io::Error) -> PyErr {
    raise_kind(py, ErrorKind::Internal, &error.to_string(), None)
}
