//! The one error taxonomy: what can go wrong, whether to try again, and whether money may have moved.
//!
//! [`ErrorKind`] is the table. Every language maps the same kinds and the same fields, so this file is the only
//! place where a kind is defined; `docs/errors.md` is written from it.

use std::fmt;
use std::time::Duration;

use crate::attempt::Attempt;
use crate::values::{Payout, PayoutId};

/// Either a value or the one [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in the terms of the merchant's next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Unusable settings, a proxy that refuses its password, or a server certificate that does not verify.
    Configuration,
    /// Refused before sending, naming the [`Error::field`]; or HTTP 400.
    InvalidRequest,
    /// The credentials or the token were not accepted.
    Authentication,
    /// The token does not allow this call.
    PermissionDenied,
    /// A business rule said no (HTTP 406): see [`Error::reasons`].
    Rejected,
    /// The id is taken by a payout that is not provably this call's: see [`Error::payout`].
    DuplicatePayout,
    /// No such thing on the platform.
    NotFound,
    /// Too many requests, and no time left to wait.
    RateLimited,
    /// The platform could not be reached, or answered a read with a server fault; or the store of changes failed.
    Unavailable,
    /// The deadline passed, and nothing was sent or it was a read.
    TimedOut,
    /// The payout was not final when the waiting time was over: see [`Error::payout`].
    NotFinal,
    /// An answer, not to a create, that cannot be understood.
    UnexpectedResponse,
    /// A create may have reached the platform and could not be settled in time: the payout may exist. Call again with
    /// the same id, the same request and `resume`.
    OutcomeUnknown,
    /// A callback that is not the platform's answer to a URL of ours: see [`Error::field`].
    InvalidCallback,
    /// The client was closed.
    Closed,
    /// A fault of this SDK.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 16] = [
        Self::Configuration,
        Self::InvalidRequest,
        Self::Authentication,
        Self::PermissionDenied,
        Self::Rejected,
        Self::DuplicatePayout,
        Self::NotFound,
        Self::RateLimited,
        Self::Unavailable,
        Self::TimedOut,
        Self::NotFinal,
        Self::UnexpectedResponse,
        Self::OutcomeUnknown,
        Self::InvalidCallback,
        Self::Closed,
        Self::Internal,
    ];

    /// The name that is the same in every language, such as `outcome_unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::InvalidRequest => "invalid_request",
            Self::Authentication => "authentication",
            Self::PermissionDenied => "permission_denied",
            Self::Rejected => "rejected",
            Self::DuplicatePayout => "duplicate_payout",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::NotFinal => "not_final",
            Self::UnexpectedResponse => "unexpected_response",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::InvalidCallback => "invalid_callback",
            Self::Closed => "closed",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed if it is simply made again later.
    ///
    /// After `outcome_unknown` that call must carry the same id, the same request and `resume`.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::TimedOut | Self::NotFinal | Self::OutcomeUnknown)
    }

    /// Whether a payout under this id exists or may exist.
    ///
    /// `false` on a read means only that this read moved nothing.
    #[must_use]
    pub const fn money_may_have_moved(self) -> bool {
        matches!(self, Self::DuplicatePayout | Self::NotFinal | Self::OutcomeUnknown)
    }

    /// Whom a fault of this kind, about this field, concerns where the SDK itself found it: see [`Error::concerns`].
    #[must_use]
    pub fn concerns(self, field: Option<&str>) -> Option<Concern> {
        match self {
            Self::Configuration | Self::Authentication | Self::PermissionDenied => Some(Concern::Merchant),
            Self::DuplicatePayout => Some(Concern::Payout),
            Self::InvalidRequest if !field.is_some_and(is_of_no_payout) => Some(Concern::Payout),
            _ => None,
        }
    }

    /// The HTTP status to answer a callback with after an error of this kind, about this field: see
    /// [`Error::callback_status`].
    #[must_use]
    pub fn callback_status(self, field: Option<&str>) -> u16 {
        match (self, field) {
            (Self::InvalidCallback, Some("body_size")) => 413,
            (Self::InvalidCallback, Some("signature" | "expires_at")) => 403,
            (Self::InvalidCallback, _) => 400,
            (Self::Configuration | Self::Internal, _) => 500,
            _ => 503,
        }
    }

    /// When this kind is raised, in one sentence: the text of the error table.
    #[must_use]
    pub const fn when(self) -> &'static str {
        match self {
            Self::Configuration => {
                "Unusable settings: base URL, secret, CA file, proxy (one that refuses its password too, with 407), \
                 store of changes, plain http to a host that is not loopback; or a server certificate that does not \
                 verify."
            }
            Self::InvalidRequest => "Refused before sending, naming the field; or HTTP 400.",
            Self::Authentication => "401 to a fresh or ready token; or the token call answered 400, 401 or 403.",
            Self::PermissionDenied => "403; or the token in hand does not cover the call (found locally).",
            Self::Rejected => "406 with its codes, of the token call too.",
            Self::DuplicatePayout => {
                "The id is taken by a payout that is not provably this call's: 409, a found payout that differs, or \
                 another request under this id in flight. Carries what was found."
            }
            Self::NotFound => "410 on a read, or 404.",
            Self::RateLimited => "429, and no time left to wait.",
            Self::Unavailable => {
                "No connection, or 5xx on a read; retries used up. Or the store of changes failed (`change_store`)."
            }
            Self::TimedOut => "The deadline passed, and nothing was sent or it was a read.",
            Self::NotFinal => "`wait_for_payout` ran out of time. Carries the last payout seen.",
            Self::UnexpectedResponse => "An answer, not to a create, that cannot be understood.",
            Self::OutcomeUnknown => {
                "A create may have reached the platform and could not be settled in time. Call again with the same id, \
                 the same request and `resume`."
            }
            Self::InvalidCallback => {
                "A callback that is refused: its body cannot be read, or its URL was not signed for this payout by one \
                 of the keys, or is no longer valid."
            }
            Self::Closed => "The client was closed.",
            Self::Internal => "A fault of this SDK (in a create that may have been sent: `outcome_unknown`).",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whom an error concerns: whether the next payout would meet it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Concern {
    /// The merchant, its credentials or the settings. No payout is to blame: stop, mend that, and make the same calls
    /// again.
    Merchant,
    /// This payout: its id, or what its request says. Others are not touched by it.
    Payout,
}

impl Concern {
    /// The name that is the same in every language: `merchant` or `payout`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Payout => "payout",
        }
    }
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Arguments of calls that are about no payout, or of a call and not of its payout.
fn is_of_no_payout(field: &str) -> bool {
    matches!(
        field,
        "scope.operations"
            | "validity"
            | "ids"
            | "token"
            | "timeout"
            | "reads_per_second"
            | "limit"
            | "sequence"
            | "place"
            | "expires_at"
            | "currencies"
            | "method_codes"
            | "segment_codes"
            | "operator_codes"
    )
}

/// The reasons that say something about the merchant, in an answer to a token call or to any other.
const OF_THE_MERCHANT: [&str; 3] = ["MERCHANT_NOT_FOUND", "MERCHANT_INACTIVE", "OPERATION_INVALID"];

/// One entry of a 406 answer: which business rule said no, and to which field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The platform's code, such as `BALANCE_INSUFFICIENT`. The list is open.
    pub code: String,
    /// The request attribute it is about, as the platform names it (`attrCode`).
    pub field: Option<String>,
    /// The platform's own text, scrubbed of secrets and account numbers.
    pub description: Option<String>,
}

/// The error of every call: a [kind](ErrorKind), a message for people, and what is known about the call.
///
/// It never holds a secret, a token or an account number, so it can be logged as it is.
#[derive(Clone, thiserror::Error)]
#[error("{}", .0.message)]
pub struct Error(Box<Details>);

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    message: String,
    http_status: Option<u16>,
    field: Option<String>,
    reasons: Vec<Reason>,
    payout_id: Option<PayoutId>,
    attempts: Vec<Attempt>,
    retry_after: Option<Duration>,
    payout: Option<Payout>,
    cause: Option<Error>,
    origin: Origin,
    /// No connection could be made, and its client never reached the platform.
    unreached: bool,
    /// Something on the way refused the token for its length.
    token_too_long: bool,
}

/// Who said no.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// This SDK.
    Here,
    /// The platform, to a create.
    Create,
    /// The platform, to a token call or a read.
    OtherCall,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Details {
            kind,
            message: message.into(),
            http_status: None,
            field: None,
            reasons: Vec::new(),
            payout_id: None,
            attempts: Vec::new(),
            retry_after: None,
            payout: None,
            cause: None,
            origin: Origin::Here,
            unreached: false,
            token_too_long: false,
        }))
    }

    /// A setting that cannot be used, by its name. Public for the bindings, as `invalid` is.
    #[must_use]
    pub fn setting(name: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Configuration, format!("{name}: {problem}")).with_field(name)
    }

    /// A field of a request that cannot be sent, by its name.
    #[must_use]
    pub fn invalid(field: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidRequest, format!("{field}: {problem}")).with_field(field)
    }

    /// A callback that is refused: `part` of it is at fault.
    pub(crate) fn callback(part: &str, problem: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidCallback, format!("the callback is refused: {problem}")).with_field(part)
    }

    /// An error for a fault of the code around this crate, such as a panic in a binding.
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// An error for what the code around this crate could not reach, such as a database.
    #[doc(hidden)]
    #[must_use]
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, text)
    }

    /// The error of a create that the code around this crate has lost sight of: nobody can say that it was not made.
    #[must_use]
    pub fn lost_create(id: &PayoutId, why: impl fmt::Display) -> Self {
        let text =
            format!("payout {id} may have been made: {why}; call again with the same id, the same request and resume");
        Self::new(ErrorKind::OutcomeUnknown, text).with_payout_id(id)
    }

    pub(crate) fn with_field(mut self, field: &str) -> Self {
        self.0.field = Some(field.to_owned());
        self
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.0.http_status = Some(status);
        self
    }

    /// The platform answered this, to another call than a create: see [`Error::for_create`].
    pub(crate) fn answered(mut self) -> Self {
        self.0.origin = Origin::OtherCall;
        self
    }

    /// The platform answered this to the create of this id.
    pub(crate) fn for_create(mut self, id: &PayoutId) -> Self {
        self.0.origin = Origin::Create;
        if self.kind() == ErrorKind::Rejected {
            // The contract leaves it open whether a 406 uses the id up.
            let text = format!("; whether the id {id} may be used again after that, the API's contract does not say");
            self.0.message.push_str(&text);
        }
        self
    }

    /// It says that the platform was never reached, if it was not.
    pub(crate) fn with_unreached(mut self, unreached: bool) -> Self {
        self.0.unreached = unreached;
        self
    }

    pub(crate) fn with_token_too_long(mut self) -> Self {
        self.0.token_too_long = true;
        self
    }

    pub(crate) fn is_unreached(&self) -> bool {
        self.0.unreached
    }

    pub(crate) fn with_reasons(mut self, reasons: Vec<Reason>) -> Self {
        self.0.reasons = reasons;
        self
    }

    pub(crate) fn with_payout_id(mut self, id: &PayoutId) -> Self {
        self.0.payout_id = Some(id.clone());
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    pub(crate) fn with_payout(mut self, payout: Option<Payout>) -> Self {
        self.0.payout = payout;
        self
    }

    /// The cause lends its status, reasons, field and pause, so that a reader of the outer error misses nothing.
    pub(crate) fn caused_by(mut self, cause: Option<Self>) -> Self {
        if let Some(cause) = &cause {
            self.0.http_status = self.0.http_status.or(cause.http_status());
            self.0.retry_after = self.0.retry_after.or(cause.retry_after());
            if self.0.reasons.is_empty() {
                self.0.reasons = cause.reasons().to_vec();
            }
            if self.0.field.is_none() {
                self.0.field = cause.field().map(str::to_owned);
            }
        }
        self.0.cause = cause;
        self
    }

    /// What went wrong, in the terms of the next step.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The text for people. It may change between versions: decide by [`Error::kind`].
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The HTTP status of the answer that decided the call, if one came.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The field or setting that is at fault, if one is known, such as `money.amount`.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The entries of a 406 answer.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.0.reasons
    }

    /// The payout the call was about.
    #[must_use]
    pub fn payout_id(&self) -> Option<&PayoutId> {
        self.0.payout_id.as_ref()
    }

    /// The requests of this call, oldest first; of a call that took very long, not all of its reads and token calls. A
    /// token call that several calls waited for is an attempt of each; a token that was in hand is none.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// How long the platform asked to wait (`Retry-After`), if it did.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same call may succeed later: see [`ErrorKind::retryable`].
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.0.kind.retryable()
    }

    /// The HTTP status to answer a callback with when [`Client::handle_callback`](crate::Client::handle_callback) ends
    /// with this error: never 200, after which the platform would not repeat it.
    ///
    /// 400, 403 or 413 to a callback that is refused; 500 if the settings are wrong or this SDK is; and 503 to all that
    /// may yet be read or stored, a 410 included: the URL proves that the merchant made this id, so the platform's
    /// reads may only lag behind.
    ///
    /// ```
    /// use komopay_core::{Client, Config, Credentials, SANDBOX_URL};
    ///
    /// let client = Client::new(Config::new(SANDBOX_URL, Credentials::token("t")))?;
    /// let error = client.read_callback(b"no JSON", "/hook").unwrap_err();
    /// assert_eq!(error.callback_status(), 400);
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    #[must_use]
    pub fn callback_status(&self) -> u16 {
        self.kind().callback_status(self.field())
    }

    /// Whether a payout under this id exists or may exist: see [`ErrorKind::money_may_have_moved`].
    #[must_use]
    pub fn money_may_have_moved(&self) -> bool {
        self.0.kind.money_may_have_moved()
    }

    /// Whether this concerns the merchant, so that every other payout would meet it as well, or this payout alone.
    ///
    /// - [`Concern::Merchant`]: `configuration`; `authentication` (a 401, or no token was issued); `permission_denied`,
    ///   which says that the token does not grant the call; and a 406 with one of the reasons `MERCHANT_NOT_FOUND`,
    ///   `MERCHANT_INACTIVE` and `OPERATION_INVALID`.
    /// - [`Concern::Payout`]: `duplicate_payout`; a request that was refused before it was sent; and a 400, or a 406
    ///   with any other reasons, to a create. `IP_DENIED` is about the customer's address, `BALANCE_INSUFFICIENT` about
    ///   this sum.
    /// - `None`: all else. It may pass (`unavailable`), is not known (`outcome_unknown`, whose [cause](Error::cause)
    ///   may concern somebody), or is about neither.
    #[must_use]
    pub fn concerns(&self) -> Option<Concern> {
        let is_of_the_merchant = |reason: &Reason| OF_THE_MERCHANT.contains(&reason.code.as_str());
        match (self.kind(), self.0.origin) {
            (ErrorKind::Rejected, _) if self.reasons().iter().any(is_of_the_merchant) => Some(Concern::Merchant),
            (ErrorKind::InvalidRequest | ErrorKind::Rejected, Origin::Create) => Some(Concern::Payout),
            (ErrorKind::InvalidRequest, Origin::OtherCall) => None,
            // What keeps it from being settled may keep all others, too.
            (ErrorKind::OutcomeUnknown, _) => {
                self.cause().and_then(Self::concerns).filter(|concern| *concern == Concern::Merchant)
            }
            (kind, _) => kind.concerns(self.field()),
        }
    }

    /// Whether a create under a [`ChunkToken`](crate::ChunkToken) was answered with 431, or with a 400 that is no JSON:
    /// something on the way, such as a proxy, does not take so long a header. A smaller chunk has a shorter token.
    #[must_use]
    pub fn token_too_long(&self) -> bool {
        self.0.token_too_long
    }

    /// The payout that was found (`duplicate_payout`) or last seen (`not_final`).
    #[must_use]
    pub fn payout(&self) -> Option<&Payout> {
        self.0.payout.as_ref()
    }

    /// The error behind this one: why an outcome is unknown, or why a wait saw nothing.
    #[must_use]
    pub fn cause(&self) -> Option<&Self> {
        self.0.cause.as_ref()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let d = &self.0;
        f.debug_struct("Error")
            .field("kind", &d.kind)
            .field("message", &d.message)
            .field("http_status", &d.http_status)
            .field("field", &d.field)
            .field("reasons", &d.reasons)
            .field("payout_id", &d.payout_id)
            .field("attempts", &d.attempts.len())
            .field("retry_after", &d.retry_after)
            .field("payout", &d.payout)
            .field("cause", &d.cause)
            .field("concerns", &self.concerns())
            .finish()
    }
}
