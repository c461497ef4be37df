//! A request, read completely, and what all calls refuse alike.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, Method, Uri};

use crate::http::answer::{Answer, Refusal};
use crate::operation::Operation;
use crate::platform::fields::Violation;
use crate::platform::gateway::State;

/// A request, read completely.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// As it stood in the path, valid or not; empty for a call that is not about a payout.
    pub(crate) payout_id: String,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How long GETs shall not find the payout that this create makes.
    pub(crate) read_lag: Duration,
}

impl Call {
    /// The request, for an observer.
    pub(crate) fn request(&self) -> (&Method, &Uri, &HeaderMap, &Bytes) {
        (&self.method, &self.uri, &self.headers, &self.body)
    }

    /// The token it came with.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(AUTHORIZATION.as_str())?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the body is said to be JSON, with or without parameters.
    pub(crate) fn is_json(&self) -> bool {
        let media_type = self.header(CONTENT_TYPE.as_str()).and_then(|value| value.split(';').next());
        media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
    }
}

/// Refuses a merchant that is not activated: with 406 where the contract has the code for it, else with 403.
pub(crate) fn require_active(state: &State, operation: Operation) -> Result<(), Answer> {
    if state.merchant_active {
        return Ok(());
    }
    Err(match operation {
        Operation::IssueToken | Operation::GetPayout | Operation::GetBalances | Operation::ListPaymentOptions => {
            Answer::refused(&[Refusal::new("MERCHANT_INACTIVE", None, "merchant is not activated")])
        }
        _ => Answer::forbidden("merchant is not activated"),
    })
}

/// 400 for a violation of the schema.
#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
pub(crate) fn bad_request(violation: Violation) -> Answer {
    Answer::bad_request(&violation.0)
}
