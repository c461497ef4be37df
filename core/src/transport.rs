//! One request on the wire: what is sent, what came back, and whether a byte of it may have reached the platform.
//!
//! An answer tells whether it is the first one over its connection: only then no earlier exchange can be the one it
//! belongs to.
//!
//! Nothing here repeats a request, follows a redirect or decides what an answer means for a payout.

mod answer;
mod connection;
mod dial;
mod gate;
mod http;
mod pool;
mod proxy;
mod resolver;

pub(crate) use answer::Answer;
#[cfg(feature = "fuzzing")]
pub(crate) use answer::{date, retry_after};
pub(crate) use connection::{Over, Prepared};
pub(crate) use http::{Failure, FailureKind, Operation, Transport};
