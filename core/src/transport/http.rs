//! One HTTP attempt: exact headers, no retries, no redirects, bounded in size and time.

use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::Request;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};
use http::uri::{Authority, Parts, PathAndQuery, Scheme, Uri};
use http_body::Body;
use hyper::body::Incoming;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::answer::{Answer, date, retry_after};
use super::connection::{Connections, Connector, NoConnection, Over, PREPARED, Prepared};
use super::dial::dialer;
use super::gate::{Gate, GatedBody};
use super::pool::{Http, Pools};
use super::proxy::{self, Route};
use super::resolver::{self, Elsewhere, Resolver};
use crate::caller;
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
    pub path: Arc<str>,
    pub body: Option<Bytes>,
    /// The connection that it goes over.
    pub over: Over,
    /// What is personal of the request that it is about: no text that comes back may show it.
    pub personal: Arc<[String]>,
}

impl Operation {
    pub fn get(path: impl Into<Arc<str>>) -> Self {
        Self { method: http::Method::GET, path: path.into(), body: None, over: Over::Pool, personal: Arc::default() }
    }

    pub fn post(path: impl Into<Arc<str>>, body: impl Into<Bytes>) -> Self {
        let (path, body) = (path.into(), Some(body.into()));
        Self { method: http::Method::POST, path, body, over: Over::Pool, personal: Arc::default() }
    }

    /// The same, over such a connection.
    pub fn over(self, over: Over) -> Self {
        Self { over, ..self }
    }

    /// An operation about a request of which this is personal.
    pub fn about(self, personal: &Arc<[String]>) -> Self {
        Self { personal: Arc::clone(personal), ..self }
    }

    /// As histories name it.
    pub fn name(&self) -> String {
        [self.method.as_str(), " ", &self.path].concat()
    }

    /// The id of the payout that it is about, if it is about one.
    pub fn payout_id(&self) -> Option<&str> {
        self.path.strip_prefix("/payouts/").filter(|id| !id.starts_with('!'))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
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

/// The headers that a platform may tell its id of a request in, the likeliest first.
static REQUEST_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("x-correlation-id"),
];

/// The connections of one client.
pub(crate) struct Transport {
    pools: Pools,
    connections: Connections,
    base: Base,
    /// Those of every request.
    headers: HeaderMap,
    customer_id: Option<HeaderValue>,
    /// The merchant's secret, or its ready token; no text may repeat it.
    secret: Arc<SecretString>,
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
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let user_agent = format!("komopay-{}/{}", config.language, env!("CARGO_PKG_VERSION"));
        let user_agent = HeaderValue::from_str(&user_agent)
            .map_err(|_| Error::setting("language", "is not a valid header value"))?;
        let customer_id = config
            .customer_id
            .as_deref()
            .map(HeaderValue::from_str)
            .transpose()
            .map_err(|_| Error::setting("customer_id", "is not a valid header value"))?;
        let base = Base::of(base_url)?;
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(HOST, base.host.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(HeaderName::from_static("x-api-version"), HeaderValue::from_static("2"));
        headers.insert(USER_AGENT, user_agent);

        let route = if config.proxy.is_some() || config.proxy_from_environment {
            proxy::route(config.proxy.as_deref(), base_url, |name| std::env::var_os(name))?
        } else {
            Route::Direct
        };
        let proxy = route.proxy(&base.root);
        // Plain http never leaves this machine, whatever its name resolves to.
        let resolver = Resolver::new(lookup, base_url.scheme() == "http");
        let connections = Connections::new();
        let connector = Connector {
            dialer: dialer(resolver, proxy.as_ref(), Arc::new(tls(config, base_url)?)),
            patience: config.connect_timeout,
            connections: connections.clone(),
        };
        let pools = Pools::new(connector, config.pool_size);
        Ok(Self {
            pools,
            connections,
            base,
            headers,
            customer_id,
            secret: Arc::new(secret(config)),
            throttle,
            fair_patience: config.connect_timeout.min(config.limits().attempt / 2),
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
        token: Option<&Arc<SecretString>>,
        permit: Option<&mut Permit>,
        within: Duration,
        leave: impl Future<Output = ()>,
    ) -> Result<Answer, Failure> {
        let unsendable = |text: &str| Failure {
            kind: FailureKind::Unreadable,
            sent: false,
            unreached: false,
            text: text.to_owned(),
        };
        let pool = self.pools.here();
        let http = if matches!(operation.over, Over::Own(_)) { &pool.single } else { &pool.kept };
        let mut headers = self.headers.clone();
        if let Some(more) = caller::call().as_ref().and_then(|call| call.headers.as_deref()) {
            headers.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        if let Some(token) = token {
            let value = HeaderValue::try_from(["Bearer ", token.expose_secret()].concat());
            let mut value = value.map_err(|_| unsendable("the platform issued a token that cannot be sent"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if operation.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        // The contract knows this header on the calls that post on a customer's behalf, not on the token call.
        if let (Some(customer_id), Some(_), Some(_)) = (&self.customer_id, token, &operation.body) {
            headers.insert(HeaderName::from_static("id-customer"), customer_id.clone());
        }
        let (gate, body) = Gate::new(operation.body.clone());
        let mut request = Request::new(body);
        *request.method_mut() = operation.method.clone();
        *request.uri_mut() = self.base.at(&operation.path).map_err(|_| unsendable("its path cannot be sent"))?;
        *request.headers_mut() = headers;
        self.throttle.count(permit);
        let began = Instant::now();
        let exchange = async {
            match &operation.over {
                Over::Pool | Over::Confirmed => {
                    // Lets what came over idle connections be read first, also where nobody drove them meanwhile: one
                    // that was closed, or has an answer that nobody asked for, is none of the pool any more.
                    tokio::task::yield_now().await;
                    self.exchange(http, request).await
                }
                Over::Own(None) => self.exchange(http, request).await,
                Over::Own(Some(prepared)) => PREPARED.scope(prepared.clone(), self.exchange(http, request)).await,
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

    /// What the texts that come back of an operation must not show.
    fn texts(&self, operation: &Operation, token: Option<&Arc<SecretString>>) -> Scrubber {
        let credentials = [&self.secret].into_iter().chain(token);
        Scrubber::new(credentials, &operation.personal).sparing(operation.payout_id())
    }

    /// Opens a connection for one request to come, `within` this time. Nothing is sent.
    pub async fn prepare(&self, within: Duration) -> Prepared {
        let prepared = Prepared::wanted();
        let pool = self.pools.here();
        let mut request = Request::new(Gate::new(None).1);
        *request.uri_mut() = self.base.root.clone();
        let opening = PREPARED.scope(prepared.clone(), pool.single.request(request));
        // It ends without an answer either way. If there is no connection, its request finds out why.
        let _ = tokio::time::timeout(within, opening).await;
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

    async fn exchange(&self, http: &Http, request: Request<GatedBody>) -> Result<Answer, Trouble> {
        let response = http.request(request).await.map_err(|error| failure(&error, error.is_connect()))?;
        let is_first = self.connections.is_first(response.extensions());
        let headers = response.headers();
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let encoded = headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity");
        if encoded {
            return Err(Trouble::ours(FailureKind::Unreadable, "the answer is compressed, which was not asked for"));
        }
        let date = date(text(&DATE));
        let mut answer = Answer {
            status: response.status().as_u16(),
            date,
            // A date to wait for is one of the platform's clock, which need not agree with ours.
            retry_after: retry_after(text(&RETRY_AFTER), date.map_or_else(SystemTime::now, SystemTime::from)),
            request_id: REQUEST_IDS.iter().find_map(text).map(str::to_owned),
            is_first,
            body: Bytes::new(),
            texts: Scrubber::default(),
        };
        answer.body = self.whole(response.into_body()).await?;
        Ok(answer)
    }

    /// Reads a body to its end. One that came in one piece is not copied.
    async fn whole(&self, mut body: Incoming) -> Result<Bytes, Trouble> {
        let (mut first, mut all) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            let Ok(piece) = frame.map_err(|error| failure(&error, false))?.into_data() else { continue };
            if first.len() + all.len() + piece.len() > self.max_answer_bytes {
                let text = format!("the answer is larger than {} bytes", self.max_answer_bytes);
                return Err(Trouble::ours(FailureKind::Unreadable, text));
            }
            if first.is_empty() && all.is_empty() {
                first = piece;
            } else {
                all.extend_from_slice(&std::mem::take(&mut first));
                all.extend_from_slice(&piece);
            }
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

/// The base URL, in the parts that requests are made of: it is read once.
struct Base {
    root: Uri,
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    path: String,
    host: HeaderValue,
}

impl Base {
    fn of(url: &Url) -> Result<Self> {
        let root: Uri = url.as_str().parse().map_err(|_| Error::setting("base_url", "cannot be sent to"))?;
        let Parts { scheme: Some(scheme), authority: Some(authority), .. } = root.clone().into_parts() else {
            return Err(Error::setting("base_url", "has no host"));
        };
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|_| Error::setting("base_url", "has a host that cannot be sent"))?;
        Ok(Self { root, scheme, authority, path: url.path().trim_end_matches('/').to_owned(), host })
    }

    /// The URI of this path below it.
    fn at(&self, path: &str) -> Result<Uri, http::Error> {
        let path = PathAndQuery::try_from([&self.path, path].concat())?;
        let mut parts = Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Ok(Uri::from_parts(parts)?)
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

/// Why an exchange failed, `connecting` or later.
fn failure(error: &(dyn StdError + 'static), connecting: bool) -> Trouble {
    let (mut source, mut kind) = (Some(error), FailureKind::Network);
    while let Some(cause) = source {
        let elsewhere = cause.downcast_ref::<Elsewhere>().map(ToString::to_string);
        if let Some(what_to_do) = elsewhere.or_else(|| proxy::refusal(cause)) {
            return Trouble::ours(FailureKind::Configuration, what_to_do);
        }
        if let Some(rustls::Error::InvalidCertificate(_)) = tls_error(cause) {
            kind = FailureKind::Configuration;
        }
        if is_timeout(cause) {
            kind = FailureKind::TimedOut;
        }
        source = cause.source();
    }
    let no_connection = connecting && kind != FailureKind::Configuration;
    Trouble { kind, text: chain(error), is_foreign: true, no_connection }
}

/// Whether a time was over: ours for a connection, or the system's for a peer that says nothing.
fn is_timeout(cause: &(dyn StdError + 'static)) -> bool {
    cause.is::<NoConnection>()
        || cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// rustls's error, which travels inside an `io::Error`, perhaps inside another: `source` passes over what they hold.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

/// An error's text with its causes: its own says too little.
fn chain(error: &dyn StdError) -> String {
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
