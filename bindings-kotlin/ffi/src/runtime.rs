//! The runtimes of this process, and what becomes of a call on them.
//!
//! A call of a coroutine or of Swift runs on threads of its own: then a caller that leaves (a cancelled coroutine, a
//! Swift task that cancels its [`Cancellation`]) is released at once, while the core reads a create on the wire to its
//! end; and a panic becomes an error. A blocking call of the JVM runs on its caller's thread (`jni.rs`).

use std::fmt::Display;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
#[cfg(feature = "jvm")]
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use komopay_bindings_common::clients::log_left_behind;
use komopay_bindings_common::log::Listener;
use komopay_bindings_common::{SharedRuntime, Task};
use komopay_core::{Error, PayoutId, called_by};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::error::{CallFailure, Failure};
use crate::log::{self, LogRecord};

pub static RUNTIME: SharedRuntime = SharedRuntime::new(mask_broken_pipes);

/// Waits on the caller's own thread for what needs the runtime, for at most this long. Nothing, if no call was ever
/// made.
pub fn wait_briefly(patience: Duration, work: impl Future<Output = ()> + Send + 'static) {
    if let Some(ending) = RUNTIME.start(work) {
        let _ = ending.wait(patience);
    }
}

/// A write to a connection that the peer has closed must be an error, and no end of the process. Rust's own programs
/// and the JVM ignore the signal for that; a Swift program does not, and it is the program's to decide for its other
/// threads.
fn mask_broken_pipes() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};
        let mut pipe = SigSet::empty();
        pipe.add(Signal::SIGPIPE);
        if let Err(error) = pipe.thread_block() {
            tracing::warn!(target: "komopay", "a broken connection may end this process: {error}");
        }
    }
}

/// Cancels the calls that it is given to, for languages whose own cancellation does not reach into the call; tells
/// whether one of them was handed to the core, for those whose own half of a call may fail; and has what the log says
/// of them.
#[derive(uniffi::Object)]
pub struct Cancellation {
    token: CancellationToken,
    begun: AtomicBool,
    listener: Option<Arc<Listener>>,
    /// Its caller runs the call, if it can, cancels it by dropping it, and has its records.
    callers_own: Option<Result<(), String>>,
}

#[uniffi::export]
impl Cancellation {
    /// Nothing is cancelled yet. If the call has a number, its records are to be taken from here: the logger is told of
    /// it when there are some.
    #[uniffi::constructor]
    pub fn new(call: Option<i64>) -> Self {
        let listener = call.map(|call| Listener::waking(|_| move || log::wake(call)));
        Self { token: CancellationToken::new(), begun: AtomicBool::new(false), listener, callers_own: None }
    }

    /// What the log has said of the call since they were taken last.
    pub fn take_records(&self) -> Vec<LogRecord> {
        let records = self.listener.as_ref().map(|listener| listener.take());
        records.unwrap_or_default().into_iter().map(LogRecord::from).collect()
    }

    /// The last of them: what comes after it is nobody's.
    pub fn end_records(&self) -> Vec<LogRecord> {
        let records = self.listener.as_ref().map(|listener| listener.end());
        records.unwrap_or_default().into_iter().map(LogRecord::from).collect()
    }

    /// Releases the callers. No further attempt of a create starts; the one on the wire is read to its end, and logged.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether the core has begun with a call that this was given to. Until then, that call has sent nothing.
    pub fn has_begun(&self) -> bool {
        self.begun.load(Ordering::SeqCst)
    }
}

#[cfg(feature = "jvm")]
impl Cancellation {
    /// For calls that who polls them runs: no task is started for them.
    pub fn for_caller() -> Arc<Self> {
        static OWN: LazyLock<Arc<Cancellation>> = LazyLock::new(|| Cancellation::of_caller(Ok(())));
        Arc::clone(&OWN)
    }

    /// For a call for which there are no threads.
    pub fn without_threads(error: &dyn Display) -> Arc<Self> {
        Self::of_caller(Err(error.to_string()))
    }

    fn of_caller(can_run: Result<(), String>) -> Arc<Self> {
        Arc::new(Self { callers_own: Some(can_run), ..Self::new(None) })
    }
}

/// Runs a call to its end, or to where its caller cancels it.
pub async fn run<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    let failed = |error: &dyn Display| Error::internal(error.to_string());
    if let Some(can_run) = cancellation.as_ref().and_then(|cancellation| cancellation.callers_own.as_ref()) {
        can_run.as_ref().map_err(|error| failed(error))?;
        return run_here(None, call).await;
    }
    let runtime = RUNTIME.threads().map_err(|error| failed(&error))?;
    run_on(runtime, cancellation, None, call).await
}

/// As [`run`], for the create of this id: what a panic leaves behind is not known, nor what a call that it resumes has
/// done.
pub async fn run_create<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    id: &PayoutId,
    resume: bool,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    if let Some(can_run) = cancellation.as_ref().and_then(|cancellation| cancellation.callers_own.as_ref()) {
        can_run.as_ref().map_err(|error| not_begun(id, resume, error))?;
        return run_here(Some(id.clone()), call).await;
    }
    let runtime = RUNTIME.threads().map_err(|error| not_begun(id, resume, &error))?;
    run_on(runtime, cancellation, Some(id.clone()), call).await
}

/// The failure of a create that was not handed to the core.
fn not_begun(id: &PayoutId, resume: bool, error: &dyn Display) -> Failure {
    if resume {
        return Failure::from(&Error::lost_create(id, error));
    }
    let failure = Failure::from(&Error::internal(format!("payout {id} was not sent: {error}")));
    Failure { payout_id: Some(id.to_string()), ..failure }
}

/// On the thread that polls.
async fn run_here<T, U: From<T>>(
    creates: Option<PayoutId>,
    call: impl Future<Output = komopay_core::Result<T>>,
) -> Result<U, CallFailure> {
    match AssertUnwindSafe(call).catch_unwind().await {
        Ok(result) => Ok(result?.into()),
        Err(_) => Err(panicked(creates)),
    }
}

async fn run_on<T, U>(
    runtime: &'static Runtime,
    cancellation: Option<Arc<Cancellation>>,
    creates: Option<PayoutId>,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    if let Some(cancellation) = &cancellation {
        cancellation.begun.store(true, Ordering::SeqCst);
    }
    let listener = cancellation.as_ref().and_then(|cancellation| cancellation.listener.clone());
    let call = async move {
        match listener {
            Some(listener) => called_by(listener, call).await,
            None => call.await,
        }
    };
    let (task, result) = Task::start(runtime, call, |result| result);
    // Dropped with this future, too: a coroutine leaves that way.
    let mut waiter = Waiter { task, unheard: creates };
    let ended = match cancellation {
        None => result.await,
        Some(cancellation) => tokio::select! {
            biased;
            ended = result => ended,
            () = cancellation.token.cancelled() => return Err(CallFailure::Cancelled),
        },
    };
    let heard = waiter.unheard.take();
    match (ended, heard) {
        (Ok(Some(result)), _) => Ok(result?.into()),
        (Ok(None), _) => Err(CallFailure::Cancelled),
        (Err(_), heard) => Err(panicked(heard)),
    }
}

/// What a panic leaves of a call, which may be the create of this id.
fn panicked(creates: Option<PayoutId>) -> CallFailure {
    match creates {
        Some(id) => Error::lost_create(&id, "the komopay SDK panicked").into(),
        None => Error::internal("a fault of the komopay SDK: it panicked").into(),
    }
}

/// Logs that the caller of a create left when it had just ended.
pub fn log_unheard(id: &PayoutId) {
    log_left_behind(id, "this create ended just as its caller left", "resume");
}

/// Who waits for a call, and cancels it by leaving.
struct Waiter<F: Future<Output: Send> + Send + 'static> {
    task: Task<F>,
    /// The id of a create whose end the caller has not heard.
    unheard: Option<PayoutId>,
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Waiter<F> {
    fn drop(&mut self) {
        if let (true, Some(id)) = (self.task.cancel(), &self.unheard) {
            log_unheard(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::io;
    use std::sync::{Mutex, mpsc};
    use std::thread;

    use tokio::runtime::Builder;

    use super::*;

    struct Gone(Arc<AtomicBool>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[test]
    fn a_call_that_is_cancelled_is_gone_before_its_caller_goes_on() {
        let (cancellation, gone) = (Arc::new(Cancellation::new(None)), Arc::<AtomicBool>::default());
        let (begin, on_the_way) = mpsc::channel();
        let holds = Gone(Arc::clone(&gone));
        let call = async move {
            let _holds = holds;
            begin.send(()).unwrap();
            pending::<komopay_core::Result<()>>().await
        };
        let cancel = Arc::clone(&cancellation);
        let (release, released) = mpsc::channel::<()>();
        let other = thread::spawn(move || {
            on_the_way.recv().unwrap();
            // No thread of the runtime has time for a task that is aborted.
            let (occupy, occupied) = mpsc::channel();
            let released = Arc::new(Mutex::new(released));
            for _ in 0..2 {
                let (occupy, released) = (occupy.clone(), Arc::clone(&released));
                RUNTIME.threads().unwrap().spawn(async move {
                    occupy.send(()).unwrap();
                    let _ = released.lock().map(|released| released.recv());
                });
            }
            occupied.iter().take(2).for_each(drop);
            cancel.cancel();
        });
        let caller = Builder::new_current_thread().build().unwrap();
        let ended: Result<(), _> = caller.block_on(run(Some(cancellation), call));

        assert!(matches!(ended, Err(CallFailure::Cancelled)));
        assert!(gone.load(Ordering::Acquire));
        drop(release);
        other.join().unwrap();
    }

    fn id() -> PayoutId {
        PayoutId::new("A-1").unwrap()
    }

    #[test]
    fn a_create_without_threads_was_not_sent_and_a_resumed_one_is_not_known() {
        let none = io::Error::other("no more threads");
        let failure = not_begun(&id(), false, &none);
        assert_eq!((failure.kind, failure.payout_id.as_deref()), (crate::values::ErrorKind::Internal, Some("A-1")));
        assert_eq!(failure.message, "payout A-1 was not sent: no more threads");
        let failure = not_begun(&id(), true, &none);
        assert_eq!(
            (failure.kind, failure.payout_id.as_deref()),
            (crate::values::ErrorKind::OutcomeUnknown, Some("A-1"))
        );

        let caller = Builder::new_current_thread().build().unwrap();
        let begun = Arc::new(Cancellation::new(None));
        assert!(!begun.has_begun());
        let ended: Result<(), _> = caller.block_on(run_create(Some(Arc::clone(&begun)), &id(), true, async { Ok(()) }));
        assert!(ended.is_ok() && begun.has_begun());
    }

    /// How a create ends, whose caller polls it or not, and of which payout that says so.
    fn ended(
        cancellation: Option<Arc<Cancellation>>,
        call: impl Future<Output = komopay_core::Result<()>> + Send + 'static,
    ) -> (crate::values::ErrorKind, Option<String>) {
        let caller = Builder::new_current_thread().build().unwrap();
        let ended: Result<(), _> = caller.block_on(run_create(cancellation, &id(), false, call));
        let Err(CallFailure::Failed { failure }) = ended else { panic!("it has a result") };
        (failure.kind, failure.payout_id)
    }

    #[test]
    fn what_a_panic_leaves_of_a_create_is_not_known() {
        let unknown = (crate::values::ErrorKind::OutcomeUnknown, Some("A-1".to_owned()));
        assert_eq!(ended(None, async { panic!("on purpose") }), unknown);
        #[cfg(feature = "jvm")]
        assert_eq!(ended(Some(Cancellation::for_caller()), async { panic!("on purpose") }), unknown);
    }

    #[cfg(feature = "jvm")]
    #[test]
    fn a_call_that_its_caller_polls_runs_on_no_other_thread_and_without_threads_not_at_all() {
        let (here, caller) = (thread::current().id(), Builder::new_current_thread().build().unwrap());
        let call = async move { Ok(thread::current().id() == here) };
        assert!(caller.block_on(run::<bool, bool>(Some(Cancellation::for_caller()), call)).unwrap());

        let none = Cancellation::without_threads(&io::Error::other("no more threads"));
        let not_sent = (crate::values::ErrorKind::Internal, Some("A-1".to_owned()));
        assert_eq!(ended(Some(none), async { panic!("it ran") }), not_sent);
    }
}
