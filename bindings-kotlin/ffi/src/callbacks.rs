//! Callbacks: the signed URL, reading what comes in, and the changes that the application takes.

use std::fmt;
use std::sync::Arc;

use komopay_core::{CallbackUrlOptions, ErrorKind, MemoryChangeStore, PayoutId};

use crate::client::{Cancel, NativeClient};
use crate::error::{CallFailure, refuse};
use crate::payout::{Payout, PayoutStatus, display_as_debug};
use crate::scalar::{ChangeNumber, Moment, Whole};

/// Where in a callback URL the signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum SignaturePlace {
    /// As a last segment of the path: `https://shop.example/hook/1.0.pK3...`.
    Path,
    /// As a query parameter: `https://shop.example/hook?komopay=1.0.pK3...`, for servers that know exact paths only.
    Query,
}

/// Where the changes of payouts are kept until the application has handled them.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ChangeStore {
    /// In memory, for this client alone: for tests, and for a program that may forget what it was told when it ends.
    Memory,
    /// In an SQLite file, which outlives the process and which the processes of one machine share. Not for a network drive.
    /// It belongs to the base URL, the merchant code (or to none: a token) and the `isTest` of the first client that is made
    /// with it, and is refused to others; so is a file that others could have written: of another user, with rights for
    /// everybody, a symbolic link, or in a folder where everybody may replace it.
    Sqlite {
        /// The file. It is made, for its owner only, if there is none; its folder must be there.
        path: String,
    },
}

impl ChangeStore {
    pub fn open(&self) -> Result<Arc<dyn komopay_core::ChangeStore>, CallFailure> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryChangeStore::new())),
            Self::Sqlite { path } => sqlite(path),
        }
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str) -> Result<Arc<dyn komopay_core::ChangeStore>, CallFailure> {
    let store = komopay_core::SqliteChangeStore::open(path)
        .map_err(|error| refuse(ErrorKind::Configuration, "change_store", &error.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &str) -> Result<Arc<dyn komopay_core::ChangeStore>, CallFailure> {
    Err(refuse(
        ErrorKind::Configuration,
        "change_store",
        "this library was built without SQLite; changes are for servers",
    ))
}

/// A callback as it crosses; the fronts' `Callback` is what users see. In the generated Kotlin that name is JNA's.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CallbackParts {
    /// The payout that changed.
    pub payout_id: String,
    /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without keys.
    pub verified: bool,
}

/// A change of a payout, told once: another status, or another decision about a payout that was final.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct PayoutChange {
    /// The payout that changed.
    pub payout_id: String,
    /// The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change for ever.
    pub sequence: ChangeNumber,
    /// The status before it; none of the first change that was seen.
    pub previous_status: Option<PayoutStatus>,
    /// The whole payout after it, as the platform told it.
    pub payout: Payout,
    /// Whether it corrects a final status: what was done because of that has to be looked at again.
    pub is_correction: bool,
}

/// The largest body of a callback that is looked at, in bytes: nobody needs to read on.
#[uniffi::export]
fn callback_body_limit() -> Whole {
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
        Ok(self.0.callback_url(&base, &PayoutId::new(payout_id)?, &options)?)
    }

    /// Reads a callback, and checks that its URL was signed for its payout.
    pub fn read_callback(&self, body: Vec<u8>, url: String) -> Result<CallbackParts, CallFailure> {
        Ok(self.0.read_callback(&body, &url)?.into())
    }

    /// Reads a callback, checks it, and reads the payout from the platform.
    pub async fn handle_callback(&self, body: Vec<u8>, url: String, cancel: Cancel) -> Result<Payout, CallFailure> {
        self.call(cancel, |client| async move { client.handle_callback(&body, &url).await }).await
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

impl From<SignaturePlace> for komopay_core::SignaturePlace {
    fn from(place: SignaturePlace) -> Self {
        match place {
            SignaturePlace::Path => Self::Path,
            SignaturePlace::Query => Self::Query,
        }
    }
}

impl From<komopay_core::Callback> for CallbackParts {
    fn from(callback: komopay_core::Callback) -> Self {
        let komopay_core::Callback { payout_id, verified } = callback;
        Self { payout_id: payout_id.to_string(), verified }
    }
}

impl From<komopay_core::PayoutChange> for PayoutChange {
    fn from(change: komopay_core::PayoutChange) -> Self {
        let komopay_core::PayoutChange { payout_id, sequence, previous_status, payout, is_correction } = change;
        Self {
            payout_id: payout_id.to_string(),
            sequence: sequence.into(),
            previous_status: previous_status.map(PayoutStatus::from),
            payout: payout.into(),
            is_correction,
        }
    }
}

/// What is shown is what the core shows.
impl fmt::Debug for PayoutChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutChange")
            .field("payout_id", &self.payout_id)
            .field("sequence", &self.sequence)
            .field("previous_status", &self.previous_status)
            .field("payout", &self.payout)
            .field("is_correction", &self.is_correction)
            .finish()
    }
}

display_as_debug!(PayoutChange);
