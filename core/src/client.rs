//! The front door: one method per operation.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::time::Instant;
use tracing::Instrument;

use crate::auth::{Grant, Tokens};
use crate::config::Config;
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::payouts::in_flight::InFlight;
use crate::payouts::outcome::Limits;
use crate::payouts::{Payout, PayoutAccepted, PayoutId, PayoutRequest, create, read};
use crate::transport::{Answer, Failure, Operation, Transport};

/// A client of the payout API. Cheap to clone; clones share connections, tokens and creates under way.
///
/// **Authentication.** With a merchant's code and secret, each payout gets a token of its own that allows exactly its
/// calls and its money; it is renewed before it ends. With a ready token, that token is used as it is.
///
/// **Retries.** Calls are repeated where that is safe and helps, within one deadline. A create is repeated only under
/// the outcome rules: it never pays twice, and never calls an unknown outcome a failure.
///
/// Its calls need a tokio runtime with time and I/O enabled.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

/// What the calls of one client share.
pub(crate) struct Inner {
    transport: Arc<Transport>,
    pub tokens: Tokens,
    pub creates: Arc<InFlight>,
    pub limits: Limits,
    pub read_attempts: u32,
    pub validate: bool,
    base_url: String,
    closed: AtomicBool,
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// `configuration`, naming the setting.
    #[expect(clippy::needless_pass_by_value, reason = "a client takes its settings over, whatever it keeps of them")]
    pub fn new(config: Config) -> Result<Self> {
        let base_url = config.check()?;
        let transport = Arc::new(Transport::new(&config, &base_url)?);
        Ok(Self(Arc::new(Inner {
            tokens: Tokens::new(&config, Arc::clone(&transport)),
            transport,
            creates: Arc::new(InFlight::new()),
            limits: config.limits(),
            read_attempts: config.read_attempts,
            validate: config.validate,
            base_url: base_url.into(),
            closed: AtomicBool::new(false),
        })))
    }

    /// Makes a payout: `POST /payouts/{id}` under the outcome rules, within `total_timeout`.
    ///
    /// Store the id **before** the first call. `resume` says "this id may have been sent before": after
    /// `outcome_unknown`, after a crash, in a job that is run again. Success means that the platform took the payout,
    /// not that the money arrived: follow it with [`Client::wait_for_payout`].
    ///
    /// Dropping the future releases the caller at once; no further attempt starts, and the one on the wire is read to
    /// its end and logged.
    ///
    /// # Errors
    /// `outcome_unknown` is the one that must be followed up: the payout may exist. Call again with the same id, the
    /// same request and `resume`. Every other kind tells by [`Error::money_may_have_moved`] where it stands.
    ///
    /// ```no_run
    /// # async fn pay(client: komopay_core::Client) -> komopay_core::Result<()> {
    /// use komopay_core::{BankAccount, BankTransfer, Money, PayoutId, PayoutRequest};
    ///
    /// let id = PayoutId::new("TST-223344")?;
    /// let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
    /// let request = PayoutRequest::new(Money::new("10000", "IDR")?, bank);
    /// let accepted = client.create_payout(&id, &request, false).await?;
    /// assert_eq!(accepted.payout_id, id);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_payout(&self, id: &PayoutId, request: &PayoutRequest, resume: bool) -> Result<PayoutAccepted> {
        let span = tracing::info_span!(target: "komopay", "create_payout", payout_id = %id, resume);
        create::create(&self.0, id, request, resume).instrument(span).await
    }

    /// Reads a payout: `GET /payouts/{id}`, tried up to `read_attempts` times within `total_timeout`.
    ///
    /// # Errors
    /// `not_found` if there is no such payout now (410); `unavailable`, `timed_out` or `rate_limited` if it could not be
    /// read; `unexpected_response` if the answer cannot be understood.
    pub async fn get_payout(&self, id: &PayoutId) -> Result<Payout> {
        let span = tracing::info_span!(target: "komopay", "get_payout", payout_id = %id);
        self.0.check_open().map_err(|error| error.with_payout_id(id))?;
        read::get(&self.0, id).instrument(span).await
    }

    /// Reads a payout until its status is final, with growing pauses. It returns on FAILED and REFUSED too.
    ///
    /// A 410 within the settle window, a 429, a 5xx and a lost connection are waited out.
    ///
    /// # Errors
    /// `not_final` when `timeout` is over, with the last payout seen; `not_found` if the platform knows no such payout.
    pub async fn wait_for_payout(&self, id: &PayoutId, timeout: Duration) -> Result<Payout> {
        let span = tracing::info_span!(target: "komopay", "wait_for_payout", payout_id = %id);
        self.0.check_open().map_err(|error| error.with_payout_id(id))?;
        read::wait(&self.0, id, timeout).instrument(span).await
    }

    /// Refuses new calls, stops further attempts, and waits for the creates on the wire, up to their deadlines.
    pub async fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.creates.drain().await;
    }
}

impl Inner {
    /// Refuses a call that cannot be made: the client is closed, or there is no runtime to make it on.
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the client was closed"));
        }
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::new(ErrorKind::Configuration, "calls need a tokio runtime, and there is none here"));
        }
        Ok(())
    }

    /// Sends one request, and notes it in the history and the log.
    pub async fn send(
        &self,
        operation: &Operation,
        grant: &Grant,
        within: Duration,
        history: &mut Vec<Attempt>,
    ) -> Result<Answer, Failure> {
        let (started_at, started) = (Timestamp::now(), Instant::now());
        let result = self.transport.send(operation, Some(grant.token.expose_secret()), within).await;
        let answer = result.as_ref().ok();
        let attempt = Attempt {
            operation: operation.to_string(),
            started_at,
            duration: started.elapsed(),
            http_status: answer.map(|answer| answer.status),
            request_id: answer.and_then(|answer| answer.request_id.clone()),
        };
        match &result {
            Ok(answer) => {
                tracing::debug!(target: "komopay", status = answer.status, duration = ?attempt.duration, "{operation}");
            }
            Err(failure) => {
                tracing::debug!(target: "komopay", sent = failure.sent, duration = ?attempt.duration, "{operation}: {}", failure.text);
            }
        }
        history.push(attempt);
        result
    }
}

/// A random part of a pause ("full jitter"), so that callers who failed together do not come back together.
pub(crate) fn jitter(ceiling: Duration) -> Duration {
    ceiling.mul_f64(fastrand::f64())
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.0.base_url).finish_non_exhaustive()
    }
}
