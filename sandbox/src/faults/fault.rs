//! Faults: what shall break, and when.
//!
//! A [`Fault`] waits for calls of one operation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::operation::Operation;

/// Something to break. As JSON over the control API:
///
/// ```
/// # use komopay_sandbox::{Effect, Fault, Operation, When};
/// let fault: Fault = serde_json::from_str(
///     r#"{"when": {"operation": "create_payout", "on": {"nth": 1}}, "effect": {"type": "delay", "ms": 50}}"#,
/// )?;
/// assert_eq!(fault, Fault::new(When::nth(Operation::CreatePayout, 1), Effect::Delay { ms: 50 }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which calls.
    pub when: When,
    /// What happens to them.
    pub effect: Effect,
}

/// Which calls a fault decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The operation.
    pub operation: Operation,
    /// Only calls about this payout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout_id: Option<String>,
    /// Which of these calls.
    pub on: On,
}

/// Which of the matching calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// The n-th matching call (from 1), counted from the moment the fault was injected; then the fault is used up.
    Nth(u64),
    /// Every one, until the faults are cleared.
    Always,
    /// Each with this probability (0 to 1). The same seed gives the same sequence of hits and misses.
    Rate(f64),
}

/// What happens to a call.
///
/// "Executes" means: the call is done as always, checks included; a create that passes them is in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Effect {
    /// Waits, then does the call and answers as always. A create executes after the wait even if the client has left.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Waits until the faults are cleared, then does the call and answers as always. A create executes then even if the
    /// client has left.
    Hold,
    /// Resets the connection (RST) with the body unread. Nothing executes.
    CloseBeforeReading,
    /// Closes the connection (FIN) when the whole request has been read. Nothing executes.
    CloseAfterReading,
    /// Executes, then closes the connection (FIN) without an answer.
    ExecuteThenClose,
    /// Closes the connection (FIN), and executes a create later. Other calls: as [`Effect::CloseAfterReading`].
    ExecuteAfterClose {
        /// Milliseconds from the close to the execution.
        ms: u64,
    },
    /// Executes, then answers this status with a page of HTML, as a proxy would.
    ExecuteThenStatus {
        /// 500, 502, 504, ...
        status: u16,
    },
    /// Answers this status. Nothing executes.
    Status {
        /// 500, 503, 404, ...
        status: u16,
    },
    /// Executes, sends the first bytes of the true answer (status line and headers included), then closes.
    CutAnswer {
        /// How many bytes go out. If the answer is shorter, it goes out whole before the close.
        at_byte: u64,
    },
    /// Answers this status with bytes that are no JSON under `application/json`.
    Garbage {
        /// 201, 200, ...
        status: u16,
        /// Whether the call executes first.
        execute: bool,
    },
    /// Answers 200 with the login page of a captive portal. Nothing executes.
    CaptivePortal,
    /// Answers a redirect. Nothing executes.
    Redirect {
        /// 302, 307, ...
        status: u16,
        /// Where to; the default is the path of the call itself, so that following it is a repeat.
        #[serde(default)]
        location: Option<String>,
    },
    /// Answers 404. Nothing executes.
    NotFound,
    /// Answers 429. Nothing executes.
    RateLimited {
        /// The `Retry-After` header; left out if `None`.
        #[serde(default)]
        retry_after_secs: Option<u64>,
    },
    /// Answers 401. Nothing executes, and the token stays as valid as it was.
    Unauthorized,
    /// Answers 403. Nothing executes.
    Forbidden,
    /// Answers 400. Nothing executes.
    BadRequest,
    /// Reads lag: a GET says 410 until this long after the payout's execution. On a create: it executes and is answered
    /// as always, and all GETs of that payout lag. On a token call: nothing.
    GoneForGet {
        /// Milliseconds from the execution.
        ms: u64,
    },
    /// Answers 406 with this code. Nothing executes.
    Rejected {
        /// The code in the 406 array.
        code: String,
        /// Whether the id counts as used from then on: a later create says 409, a GET says 410.
        uses_id_up: bool,
    },
    /// Answers exactly this, as `application/json` unless a header says otherwise.
    Answer {
        /// 200, 201, ...
        status: u16,
        /// More headers. One whose name or value no header can have is left out.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body, as it goes out.
        #[serde(default)]
        body: String,
        /// Whether the call executes first.
        #[serde(default)]
        execute: bool,
    },
    /// A front end strays an answer: on a connection that has carried another exchange before, exactly this goes out,
    /// as `application/json` unless a header says otherwise, and in one piece with it the call's own answer. The call
    /// has been executed when it is on its way. Calls on other connections do not count for this fault, and do not use
    /// it up.
    StrayAnswer {
        /// 200, 400, ...
        status: u16,
        /// More headers. One whose name or value no header can have is left out.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body, as it goes out.
        #[serde(default)]
        body: String,
        /// Executes only so many milliseconds after the stray answer, even if the client has left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execute_after_ms: Option<u64>,
    },
    /// A front end doubles an answer: as [`Effect::StrayAnswer`], and what goes out first is the previous answer of
    /// this connection, byte by byte.
    PreviousAnswer {
        /// Executes only so many milliseconds after the doubled answer, even if the client has left.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execute_after_ms: Option<u64>,
    },
    /// Answers this status with a text that repeats the account number and the bearer token, or the secret of a token
    /// call. Nothing executes.
    EchoAccount {
        /// 400, 403, 406, 500, ...
        status: u16,
    },
}

impl Effect {
    /// Its name: its tag in JSON.
    pub(crate) fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("type").and_then(|tag| tag.as_str()).unwrap_or("fault").to_owned()
    }

    /// Whether this can only happen on a connection that has carried another exchange before.
    pub(crate) fn needs_a_kept_connection(&self) -> bool {
        matches!(self, Self::StrayAnswer { .. } | Self::PreviousAnswer { .. })
    }
}

impl Fault {
    /// A fault.
    #[must_use]
    pub fn new(when: When, effect: Effect) -> Self {
        Self { when, effect }
    }

    /// Why this fault makes no sense, if it does not.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        if let Some(mistake) = self.when.on.mistake() {
            return Some(mistake);
        }
        match self.effect {
            Effect::ExecuteThenStatus { status }
            | Effect::Status { status }
            | Effect::Garbage { status, .. }
            | Effect::Redirect { status, .. }
            | Effect::Answer { status, .. }
            | Effect::StrayAnswer { status, .. }
            | Effect::EchoAccount { status }
                if !(200..=599).contains(&status) =>
            {
                Some(format!("status {status} is not between 200 and 599"))
            }
            _ => None,
        }
    }
}

impl When {
    /// The n-th call (from 1) of this operation from now on.
    #[must_use]
    pub fn nth(operation: Operation, n: u64) -> Self {
        Self { operation, payout_id: None, on: On::Nth(n) }
    }

    /// Every call of this operation.
    #[must_use]
    pub fn always(operation: Operation) -> Self {
        Self { operation, payout_id: None, on: On::Always }
    }

    /// Each call of this operation with this probability.
    #[must_use]
    pub fn rate(operation: Operation, rate: f64) -> Self {
        Self { operation, payout_id: None, on: On::Rate(rate) }
    }

    /// Only calls about this payout.
    #[must_use]
    pub fn for_payout(mut self, id: &str) -> Self {
        self.payout_id = Some(id.to_owned());
        self
    }
}

impl On {
    /// Why this makes no sense, if it does not.
    pub(crate) fn mistake(self) -> Option<String> {
        match self {
            Self::Nth(0) => Some("nth counts from 1".to_owned()),
            Self::Rate(rate) if !(0.0..=1.0).contains(&rate) => Some("rate goes from 0 to 1".to_owned()),
            _ => None,
        }
    }

    /// Whether one hit is all there is.
    pub(crate) fn is_used_up(self) -> bool {
        matches!(self, Self::Nth(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_effect_survives_json() {
        let texts = [
            r#"{"type":"hold"}"#,
            r#"{"type":"close_before_reading"}"#,
            r#"{"type":"execute_after_close","ms":5}"#,
            r#"{"type":"cut_answer","at_byte":17}"#,
            r#"{"type":"garbage","status":201,"execute":true}"#,
            r#"{"type":"redirect","status":307,"location":null}"#,
            r#"{"type":"answer","status":200,"headers":{"Retry-After":"3"},"body":"{}","execute":false}"#,
            r#"{"type":"rate_limited","retry_after_secs":3}"#,
            r#"{"type":"rejected","code":"IP_DENIED","uses_id_up":true}"#,
            r#"{"type":"stray_answer","status":400,"headers":{},"body":"{}"}"#,
            r#"{"type":"previous_answer","execute_after_ms":5}"#,
        ];
        for text in texts {
            let effect: Effect = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&effect).unwrap(), text);
        }
    }
}
