//! What the calls of one client share: connections, tokens, the throttle, the store of changes, and the settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::HeaderMap;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::auth::{Grant, Tokens};
use crate::callback_url::CallbackKey;
use crate::caller::{self, Teller, Telling, told};
use crate::changes;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::first_failure::FirstFailures;
use crate::money::Money;
use crate::options::{CallOptions, check_total};
use crate::telemetry::{CallOutcome, Telemetry, Told};
use crate::throttle::{Permit, Throttle};
use crate::timing::{Limits, whole_millis};
use crate::transport::{Answer, Failure, Operation, Prepared, Transport};
use crate::values::{Payout, PayoutId};

/// What the calls of one client share, and what those of one with options do differently: its limits and headers.
#[derive(Clone)]
pub(crate) struct Session {
    transport: Arc<Transport>,
    pub throttle: Arc<Throttle>,
    pub tokens: Arc<Tokens>,
    pub first_failures: Arc<FirstFailures>,
    pub callback_keys: Arc<[CallbackKey]>,
    pub change_store: Option<Arc<changes::Store>>,
    pub change_lease: Duration,
    pub keep_changes: Duration,
    callback_timeout: Duration,
    pub limits: Limits,
    /// The most that one request may take, if the time of its call lets it.
    attempt_timeout: Duration,
    /// The caller's own, for each request.
    headers: Option<Arc<HeaderMap>>,
    telemetry: Option<Arc<dyn Telemetry>>,
    pub read_attempts: u32,
    pub validate: bool,
    pub connection_per_create: bool,
    pub max_amount: Arc<[Money]>,
    pub is_test: Option<bool>,
    pub base_url: Arc<str>,
    /// Whose payouts these are: base URL, merchant and mode.
    pub owner: Arc<str>,
    closed: Arc<AtomicBool>,
}

impl Session {
    /// A session with these settings, if they can be used. Nothing is sent yet.
    pub fn new(mut config: Config) -> Result<Self> {
        let base_url = config.check()?;
        let throttle = Throttle::new(&config);
        let transport = Arc::new(Transport::new(&config, &base_url, Arc::clone(&throttle))?);
        // Last: settings that are wrong otherwise shall not take a store for themselves.
        let owner = changes::owner(&base_url, &config.credentials, config.is_test);
        let store = config.change_store.take();
        let change_store = store.map(|store| changes::Store::new(store, &owner)).transpose()?;
        Ok(Self {
            tokens: Arc::new(Tokens::new(&config, Arc::clone(&transport))),
            transport,
            throttle,
            first_failures: Arc::new(FirstFailures::new()),
            limits: config.limits(),
            attempt_timeout: config.attempt_timeout,
            headers: None,
            telemetry: config.telemetry,
            read_attempts: config.read_attempts,
            validate: config.validate,
            connection_per_create: config.connection_per_create,
            callback_keys: config.callback_keys.into(),
            change_store: change_store.map(Arc::new),
            change_lease: config.change_lease,
            keep_changes: config.keep_changes,
            callback_timeout: config.callback_timeout,
            max_amount: config.max_amount.into(),
            is_test: config.is_test,
            base_url: base_url.as_str().into(),
            owner: owner.into(),
            closed: Arc::default(),
        })
    }

    /// The same session for one call, which has so much time, whatever call it is.
    pub fn within(&self, total: Duration) -> Result<Self> {
        let total = check_total(total).map_err(|problem| Error::invalid("timeout", problem))?;
        let limits = self.limits.within(total, self.attempt_timeout);
        Ok(Self { limits, callback_timeout: total, ..self.clone() })
    }

    /// The same session, with these options.
    pub fn with_options(&self, options: &CallOptions) -> Result<Self> {
        let headers = options.headers(self.headers.as_ref())?;
        let total = options.total_timeout.map_or(Ok(self.limits.total), check_total);
        let total = total.map_err(|problem| Error::setting("total_timeout", problem))?;
        Ok(Self { headers, limits: self.limits.within(total, self.attempt_timeout), ..self.clone() })
    }

    /// The deadline of a callback.
    pub fn callback_timeout(&self) -> Duration {
        self.callback_timeout.min(self.limits.total)
    }

    /// Makes a call that tells of itself.
    pub fn told<T, F: Future<Output = Result<T>>>(
        &self,
        operation: &'static str,
        payout_id: Option<&PayoutId>,
        outcome: fn(&T) -> CallOutcome,
        call: F,
    ) -> Telling<T, F> {
        told(self.start(operation, payout_id), outcome, call)
    }

    /// Who tells of a call that is asked for its results one after the other.
    pub fn teller(&self, operation: &'static str) -> Teller {
        Teller::new(self.start(operation, None))
    }

    fn start(&self, operation: &'static str, payout_id: Option<&PayoutId>) -> Option<Arc<Told>> {
        Told::start(self.telemetry.as_ref(), self.headers.as_ref(), &self.base_url, operation, payout_id)
    }

    /// Refuses a call that cannot be made: the client is closed, or there is no runtime to make it on.
    pub fn check_open(&self) -> Result<()> {
        self.check_not_closed()?;
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(Error::new(ErrorKind::Configuration, "calls need a tokio runtime, and there is none here"));
        }
        Ok(())
    }

    /// Refuses what is of no use to a client that was closed.
    pub fn check_not_closed(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "the client was closed"));
        }
        Ok(())
    }

    /// Refuses every call from now on, and ends every wait for a permit to send.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.throttle.close();
    }

    /// Refuses a payout of the other mode: test data to live settings, or the reverse.
    pub fn check_mode(&self, payout: &Payout) -> Result<()> {
        match (self.is_test, payout.is_test) {
            (Some(_), None) => {
                let text =
                    format!("whether payout {} is test data (isTest) cannot be read from the answer", payout.payout_id);
                Err(Error::new(ErrorKind::UnexpectedResponse, text).with_payout_id(&payout.payout_id))
            }
            (Some(expected), Some(found)) if expected != found => {
                let name = |is_test| if is_test { "test" } else { "live" };
                let text = format!(
                    "payout {} is of {} data, and this client is set to {}",
                    payout.payout_id,
                    name(found),
                    name(expected)
                );
                let error = Error::new(ErrorKind::Configuration, text).with_field("is_test");
                Err(error.with_payout_id(&payout.payout_id).with_payout(Some(payout.clone())))
            }
            _ => Ok(()),
        }
    }

    /// Opens a connection for a create to come.
    pub async fn prepare(&self, within: Duration) -> Prepared {
        self.transport.prepare(within).await
    }

    /// Sends one request, and notes it in the history and the log. Once `leave` is done, it is not sent any more; what
    /// was sent is read to its end.
    pub async fn send(
        &self,
        operation: &Operation,
        grant: &Grant,
        permit: &mut Permit,
        within: Duration,
        leave: impl Future<Output = ()>,
        history: &mut Vec<Attempt>,
    ) -> Result<Answer, Failure> {
        let (started_at, started) = (Timestamp::now(), Instant::now());
        let result = self.transport.send(operation, Some(&grant.token), Some(permit), within, leave).await;
        let answer = result.as_ref().ok();
        let attempt = Attempt {
            operation: operation.name(),
            started_at,
            duration: started.elapsed(),
            http_status: answer.map(|answer| answer.status),
            request_id: answer.and_then(|answer| answer.request_id.clone()),
        };
        let (payout_id, number) = (operation.payout_id(), history.len() + 1);
        let duration_ms = whole_millis(attempt.duration);
        match &result {
            Ok(answer) => tracing::debug!(
                target: "komopay",
                payout_id,
                http_status = answer.status,
                attempt = number,
                duration_ms,
                request_id = answer.request_id,
                "{operation} was answered"
            ),
            Err(failure) => tracing::debug!(
                target: "komopay",
                payout_id,
                kind = %failure.to_error().kind(),
                attempt = number,
                duration_ms,
                sent = failure.sent,
                "{operation} was not answered: {}",
                failure.text
            ),
        }
        if let Some(call) = caller::call() {
            call.attempted(&attempt, result.as_ref().err().map(|failure| failure.to_error().kind()));
        }
        history.push(attempt);
        result
    }
}
