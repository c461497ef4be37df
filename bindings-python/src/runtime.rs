//! The one tokio runtime of this process. No task on it ever touches Python, so none can wait for the GIL.

use std::io;
use std::panic::catch_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use komopay_core::ErrorKind;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::raise_kind;
use crate::process::Own;

/// Never dropped: not at the end of the process, and not in a child, which has no threads to end.
static RUNTIME: Own<Mutex<Option<&'static Runtime>>> = Own::new(Mutex::new(None), Mutex::default);

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

/// The one of this process: in a forked child, the threads are the parent's.
fn lock() -> MutexGuard<'static, Option<&'static Runtime>> {
    RUNTIME.get().lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> io::Result<Runtime> {
    // Where no thread can be had, tokio panics. So one is tried before; if another is what cannot be had, it does.
    thread::Builder::new().spawn(|| {})?.join().map_err(|_| io::Error::other("a thread panicked"))?;
    let build = || Builder::new_multi_thread().worker_threads(2).thread_name("komopay").enable_all().build();
    catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("not all of them could be started")))
}
