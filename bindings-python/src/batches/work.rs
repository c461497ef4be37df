//! What workers do: they drive and follow a batch, until that is stopped.

use std::future::pending;
use std::time::Duration;

use komopay_batches as batches;
use komopay_batches::Budget;
use pyo3::prelude::*;

use super::Batches;
use crate::answer::Answered;
use crate::error::{guard, raise};
use crate::given::{Given, Or, argument};
use crate::payout::Payout;
use crate::wait::Attend;

/// Asks a `drive` or `follow` to end, from another thread or a signal handler: what is under way ends first, and
/// nothing new is started.
///
/// Example:
///
///     >>> from komopay.batches import Stop
///     >>> stop = Stop()
///     >>> stop.stop()
///     >>> stop.is_stopped
///     True
#[pyclass(frozen, module = "komopay.batches")]
#[derive(Default)]
pub struct Stop(batches::Stop);

#[pymethods]
impl Stop {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Asks for it.
    ///
    /// Example:
    ///
    ///     >>> from komopay.batches import Stop
    ///     >>> stop = Stop()
    ///     >>> stop.stop()
    fn stop(&self) {
        self.0.stop();
    }

    /// Whether it was asked for.
    #[getter]
    fn is_stopped(&self) -> bool {
        self.0.is_stopped()
    }

    fn __repr__(&self) -> String {
        format!("Stop(is_stopped={})", if self.0.is_stopped() { "True" } else { "False" })
    }
}

/// A thread that drives: a Ctrl-C stops it softly.
impl Attend for batches::Stop {
    fn needed(&self) -> impl Future<Output = ()> + Send {
        pending()
    }

    fn attend(&self, _: Python<'_>) -> PyResult<()> {
        Ok(())
    }

    fn end_softly(&self) -> bool {
        let text = "interrupted: nothing new is sent, and what is under way ends first; a second time leaves at once";
        tracing::warn!(target: "komopay", "{text}");
        self.stop();
        true
    }
}

#[pymethods]
impl Batches {
    /// Sends what is planned, and settles what is in doubt, until the time is over or nothing is due now.
    ///
    /// time is in seconds, or a timedelta: after it nothing new is started, and what is under way ends first. Call it
    /// again at any time, from any process, also while another one drives: the journal knows where it stands. A process
    /// that dies in it loses no payout, and pays none twice.
    ///
    /// Ctrl-C stops it: nothing new is sent, what is under way ends first, and then `KeyboardInterrupt` is raised. A
    /// second Ctrl-C leaves at once, and what was under way is settled by the next call.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if it was not started; `UnavailableError`, naming `journal`;
    /// `ConfigurationError`, naming `journal_key`, if its items were sealed with another key. How single payouts end is
    /// told by the status.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> status = batches.drive("payroll-2026-11", 30)
    ///     >>> status.state, status.count("accepted")
    ///     ('following', 2)
    #[pyo3(signature = (batch_id, time=Or::DEFAULT, *, stop=None),
        text_signature = "($self, batch_id, time=60.0, *, stop=None)")]
    fn drive(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        time: Or<'_, Duration>,
        stop: Option<Given<'_, Py<Stop>>>,
    ) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let (id, budget, stop) = work(py, batch_id, time, stop)?;
            let asked = stop.clone();
            self.call_until(py, &stop, move |batches| async move { batches.drive(&id, budget, &asked).await })
        })
    }

    /// Reads the payouts that the platform took, until the time is over or none is due now: each after a few seconds,
    /// then less and less often, up to every 15 minutes.
    ///
    /// time, Ctrl-C and errors are as those of `drive`.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> status = batches.drive("payroll-2026-11")
    ///     >>> while status.due_in is not None:
    ///     ...     time.sleep(status.due_in.total_seconds())
    ///     ...     status = batches.follow("payroll-2026-11", 30)
    ///     >>> status.state, status.count("succeeded")
    ///     ('closed', 2)
    #[pyo3(signature = (batch_id, time=Or::DEFAULT, *, stop=None),
        text_signature = "($self, batch_id, time=60.0, *, stop=None)")]
    fn follow(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        time: Or<'_, Duration>,
        stop: Option<Given<'_, Py<Stop>>>,
    ) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let (id, budget, stop) = work(py, batch_id, time, stop)?;
            let asked = stop.clone();
            self.call_until(py, &stop, move |batches| async move { batches.follow(&id, budget, &asked).await })
        })
    }

    /// Takes a payout that a callback, or a read of your own, showed. False, if no item has its id.
    ///
    /// Errors: `UnavailableError`, naming `journal`.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> status = batches.drive("payroll-2026-11")
    ///     >>> for item in list(batches.items("payroll-2026-11", state="accepted")):
    ///     ...     payout = client.wait_for_payout(item.payout_id, timeout=60)  # or what a callback showed
    ///     ...     print(batches.observe(payout))
    ///     True
    ///     True
    fn observe(&self, py: Python<'_>, payout: Given<'_, Payout>) -> PyResult<Answered<bool>> {
        guard(py, || {
            let payout = argument("payout").take(payout)?.to_core().map_err(|error| raise(py, &error))?;
            self.call(py, move |batches| async move { batches.observe(&payout).await })
        })
    }

    /// How a batch stands.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if there is none of this id.
    ///
    /// Example:
    ///
    ///     >>> status = batches.status("payroll-2026-11")
    ///     >>> status.state, status.items, status.due_in
    ///     ('validated', 2, None)
    fn status(&self, py: Python<'_>, batch_id: Given<'_, String>) -> PyResult<Answered<batches::BatchStatus>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            self.call(py, move |batches| async move { batches.status(&id).await })
        })
    }
}

/// A batch, and for how long somebody works on it.
fn work(
    py: Python<'_>,
    batch_id: Given<'_, String>,
    time: Or<'_, Duration>,
    stop: Option<Given<'_, Py<Stop>>>,
) -> PyResult<(String, Budget, batches::Stop)> {
    let id = argument("batch_id").take(batch_id)?;
    let time = argument("time").take_or(time, Budget::default().time)?;
    let stop = argument("stop").maybe(stop)?.map(|stop| stop.bind(py).get().0.clone()).unwrap_or_default();
    Ok((id, Budget { time }, stop))
}
