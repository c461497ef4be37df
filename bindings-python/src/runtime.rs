//! The one tokio runtime of this process. No task on it ever touches Python, so none can wait for the GIL.

use std::sync::OnceLock;

use komopay_core::ErrorKind;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::raise_kind;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// The runtime, started by the first call.
pub fn handle(py: Python<'_>) -> PyResult<&'static Handle> {
    let runtime = RUNTIME
        .get_or_init(|| start().map_err(|error| format!("the background threads could not be started: {error}")));
    match runtime {
        Ok(runtime) => Ok(runtime.handle()),
        Err(text) => Err(raise_kind(py, ErrorKind::Internal, text, None)),
    }
}

fn start() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).thread_name("komopay").enable_all().build()
}
