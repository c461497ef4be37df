//! A place in line that is kept for somebody who does other things in the meantime.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Permit, Throttle, Try};
use crate::caller::Task;
use crate::error::Error;

/// Somebody in line: a task waits there for its owner. Dropping it leaves the line, and gives the permit back.
pub(crate) struct Waiter {
    task: Task<Result<Permit, Error>>,
    ended: Option<Result<Permit, Error>>,
}

impl Waiter {
    /// Lines up for a call that began then, for so long at the most.
    pub fn new(throttle: &Arc<Throttle>, which: Try, began: Instant, within: Duration) -> Self {
        let throttle = Arc::clone(throttle);
        Self { task: Task::spawn(async move { throttle.permit(which, began, within).await }), ended: None }
    }

    /// Whether the wait is over: the permit is there, or none will come.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some() || self.task.is_finished()
    }

    /// Waits for the end of the wait, and tells whether the permit is there.
    pub async fn end(&mut self) -> bool {
        if self.ended.is_none() {
            self.ended = Some((&mut self.task).await.unwrap_or_else(Err));
        }
        matches!(self.ended, Some(Ok(_)))
    }

    /// The permit, or why there is none; waits for the end of the wait.
    pub async fn permit(mut self) -> Result<Permit, Error> {
        match self.ended.take() {
            Some(ended) => ended,
            None => (&mut self.task).await?,
        }
    }
}
