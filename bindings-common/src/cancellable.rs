//! A call that can be cancelled from outside the task that runs it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

/// A call in a task of its own that its caller can cancel at once.
///
/// To abort the task is not enough: an aborted task lives on until a thread has time for it, and a create in it could
/// still be sent when its caller has long been released.
pub struct Cancellable<F>(Mutex<State<F>>);

enum State<F> {
    UnderWay(Pin<Box<F>>),
    Ended,
    Cancelled,
}

impl<F: Future> Cancellable<F> {
    /// This call, for its task and for its caller.
    pub fn new(call: F) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::UnderWay(Box::pin(call)))))
    }

    /// What the task does. It gives nothing once the call was cancelled.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut state = self.lock();
        let State::UnderWay(call) = &mut *state else { return Poll::Ready(None) };
        let result = call.as_mut().poll(context);
        if result.is_ready() {
            *state = State::Ended;
        }
        result.map(Some)
    }

    /// Drops the call: when this returns, it is gone. It must run in the context of the call's runtime. Whether it had
    /// ended before is the result.
    pub fn cancel(&self) -> bool {
        // Not dropped under the lock: a call that goes may log, and wake others.
        let state = {
            let mut state = self.lock();
            let after = if matches!(*state, State::Ended) { State::Ended } else { State::Cancelled };
            std::mem::replace(&mut *state, after)
        };
        matches!(state, State::Ended)
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::Waker;

    use super::*;

    #[test]
    fn cancelling_takes_the_call_away_and_tells_whether_it_had_ended() {
        let context = &mut Context::from_waker(Waker::noop());
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        let call = Cancellable::new(async move {
            pending::<()>().await;
            drop(kept);
        });
        assert!(call.poll(context).is_pending());
        assert!(!call.cancel());
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(call.poll(context), Poll::Ready(None));

        let ended = Cancellable::new(ready(7));
        assert_eq!(ended.poll(context), Poll::Ready(Some(7)));
        assert!(ended.cancel());
        assert!(ended.cancel());
    }
}
