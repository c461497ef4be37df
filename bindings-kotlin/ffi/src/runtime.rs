//! The one runtime of this process, and what becomes of a call on it.
//!
//! A call runs here and not on the caller's thread: then a caller that leaves (a cancelled coroutine drops its future, a
//! cancelled Swift task cancels its [`Cancellation`]) leaves at once, while the core reads a create on the wire to its
//! end; and a panic becomes an error.

use std::future::{Future, poll_fn};
use std::io;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use komopay_bindings_common::log::Listener;
use komopay_core::{ErrorKind, Leavable, called_by};
use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{CallFailure, Failure};
use crate::log::{self, LogRecord};

/// Never dropped. One that could not be started is tried again by the next call.
static RUNTIME: Mutex<Option<&'static Runtime>> = Mutex::new(None);

fn runtime() -> io::Result<&'static Runtime> {
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    match *runtime {
        Some(runtime) => Ok(runtime),
        None => Ok(runtime.insert(Box::leak(Box::new(start()?)))),
    }
}

fn start() -> io::Result<Runtime> {
    // Where no thread can be had, tokio panics. So one is tried before; if another is what cannot be had, it does.
    std::thread::Builder::new().spawn(|| {})?.join().map_err(|_| io::Error::other("a thread panicked"))?;
    let build = || {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("komopay").on_thread_start(mask_broken_pipes).enable_all().build()
    };
    catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("not all of them could be started")))
}

/// Waits on the caller's own thread for what needs the runtime, for at most this long. Nothing, if no call was ever made.
pub fn wait_briefly(patience: Duration, work: impl Future<Output = ()>) {
    let started = *RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = started {
        let _ = runtime.block_on(async { tokio::time::timeout(patience, work).await });
    }
}

/// A write to a connection that the peer has closed must be an error, and no end of the process. Rust's own programs and
/// the JVM ignore the signal for that; a Swift program does not, and it is the program's to decide for its other threads.
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
/// whether one of them was handed to the core, for those whose own half of a call may fail; and has what the log says of
/// them.
#[derive(uniffi::Object)]
pub struct Cancellation {
    token: CancellationToken,
    begun: AtomicBool,
    listener: Option<Arc<Listener>>,
}

#[uniffi::export]
impl Cancellation {
    /// Nothing is cancelled yet. If the call has a number, its records are to be taken from here: the logger is told of
    /// it when there are some.
    #[uniffi::constructor]
    pub fn new(call: Option<i64>) -> Self {
        let listener = call.map(|call| Listener::waking(|_| move || log::wake(call)));
        Self { token: CancellationToken::new(), begun: AtomicBool::new(false), listener }
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

/// Runs a call to its end, or to where its caller leaves.
pub async fn run<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    run_or(cancellation, runtime(), None, call, || {
        Failure::new(ErrorKind::Internal, "a fault of the komopay SDK: it panicked")
    })
    .await
}

/// As [`run`], for a create: what a panic leaves behind is not known, nor what a call that it resumes has done.
pub async fn run_create<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    payout_id: &str,
    resume: bool,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    let runtime = runtime();
    if let (true, Err(error)) = (resume, &runtime) {
        return Err(unknown(payout_id, &not_started(error).message).into());
    }
    run_or(cancellation, runtime, Some(payout_id), call, || unknown(payout_id, "the komopay SDK panicked")).await
}

fn unknown(payout_id: &str, why: &str) -> Failure {
    let text = format!(
        "payout {payout_id} may have been made: {why}; call again with the same id, the same request and resume"
    );
    Failure { payout_id: Some(payout_id.to_owned()), ..Failure::new(ErrorKind::OutcomeUnknown, text) }
}

/// The failure of a call that was not handed to the core: of this id, if it is a create.
fn not_sent(creates: Option<&str>, why: Failure) -> Failure {
    let Some(id) = creates else { return why };
    Failure { payout_id: Some(id.to_owned()), message: format!("payout {id} was not sent: {}", why.message), ..why }
}

fn not_started(error: &io::Error) -> Failure {
    Failure::new(ErrorKind::Internal, format!("the background threads could not be started: {error}"))
}

async fn run_or<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    runtime: io::Result<&'static Runtime>,
    creates: Option<&str>,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
    panicked: impl FnOnce() -> Failure,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    let runtime = runtime.map_err(|error| not_sent(creates, not_started(&error)))?;
    if let Some(cancellation) = &cancellation {
        cancellation.begun.store(true, Ordering::SeqCst);
    }
    let listener = cancellation.as_ref().and_then(|cancellation| cancellation.listener.clone());
    let call = Leavable::new(async move {
        match listener {
            Some(listener) => called_by(listener, call).await,
            None => call.await,
        }
    });
    let task = runtime.spawn(poll_fn({
        let call = Arc::clone(&call);
        move |context| call.poll(context)
    }));
    // Dropped with this future, too: a coroutine leaves that way.
    let mut leaving = Leaving { call, task: task.abort_handle(), runtime, unheard: creates.map(str::to_owned) };
    let ended = match cancellation {
        None => task.await,
        Some(cancellation) => tokio::select! {
            biased;
            ended = task => ended,
            () = cancellation.token.cancelled() => return Err(CallFailure::Cancelled),
        },
    };
    leaving.unheard = None;
    match ended {
        Ok(Some(result)) => Ok(result?.into()),
        Ok(None) => Err(CallFailure::Cancelled),
        Err(_) => Err(panicked().into()),
    }
}

struct Leaving<F: Future> {
    call: Arc<Leavable<F>>,
    task: AbortHandle,
    runtime: &'static Runtime,
    /// The id of a create whose end the caller has not heard.
    unheard: Option<String>,
}

impl<F: Future> Drop for Leaving<F> {
    fn drop(&mut self) {
        // What a future drops may need the runtime.
        let _context = self.runtime.enter();
        let had_ended = self.call.leave();
        self.task.abort();
        if let (true, Some(id)) = (had_ended, &self.unheard) {
            tracing::warn!(
                target: "komopay",
                payout_id = %id,
                "this create ended just as its caller left. To learn its outcome, call create_payout with the same id, \
                 the same request and resume"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    struct Gone(Arc<AtomicBool>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    #[test]
    fn a_call_that_is_left_is_gone_before_its_caller_goes_on() {
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
                runtime().unwrap().spawn(async move {
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

    #[test]
    fn a_create_without_threads_was_not_sent_and_a_resumed_one_is_not_known() {
        let caller = Builder::new_current_thread().build().unwrap();
        let begun = Arc::new(Cancellation::new(None));
        let call = async { panic!("nothing runs it") };
        let none = Err(io::Error::other("no more"));
        let ended: Result<(), _> =
            caller.block_on(run_or::<(), ()>(Some(Arc::clone(&begun)), none, Some("A-1"), call, || unreachable!()));
        let Err(CallFailure::Failed { failure }) = ended else { panic!("it cannot run") };
        assert_eq!((failure.kind, begun.has_begun()), (crate::error::ErrorKind::Internal, false));
        assert_eq!(failure.message, "payout A-1 was not sent: the background threads could not be started: no more");
        let ended: Result<(), _> = caller.block_on(run_create(Some(Arc::clone(&begun)), "A-1", true, async { Ok(()) }));
        assert!(ended.is_ok() && begun.has_begun());
    }

    #[test]
    fn what_a_panic_leaves_of_a_create_is_not_known() {
        let caller = Builder::new_current_thread().build().unwrap();
        let call = async { panic!("on purpose") };
        let ended: Result<(), _> = caller.block_on(run_create::<(), ()>(None, "A-1", false, call));
        let Err(CallFailure::Failed { failure }) = ended else { panic!("it panicked") };
        assert_eq!(
            (failure.kind, failure.payout_id.as_deref()),
            (crate::error::ErrorKind::OutcomeUnknown, Some("A-1"))
        );
    }
}
