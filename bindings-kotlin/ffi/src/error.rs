//! The core's errors. The fronts make their own exceptions of them.

use std::fmt;

use komopay_core::{Error, PayoutId};

use crate::scalar::{Span, Whole};
use crate::values::{Attempt, Concern, ErrorKind, Payout, Reason};

/// How a call ends without a result. Not seen by users: the fronts throw their own.
#[derive(Clone, Debug, thiserror::Error, uniffi::Error)]
pub enum CallFailure {
    /// The call ended with an error.
    #[error("{}", .failure.message)]
    Failed {
        /// The error.
        failure: Box<Failure>,
    },
    /// Its caller cancelled it.
    #[error("cancelled")]
    Cancelled,
}

/// Everything that an error knows.
#[derive(Clone, uniffi::Record)]
pub struct Failure {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The text for people.
    pub message: String,
    /// The HTTP status of the answer that decided the call.
    pub http_status: Option<Whole>,
    /// The field or setting at fault.
    pub field: Option<String>,
    /// The entries of a 406 answer.
    pub reasons: Vec<Reason>,
    /// The payout the call was about.
    pub payout_id: Option<String>,
    /// The requests of the call, oldest first.
    pub attempts: Vec<Attempt>,
    /// How long the platform asked to wait.
    pub retry_after: Option<Span>,
    /// The payout that was found or last seen.
    pub payout: Option<Payout>,
    /// The errors behind this one, the nearest first; they have none of their own here.
    pub causes: Vec<Failure>,
    /// Whom it concerns, if it can be said.
    #[uniffi(default = None)]
    pub concerns: Option<Concern>,
}

/// What is known of a create after a fault outside of the core, such as one of the code that is generated for a
/// language.
#[uniffi::export]
fn lost_create(payout_id: String, why: String) -> Failure {
    match PayoutId::new(payout_id) {
        Ok(id) => Failure::from(&Error::lost_create(&id, why)),
        // It never was handed on.
        Err(error) => Failure::from(&error),
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let alone = |error: &Error| Self {
            kind: error.kind().into(),
            message: error.message().to_owned(),
            http_status: error.http_status().map(Whole::from),
            field: error.field().map(str::to_owned),
            reasons: error.reasons().iter().cloned().map(Reason::from).collect(),
            payout_id: error.payout_id().map(ToString::to_string),
            attempts: error.attempts().iter().cloned().map(Attempt::from).collect(),
            retry_after: error.retry_after().map(Span::from),
            payout: error.payout().cloned().map(Payout::from),
            causes: Vec::new(),
            concerns: error.concerns().map(Concern::from),
        };
        let causes = std::iter::successors(error.cause(), |cause| cause.cause()).map(alone).collect();
        Self { causes, ..alone(error) }
    }
}

impl From<Failure> for CallFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed { failure: Box::new(failure) }
    }
}

impl From<Error> for CallFailure {
    fn from(error: Error) -> Self {
        Failure::from(&error).into()
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.message)
    }
}
