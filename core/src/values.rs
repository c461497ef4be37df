//! What a payout is: its id, its codes, and what the platform answers about it. Nothing here makes an error of its own:
//! [`Error`](crate::Error) carries these values.

mod codes;
mod id;
mod lenient;
mod payout;

pub(crate) use codes::open_codes;
pub use codes::{FailureCode, MethodCode, PayoutStatus};
pub use id::PayoutId;
pub(crate) use lenient::{Said, lenient, timestamp};
pub(crate) use payout::Deciding;
#[cfg(test)]
pub(crate) use payout::DecidingProcess;
pub use payout::{FailureReason, Payout, PayoutAccepted};
