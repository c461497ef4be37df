//! A place in line that is kept for somebody who does other things in the meantime.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Permit, Throttle, Try};
use crate::caller::Task;
use crate::error::Error;

/// Somebody in line. Dropping it leaves the line, and gives the permit back.
pub(crate) enum Waiter {
    /// A task waits there for its owner.
    InLine(Task<Result<Permit, Error>>),
    /// The permit is there, or none will come.
    Ended(Result<Permit, Error>),
}

impl Waiter {
    /// Lines up for a call that began then, for so long at the most.
    pub fn new(throttle: &Arc<Throttle>, which: Try, began: Instant, within: Duration) -> Self {
        let throttle = Arc::clone(throttle);
        let mut permit = Box::pin(async move { throttle.permit(which, began, within).await });
        // The place in line is taken now, and not when the task is polled first.
        match (&mut permit).now_or_never() {
            Some(ended) => Self::Ended(ended),
            None => Self::InLine(Task::spawn(permit)),
        }
    }

    pub fn has_ended(&self) -> bool {
        match self {
            Self::InLine(task) => task.is_finished(),
            Self::Ended(_) => true,
        }
    }

    /// Waits for the end of the wait, and tells whether the permit is there.
    pub async fn end(&mut self) -> bool {
        if let Self::InLine(task) = self {
            *self = Self::Ended(task.await.unwrap_or_else(Err));
        }
        matches!(self, Self::Ended(Ok(_)))
    }

    /// The permit, or why there is none; waits for the end of the wait.
    pub async fn permit(self) -> Result<Permit, Error> {
        match self {
            Self::InLine(task) => task.await?,
            Self::Ended(ended) => ended,
        }
    }
}
