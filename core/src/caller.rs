//! For whom a call is made: what the log says of it is theirs to hear. Public for the bindings.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::error::Error;

tokio::task_local! {
    static CALLER: Arc<dyn Any + Send + Sync>;
}

/// A call that is made for this caller, also in the tasks that it starts. Who that is, the binding knows.
pub fn called_by<F: Future>(caller: Arc<dyn Any + Send + Sync>, call: F) -> impl Future<Output = F::Output> {
    CALLER.scope(caller, call)
}

/// For whom this code runs; nobody, outside of [`called_by`].
#[must_use]
pub fn caller() -> Option<Arc<dyn Any + Send + Sync>> {
    CALLER.try_with(Arc::clone).ok()
}

/// Starts a task that belongs to the caller and to the span of this one.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = task.in_current_span();
    match caller() {
        Some(caller) => tokio::spawn(CALLER.scope(caller, task)),
        None => tokio::spawn(task),
    }
}

/// Starts work that may block, for the caller of this task.
pub(crate) fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = tracing::Span::current();
    let work = move || span.in_scope(work);
    match caller() {
        Some(caller) => tokio::task::spawn_blocking(|| CALLER.sync_scope(caller, work)),
        None => tokio::task::spawn_blocking(work),
    }
}

/// Does this as a task of its own, but for its first step: who comes first does the first step first, however tasks are
/// ordered.
pub(crate) async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, Error> {
    let mut work = Box::pin(work);
    match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Task::spawn(work).await,
    }
}

/// A task that runs whether it is polled or not, and ends when this is dropped. It gives what the task does, with its
/// panic if that panics.
pub(crate) struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Starts one that belongs to the caller and to the span of this one.
    pub fn spawn(task: impl Future<Output = T> + Send + 'static) -> Self {
        Self(spawn(task))
    }
}

impl<T> Task<T> {
    pub fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(context)) {
            Ok(done) => Ok(done),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(Error::internal("a part of the call ended without a result: its runtime was shut down")),
            },
        })
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
