//! Callbacks that can be trusted.
//!
//! The platform posts the id of a payout to the merchant's URL, unsigned, perhaps several times and out of order. So the
//! URL itself is signed (`callback_url/`), what comes in is held against it (`read`), and the status is always read from
//! the platform (`handle`). Each change of it is recorded once, where the application takes it from (`changes/`).

mod handle;
mod read;
mod refused;

pub(crate) use handle::{handle, needed_keys};
pub use read::Callback;
pub(crate) use read::read;
pub(crate) use refused::Refused;
