//! A call on the runtime: its caller can cancel it, and then it is gone at once.

use std::future::{Future, poll_fn};
use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinHandle};

use crate::cancellable::Cancellable;

/// A call in a task of its own. The core reads a create on the wire to its end, whoever cancels it.
pub struct Task<F> {
    call: Arc<Cancellable<F>>,
    handle: AbortHandle,
    runtime: &'static Runtime,
}

impl<F> Task<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    /// Starts a call, and what is done with its result. Of one that was cancelled nothing comes; one that panicked is
    /// an error of the handle, and `deliver` is dropped then.
    pub fn start<T: Send + 'static>(
        runtime: &'static Runtime,
        call: F,
        deliver: impl FnOnce(F::Output) -> T + Send + 'static,
    ) -> (Self, JoinHandle<Option<T>>) {
        let call = Cancellable::new(call);
        let task = runtime.spawn({
            let call = Arc::clone(&call);
            async move { poll_fn(|context| call.poll(context)).await.map(deliver) }
        });
        (Self { call, handle: task.abort_handle(), runtime }, task)
    }

    /// Takes the call away: when this returns, it sends nothing any more. Whether it had ended before is the result.
    #[allow(clippy::must_use_candidate, reason = "who leaves may not care")]
    pub fn cancel(&self) -> bool {
        // What a call drops may need the runtime.
        let _context = self.runtime.enter();
        let had_ended = self.call.cancel();
        self.handle.abort();
        had_ended
    }
}
