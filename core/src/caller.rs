//! For whom a call is made: what the log says of it is theirs to hear. Public for the bindings.

use std::any::Any;
use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tracing::Instrument;

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
