//! How a Python thread waits for a call: with the GIL released, and answering Ctrl-C at once.

use std::future::{Future, pending};
use std::time::{Duration, Instant};

use komopay_bindings_common::log::Listener;
use komopay_bindings_common::{Driver, Ending};
use komopay_core::{Error, ErrorKind, PayoutId, called_by};
use pyo3::prelude::*;

use crate::awaited::{Awaited, left_behind};
use crate::error::{raise, raise_kind};
use crate::logging;
use crate::process::{self, detached};
use crate::telemetry::Told;

/// How often a waiting thread looks for signals. An answer does not wait for it.
const TICK: Duration = Duration::from_millis(50);

/// What a waiting thread does for its call, beside driving it.
pub trait Attend: Sync {
    /// Ends when the call needs something of this thread.
    fn needed(&self) -> impl Future<Output = ()> + Send;

    /// Does that. What is raised by it ends the call.
    fn attend(&self, py: Python<'_>) -> PyResult<()>;

    /// A signal handler has raised something. Whether the call was asked to end by itself, and is to be waited for.
    fn end_softly(&self) -> bool;
}

/// A call that needs nothing of the waiting thread, and is left at once.
pub struct Alone;

impl Attend for Alone {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }

    fn attend(&self, _: Python<'_>) -> PyResult<()> {
        Ok(())
    }

    fn end_softly(&self) -> bool {
        false
    }
}

/// Waits for a call, which this thread drives itself if it can.
///
/// # Errors
/// What a signal handler raised, such as `KeyboardInterrupt`. Then the future is dropped first, which is leaving the
/// call under the core's rules: nothing more is sent, what is on the wire is read to its end, and the log says so.
pub fn wait<T: Send>(py: Python<'_>, driver: Driver, call: impl Future<Output = T> + Send) -> PyResult<T> {
    wait_as(py, driver, call, None, &Told::nobody())
}

/// The same, for the create of this id, and for a call that is told of.
pub fn wait_as<T: Send>(
    py: Python<'_>,
    driver: Driver,
    call: impl Future<Output = T> + Send,
    payout_id: Option<&PayoutId>,
    told_of: &Told,
) -> PyResult<T> {
    wait_attending(py, driver, call, payout_id, told_of, &Alone)
}

/// The same, for a call that needs more of this thread than to be driven, or ends softly: then what was raised first is
/// raised when the call has ended, and a second signal leaves it at once.
pub fn wait_attending<T: Send>(
    py: Python<'_>,
    driver: Driver,
    call: impl Future<Output = T> + Send,
    payout_id: Option<&PayoutId>,
    told_of: &Told,
    attending: &impl Attend,
) -> PyResult<T> {
    let _awaited = payout_id.cloned().map(Awaited::new);
    logging::follow_level(py);
    let listener = Listener::new();
    let mut call = Box::pin(called_by(listener.clone(), call));
    let generation = process::generation();
    let mut raised = None;
    loop {
        let slice = async {
            tokio::select! {
                biased;
                result = call.as_mut() => Some(result),
                () = listener.filled() => None,
                () = attending.needed() => None,
                () = tokio::time::sleep(TICK) => None,
            }
        };
        // Python code, such as a signal handler or one of the log, runs only where this call stands still.
        if let Some(result) = detached(py, || driver.run(slice)) {
            let told = logging::tell(py, listener.end(), None).and_then(|()| told_of.tell(py, &listener));
            if let (Err(_), Some(id)) = (&told, payout_id) {
                left_behind(id, "a create ended when its caller had just left");
                logging::flush(py)?;
            }
            return raised.map_or_else(|| told.map(|()| result), Err);
        }
        let signal = logging::tell(py, listener.take(), None)
            .and_then(|()| told_of.tell(py, &listener))
            .and_then(|()| py.check_signals())
            .and_then(|()| attending.attend(py));
        if process::generation() != generation {
            // A handler forked, and this is the child.
            std::mem::forget((call, driver));
            signal?;
            return Err(left_to_parent(py, payout_id));
        }
        if let Err(signal) = signal {
            if raised.is_none() && attending.end_softly() {
                raised = Some(signal);
                continue;
            }
            detached(py, || drop(call));
            // The process may be about to end: what the log says of this call is said before.
            logging::tell(py, listener.end(), None)?;
            told_of.tell(py, &listener)?;
            logging::flush(py)?;
            return Err(signal);
        }
    }
}

/// Waits for at most this long, or until a signal handler raises something. Whether it has ended is the result.
pub fn wait_briefly(py: Python<'_>, work: &Ending, patience: Duration) -> PyResult<bool> {
    let start = Instant::now();
    while start.elapsed() < patience {
        if detached(py, || work.wait(TICK)) {
            return Ok(true);
        }
        py.check_signals()?;
    }
    Ok(false)
}

fn left_to_parent(py: Python<'_>, payout_id: Option<&PayoutId>) -> PyErr {
    match payout_id {
        None => {
            raise_kind(py, ErrorKind::Closed, "this process was forked inside the call, which is the parent's", None)
        }
        Some(id) => {
            raise(py, &Error::lost_create(id, "this process was forked inside the call, which is the parent's"))
        }
    }
}
