//! One request on the wire: what is sent, what came back, and whether a byte of it may have reached the platform.
//!
//! Nothing here repeats a request, follows a redirect or decides what an answer means for a payout.

mod answer;
mod gate;
mod http;
mod proxy;
mod resolver;

pub(crate) use answer::Answer;
#[cfg(feature = "fuzzing")]
pub(crate) use answer::{date, retry_after};
pub(crate) use http::{Failure, FailureKind, Operation, Transport};
