//! Waiting for many payouts.

use std::sync::Arc;

use komopay_core::{ErrorKind, PayoutId, PayoutWaits};
use tokio::sync::Mutex;

use crate::client::{Cancel, NativeClient};
use crate::error::{CallFailure, Failure};
use crate::runtime;
use crate::scalar::Span;
use crate::values::Payout;

/// A wait for many payouts. It goes on while it is asked for the next one; freeing it ends it.
#[derive(uniffi::Object)]
pub struct NativeWaits(Arc<Mutex<PayoutWaits>>);

/// How a wait for one of many payouts ended; the fronts' `WaitedPayout` is what users see.
#[derive(uniffi::Record)]
pub struct WaitedParts {
    /// The payout's id.
    pub payout_id: String,
    /// The payout, if it is final.
    pub payout: Option<Payout>,
    /// Else why that could not be seen.
    pub failure: Option<Failure>,
}

#[uniffi::export]
impl NativeClient {
    /// Begins to wait for many payouts.
    pub fn wait_for_payouts(
        &self,
        payout_ids: Vec<String>,
        timeout: Span,
        reads_per_second: f64,
    ) -> Result<Arc<NativeWaits>, CallFailure> {
        let timeout = timeout.duration("timeout", ErrorKind::InvalidRequest)?;
        let ids = payout_ids.into_iter().map(PayoutId::new).collect::<Result<Vec<_>, _>>()?;
        let waits = self.client.wait_for_payouts(&ids, timeout, reads_per_second)?;
        Ok(Arc::new(NativeWaits(Arc::new(Mutex::new(waits)))))
    }
}

#[uniffi::export]
impl NativeWaits {
    /// The next payout whose wait has ended; none when all have.
    pub async fn next(&self, cancel: Cancel) -> Result<Option<WaitedParts>, CallFailure> {
        let waits = Arc::clone(&self.0);
        let next = runtime::run(cancel, async move { Ok(waits.lock().await.next().await) });
        let next: Option<komopay_core::WaitedPayout> = next.await?;
        Ok(next.map(|waited| {
            let (payout, failure) = match waited.result {
                Ok(payout) => (Some(Payout::from(payout)), None),
                Err(error) => (None, Some(Failure::from(&error))),
            };
            WaitedParts { payout_id: waited.payout_id.to_string(), payout, failure }
        }))
    }
}
