//! The one runtime of this process, and what becomes of a call on it.
//!
//! A call runs here and not on the caller's thread: then a caller that leaves (a cancelled coroutine drops its future, a
//! cancelled Swift task cancels its [`Cancellation`]) leaves at once, while the core reads a create on the wire to its
//! end; and a panic becomes an error.

use std::future::Future;
use std::sync::{Arc, LazyLock};

use komopay_core::{Error, ErrorKind};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::error::{CallFailure, Failure};

static RUNTIME: LazyLock<std::io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(2).thread_name("komopay").enable_all().build());

/// Cancels the calls that it is given to. For languages whose own cancellation does not reach into the call.
#[derive(Default, uniffi::Object)]
pub struct Cancellation(CancellationToken);

#[uniffi::export]
impl Cancellation {
    /// Nothing is cancelled yet.
    #[uniffi::constructor]
    pub fn new() -> Self {
        Self::default()
    }

    /// Releases the callers. No further attempt of a create starts; the one on the wire is read to its end, and logged.
    pub fn cancel(&self) {
        self.0.cancel();
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
    run_or(cancellation, call, || Failure::new(ErrorKind::Internal, "a fault of the komopay SDK: it panicked")).await
}

/// As [`run`], for a create: what a panic leaves behind is not known.
pub async fn run_create<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    payout_id: &str,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    run_or(cancellation, call, || lost(payout_id)).await
}

fn lost(payout_id: &str) -> Failure {
    let text = format!(
        "payout {payout_id} may have been made: the komopay SDK panicked; \
         call again with the same id, the same request and resume"
    );
    Failure { payout_id: Some(payout_id.to_owned()), ..Failure::new(ErrorKind::OutcomeUnknown, text) }
}

async fn run_or<T, U>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = komopay_core::Result<T>> + Send + 'static,
    panicked: impl FnOnce() -> Failure,
) -> Result<U, CallFailure>
where
    T: Send + 'static,
    U: From<T>,
{
    let call = start(call)?;
    // Dropped with this future, too: a coroutine leaves that way.
    let _leaving = Leaving(call.abort_handle());
    let ended = match cancellation {
        None => call.await,
        Some(cancellation) => tokio::select! {
            biased;
            ended = call => ended,
            () = cancellation.0.cancelled() => return Err(CallFailure::Cancelled),
        },
    };
    match ended {
        Ok(result) => Ok(result?.into()),
        Err(_) => Err(panicked().into()),
    }
}

fn start<T: Send + 'static>(call: impl Future<Output = T> + Send + 'static) -> Result<JoinHandle<T>, CallFailure> {
    match &*RUNTIME {
        Ok(runtime) => Ok(runtime.spawn(call)),
        Err(error) => Err(Error::internal(format!("the background threads could not be started: {error}")).into()),
    }
}

struct Leaving(AbortHandle);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.abort();
    }
}
