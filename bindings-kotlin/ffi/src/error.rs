//! The core's errors. The fronts make their own exceptions of them.

use std::fmt;

use komopay_core::{Error, PayoutId};

use crate::payout::Payout;
use crate::scalar::{Moment, Span, Whole};

/// What went wrong, in the terms of the merchant's next step: the kinds of `docs/errors.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ErrorKind {
    /// Unusable settings, or a server certificate that does not verify.
    Configuration,
    /// Refused before sending, or HTTP 400.
    InvalidRequest,
    /// The credentials or the token were not accepted.
    Authentication,
    /// The token does not allow this call.
    PermissionDenied,
    /// A business rule said no (HTTP 406): see the reasons.
    Rejected,
    /// The id belongs to a payout that is not provably this call's.
    DuplicatePayout,
    /// No such thing on the platform.
    NotFound,
    /// Too many requests, and no time left to wait.
    RateLimited,
    /// The platform could not be reached, or answered a read with a server fault.
    Unavailable,
    /// The deadline passed, and nothing was sent or it was a read.
    TimedOut,
    /// The payout was not final when the waiting time was over.
    NotFinal,
    /// An answer, not to a create, that cannot be understood.
    UnexpectedResponse,
    /// A create may have reached the platform and could not be settled in time.
    OutcomeUnknown,
    /// A callback that is not the platform's answer to a URL of ours: see the field.
    InvalidCallback,
    /// The client was closed.
    Closed,
    /// A fault of this SDK.
    Internal,
}

#[uniffi::export]
impl ErrorKind {
    /// The name that is the same in every language, such as `outcome_unknown`.
    pub fn code(&self) -> String {
        self.core().as_str().to_owned()
    }

    /// Whether the same call may succeed if it is made again later (after `outcome_unknown`: with `resume`).
    pub fn retryable(&self) -> bool {
        self.core().retryable()
    }

    /// Whether a payout under this id exists or may exist. False on a read: this read moved nothing.
    pub fn money_may_have_moved(&self) -> bool {
        self.core().money_may_have_moved()
    }

    /// The HTTP status to answer a callback with after an error of this kind, about this field.
    pub fn callback_status(&self, field: Option<String>) -> Whole {
        self.core().callback_status(field.as_deref()).into()
    }
}

impl ErrorKind {
    fn core(self) -> komopay_core::ErrorKind {
        use komopay_core::ErrorKind as Core;
        match self {
            Self::Configuration => Core::Configuration,
            Self::InvalidRequest => Core::InvalidRequest,
            Self::Authentication => Core::Authentication,
            Self::PermissionDenied => Core::PermissionDenied,
            Self::Rejected => Core::Rejected,
            Self::DuplicatePayout => Core::DuplicatePayout,
            Self::NotFound => Core::NotFound,
            Self::RateLimited => Core::RateLimited,
            Self::Unavailable => Core::Unavailable,
            Self::TimedOut => Core::TimedOut,
            Self::NotFinal => Core::NotFinal,
            Self::UnexpectedResponse => Core::UnexpectedResponse,
            Self::OutcomeUnknown => Core::OutcomeUnknown,
            Self::InvalidCallback => Core::InvalidCallback,
            Self::Closed => Core::Closed,
            Self::Internal => Core::Internal,
        }
    }
}

impl From<komopay_core::ErrorKind> for ErrorKind {
    fn from(kind: komopay_core::ErrorKind) -> Self {
        use komopay_core::ErrorKind as Core;
        match kind {
            Core::Configuration => Self::Configuration,
            Core::InvalidRequest => Self::InvalidRequest,
            Core::Authentication => Self::Authentication,
            Core::PermissionDenied => Self::PermissionDenied,
            Core::Rejected => Self::Rejected,
            Core::DuplicatePayout => Self::DuplicatePayout,
            Core::NotFound => Self::NotFound,
            Core::RateLimited => Self::RateLimited,
            Core::Unavailable => Self::Unavailable,
            Core::TimedOut => Self::TimedOut,
            Core::NotFinal => Self::NotFinal,
            Core::UnexpectedResponse => Self::UnexpectedResponse,
            Core::OutcomeUnknown => Self::OutcomeUnknown,
            Core::InvalidCallback => Self::InvalidCallback,
            Core::Closed => Self::Closed,
            Core::Internal => Self::Internal,
        }
    }
}

/// Whom an error concerns: whether the next payout would meet it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Concern {
    /// The merchant, its credentials or the settings. No payout is to blame: stop, mend that, and make the same calls again.
    Merchant,
    /// This payout: its id, or what its request says. Others are not touched by it.
    Payout,
}

#[uniffi::export]
impl Concern {
    /// The name that is the same in every language: `merchant` or `payout`.
    pub fn code(&self) -> String {
        match self {
            Self::Merchant => komopay_core::Concern::Merchant,
            Self::Payout => komopay_core::Concern::Payout,
        }
        .as_str()
        .to_owned()
    }
}

impl From<komopay_core::Concern> for Concern {
    fn from(concern: komopay_core::Concern) -> Self {
        match concern {
            komopay_core::Concern::Merchant => Self::Merchant,
            komopay_core::Concern::Payout => Self::Payout,
        }
    }
}

/// The error table: every kind.
#[uniffi::export]
fn error_kinds() -> Vec<ErrorKind> {
    komopay_core::ErrorKind::ALL.map(ErrorKind::from).into()
}

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

/// One entry of a 406 answer: which business rule said no, and to which field.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Reason {
    /// The platform's code, such as `BALANCE_INSUFFICIENT`. The list is open.
    pub code: String,
    /// The request attribute it is about, as the platform names it (`attrCode`).
    #[uniffi(default = None)]
    pub field: Option<String>,
    /// The platform's own text, scrubbed of secrets and account numbers.
    #[uniffi(default = None)]
    pub description: Option<String>,
}

/// One request on the wire, as the history of an error tells it.
#[derive(Clone, Debug, uniffi::Record)]
pub struct Attempt {
    /// The method and path, such as `POST /payouts/TST-223344`.
    pub operation: String,
    /// When it started, by the wall clock.
    pub started_at: Moment,
    /// How long it took.
    pub duration: Span,
    /// The HTTP status, if an answer came.
    #[uniffi(default = None)]
    pub http_status: Option<Whole>,
    /// The platform's request id, if the answer carried one.
    #[uniffi(default = None)]
    pub request_id: Option<String>,
}

/// What is known of a create after a fault outside of the core, such as one of the code that is generated for a language.
#[uniffi::export]
fn lost_create(payout_id: String, why: String) -> Failure {
    match PayoutId::new(payout_id) {
        Ok(id) => Failure::from(&Error::lost_create(&id, why)),
        // It never was handed on.
        Err(error) => Failure::from(&error),
    }
}

/// A failure found here, about a field or setting.
pub fn refuse(kind: komopay_core::ErrorKind, field: &str, problem: &str) -> CallFailure {
    let concerns = kind.concerns(Some(field)).map(Concern::from);
    Failure { field: Some(field.to_owned()), concerns, ..Failure::new(kind, format!("{field}: {problem}")) }.into()
}

impl Failure {
    pub fn new(kind: komopay_core::ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            message: message.into(),
            http_status: None,
            field: None,
            reasons: Vec::new(),
            payout_id: None,
            attempts: Vec::new(),
            retry_after: None,
            payout: None,
            causes: Vec::new(),
            concerns: kind.concerns(None).map(Concern::from),
        }
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

impl From<komopay_core::Reason> for Reason {
    fn from(reason: komopay_core::Reason) -> Self {
        let komopay_core::Reason { code, field, description } = reason;
        Self { code, field, description }
    }
}

impl From<komopay_core::Attempt> for Attempt {
    fn from(attempt: komopay_core::Attempt) -> Self {
        let komopay_core::Attempt { operation, started_at, duration, http_status, request_id } = attempt;
        Self {
            operation,
            started_at: started_at.into(),
            duration: duration.into(),
            http_status: http_status.map(Whole::from),
            request_id,
        }
    }
}
