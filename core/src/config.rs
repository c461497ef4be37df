//! The settings of a client, their defaults, and what makes them unusable.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::auth::TokenProvider;
use crate::callbacks::{CallbackKey, ChangeStore};
use crate::error::{Error, Result};
use crate::money::Money;
use crate::payouts::outcome::Limits;

/// KomoPay's own sandbox host, with test data (source: KomoPay's published payout page).
///
/// The live host is given to each merchant; it cannot be derived from this one.
pub const SANDBOX_URL: &str = "https://api.sandbox.komopay.id";

/// Who the merchant is: code and secret, or a ready token.
#[derive(Clone)]
pub enum Credentials {
    /// The merchant code and the secret key. The client issues its own tokens, each for one payout only.
    Merchant {
        /// The merchant's code, from enrolment.
        code: String,
        /// The merchant's secret key.
        secret: SecretString,
    },
    /// A token that someone else issued, for example a merchant's server for a mobile app. It is never renewed.
    Token(SecretString),
    /// A function that provides such tokens.
    Provider(TokenProvider),
}

impl Credentials {
    /// Credentials of a merchant.
    #[must_use]
    pub fn merchant(code: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::Merchant { code: code.into(), secret: SecretString::from(secret.into()) }
    }

    /// A ready token.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(SecretString::from(token.into()))
    }

    fn check(&self) -> Result<()> {
        let (name, text) = match self {
            Self::Merchant { code, .. } if code.is_empty() => {
                return Err(Error::setting("merchant_code", "is empty"));
            }
            Self::Merchant { secret, .. } => ("secret", secret),
            Self::Token(token) => ("token", token),
            // What it provides is checked when it has provided it.
            Self::Provider(_) => return Ok(()),
        };
        let text = text.expose_secret();
        if text.is_empty() {
            return Err(Error::setting(name, "is empty"));
        }
        if name == "secret" && text.chars().count() > 1000 {
            return Err(Error::setting(name, "is longer than 1000 characters"));
        }
        if name == "token" && !is_token(text) {
            return Err(Error::setting(name, "has characters that no token has; is there a line break at its end?"));
        }
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant { code, .. } => write!(f, "Credentials(merchant_code: {code:?})"),
            Self::Token(_) => f.write_str("Credentials(token)"),
            Self::Provider(_) => f.write_str("Credentials(token provider)"),
        }
    }
}

/// Whether this can be the text of a token at all.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())
}

/// Which tokens the client issues for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// One token for one payout: it allows exactly the calls needed, and a create of exactly that money.
    #[default]
    Payout,
    /// One token for every call of this client, without a list of operations. Fewer token calls, but a leaked token
    /// can do all that the merchant can. What the platform lets such a token do is not published.
    Everything,
}

/// The settings of a [`Client`](crate::Client). `Config::new` gives the defaults; every field may be changed.
///
/// Durations are settable down to 1 ms.
///
/// ```
/// use komopay_core::{Client, Config, Credentials, SANDBOX_URL};
/// use std::time::Duration;
///
/// let mut config = Config::new(SANDBOX_URL, Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET"));
/// config.total_timeout = Duration::from_secs(60);
/// let client = Client::new(config)?;
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Config {
    /// Where the platform is, such as [`SANDBOX_URL`]. It may have a path prefix. Plain `http` is for loopback only.
    pub base_url: String,
    /// Who the merchant is.
    pub credentials: Credentials,
    /// Which tokens the client issues for itself: [`TokenScope::Payout`].
    pub token_scope: TokenScope,
    /// For how long an issued token is asked to be valid: 600 s (60 to 3600).
    pub token_validity: Duration,
    /// The deadline of a whole call: token, attempts, pauses and settling: 90 s.
    pub total_timeout: Duration,
    /// The deadline of one request on the wire: 20 s, and at most half of `total_timeout`.
    pub attempt_timeout: Duration,
    /// The deadline for making a connection: 5 s.
    pub connect_timeout: Duration,
    /// For how long after a lost create a read may not yet show it, or it may still execute: 30 s.
    pub settle_window: Duration,
    /// The longest first pause between attempts: 250 ms. Pauses double, and each is drawn between nothing and its
    /// longest ("full jitter").
    pub backoff_base: Duration,
    /// The longest pause between attempts: 5 s.
    pub backoff_cap: Duration,
    /// How many times a read is tried before it gives up: 4.
    pub read_attempts: u32,
    /// How many requests this client sends in a second on average, such as `20.0`, or `0.5` for one in two seconds; no
    /// limit without it. A call that needs a token first sends two at once, and the next ones wait for it. Calls that have to wait go in the order they came. A 429 halves it for a while. A read that
    /// settles a create never waits for it, but counts.
    pub requests_per_second: Option<f64>,
    /// How many calls have a request under way at a time at the most; no limit without it. It is kept, and lowered by a
    /// 429, as `requests_per_second` is.
    pub max_concurrency: Option<u32>,
    /// How many idle connections are kept open: 64.
    pub pool_size: usize,
    /// The largest answer that is read, in bytes: 1 MiB.
    pub max_answer_bytes: usize,
    /// A proxy for every call, such as `http://proxy:3128`. Without one, the environment's proxy settings are used,
    /// but never for a loopback host.
    pub proxy: Option<String>,
    /// A PEM file with certificate authorities to trust besides the operating system's.
    pub ca_file: Option<PathBuf>,
    /// The value of the `Id-Customer` header, which is not sent without one. Its purpose is not documented.
    pub customer_id: Option<String>,
    /// The most that one payout may be, for each currency named here. It holds even where `validate` is off.
    pub max_amount: Vec<Money>,
    /// Which world this client belongs to: `Some(true)` for test data, `Some(false)` for live money. A payout of the
    /// other one (`isTest`) is a `configuration` error of a read, and never taken for a create's own.
    pub is_test: Option<bool>,
    /// Whether requests are checked before they are sent. The platform may loosen a limit before this SDK knows.
    pub validate: bool,
    /// The keys that callback URLs are signed with: the first signs, all of them verify. Each is the merchant's own
    /// choice, at least 32 bytes of random text, and never the secret. At most 8.
    pub callback_keys: Vec<CallbackKey>,
    /// Where the changes of payouts are kept until the application has handled them. Without one, callbacks and reads
    /// record nothing. A store belongs to the base URL, the merchant code (or to none: a token) and the `is_test` of the
    /// first client that is made with it, and is refused to clients of others.
    pub change_store: Option<Arc<dyn ChangeStore>>,
    /// For how long a change belongs to who took it, before it is given to somebody else: 60 s.
    pub change_lease: Duration,
    /// The language in `User-Agent: komopay-<lang>/<version>`: `rust`. Bindings put theirs.
    pub language: &'static str,
}

impl Config {
    /// The default settings.
    #[must_use]
    pub fn new(base_url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            base_url: base_url.into(),
            credentials,
            token_scope: TokenScope::default(),
            token_validity: Duration::from_secs(600),
            total_timeout: Duration::from_secs(90),
            attempt_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            settle_window: Duration::from_secs(30),
            backoff_base: Duration::from_millis(250),
            backoff_cap: Duration::from_secs(5),
            read_attempts: 4,
            requests_per_second: None,
            max_concurrency: None,
            pool_size: 64,
            max_answer_bytes: 1024 * 1024,
            proxy: None,
            ca_file: None,
            customer_id: None,
            max_amount: Vec::new(),
            is_test: None,
            validate: true,
            callback_keys: Vec::new(),
            change_store: None,
            change_lease: Duration::from_secs(60),
            language: "rust",
        }
    }

    /// Checks everything that can be known without a network, and gives the base URL, its path without a trailing slash.
    pub(crate) fn check(&self) -> Result<Url> {
        self.credentials.check()?;
        for (name, value) in [
            ("total_timeout", self.total_timeout),
            ("attempt_timeout", self.attempt_timeout),
            ("connect_timeout", self.connect_timeout),
            ("settle_window", self.settle_window),
            ("backoff_base", self.backoff_base),
            ("backoff_cap", self.backoff_cap),
            ("change_lease", self.change_lease),
        ] {
            if value < Duration::from_millis(1) {
                return Err(Error::setting(name, "must be at least 1 ms"));
            }
        }
        // A year is already no deadline; it keeps every sum of times far from overflow.
        if self.total_timeout > Duration::from_secs(365 * 24 * 3600) {
            return Err(Error::setting("total_timeout", "must be at most 365 days"));
        }
        if self.change_lease > Duration::from_secs(365 * 24 * 3600) {
            return Err(Error::setting("change_lease", "must be at most 365 days"));
        }
        if self.backoff_cap < self.backoff_base {
            return Err(Error::setting("backoff_cap", "must not be below backoff_base"));
        }
        if self.attempt_timeout > self.total_timeout / 2 {
            return Err(Error::setting(
                "attempt_timeout",
                "must be at most half of total_timeout, so that a lost create can be settled",
            ));
        }
        if !(60..=3600).contains(&self.token_validity.as_secs()) {
            return Err(Error::setting("token_validity", "must be 60 s to 3600 s"));
        }
        let currencies: BTreeSet<&str> = self.max_amount.iter().map(Money::currency).collect();
        if currencies.len() < self.max_amount.len() {
            return Err(Error::setting("max_amount", "has two amounts for one currency"));
        }
        if self.read_attempts == 0 {
            return Err(Error::setting("read_attempts", "must be at least 1"));
        }
        if self.requests_per_second.is_some_and(|rate| !(0.001..=1_000_000.0).contains(&rate)) {
            return Err(Error::setting("requests_per_second", "must be 0.001 to 1000000; leave it out for no limit"));
        }
        if self.max_concurrency == Some(0) {
            return Err(Error::setting("max_concurrency", "must be at least 1; leave it out for no limit"));
        }
        if self.max_answer_bytes < 1024 {
            return Err(Error::setting("max_answer_bytes", "must be at least 1024"));
        }
        self.check_callback_keys()?;
        self.check_base_url()
    }

    fn check_callback_keys(&self) -> Result<()> {
        let refuse = |problem: &str| Err(Error::setting("callback_keys", problem));
        if self.callback_keys.len() > 8 {
            return refuse("has more than 8 keys");
        }
        for key in &self.callback_keys {
            if key.expose().len() < 32 {
                return refuse("has a key of less than 32 bytes; make one, for example with `openssl rand -hex 32`");
            }
            // The platform knows the secret, and it is sent to get tokens: who learns it must not be able to sign.
            if matches!(&self.credentials, Credentials::Merchant { secret, .. } if secret.expose_secret() == key.expose())
            {
                return refuse("has the merchant's secret as a key; it needs one of its own");
            }
        }
        Ok(())
    }

    fn check_base_url(&self) -> Result<Url> {
        let refuse = |problem: &str| Err(Error::setting("base_url", problem));
        let Ok(mut url) = Url::parse(&self.base_url) else {
            return refuse("is no URL; give one such as https://api.sandbox.komopay.id");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("must not hold a user name or password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("must not have a query or a fragment");
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return refuse("must be https: plain http is for a loopback host only"),
            _ => return refuse("must start with https://"),
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            total: self.total_timeout,
            attempt: self.attempt_timeout,
            settle_window: self.settle_window,
            backoff_base: self.backoff_base,
            backoff_cap: self.backoff_cap,
        }
    }
}

/// The main settings, and no user name or password of a URL.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &without_user(&self.base_url))
            .field("credentials", &self.credentials)
            .field("token_scope", &self.token_scope)
            .field("total_timeout", &self.total_timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("settle_window", &self.settle_window)
            .field("requests_per_second", &self.requests_per_second)
            .field("max_concurrency", &self.max_concurrency)
            .field("proxy", &self.proxy.as_deref().map(without_user))
            .field("ca_file", &self.ca_file)
            .field("max_amount", &self.max_amount)
            .field("is_test", &self.is_test)
            .field("validate", &self.validate)
            .field("callback_keys", &self.callback_keys.len())
            .finish_non_exhaustive()
    }
}

/// A URL as it may be shown.
fn without_user(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
        Err(_) => "[no URL]".to_owned(),
    }
}

/// Whether the URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn config() -> Config {
        Config::new(SANDBOX_URL, Credentials::merchant("CODE", "secret"))
    }

    #[test]
    fn a_bad_setting_is_refused_by_its_name() {
        type Change = fn(&mut Config);
        let cases: &[(&str, Change)] = &[
            ("base_url", |c| c.base_url = "api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "http://api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "http://localhost.evil.example".to_owned()),
            ("base_url", |c| c.base_url = "https://user:pw@api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "https://api.komopay.id/?a=b".to_owned()),
            ("base_url", |c| c.base_url = "ftp://api.komopay.id".to_owned()),
            ("merchant_code", |c| c.credentials = Credentials::merchant("", "secret")),
            ("secret", |c| c.credentials = Credentials::merchant("CODE", "")),
            ("secret", |c| c.credentials = Credentials::merchant("CODE", "x".repeat(1001))),
            ("token", |c| c.credentials = Credentials::token("")),
            ("token", |c| c.credentials = Credentials::token("abc\n")),
            ("total_timeout", |c| c.total_timeout = Duration::ZERO),
            ("total_timeout", |c| c.total_timeout = Duration::MAX),
            ("attempt_timeout", |c| c.attempt_timeout = Duration::from_secs(46)),
            ("attempt_timeout", |c| c.attempt_timeout = Duration::from_micros(1)),
            ("connect_timeout", |c| c.connect_timeout = Duration::ZERO),
            ("settle_window", |c| c.settle_window = Duration::ZERO),
            ("backoff_base", |c| c.backoff_base = Duration::ZERO),
            ("backoff_cap", |c| c.backoff_cap = Duration::from_millis(1)),
            ("token_validity", |c| c.token_validity = Duration::from_secs(59)),
            ("read_attempts", |c| c.read_attempts = 0),
            ("requests_per_second", |c| c.requests_per_second = Some(0.0)),
            ("requests_per_second", |c| c.requests_per_second = Some(-1.0)),
            ("requests_per_second", |c| c.requests_per_second = Some(f64::NAN)),
            ("requests_per_second", |c| c.requests_per_second = Some(f64::INFINITY)),
            ("requests_per_second", |c| c.requests_per_second = Some(1_000_001.0)),
            ("max_concurrency", |c| c.max_concurrency = Some(0)),
            ("change_lease", |c| c.change_lease = Duration::ZERO),
            ("change_lease", |c| c.change_lease = Duration::MAX),
            ("callback_keys", |c| c.callback_keys = vec![CallbackKey::new("x".repeat(31))]),
            ("callback_keys", |c| c.callback_keys = vec![CallbackKey::new("x".repeat(32)); 9]),
            ("callback_keys", |c| {
                let secret = "s".repeat(40);
                c.credentials = Credentials::merchant("CODE", secret.clone());
                c.callback_keys = vec![CallbackKey::new("x".repeat(32)), CallbackKey::new(secret)];
            }),
            ("max_answer_bytes", |c| c.max_answer_bytes = 0),
            ("max_amount", |c| c.max_amount = vec![Money::new("1", "IDR").unwrap(), Money::new("2", "IDR").unwrap()]),
        ];
        for (name, change) in cases {
            let mut config = config();
            change(&mut config);
            let error = config.check().unwrap_err();
            assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some(*name)));
        }
    }

    #[test]
    fn a_base_url_may_have_a_prefix_and_loopback_may_be_plain() {
        for (given, used) in [
            ("https://api.komopay.id", "https://api.komopay.id/"),
            ("https://api.komopay.id/", "https://api.komopay.id/"),
            ("https://gateway.example/pay/v2/", "https://gateway.example/pay/v2"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("http://localhost:8080", "http://localhost:8080/"),
        ] {
            let mut config = config();
            given.clone_into(&mut config.base_url);
            assert_eq!(config.check().unwrap().as_str(), used);
        }
    }

    #[test]
    fn settings_show_no_secret() {
        let mut config = config();
        config.proxy = Some("http://user:proxy-canary@proxy:3128".to_owned());
        config.callback_keys = vec![CallbackKey::new("key-canary-0123456789-0123456789")];
        let shown = format!("{config:?} {:?} {:?}", Credentials::token("token-canary"), config.callback_keys);
        assert!(shown.contains("http://proxy"), "{shown}");
        assert!(!shown.contains("\"secret\"") && !shown.contains("canary"), "{shown}");
    }
}
