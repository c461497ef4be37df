//! How a Python thread waits for a call: with the GIL released, and answering Ctrl-C at once.

use std::future::Future;
use std::time::Duration;

use pyo3::prelude::*;

use crate::{logging, runtime};

/// How often a waiting thread looks for signals. An answer does not wait for it.
const TICK: Duration = Duration::from_millis(50);

/// Waits for a call. The future runs on this thread, its connections and its creates on the runtime's.
///
/// # Errors
/// What a signal handler raised, such as `KeyboardInterrupt`. Then the future is dropped first, which is leaving the
/// call under the core's rules: nothing more is sent, what is on the wire is read to its end, and the log says so.
pub fn wait<T: Send>(py: Python<'_>, call: impl Future<Output = T> + Send) -> PyResult<T> {
    let runtime = runtime::handle(py)?;
    logging::follow_level(py);
    let mut call = Box::pin(call);
    loop {
        let tick = py.detach(|| runtime.block_on(async { tokio::time::timeout(TICK, call.as_mut()).await }));
        if let Ok(result) = tick {
            return Ok(result);
        }
        if let Err(signal) = py.check_signals() {
            py.detach(|| drop(call));
            // The process may be about to end: what the log says of this call is said before.
            logging::flush(py)?;
            return Err(signal);
        }
    }
}

/// Begins a call and leaves it at once.
pub fn begin<T: Send>(py: Python<'_>, call: impl Future<Output = T> + Send) -> PyResult<()> {
    let runtime = runtime::handle(py)?;
    py.detach(|| runtime.block_on(async { tokio::time::timeout(Duration::ZERO, call).await })).ok();
    Ok(())
}
