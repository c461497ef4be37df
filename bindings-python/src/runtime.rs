//! The one tokio runtime of this process. No task on it ever touches Python, so none can wait for the GIL.

use std::sync::{Mutex, MutexGuard, PoisonError};

use komopay_core::ErrorKind;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::raise_kind;

/// Never dropped: not at the end of the process, and not in a child, which has no threads to end.
static RUNTIME: Mutex<Option<&'static Runtime>> = Mutex::new(None);

/// The runtime, started by the first call.
pub fn handle(py: Python<'_>) -> PyResult<&'static Handle> {
    let mut runtime = lock();
    if let Some(runtime) = *runtime {
        return Ok(runtime.handle());
    }
    match start() {
        Ok(started) => Ok(runtime.insert(Box::leak(Box::new(started))).handle()),
        Err(error) => {
            let text = format!("the background threads could not be started: {error}");
            Err(raise_kind(py, ErrorKind::Internal, &text, None))
        }
    }
}

/// The runtime, if a call has started it.
pub fn started() -> Option<&'static Handle> {
    lock().map(Runtime::handle)
}

/// In a forked child: the threads are the parent's.
pub fn forget() {
    *lock() = None;
}

/// The lock is held with the GIL only, so no other thread holds it when the process forks.
fn lock() -> MutexGuard<'static, Option<&'static Runtime>> {
    RUNTIME.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(2).thread_name("komopay").enable_all().build()
}
