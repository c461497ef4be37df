//! Where a call gets its token from: the cache, a call to the platform that many callers share, or a ready token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::access::AccessToken;
use super::cache::{Cache, Issued, renew_at};
use super::claims::Claims;
use super::scope::Scope;
use crate::attempt::Attempt;
use crate::caller::{self, spawn};
use crate::config::Config;
use crate::credentials::{Credentials, TokenProvider, TokenScope, is_token};
use crate::error::{Error, ErrorKind};
use crate::json::object;
use crate::money::Money;
use crate::scrub::Scrubber;
use crate::throttle::Permit;
use crate::timing::whole_millis;
use crate::transport::{Answer, FailureKind, Operation, Transport};

/// How a history names a token call.
const OPERATION: &str = "POST /auth-tokens";

/// A year: longer than any token lives.
const UNTIL_REFUSED: Duration = Duration::from_hours(365 * 24);

/// A token in hand for one call.
#[derive(Clone)]
pub(crate) struct Grant {
    pub token: Arc<SecretString>,
    /// Which issued token it is; none for a ready token.
    number: Option<u64>,
    key: String,
    /// It was issued for the call that asked.
    pub fresh: bool,
    /// It is locked to a sum of money. Whether such a token may read is not published.
    pub locked: bool,
}

impl Grant {
    /// A token that nothing takes the place of.
    pub fn ready(token: Arc<SecretString>) -> Self {
        Self { token, number: None, key: String::new(), fresh: true, locked: false }
    }

    /// Whether another token could be had if this one is refused.
    pub fn renewable(&self) -> bool {
        self.number.is_some() && !self.fresh
    }

    /// The same token, as one that is not to be exchanged for another.
    pub fn into_last(self) -> Self {
        Self { fresh: true, locked: false, ..self }
    }
}

/// Why there is no token.
#[derive(Clone)]
pub(crate) struct Refusal {
    pub error: Error,
    /// The platform refused, so asking again is of no use.
    pub is_final: bool,
}

/// The one place that hands out tokens.
pub(crate) struct Tokens {
    source: Source,
}

enum Source {
    /// One token for everything, with what it says of itself.
    Ready(Arc<SecretString>, Option<Claims>),
    Fetched(Arc<Fetcher>),
}

impl Tokens {
    pub fn new(config: &Config, transport: Arc<Transport>) -> Self {
        let origin = match &config.credentials {
            Credentials::Token(token) => {
                let claims = Claims::of(token.expose_secret());
                return Self { source: Source::Ready(Arc::new(token.clone()), claims) };
            }
            Credentials::Provider(provider) => Origin::Provider(provider.clone()),
            Credentials::Merchant { code, secret } => Origin::Platform(Issuer {
                code: code.clone(),
                secret: secret.clone(),
                patience: config.limits().attempt,
                transport,
            }),
        };
        let state = State { cache: Cache::new(), flights: HashMap::new(), fetched: 0 };
        Self {
            source: Source::Fetched(Arc::new(Fetcher {
                origin,
                validity: config.token_validity,
                scope: config.token_scope,
                patience: config.limits().attempt,
                state: Mutex::new(state),
            })),
        }
    }

    /// Keeps the tokens of this payout's path until this is dropped, whatever else is asked for.
    pub fn hold(&self, path: &str) -> Option<Kept> {
        let Source::Fetched(fetcher) = &self.source else { return None };
        let key = path.to_owned();
        fetcher.lock().cache.hold(&key);
        Some(Kept { fetcher: Arc::clone(fetcher), key })
    }

    /// Whether a token can be had for each payout: then it may as well be had for several.
    pub fn are_per_payout(&self) -> bool {
        match &self.source {
            Source::Ready(..) => false,
            Source::Fetched(fetcher) => {
                matches!(fetcher.origin, Origin::Platform(_)) && fetcher.scope == TokenScope::Payout
            }
        }
    }

    /// Whether the platform issues them for this client, as each is asked for.
    pub fn are_issued(&self) -> bool {
        matches!(&self.source, Source::Fetched(fetcher) if matches!(fetcher.origin, Origin::Platform(_)))
    }

    /// A token that covers `needed`, but not the one of `refused`. A token call that is waited for is noted in the
    /// history.
    pub async fn get(
        &self,
        needed: &Scope,
        refused: Option<&Grant>,
        within: Duration,
        history: &mut Vec<Attempt>,
    ) -> Result<Grant, Refusal> {
        let grant = match &self.source {
            Source::Ready(token, _) => Grant::ready(Arc::clone(token)),
            Source::Fetched(fetcher) => {
                let scope = fetcher.scope_for(needed);
                tokio::time::timeout(within, fetcher.get(&scope, refused, history)).await.unwrap_or_else(|_| {
                    let error = Error::new(ErrorKind::TimedOut, format!("no token within {within:?}"));
                    Err(Refusal { error, is_final: false })
                })?
            }
        };
        match &self.source {
            Source::Fetched(fetcher) if matches!(fetcher.origin, Origin::Platform(_)) => Ok(grant),
            // What a provider gave for another call may not do for this one; it is asked once more.
            Source::Fetched(_)
                if refused.is_none() && grant.renewable() && self.source.forbids(&grant, needed).is_some() =>
            {
                Box::pin(self.get(needed, Some(&grant), within, history)).await
            }
            source => match source.forbids(&grant, needed) {
                None => Ok(grant),
                Some(operation) => {
                    let text = format!("the token does not allow {operation}; nothing was sent");
                    Err(Refusal { error: Error::new(ErrorKind::PermissionDenied, text), is_final: true })
                }
            },
        }
    }

    /// A token of this scope for someone else, issued anew.
    pub async fn issue(
        &self,
        scope: &Scope,
        validity: Duration,
        within: Duration,
        mut permit: Permit,
        history: &mut Vec<Attempt>,
    ) -> Result<AccessToken, Refusal> {
        match &self.source {
            Source::Fetched(fetcher) if let Origin::Platform(issuer) = &fetcher.origin => {
                let mut call = Watched { call: Some(TokenCall::new()), history };
                let issuing = issuer.issue(scope, validity, Some(&mut permit), &mut call.call);
                let token = tokio::time::timeout(within, issuing).await.unwrap_or_else(|_| {
                    let error = Error::new(ErrorKind::TimedOut, format!("no token within {within:?}"));
                    Err(Refusal { error, is_final: false })
                })?;
                let expires_at = Claims::of(token.expose_secret()).and_then(|claims| claims.expires_at());
                Ok(AccessToken { token, expires_at })
            }
            _ => Err(Refusal {
                error: Error::setting("credentials", "issuing a token needs a merchant code and secret"),
                is_final: true,
            }),
        }
    }
}

impl Source {
    /// What a call needs and a token of someone else's surely does not allow: that is refused locally. Its end is left
    /// to the platform: our clock may be wrong.
    fn forbids(&self, grant: &Grant, needed: &Scope) -> Option<String> {
        let needed = needed.operations.as_deref().unwrap_or_default();
        let forbidden = match self {
            Self::Ready(_, claims) => claims.as_ref()?.forbids(needed),
            Self::Fetched(_) => Claims::of(grant.token.expose_secret())?.forbids(needed),
        };
        forbidden.map(str::to_owned)
    }
}

/// A call under way, whose tokens are kept.
pub(crate) struct Kept {
    fetcher: Arc<Fetcher>,
    key: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.fetcher.lock().cache.let_go(&self.key);
    }
}

/// Fetches tokens when they are needed, and keeps them.
struct Fetcher {
    origin: Origin,
    validity: Duration,
    scope: TokenScope,
    /// For how long one fetch may take. It belongs to no caller, so it has a time of its own.
    patience: Duration,
    state: Mutex<State>,
}

/// Where tokens come from.
enum Origin {
    Platform(Issuer),
    Provider(TokenProvider),
}

/// Asks the platform for tokens of one merchant.
struct Issuer {
    code: String,
    secret: SecretString,
    /// For how long one token call may take.
    patience: Duration,
    transport: Arc<Transport>,
}

struct State {
    cache: Cache,
    flights: HashMap<Scope, (Option<TokenCall>, watch::Receiver<Flight>)>,
    /// How many tokens were fetched: the number of the last one.
    fetched: u64,
}

/// A token call under way: nothing yet, or what came of it, with the request that was made, if it was one.
type Flight = Option<(Result<Grant, Refusal>, Option<TokenCall>)>;

/// A request for a token, as a history tells it.
#[derive(Clone)]
struct TokenCall {
    started_at: Timestamp,
    started: Instant,
    /// How long it took and what was answered, once it is over.
    ended: Option<(Duration, Option<u16>, Option<String>)>,
}

impl TokenCall {
    fn new() -> Self {
        Self { started_at: Timestamp::now(), started: Instant::now(), ended: None }
    }

    fn end(&mut self, answer: Option<&Answer>) {
        let request_id = answer.and_then(|answer| answer.request_id.clone());
        self.ended = Some((self.started.elapsed(), answer.map(|answer| answer.status), request_id));
    }

    /// What is known of it now: if it has not ended, it goes on without this caller.
    fn attempt(self) -> Attempt {
        let Self { started_at, started, ended } = self;
        let (duration, http_status, request_id) = ended.unwrap_or_else(|| (started.elapsed(), None, None));
        Attempt { operation: OPERATION.to_owned(), started_at, duration, http_status, request_id }
    }
}

/// A token call that somebody waits for: it enters the history however the waiting ends.
struct Watched<'a> {
    call: Option<TokenCall>,
    history: &'a mut Vec<Attempt>,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.history.extend(self.call.take().map(TokenCall::attempt));
    }
}

impl Fetcher {
    /// What to fetch for a call: one token for all of them, where that is how it is.
    fn scope_for(&self, needed: &Scope) -> Scope {
        match (&self.origin, self.scope) {
            (Origin::Platform(_), TokenScope::Payout) => needed.clone(),
            (Origin::Platform(_), TokenScope::Everything) | (Origin::Provider(_), _) => Scope::everything(),
        }
    }

    async fn get(
        self: &Arc<Self>,
        needed: &Scope,
        refused: Option<&Grant>,
        history: &mut Vec<Attempt>,
    ) -> Result<Grant, Refusal> {
        let (call, mut flight) = {
            let mut state = self.lock();
            if let Some((key, number)) = refused.and_then(|grant| Some((&grant.key, grant.number?))) {
                state.cache.remove(key, number);
            }
            if let Some(issued) = state.cache.find(needed, Instant::now()) {
                return Ok(grant(issued, false));
            }
            // A flight whose sender is gone without a result died; a new one takes its place.
            let alive = state
                .flights
                .get(needed)
                .filter(|(_, flight)| flight.borrow().is_some() || flight.has_changed().is_ok());
            match alive {
                Some(flight) => flight.clone(),
                None => self.take_off(&mut state, needed),
            }
        };
        let mut watched = Watched { call, history };
        let landed = flight.wait_for(Option::is_some).await.ok().and_then(|landed| landed.clone());
        let Some((result, call)) = landed else {
            return Err(Refusal { error: Error::internal("the token call ended without a result"), is_final: false });
        };
        watched.call = call;
        result
    }

    /// Starts the one token call for this scope. It runs on its own, so no caller that leaves takes it along.
    fn take_off(self: &Arc<Self>, state: &mut State, needed: &Scope) -> (Option<TokenCall>, watch::Receiver<Flight>) {
        let (landed, flight) = watch::channel(None);
        let mut call = matches!(self.origin, Origin::Platform(_)).then(TokenCall::new);
        let flight = (call.clone(), flight);
        state.flights.insert(needed.clone(), flight.clone());
        let (fetcher, scope) = (Arc::clone(self), needed.clone());
        let fetch = async move {
            let asked_at = Instant::now();
            let result = fetcher.fetch(&scope, &mut call).await;
            let result = fetcher.keep(scope, asked_at, result);
            // Not under the lock: a waiter may be woken, and run, right here.
            landed.send_replace(Some((result, call)));
        };
        spawn(fetch);
        flight
    }

    /// Ends the flight, and keeps the token if there is one.
    fn keep(&self, scope: Scope, asked_at: Instant, result: Result<SecretString, Refusal>) -> Result<Grant, Refusal> {
        let mut state = self.lock();
        state.flights.remove(&scope);
        let token = result?;
        let lifetime = self.lifetime(&token);
        state.fetched += 1;
        let number = state.fetched;
        let issued = Issued { number, token: Arc::new(token), scope, renew_at: renew_at(asked_at, lifetime) };
        let grant = grant(&issued, true);
        state.cache.insert(issued);
        Ok(grant)
    }

    async fn fetch(&self, scope: &Scope, call: &mut Option<TokenCall>) -> Result<SecretString, Refusal> {
        match &self.origin {
            Origin::Platform(issuer) => issuer.issue(scope, self.validity, None, call).await,
            Origin::Provider(provider) => {
                let refuse =
                    |text: String| Refusal { error: Error::new(ErrorKind::Unavailable, text), is_final: false };
                let answer = tokio::time::timeout(self.patience, provider.provide()).await;
                let answer = answer
                    .map_err(|_| refuse(format!("the token provider gave nothing within {:?}", self.patience)))?;
                let token = answer.map_err(|text| {
                    refuse(format!("the token provider failed: {}", Scrubber::default().text(&text)))
                })?;
                if is_token(token.expose_secret()) {
                    Ok(token)
                } else {
                    Err(refuse("the token provider gave something that is not a token".to_owned()))
                }
            }
        }
    }

    /// For how long a new token is used. One that does not say lives as long as was asked for, or until it is refused.
    fn lifetime(&self, token: &SecretString) -> Duration {
        let said = Claims::of(token.expose_secret()).and_then(|claims| claims.lifetime());
        match &self.origin {
            Origin::Platform(_) => said.map_or(self.validity, |said| said.min(self.validity)),
            // When it was issued is not known, so its age is not either.
            Origin::Provider(_) => UNTIL_REFUSED,
        }
    }

    /// The state is a cache, so what a panic elsewhere left of it is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Issuer {
    /// Asks for a token, and notes in `call` what came of it.
    async fn issue(
        &self,
        scope: &Scope,
        validity: Duration,
        permit: Option<&mut Permit>,
        call: &mut Option<TokenCall>,
    ) -> Result<SecretString, Refusal> {
        let operation = Operation::post("/auth-tokens", self.body(scope, validity)?);
        let result = self.transport.send(&operation, None, permit, self.patience, std::future::pending()).await;
        let call = call.get_or_insert_with(TokenCall::new);
        call.end(result.as_ref().ok());
        if let Some(told) = caller::call() {
            told.attempted(&call.clone().attempt(), result.as_ref().err().map(|failure| failure.to_error().kind()));
        }
        let duration_ms = whole_millis(call.started.elapsed());
        // Which attempt it is, each of the calls that wait for it knows.
        let payout_id = scope.key().strip_prefix("/payouts/").filter(|id| !id.starts_with('!'));
        let answer = match result {
            Ok(answer) => answer,
            Err(failure) => {
                let (error, is_final) = (failure.to_error(), failure.kind == FailureKind::Configuration);
                tracing::debug!(
                    target: "komopay",
                    payout_id,
                    kind = %error.kind(),
                    duration_ms,
                    "{OPERATION} was not answered: {error}"
                );
                return Err(Refusal { error, is_final });
            }
        };
        tracing::debug!(
            target: "komopay",
            payout_id,
            http_status = answer.status,
            duration_ms,
            request_id = answer.request_id,
            "{OPERATION} was answered"
        );
        let refuse = |error: Error, is_final| Err(Refusal { error, is_final });
        match answer.status {
            200 | 201 => match read_token(&answer.body) {
                Some(token) => Ok(token),
                None => refuse(not_understood(answer.status), true),
            },
            // The contract declares 403 for a wrong secret, and no 401; both say the same.
            400 | 401 | 403 => {
                let said = answer.to_error();
                let error = Error::new(ErrorKind::Authentication, format!("no token was issued: {}", said.message()))
                    .with_status(answer.status);
                refuse(error, true)
            }
            406 | 429 | 500..=599 => {
                let error = answer.to_error();
                let is_final = error.kind() == ErrorKind::Rejected || error.kind() == ErrorKind::UnexpectedResponse;
                refuse(error, is_final)
            }
            status => refuse(not_understood(status), true),
        }
    }

    fn body(&self, scope: &Scope, validity: Duration) -> Result<Vec<u8>, Refusal> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct TokenRequest<'a> {
            merchant_code: &'a str,
            secret: &'a str,
            validity_secs: u64,
            #[serde(skip_serializing_if = "Option::is_none")]
            operations: &'a Option<Vec<String>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            money: &'a Option<Money>,
        }
        let request = TokenRequest {
            merchant_code: &self.code,
            secret: self.secret.expose_secret(),
            validity_secs: validity.as_secs(),
            operations: &scope.operations,
            money: &scope.money,
        };
        serde_json::to_vec(&request).map_err(|_| Refusal {
            error: Error::internal("the token request cannot be written as JSON"),
            is_final: true,
        })
    }
}

fn grant(issued: &Issued, fresh: bool) -> Grant {
    Grant {
        token: Arc::clone(&issued.token),
        number: Some(issued.number),
        key: issued.scope.key().to_owned(),
        fresh,
        locked: issued.scope.money.is_some(),
    }
}

pub(crate) fn read_token(body: &[u8]) -> Option<SecretString> {
    #[derive(Deserialize)]
    struct TokenAnswer {
        token: String,
    }
    let answer: TokenAnswer = object(std::str::from_utf8(body).ok()?).ok()?;
    is_token(&answer.token).then(|| SecretString::from(answer.token))
}

fn not_understood(status: u16) -> Error {
    Error::new(
        ErrorKind::UnexpectedResponse,
        format!("the answer to POST /auth-tokens ({status}) is not one of this API; is base_url right?"),
    )
    .with_status(status)
}
