//! For whom a call is made, and which call it is: what the log and the telemetry say of it is theirs to hear.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;
use tokio::task::futures::TaskLocalFuture;
use tracing::Instrument;

use crate::error::{Error, Result};
use crate::telemetry::{CallOutcome, Told};

tokio::task_local! {
    static CALLER: Arc<dyn Any + Send + Sync>;
    static CALL: Option<Arc<Told>>;
}

/// A call that is made for this caller, also in the tasks that it starts. Who that is, the binding knows. Public for
/// the bindings.
pub fn called_by<F: Future>(caller: Arc<dyn Any + Send + Sync>, call: F) -> impl Future<Output = F::Output> {
    CALLER.scope(caller, call)
}

/// For whom this code runs; nobody, outside of [`called_by`]. Public for the bindings.
#[must_use]
pub fn caller() -> Option<Arc<dyn Any + Send + Sync>> {
    CALLER.try_with(Arc::clone).ok()
}

/// The call that this code runs for, if there is something to tell of it or to send with its requests.
pub(crate) fn call() -> Option<Arc<Told>> {
    CALL.try_with(Option::clone).ok().flatten()
}

/// A part of a call.
pub(crate) fn during<F: Future>(call: Option<Arc<Told>>, part: F) -> TaskLocalFuture<Option<Arc<Told>>, F> {
    CALL.scope(call, part)
}

/// A call that tells of itself, also in the tasks that it starts.
pub(crate) fn told<T, F: Future<Output = Result<T>>>(
    call: Option<Arc<Told>>,
    outcome: fn(&T) -> CallOutcome,
    work: F,
) -> Telling<T, F> {
    let teller = Teller::new(call.clone());
    Telling { work: during(call, work), outcome, teller }
}

pin_project_lite::pin_project! {
    /// See [`told`].
    pub(crate) struct Telling<T, F> {
        #[pin]
        work: TaskLocalFuture<Option<Arc<Told>>, F>,
        outcome: fn(&T) -> CallOutcome,
        teller: Teller,
    }
}

/// Tells once that a call has ended, also where its caller just leaves.
pub(crate) struct Teller(Option<Arc<Told>>);

impl Teller {
    pub fn new(call: Option<Arc<Told>>) -> Self {
        Self(call)
    }

    pub fn call(&self) -> Option<Arc<Told>> {
        self.0.clone()
    }

    /// It has ended so.
    pub fn end(&mut self, outcome: CallOutcome) {
        if let Some(call) = self.0.take() {
            call.ended(outcome);
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.end(CallOutcome::Abandoned);
    }
}

impl<T, F: Future<Output = Result<T>>> Future for Telling<T, F> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.work.poll(context));
        this.teller.end(match &result {
            Ok(value) => (this.outcome)(value),
            Err(error) => CallOutcome::Failed(error.kind()),
        });
        Poll::Ready(result)
    }
}

/// Starts a task that belongs to the caller and to the span of this one.
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let task = CALL.scope(call(), task.in_current_span());
    match caller() {
        Some(caller) => tokio::spawn(CALLER.scope(caller, task)),
        None => tokio::spawn(task),
    }
}

/// Starts work that may block, for the caller of this task.
pub(crate) fn spawn_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let span = tracing::Span::current();
    let call = call();
    let work = move || CALL.sync_scope(call, || span.in_scope(work));
    match caller() {
        Some(caller) => tokio::task::spawn_blocking(|| CALLER.sync_scope(caller, work)),
        None => tokio::task::spawn_blocking(work),
    }
}

/// Does this as a task of its own, but for its first step: who comes first does the first step first, however tasks are
/// ordered.
pub(crate) async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
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
    type Output = Result<T>;

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
