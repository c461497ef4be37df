//! What people decide about a batch and its items.

use std::time::Duration;

use pyo3::prelude::*;

use super::Batches;
use crate::answer::Answered;
use crate::error::guard;
use crate::given::{Given, argument};

#[pymethods]
impl Batches {
    /// Approves a batch as it stands: bound to the digest that its plan gave, over all that it would pay, payees
    /// included.
    ///
    /// That proves that these payees and amounts were approved, and that nothing else is paid. It does not prove who by
    /// is: that is your application's word.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id` if it has bad rows or was started, `digest` if it is another
    /// one by now, or `approver` if that is its maker, and another has to approve.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest, why="as agreed with accounting")
    ///     >>> batches.status("payroll-2026-11").state
    ///     'approved'
    #[pyo3(signature = (batch_id, *, by, digest, why=None))]
    fn approve(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        digest: Given<'_, String>,
        why: Option<Given<'_, String>>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let digest = argument("digest").take(digest)?;
            let why = argument("why").maybe(why)?;
            self.call(py, move |batches| async move { batches.approve(&id, &by, &digest, why.as_deref()).await })
        })
    }

    /// Starts a batch that was approved, or goes on with one that is paused.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if it was not approved, or is not what was approved any more.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> batches.status("payroll-2026-11").state
    ///     'running'
    #[pyo3(signature = (batch_id, *, by, why=None))]
    fn start(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Option<Given<'_, String>>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").maybe(why)?;
            self.call(py, move |batches| async move { batches.start(&id, &by, why.as_deref()).await })
        })
    }

    /// Lets nobody send more of a batch. What is under way ends first. False, if it does not run.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> batches.pause("payroll-2026-11", by="budi", why="a wrong amount")
    ///     True
    ///     >>> batches.start("payroll-2026-11", by="budi", why="it was right")
    #[pyo3(signature = (batch_id, *, by, why))]
    fn pause(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<bool>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.pause(&id, &by, &why).await })
        })
    }

    /// Cancels what was not sent, and gives how many items that are. What was sent is followed to its end.
    ///
    /// Errors: `InvalidRequestError`, naming `batch_id`, if all is sent.
    ///
    /// Example:
    ///
    ///     >>> batches.approve("payroll-2026-11", by="budi", digest=planned.digest)
    ///     >>> batches.start("payroll-2026-11", by="budi")
    ///     >>> batches.cancel("payroll-2026-11", by="budi", why="paid in cash")
    ///     2
    #[pyo3(signature = (batch_id, *, by, why))]
    fn cancel(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<u64>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.cancel(&id, &by, &why).await })
        })
    }

    /// Settles an item that needs a person, by what that person found out: its payout was made, or was not.
    ///
    /// item is its key.
    ///
    /// Errors: `InvalidRequestError`, naming `item`, if there is none of this key, or it needs no person.
    ///
    /// Example:
    ///
    ///     >>> for item in batches.items("payroll-2026-11", state="needs_person"):
    ///     ...     batches.settle("payroll-2026-11", item.key, made=True, by="budi", why="seen in the back office")
    #[pyo3(signature = (batch_id, item, *, made, by, why))]
    fn settle(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        item: Given<'_, String>,
        made: Given<'_, bool>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let (item, made) = (argument("item").take(item)?, argument("made").take(made)?);
            let why = argument("why").take(why)?;
            self.call(py, move |batches| async move { batches.settle(&id, &item, made, &by, &why).await })
        })
    }

    /// Tries an item again that is final and was not paid: a new item with a new payout id, which names the one it
    /// replaces. Gives its key.
    ///
    /// Errors: `InvalidRequestError`, naming `item`, if it may still be paid, was paid, or is tried again already.
    ///
    /// Example:
    ///
    ///     >>> for state in ("failed", "refused", "rejected"):
    ///     ...     for item in batches.items("payroll-2026-11", state=state):
    ///     ...         if item.replaced_by is None:
    ///     ...             batches.retry("payroll-2026-11", item.key, by="budi", why="the account is open again")
    #[pyo3(signature = (batch_id, item, *, by, why))]
    fn retry(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        item: Given<'_, String>,
        by: Given<'_, String>,
        why: Given<'_, String>,
    ) -> PyResult<Answered<String>> {
        guard(py, || {
            let (id, by) = named(batch_id, by)?;
            let (item, why) = (argument("item").take(item)?, argument("why").take(why)?);
            self.call(py, move |batches| async move { batches.retry(&id, &item, &by, &why).await })
        })
    }

    /// Says that the journal is a restored one, so that what was written last may be lost: all that is open is in
    /// doubt, and nothing is concluded until every token that may be about has ended. Gives how many groups of items
    /// those are.
    ///
    /// Where PostgreSQL tells that it is another server, or a standby that took over, that is done when the journal is
    /// opened.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used.
    ///
    /// Example:
    ///
    ///     >>> batches.restored(by="budi", why="the backup of last night was put back")
    ///     0
    #[pyo3(signature = (*, by, why))]
    fn restored(&self, py: Python<'_>, by: Given<'_, String>, why: Given<'_, String>) -> PyResult<Answered<u64>> {
        guard(py, || {
            let (by, why) = (argument("by").take(by)?, argument("why").take(why)?);
            self.call(py, move |batches| async move { batches.restored(&by, &why).await })
        })
    }

    /// Erases the payees of batches that ended so long ago, in seconds or a timedelta, and gives how many items those
    /// are. What was paid when, and under which id, stays.
    ///
    /// Errors: `UnavailableError`, naming `journal`.
    ///
    /// Example:
    ///
    ///     >>> batches.erase_payees(timedelta(days=90))
    ///     0
    fn erase_payees(&self, py: Python<'_>, ended_for: Given<'_, Duration>) -> PyResult<Answered<u64>> {
        guard(py, || {
            let ended_for = argument("ended_for").take(ended_for)?;
            self.call(py, move |batches| async move { batches.erase_payees(ended_for).await })
        })
    }
}

/// The batch, and who does something with it.
fn named(batch_id: Given<'_, String>, by: Given<'_, String>) -> PyResult<(String, String)> {
    Ok((argument("batch_id").take(batch_id)?, argument("by").take(by)?))
}
