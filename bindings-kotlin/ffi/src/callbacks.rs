//! Callbacks: the signed URL, reading what comes in, and the changes that the application takes.

use komopay_core::{CallbackUrlOptions, ErrorKind, PayoutId};

use crate::client::{Cancel, NativeClient};
use crate::error::CallFailure;
use crate::scalar::{ChangeNumber, Moment, Whole};
use crate::values::{Payout, PayoutChange, SignaturePlace};

/// A callback as it crosses; the fronts' `Callback` is what users see. In the generated Kotlin that name is JNA's.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CallbackParts {
    /// The payout that changed.
    pub payout_id: String,
    /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without keys.
    pub verified: bool,
}

/// The largest body of a callback that is looked at, in bytes: nobody needs to read on.
#[uniffi::export]
pub fn callback_body_limit() -> Whole {
    Whole::at_most(komopay_core::Callback::LARGEST_BODY)
}

#[uniffi::export]
impl NativeClient {
    /// Signs a callback URL for this payout.
    pub fn callback_url(
        &self,
        base: String,
        payout_id: String,
        expires_at: Option<Moment>,
        place: SignaturePlace,
    ) -> Result<String, CallFailure> {
        let expires_at = expires_at.map(|moment| moment.timestamp("expires_at")).transpose()?;
        let options = CallbackUrlOptions { expires_at, place: place.into() };
        Ok(self.client.callback_url(&base, &PayoutId::new(payout_id)?, &options)?)
    }

    /// Reads a callback, and checks that its URL was signed for its payout.
    pub fn read_callback(&self, body: Vec<u8>, url: String) -> Result<CallbackParts, CallFailure> {
        Ok(self.client.read_callback(&body, &url)?.into())
    }

    /// Reads a callback, checks it, and reads the payout from the platform.
    pub async fn handle_callback(&self, body: Vec<u8>, url: String, cancel: Cancel) -> Result<Payout, CallFailure> {
        self.call(cancel, |client| async move { client.handle_callback(&body, &url).await }).await
    }

    /// Whether this client has what an adapter for callbacks needs: keys and a store.
    pub fn check_callbacks(&self) -> Result<(), CallFailure> {
        Ok(self.client.check_callbacks()?)
    }

    /// Takes changes out of the store, to handle them.
    pub async fn take_changes(&self, limit: Whole, cancel: Cancel) -> Result<Vec<PayoutChange>, CallFailure> {
        let limit = limit.number("limit", ErrorKind::InvalidRequest)?;
        self.list(cancel, |client| async move { client.take_changes(limit).await }).await
    }

    /// Notes that a change was handled.
    pub async fn acknowledge_change(
        &self,
        payout_id: String,
        sequence: ChangeNumber,
        cancel: Cancel,
    ) -> Result<(), CallFailure> {
        let (id, sequence) = (PayoutId::new(payout_id)?, sequence.number()?);
        self.call(cancel, |client| async move { client.acknowledge_change(&id, sequence).await }).await
    }
}

impl From<komopay_core::Callback> for CallbackParts {
    fn from(callback: komopay_core::Callback) -> Self {
        let komopay_core::Callback { payout_id, verified } = callback;
        Self { payout_id: payout_id.to_string(), verified }
    }
}
