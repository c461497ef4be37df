//! What calls and their requests tell of themselves as they begin and end, for traces and metrics.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::error::ErrorKind;
use crate::values::PayoutId;

/// Hears of the calls of a client: [`Config::telemetry`](crate::Config::telemetry).
///
/// It is told on the threads that carry calls, perhaps on several at once: it must not wait, and not call the client.
/// Nothing that it is told is secret, a token, or of an account.
pub trait Telemetry: Send + Sync {
    /// Whether anybody listens now. A call of which nobody hears when it starts tells nothing.
    fn is_on(&self) -> bool {
        true
    }

    /// Something of a call has happened.
    fn hear(&self, event: &CallEvent);
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEvent {
    /// A call has begun.
    Started(CallStarted),
    /// A request was made for it, and has ended. One that several calls share is told by the one that made it.
    Attempted(CallAttempt),
    /// It has ended, or its caller has left. What is on the wire then is told after it.
    Ended(CallEnded),
}

/// A call has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallStarted {
    /// Tells this call from others of the process.
    pub call: u64,
    /// The method of the client, such as `create_payout`.
    pub operation: &'static str,
    /// The payout that it is about, if it is about one.
    pub payout_id: Option<PayoutId>,
    /// When it began, by the wall clock.
    pub started_at: Timestamp,
}

/// One request of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAttempt {
    /// The call that it was made for.
    pub call: u64,
    /// Which request of the call it is, from 1 on.
    pub number: u32,
    /// How many times the call had sent this request before.
    pub resend_count: u32,
    /// Where it was sent: the base URL with the path. It has no user name, no password, and no query.
    pub url: String,
    /// The request, and how it ended.
    pub attempt: Attempt,
    /// Why no answer came, if none did.
    pub error: Option<ErrorKind>,
}

/// A call has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallEnded {
    /// How it began.
    pub started: CallStarted,
    /// How long it took.
    pub duration: Duration,
    /// How many requests were made for it.
    pub attempts: u32,
    /// How many of them repeated an earlier one.
    pub retries: u32,
    /// For how long it was held back by the client's throttle.
    pub throttled: Duration,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// With what was asked for.
    Done,
    /// A create whose answer was lost, and whose payout was found by reading.
    Recovered,
    /// With an error of this kind.
    Failed(ErrorKind),
    /// Its caller left before.
    Abandoned,
}

impl CallOutcome {
    /// The name that is the same in every language: `done`, `recovered`, `abandoned`, or that of the error's kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Recovered => "recovered",
            Self::Failed(kind) => kind.as_str(),
            Self::Abandoned => "abandoned",
        }
    }
}

impl fmt::Display for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A call, for the code that makes its requests: what they carry, and who hears of them.
pub(crate) struct Told {
    /// The caller's own headers.
    pub headers: Option<Arc<HeaderMap>>,
    heard: Option<Heard>,
}

/// What is counted of a call that is heard of.
struct Heard {
    telemetry: Arc<dyn Telemetry>,
    base_url: Arc<str>,
    started: CallStarted,
    began: Instant,
    attempts: AtomicU32,
    retries: AtomicU32,
    throttled_nanos: AtomicU64,
    /// How many times each request was sent.
    sent: Mutex<HashMap<String, u32>>,
}

impl Told {
    /// A call that begins now; none if there is nothing to tell, and nothing to carry.
    pub fn start(
        telemetry: Option<&Arc<dyn Telemetry>>,
        headers: Option<&Arc<HeaderMap>>,
        base_url: &Arc<str>,
        operation: &'static str,
        payout_id: Option<&PayoutId>,
    ) -> Option<Arc<Self>> {
        static CALLS: AtomicU64 = AtomicU64::new(1);
        let heard = telemetry.filter(|telemetry| telemetry.is_on()).map(|telemetry| {
            let started = CallStarted {
                call: CALLS.fetch_add(1, Ordering::Relaxed),
                operation,
                payout_id: payout_id.cloned(),
                started_at: Timestamp::now(),
            };
            telemetry.hear(&CallEvent::Started(started.clone()));
            Heard {
                telemetry: Arc::clone(telemetry),
                base_url: Arc::clone(base_url),
                started,
                began: Instant::now(),
                attempts: AtomicU32::new(0),
                retries: AtomicU32::new(0),
                throttled_nanos: AtomicU64::new(0),
                sent: Mutex::default(),
            }
        });
        let told = Self { headers: headers.cloned(), heard };
        (told.heard.is_some() || told.headers.is_some()).then(|| Arc::new(told))
    }

    /// A request of it has ended.
    pub fn attempted(&self, attempt: &Attempt, error: Option<ErrorKind>) {
        let Some(heard) = &self.heard else { return };
        let number = heard.attempts.fetch_add(1, Ordering::Relaxed) + 1;
        let resend_count = {
            let mut sent = heard.sent.lock().unwrap_or_else(PoisonError::into_inner);
            let sent = sent.entry(attempt.operation.clone()).or_default();
            std::mem::replace(sent, *sent + 1)
        };
        if resend_count > 0 {
            heard.retries.fetch_add(1, Ordering::Relaxed);
        }
        let call = heard.started.call;
        let url = url(&heard.base_url, &attempt.operation);
        let event = CallAttempt { call, number, resend_count, url, attempt: attempt.clone(), error };
        heard.telemetry.hear(&CallEvent::Attempted(event));
    }

    /// It was held back for so long.
    pub fn throttled(&self, held: Duration) {
        if let Some(heard) = &self.heard {
            let nanos = u64::try_from(held.as_nanos()).unwrap_or(u64::MAX);
            heard.throttled_nanos.fetch_add(nanos, Ordering::Relaxed);
        }
    }

    /// It has ended.
    pub fn ended(&self, outcome: CallOutcome) {
        let Some(heard) = &self.heard else { return };
        heard.telemetry.hear(&CallEvent::Ended(CallEnded {
            started: heard.started.clone(),
            duration: heard.began.elapsed(),
            attempts: heard.attempts.load(Ordering::Relaxed),
            retries: heard.retries.load(Ordering::Relaxed),
            throttled: Duration::from_nanos(heard.throttled_nanos.load(Ordering::Relaxed)),
            outcome,
        }));
    }
}

/// Where an operation, such as `GET /balances?currencies=IDR`, is sent.
fn url(base: &str, operation: &str) -> String {
    let path = operation.split_once(' ').map_or(operation, |(_, path)| path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    [base.trim_end_matches('/'), path].concat()
}
