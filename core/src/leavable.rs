//! A call that can be left from outside the task that runs it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// A call in a task of its own that its caller can leave at once. Public for the bindings, which run calls so.
///
/// To abort the task is not enough: an aborted task lives on until a thread has time for it, and a create in it could
/// still be sent when its caller has long been released.
pub struct Leavable<F>(Mutex<Option<Pin<Box<F>>>>);

impl<F: Future> Leavable<F> {
    /// This call, for its task and for its caller.
    pub fn new(call: F) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(Box::pin(call)))))
    }

    /// What the task does. It gives nothing once the call was left.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Option<F::Output>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(call) => call.as_mut().poll(context).map(Some),
            None => Poll::Ready(None),
        }
    }

    /// Drops the call: when this returns, it is gone. It must run in the context of the call's runtime.
    pub fn leave(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
