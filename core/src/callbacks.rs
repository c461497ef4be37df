//! Callbacks that can be trusted.
//!
//! The platform posts the id of a payout to the merchant's URL, unsigned, perhaps several times and out of order. So
//! the URL itself is signed (`callback_url/`), what comes in is held against it (`callback`), and the status is always
//! read from the platform (`handle`). Each change of it is recorded once, where the application takes it from
//! (`changes/`).

mod callback;
mod handle;
mod refused;

pub use callback::Callback;
pub(crate) use callback::check;
pub(crate) use handle::{handle, needed_keys};
pub(crate) use refused::Refused;
