//! One HTTP attempt over reqwest: exact headers, no retries, no redirects, bounded in size and time.

use std::error::Error as StdError;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::answer::{Answer, date, retry_after};
use super::connection::{Connections, Over, PREPARED, Prepared};
use super::gate::Gate;
use super::pool::{self, Pools};
use super::proxy;
use super::resolver::{self, Elsewhere, LoopbackOnly};
use crate::config::Config;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::scrub::Scrubber;
use crate::throttle::{Heard, Permit, Throttle};
use crate::timing::whole_millis;

/// One call of the API: its method, its path and its body.
#[derive(Clone)]
pub(crate) struct Operation {
    pub method: http::Method,
    /// The path below the base URL, with the real ids in it.
    pub path: String,
    pub body: Option<Bytes>,
    /// The connection that it goes over.
    pub over: Over,
    /// What is personal of the request that it is about: no text that comes back may show it.
    pub personal: Vec<String>,
}

impl Operation {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: http::Method::GET, path: path.into(), body: None, over: Over::Pool, personal: Vec::new() }
    }

    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        let (path, body) = (path.into(), Some(body.into()));
        Self { method: http::Method::POST, path, body, over: Over::Pool, personal: Vec::new() }
    }

    /// The same, over such a connection.
    pub fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// An operation about a request of which this is personal.
    pub fn about(self, personal: &[&str]) -> Self {
        Self { personal: personal.iter().map(|text| (*text).to_owned()).collect(), ..self }
    }

    /// The id of the payout that it is about, if it is about one.
    pub fn payout_id(&self) -> Option<&str> {
        self.path.strip_prefix("/payouts/").filter(|id| !id.starts_with('!'))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Why no answer came back.
pub(crate) struct Failure {
    pub kind: FailureKind,
    /// Whether a byte of the request's body may have reached the platform.
    pub sent: bool,
    /// No connection could be made, and nothing of this client ever reached the platform.
    pub unreached: bool,
    /// The text for people. It holds no header, no body and no URL.
    pub text: String,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection, or it broke.
    Network,
    /// The time for this attempt was over.
    TimedOut,
    /// No connection until something is set right: the server's certificate does not verify, the proxy refuses its
    /// password, or the name of this machine leads elsewhere.
    Configuration,
    /// An answer came that is not read: too large, or encoded.
    Unreadable,
}

impl Failure {
    /// The error that this failure means where nothing was sent, or to a read.
    pub fn to_error(&self) -> Error {
        let kind = match self.kind {
            FailureKind::Network => ErrorKind::Unavailable,
            FailureKind::TimedOut => ErrorKind::TimedOut,
            FailureKind::Configuration => ErrorKind::Configuration,
            FailureKind::Unreadable => ErrorKind::UnexpectedResponse,
        };
        Error::new(kind, self.text.clone()).with_unreached(self.unreached)
    }
}

/// The connections of one client.
pub(crate) struct Transport {
    pools: Pools,
    connections: Connections,
    base: Url,
    customer_id: Option<HeaderValue>,
    /// The merchant's secret, or its ready token; no text may repeat it.
    secret: SecretString,
    throttle: Arc<Throttle>,
    /// A request that got less time than this may well have been answered later.
    fair_patience: Duration,
    max_answer_bytes: usize,
}

impl Transport {
    /// Connections as the settings say. Nothing is opened yet.
    pub fn new(config: &Config, base_url: &Url, throttle: Arc<Throttle>) -> Result<Self> {
        Self::with_lookup(config, base_url, throttle, resolver::system)
    }

    /// As [`Transport::new`], with a way of its own to look up the names of this machine.
    pub(super) fn with_lookup<L, F>(config: &Config, base_url: &Url, throttle: Arc<Throttle>, lookup: L) -> Result<Self>
    where
        L: Fn(String) -> F + Send + Sync + 'static,
        F: Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let user_agent = format!("komopay-{}/{}", config.language, env!("CARGO_PKG_VERSION"));
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("x-api-version"), HeaderValue::from_static("2"));
        let user_agent = HeaderValue::from_str(&user_agent)
            .map_err(|_| Error::setting("language", "is not a valid header value"))?;
        headers.insert(USER_AGENT, user_agent);
        let customer_id = config
            .customer_id
            .as_deref()
            .map(HeaderValue::from_str)
            .transpose()
            .map_err(|_| Error::setting("customer_id", "is not a valid header value"))?;

        // Plain http never leaves this machine, whatever its name resolves to.
        let resolver =
            (base_url.scheme() == "http").then(|| Arc::new(LoopbackOnly(lookup)) as Arc<dyn reqwest::dns::Resolve>);
        let connections = Connections::new();
        let pools = Pools::new(pool::Settings {
            headers,
            connect_timeout: config.connect_timeout,
            idle: config.pool_size,
            tls: tls(config, base_url)?,
            route: proxy::route(config.proxy.as_deref(), base_url, |name| std::env::var_os(name))?,
            resolver,
            connections: connections.clone(),
        })?;
        Ok(Self {
            pools,
            connections,
            base: base_url.clone(),
            customer_id,
            secret: secret(config),
            throttle,
            fair_patience: config.connect_timeout.min(config.attempt_timeout / 2),
            max_answer_bytes: config.max_answer_bytes,
        })
    }

    /// Sends one request and reads its answer, all `within` this time.
    ///
    /// `Failure::sent` is exact for a request with a body: see [`super::gate`]. For one without, it means nothing. Once
    /// `leave` is done, it is not sent any more; if it was, its answer is read to the end. It counts as the one of its
    /// permit, or as one that had none.
    pub async fn send(
        &self,
        operation: &Operation,
        token: Option<&str>,
        permit: Option<&mut Permit>,
        within: Duration,
        leave: impl Future<Output = ()>,
    ) -> Result<Answer, Failure> {
        let pool = self.pools.here().map_err(|error| Failure {
            kind: FailureKind::Configuration,
            sent: false,
            unreached: false,
            text: error.message().to_owned(),
        })?;
        let http = if matches!(operation.over, Over::Own(_)) { &pool.single } else { &pool.kept };
        let mut request = http.request(operation.method.clone(), self.url(&operation.path));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| Failure {
                kind: FailureKind::Unreadable,
                sent: false,
                unreached: false,
                text: "the platform issued a token that cannot be sent".to_owned(),
            })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let (gate, body) = Gate::new(operation.body.clone().unwrap_or_default());
        if operation.body.is_some() {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(reqwest::Body::wrap(body));
        }
        // The contract knows this header on the calls that post on a customer's behalf, not on the token call.
        if let (Some(customer_id), Some(_), Some(_)) = (&self.customer_id, token, &operation.body) {
            request = request.header("Id-Customer", customer_id.clone());
        }
        self.throttle.count(permit);
        let began = Instant::now();
        let exchange = async {
            match &operation.over {
                Over::Pool | Over::Confirmed => {
                    // Lets what came over idle connections be read first, also where nobody drove them meanwhile: one
                    // that was closed, or has an answer that nobody asked for, is none of the pool any more.
                    tokio::task::yield_now().await;
                    self.exchange(request).await
                }
                Over::Own(None) => self.exchange(request).await,
                Over::Own(Some(prepared)) => PREPARED.scope(prepared.clone(), self.exchange(request)).await,
            }
        };
        let mut exchange = Box::pin(tokio::time::timeout(within, exchange));
        let result = tokio::select! {
            biased;
            result = &mut exchange => result,
            () = leave => {
                if !gate.shut() {
                    let text = "given up before it was sent".to_owned();
                    return Err(Failure { kind: FailureKind::Network, sent: false, unreached: false, text });
                }
                exchange.await
            }
        };
        let (texts, took) = (self.texts(operation, token), began.elapsed());
        let result = match result {
            Ok(Ok(answer)) => {
                self.throttle.reached();
                Ok(answer)
            }
            // What a proxy or another peer says on the way: its numbers are addresses and ports.
            Ok(Err(Trouble { kind, text, is_foreign, no_connection })) => {
                let text = if is_foreign { texts.clone().knowing_the_account().text(&text) } else { text };
                let sent = gate.shut();
                let unreached = self.throttle.is_unreached(sent, no_connection);
                Err(Failure { kind, sent, unreached, text })
            }
            Err(_) => {
                let sent = gate.shut();
                // A body goes out as soon as there is a connection.
                let no_connection = operation.body.is_some() && took >= self.fair_patience;
                let unreached = self.throttle.is_unreached(sent, no_connection);
                let text = format!("no answer within {:?}", Duration::from_millis(whole_millis(within)));
                Err(Failure { kind: FailureKind::TimedOut, sent, unreached, text })
            }
        };
        if let Some(heard) = self.heard(&result, took) {
            self.throttle.heard(began, heard);
        }
        let answer = result?;
        // A read may show another's payout.
        let knows_account = operation.body.is_some() && !operation.personal.is_empty();
        let texts = if knows_account { texts.knowing_the_account() } else { texts };
        let request_id = answer.request_id.map(|id| texts.request_id(&id));
        Ok(Answer { request_id, texts, ..answer })
    }

    /// The URL of this path. Only the path is read anew, since to read a URL costs as much as to send a request.
    fn url(&self, path: &str) -> Url {
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }

    /// What the texts that come back of an operation must not show.
    fn texts(&self, operation: &Operation, token: Option<&str>) -> Scrubber {
        let personal: Vec<&str> = operation.personal.iter().map(String::as_str).collect();
        let credentials = [self.secret.expose_secret(), token.unwrap_or_default()];
        Scrubber::new(&credentials, &personal).sparing(operation.payout_id())
    }

    /// Opens a connection for one request to come, `within` this time. Nothing is sent.
    pub async fn prepare(&self, within: Duration) -> Prepared {
        let prepared = Prepared::wanted();
        if let Ok(pool) = self.pools.here() {
            let opening = PREPARED.scope(prepared.clone(), pool.single.get(self.base.clone()).send());
            // It ends without an answer either way. If there is no connection, its request finds out why.
            let _ = tokio::time::timeout(within, opening).await;
        }
        prepared.settle();
        prepared
    }

    /// What a request that took so long tells about the platform, if it tells anything.
    fn heard(&self, result: &Result<Answer, Failure>, took: Duration) -> Option<Heard> {
        match result {
            Ok(answer) => Some(match answer.status {
                429 => Heard::TooMany { retry_after: answer.retry_after },
                500..=599 => Heard::Silence,
                _ => Heard::Answer,
            }),
            Err(failure) => match failure.kind {
                FailureKind::TimedOut if took < self.fair_patience => None,
                FailureKind::Network | FailureKind::TimedOut => Some(Heard::Silence),
                FailureKind::Configuration | FailureKind::Unreadable => Some(Heard::Answer),
            },
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Answer, Trouble> {
        let mut response = request.send().await.map_err(failure)?;
        let is_first = self.connections.is_first(response.extensions());
        let headers = response.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let encoded = headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity");
        if encoded {
            return Err(Trouble::ours(FailureKind::Unreadable, "the answer is compressed, which was not asked for"));
        }
        let date = date(text("date"));
        let mut answer = Answer {
            status: response.status().as_u16(),
            date,
            // A date to wait for is one of the platform's clock, which need not agree with ours.
            retry_after: retry_after(text("retry-after"), date.map_or_else(SystemTime::now, SystemTime::from)),
            request_id: ["x-request-id", "request-id", "x-correlation-id"]
                .into_iter()
                .find_map(text)
                .map(str::to_owned),
            is_first,
            body: Bytes::new(),
            texts: Scrubber::default(),
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failure)? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                let text = format!("the answer is larger than {} bytes", self.max_answer_bytes);
                return Err(Trouble::ours(FailureKind::Unreadable, text));
            }
            body.extend_from_slice(&chunk);
        }
        answer.body = body.freeze();
        Ok(answer)
    }
}

fn secret(config: &Config) -> SecretString {
    match &config.credentials {
        Credentials::Merchant { secret, .. } => secret.clone(),
        Credentials::Token(token) => token.clone(),
        Credentials::Provider(_) => SecretString::default(),
    }
}

/// TLS with the operating system's trust store, and the merchant's own authorities besides.
fn tls(config: &Config, base_url: &Url) -> Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::Configuration, format!("TLS: {error}")))?;
    // Plain http to loopback meets no certificate, and must work where no trust store is installed.
    if base_url.scheme() == "http" {
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    let verifier = Verifier::new_with_extra_roots(extra_authorities(config)?, provider).map_err(|error| {
        Error::new(
            ErrorKind::Configuration,
            format!("no trusted certificate authorities: {error}; install the system's, or set ca_file"),
        )
    })?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
    // rustls calls any verifier but its own "dangerous"; this one asks the operating system.
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

fn extra_authorities(config: &Config) -> Result<Vec<CertificateDer<'static>>> {
    let Some(path) = &config.ca_file else { return Ok(Vec::new()) };
    let refuse = |problem: String| Error::setting("ca_file", problem);
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refuse(format!("{} cannot be read: {error}", path.display())))?;
    if certificates.is_empty() {
        return Err(refuse(format!("{} holds no PEM certificate", path.display())));
    }
    Ok(certificates)
}

/// Why an exchange brought no answer.
struct Trouble {
    kind: FailureKind,
    text: String,
    /// Others have worded it, who may repeat what they were sent.
    is_foreign: bool,
    /// There was not even a connection.
    no_connection: bool,
}

impl Trouble {
    fn ours(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), is_foreign: false, no_connection: false }
    }
}

fn failure(error: reqwest::Error) -> Trouble {
    let error = error.without_url();
    let mut source: Option<&(dyn StdError + 'static)> = Some(&error);
    let mut kind = if error.is_timeout() { FailureKind::TimedOut } else { FailureKind::Network };
    while let Some(cause) = source {
        let elsewhere = cause.downcast_ref::<Elsewhere>().map(ToString::to_string);
        if let Some(what_to_do) = elsewhere.or_else(|| proxy::refusal(cause)) {
            return Trouble::ours(FailureKind::Configuration, what_to_do);
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = tls_error(cause) {
            kind = FailureKind::Configuration;
        }
        source = cause.source();
    }
    let no_connection = error.is_connect() && kind != FailureKind::Configuration;
    Trouble { kind, text: chain(&error), is_foreign: true, no_connection }
}

/// rustls's error, which travels inside an `io::Error`, perhaps inside another: `source` passes over what they hold.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<std::io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

/// An error's text with its causes: reqwest's own says too little.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
