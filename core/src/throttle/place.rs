//! A place in the line, kept by somebody who does other things in the meantime.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::{Pace, Try, Turn};
use crate::error::Error;

/// A place in the line. It is kept only while it is polled, which all of its functions do.
pub(crate) struct Place {
    waiting: Pin<Box<dyn Future<Output = Result<Turn, Error>> + Send>>,
    ended: Option<Result<Turn, Error>>,
}

impl Place {
    /// Lines up for a call that began then, for so long at the most.
    pub fn new(pace: &Arc<Pace>, which: Try, began: Instant, within: Duration) -> Self {
        let pace = Arc::clone(pace);
        Self { waiting: Box::pin(async move { pace.turn(which, began, within).await }), ended: None }
    }

    /// Whether the wait is over: the turn is there, or none will come.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether the turn is there.
    pub fn has_turn(&self) -> bool {
        matches!(self.ended, Some(Ok(_)))
    }

    /// Looks whether the turn is there, and waits for nothing.
    pub async fn look(&mut self) {
        poll_fn(|context| {
            let _ = self.poll(context);
            Poll::Ready(())
        })
        .await;
    }

    /// Waits for the end of the wait.
    pub async fn end(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    /// The turn, or why there is none; nothing if the wait goes on, which ends it.
    pub fn leave(self) -> Option<Result<Turn, Error>> {
        self.ended
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.ended.is_none() {
            match self.waiting.as_mut().poll(context) {
                Poll::Ready(ended) => self.ended = Some(ended),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }
}

/// Does this, and keeps the place meanwhile, if there is one.
pub(crate) async fn beside<T>(place: &mut Option<Place>, other: impl Future<Output = T>) -> T {
    let mut other = pin!(other);
    poll_fn(|context| {
        if let Some(place) = place {
            let _ = place.poll(context);
        }
        other.as_mut().poll(context)
    })
    .await
}
