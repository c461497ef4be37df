//! Callbacks that can be trusted.
//!
//! The platform posts the id of a payout to the merchant's URL, unsigned, perhaps several times and out of order. So the
//! URL itself is signed (`url`), what comes in is held against it (`read`), the status is always read from the
//! platform (`follow`), and each change of it is recorded once, in the right order (`order`), where the application
//! takes it from (`store`).

mod change;
#[cfg(feature = "sqlite")]
mod files;
mod follow;
mod key;
#[cfg(test)]
mod model;
mod order;
#[cfg(feature = "sqlite")]
mod owner;
mod read;
mod refused;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod unsigned;
mod url;

pub use change::PayoutChange;
pub(crate) use change::{Store, acknowledge, needed as needed_store, owner as store_owner, take};
pub(crate) use follow::{Lanes, handle, look, needed_keys};
pub use key::CallbackKey;
pub use read::Callback;
pub(crate) use read::read;
pub(crate) use refused::Refused;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteChangeStore;
pub use store::{ChangeRecord, ChangeStore, MemoryChangeStore, StoreError};
pub use unsigned::ShownUrl;
pub(crate) use unsigned::{signature, unsigned};
pub(crate) use url::sign;
pub use url::{CallbackUrlOptions, SignaturePlace};
