//! The settings of a client, their defaults, and what makes them unusable.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use url::{Host, Url};

use crate::address;
use crate::callback_url::CallbackKey;
use crate::changes::ChangeStore;
use crate::credentials::{Credentials, TokenScope, check_ends};
use crate::error::{Error, Result};
use crate::money::{Money, currency_problem};
use crate::telemetry::Telemetry;
use crate::timing::Limits;

/// KomoPay's own sandbox host, with test data (source: KomoPay's published payout page).
///
/// The live host is given to each merchant; it cannot be derived from this one.
pub const SANDBOX_URL: &str = "https://api.sandbox.komopay.id";

/// For how long a call tries to connect as long as nothing of its client ever reached the platform: a wrong port or
/// host name shall be noticed before `total_timeout` is over.
const UNREACHED: Duration = Duration::from_secs(10);

/// The deadline of one request, where no other is given.
const ATTEMPT: Duration = Duration::from_secs(20);

/// A year is already no deadline; it keeps every sum of times far from overflow.
pub(crate) const LONGEST_TOTAL: Duration = Duration::from_secs(365 * 24 * 3600);

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
#[allow(clippy::struct_excessive_bools, reason = "settings, each of which is a yes or no")]
pub struct Config {
    /// Where the platform is, such as [`SANDBOX_URL`]. It may have a path prefix. Plain `http` is for this machine
    /// only: whatever a name such as `localhost` resolves to, nothing is sent to an address that is not loopback.
    pub base_url: String,
    /// Who the merchant is.
    pub credentials: Credentials,
    /// Which tokens the client issues for itself: [`TokenScope::Payout`].
    pub token_scope: TokenScope,
    /// For how long an issued token is asked to be valid: 600 s (60 to 3600).
    pub token_validity: Duration,
    /// The deadline of a whole call: token, attempts, pauses and settling: 90 s.
    pub total_timeout: Duration,
    /// The deadline of one request on the wire: 20 s, or half of a `total_timeout` that is less than 40 s. One that is
    /// given may be at most half of `total_timeout`.
    pub attempt_timeout: Duration,
    /// The deadline for making a connection: 5 s. An `attempt_timeout` that is less ends it before.
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
    /// limit without it. A call that needs a token first sends two at once, and the next ones wait for it. Calls that
    /// have to wait go in the order they came. A 429 halves it for a while. A read that settles a create never waits
    /// for it, but counts.
    pub requests_per_second: Option<f64>,
    /// How many calls have a request under way at a time at the most; no limit without it. It is kept, and lowered by a
    /// 429, as `requests_per_second` is.
    pub max_concurrency: Option<u32>,
    /// How many idle connections are kept open, on each runtime that calls are made on: 64.
    pub pool_size: usize,
    /// Whether each create goes over a connection of its own, opened beside the token call: then no answer to an
    /// earlier exchange can be taken for the one to it, and a refusal needs no read to confirm it. Off: it costs a
    /// connection for each payout.
    pub connection_per_create: bool,
    /// The largest answer that is read, in bytes: 1 MiB.
    pub max_answer_bytes: usize,
    /// A proxy for every call, `http` or `https`, such as `http://proxy:3128`. Without one, that of the environment is
    /// used (`HTTPS_PROXY`, `ALL_PROXY`, not for the hosts of `NO_PROXY`), but never for a loopback host. One that
    /// cannot be used is refused when the client is made. Plain `http` goes through no proxy.
    pub proxy: Option<String>,
    /// Whether the proxy of the environment, or of the operating system, is used where `proxy` gives none: true.
    pub proxy_from_environment: bool,
    /// A PEM file with certificate authorities to trust besides the operating system's.
    pub ca_file: Option<PathBuf>,
    /// The value of the `Id-Customer` header, which is not sent without one. Its purpose is not documented.
    pub customer_id: Option<String>,
    /// The most that one payout may be, for each currency named here, each an amount that could be paid. It holds even
    /// where `validate` is off.
    pub max_amount: Vec<Money>,
    /// Which mode this client belongs to: `Some(true)` for test data, `Some(false)` for live money. A payout of the
    /// other one (`isTest`) is a `configuration` error of a read, and never taken for a create's own. A client of live
    /// money is not made for [`SANDBOX_URL`], nor for a loopback host, where a stand-in would say that it paid.
    pub is_test: Option<bool>,
    /// A local proxy at this loopback address leads to the live platform: then, and only then, `is_test` may be
    /// `Some(false)` with it.
    pub loopback_is_live: bool,
    /// Whether requests are checked before they are sent. The platform may loosen a limit before this SDK knows.
    pub validate: bool,
    /// The keys that callback URLs are signed with: the first signs, all of them verify. Each is the merchant's own
    /// choice, at least 32 bytes of random text, and never the secret. At most 8.
    pub callback_keys: Vec<CallbackKey>,
    /// Where the changes of payouts are kept until the application has handled them. Without one, callbacks and reads
    /// record nothing. A store belongs to the base URL, the merchant code (or to none: a token) and the `is_test` of
    /// the first client that is made with it, and is refused to clients of others.
    pub change_store: Option<Arc<dyn ChangeStore>>,
    /// For how long a change belongs to who took it, before it is given to somebody else: 60 s.
    pub change_lease: Duration,
    /// For how long a change stays in the store after it is over, which is acknowledged, and followed by a later one of
    /// its payout: 30 days, for who wants to look what was told. The last change of each payout stays for ever: by it,
    /// what comes late or twice is told from what is new.
    pub keep_changes: Duration,
    /// The deadline of `handle_callback`, which a web server's worker waits for: 5 s, and never more than
    /// `total_timeout`. Then it is answered with 503, and the platform posts again.
    pub callback_timeout: Duration,
    /// Who hears of calls and of their requests, for traces and metrics. Nobody, without one.
    pub telemetry: Option<Arc<dyn Telemetry>>,
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
            attempt_timeout: ATTEMPT,
            connect_timeout: Duration::from_secs(5),
            settle_window: Duration::from_secs(30),
            backoff_base: Duration::from_millis(250),
            backoff_cap: Duration::from_secs(5),
            read_attempts: 4,
            requests_per_second: None,
            max_concurrency: None,
            pool_size: 64,
            connection_per_create: false,
            max_answer_bytes: 1024 * 1024,
            proxy: None,
            proxy_from_environment: true,
            ca_file: None,
            customer_id: None,
            max_amount: Vec::new(),
            is_test: None,
            loopback_is_live: false,
            validate: true,
            callback_keys: Vec::new(),
            change_store: None,
            change_lease: Duration::from_secs(60),
            keep_changes: Duration::from_secs(30 * 24 * 3600),
            callback_timeout: Duration::from_secs(5),
            telemetry: None,
            language: "rust",
        }
    }

    /// The proxy of `proxy` as it may be shown: without a user name and a password.
    #[must_use]
    pub fn shown_proxy(&self) -> Option<String> {
        self.proxy.as_deref().map(without_user)
    }

    /// Checks everything that can be known without a network, and gives the base URL, its path without a trailing
    /// slash.
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
            ("callback_timeout", self.callback_timeout),
        ] {
            if value < Duration::from_millis(1) {
                return Err(Error::setting(name, "must be at least 1 ms"));
            }
        }
        if self.total_timeout > LONGEST_TOTAL {
            return Err(Error::setting("total_timeout", "must be at most 365 days"));
        }
        if self.change_lease > Duration::from_secs(365 * 24 * 3600) {
            return Err(Error::setting("change_lease", "must be at most 365 days"));
        }
        if self.backoff_cap < self.backoff_base {
            return Err(Error::setting("backoff_cap", "must not be below backoff_base"));
        }
        if self.attempt_timeout != ATTEMPT && self.attempt_timeout > self.total_timeout / 2 {
            return Err(Error::setting(
                "attempt_timeout",
                "must be at most half of total_timeout, so that a lost create can be settled",
            ));
        }
        if !(60..=3600).contains(&self.token_validity.as_secs()) {
            return Err(Error::setting("token_validity", "must be 60 s to 3600 s"));
        }
        self.check_ceilings()?;
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
        if self.customer_id.as_deref().is_some_and(|id| id.trim().is_empty()) {
            return Err(Error::setting("customer_id", "is empty; leave it out to send none"));
        }
        check_ends("customer_id", self.customer_id.as_deref().unwrap_or_default())?;
        self.check_idle_settings()?;
        self.check_callback_keys()?;
        let base_url = self.check_base_url()?;
        if base_url.scheme() == "http" && self.ca_file.is_some() {
            return Err(Error::setting(
                "ca_file",
                "does nothing for plain http; leave it out, or give an https base_url",
            ));
        }
        self.check_mode(&base_url)?;
        Ok(base_url)
    }

    /// A ceiling that no payout could ever meet guards nothing, and nobody would notice.
    fn check_ceilings(&self) -> Result<()> {
        let refuse = |problem: String| Err(Error::setting("max_amount", problem));
        let mut currencies = BTreeSet::new();
        for ceiling in &self.max_amount {
            if let Some(problem) = currency_problem(ceiling.currency()) {
                return refuse(problem);
            }
            if let Some(problem) = ceiling.unpayable_amount() {
                return refuse(format!("the ceiling for {} {problem}", ceiling.currency()));
            }
            if !currencies.insert(ceiling.currency()) {
                return refuse("has two amounts for one currency".to_owned());
            }
        }
        Ok(())
    }

    /// Settings that would do nothing beside the others.
    fn check_idle_settings(&self) -> Result<()> {
        let default = Self::new("", Credentials::token(""));
        let issues_tokens = matches!(self.credentials, Credentials::Merchant { .. });
        let problem = "does nothing for a token that somebody else issued; leave it out";
        if !issues_tokens && self.token_scope != default.token_scope {
            return Err(Error::setting("token_scope", problem));
        }
        if !issues_tokens && self.token_validity != default.token_validity {
            return Err(Error::setting("token_validity", problem));
        }
        if self.callback_timeout != default.callback_timeout {
            if self.callback_keys.is_empty() {
                let problem = "does nothing without callback_keys; give them, or leave it out";
                return Err(Error::setting("callback_timeout", problem));
            }
            if self.callback_timeout > self.total_timeout {
                let problem = "must not be above total_timeout, which ends the call before; leave it out for 5 s";
                return Err(Error::setting("callback_timeout", problem));
            }
        }
        for (name, is_idle) in [
            ("change_lease", self.change_lease != default.change_lease),
            ("keep_changes", self.keep_changes != default.keep_changes),
        ] {
            if self.change_store.is_none() && is_idle {
                return Err(Error::setting(name, "does nothing without a change_store; give one, or leave it out"));
            }
        }
        Ok(())
    }

    /// A client of live money never pays where a stand-in answers.
    fn check_mode(&self, base_url: &Url) -> Result<()> {
        let (is_live, is_loopback) = (self.is_test == Some(false), address::is_loopback(base_url));
        if self.loopback_is_live && !(is_live && is_loopback) {
            let problem = "says that a proxy on this machine leads to the live platform, and is for nothing else: \
                           set is_test to false and base_url to a loopback address with it, or leave it out";
            return Err(Error::setting("loopback_is_live", problem));
        }
        if is_live && is_loopback && !self.loopback_is_live {
            let problem = "is this machine, where a stand-in answers, and is_test is false: give the live host, or set \
                           loopback_is_live if a proxy at this address leads to the live platform";
            return Err(Error::setting("base_url", problem));
        }
        let sandbox = Url::parse(SANDBOX_URL).ok();
        let host = |url: &Url| url.host_str().map(|host| host.trim_end_matches('.').to_owned());
        if is_live && host(base_url) == sandbox.as_ref().and_then(host) {
            let problem = "is the platform's sandbox, where nothing is paid, and is_test is false: give the live host, \
                           or set is_test to true";
            return Err(Error::setting("base_url", problem));
        }
        Ok(())
    }

    fn check_callback_keys(&self) -> Result<()> {
        let refuse = |problem: &str| Err(Error::setting("callback_keys", problem));
        if self.callback_keys.len() > 8 {
            return refuse("has more than 8 keys");
        }
        for (number, key) in self.callback_keys.iter().enumerate() {
            if key.expose().len() < 32 {
                return refuse("has a key of less than 32 bytes; make one, for example with `openssl rand -hex 32`");
            }
            check_ends("callback_keys", key.expose())?;
            if self.callback_keys.iter().take(number).any(|other| other.expose() == key.expose()) {
                return refuse("has the same key twice");
            }
            // The platform knows the secret, and it is sent to get tokens: who learns it must not be able to sign.
            if let Credentials::Merchant { secret, .. } = &self.credentials
                && secret.expose_secret() == key.expose()
            {
                return refuse("has the merchant's secret as a key; it needs one of its own");
            }
        }
        Ok(())
    }

    fn check_base_url(&self) -> Result<Url> {
        let refuse = |problem: &str| Err(Error::setting("base_url", problem));
        let mut url = match address::parse(&self.base_url) {
            Ok(url) => url,
            Err(problem) => return refuse(&format!("{problem}; give one such as {SANDBOX_URL}")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("must not hold a user name or password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("must not have a query or a fragment");
        }
        match url.scheme() {
            "https" => {}
            "http" if address::is_loopback(&url) => {}
            "http" => return refuse("must be https: plain http is for a loopback host only"),
            _ => return refuse("must start with https://"),
        }
        if let Some(as_used) = address::mended(&self.base_url, &url) {
            return refuse(&format!("is another way to write {as_used}; write it so"));
        }
        let is_no_address = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_unspecified(),
            Some(Host::Ipv6(ip)) => ip.is_unspecified(),
            _ => false,
        };
        if is_no_address {
            return refuse("is an address to listen at, not one to connect to; for this machine, give 127.0.0.1");
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(url)
    }

    pub(crate) fn limits(&self) -> Limits {
        let limits = Limits {
            total: self.total_timeout,
            attempt: self.attempt_timeout,
            settle_window: self.settle_window,
            backoff_base: self.backoff_base,
            backoff_cap: self.backoff_cap,
            unreached: UNREACHED,
        };
        limits.within(self.total_timeout, self.attempt_timeout)
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
            .field("proxy", &self.shown_proxy())
            .field("ca_file", &self.ca_file)
            .field("max_amount", &self.max_amount)
            .field("is_test", &self.is_test)
            .field("loopback_is_live", &self.loopback_is_live)
            .field("validate", &self.validate)
            .field("callback_keys", &self.callback_keys.len())
            .finish_non_exhaustive()
    }
}

/// A URL as it may be shown.
fn without_user(url: &str) -> String {
    match address::parse(url) {
        Ok(url) => format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default()),
        Err(_) => "[not a URL]".to_owned(),
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
            ("base_url", |c| c.base_url = " https://api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "https://api.komopay.id\n".to_owned()),
            ("base_url", |c| c.base_url = "https://api.kom\topay.id".to_owned()),
            ("base_url", |c| c.base_url = "https:\\\\api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "https:api.komopay.id".to_owned()),
            ("base_url", |c| c.base_url = "https://api.komopay\u{3002}id".to_owned()),
            ("base_url", |c| c.base_url = "http://127.1:8080".to_owned()),
            ("base_url", |c| c.base_url = "https://0.0.0.0".to_owned()),
            ("base_url", |c| c.base_url = "https://[::]:8443".to_owned()),
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
            ("callback_keys", |c| c.callback_keys = vec![CallbackKey::new("x".repeat(32)); 2]),
            ("callback_keys", |c| c.callback_keys = vec![CallbackKey::new(format!("{}\n", "x".repeat(32)))]),
            ("customer_id", |c| c.customer_id = Some(String::new())),
            ("customer_id", |c| c.customer_id = Some(" ".to_owned())),
            ("customer_id", |c| c.customer_id = Some("7\n".to_owned())),
            ("merchant_code", |c| c.credentials = Credentials::merchant("M\n", "s")),
            ("merchant_code", |c| c.credentials = Credentials::merchant("M\u{0}M", "s")),
            ("secret", |c| c.credentials = Credentials::merchant("M", "s\n")),
            ("secret", |c| c.credentials = Credentials::merchant("M", "s\r\n")),
            ("secret", |c| c.credentials = Credentials::merchant("M", " s")),
            ("secret", |c| c.credentials = Credentials::merchant("M", "s\u{a0}")),
            ("secret", |c| c.credentials = Credentials::merchant("M", "\u{feff}s")),
            ("secret", |c| c.credentials = Credentials::merchant("M", "s\ns")),
            ("token", |c| c.credentials = Credentials::token("t\n")),
            ("token_scope", |c| {
                c.credentials = Credentials::token("t");
                c.token_scope = TokenScope::Everything;
            }),
            ("token_validity", |c| {
                c.credentials = Credentials::token("t");
                c.token_validity = Duration::from_secs(60);
            }),
            ("change_lease", |c| c.change_lease = Duration::from_secs(1)),
            ("keep_changes", |c| c.keep_changes = Duration::ZERO),
            ("callback_timeout", |c| c.callback_timeout = Duration::from_secs(1)),
            ("callback_timeout", |c| {
                c.callback_keys = vec![CallbackKey::new("x".repeat(32))];
                c.callback_timeout = Duration::from_secs(91);
            }),
            ("callback_timeout", |c| {
                c.callback_keys = vec![CallbackKey::new("x".repeat(32))];
                c.callback_timeout = Duration::ZERO;
            }),
            ("ca_file", |c| {
                c.base_url = "http://127.0.0.1".to_owned();
                c.ca_file = Some("/etc/hosts".into());
            }),
            ("max_answer_bytes", |c| c.max_answer_bytes = 0),
            ("max_amount", |c| c.max_amount = vec![Money::new("0", "IDR").unwrap()]),
            ("max_amount", |c| c.max_amount = vec![Money::new("-1", "IDR").unwrap()]),
            ("max_amount", |c| c.max_amount = vec![Money::new("9999.99", "IDR").unwrap()]),
            ("max_amount", |c| c.max_amount = vec![Money::restore("1", "idr").unwrap()]),
            ("max_amount", |c| c.max_amount = vec![Money::restore("1", "IDR ").unwrap()]),
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
    fn a_client_of_live_money_is_not_made_for_a_stand_in() {
        let check = |base_url: &str, is_test, loopback_is_live| {
            let config = Config { base_url: base_url.to_owned(), is_test, loopback_is_live, ..config() };
            config.check().err().map(|error| error.field().unwrap_or_default().to_owned())
        };
        let loopback = [
            "http://127.0.0.1:8080",
            "http://[::1]",
            "https://localhost",
            "https://localhost.:8443",
            "https://shop.localhost.",
            "http://[::ffff:7f00:1]",
        ];
        let sandbox = [
            SANDBOX_URL,
            "https://API.sandbox.komopay.id/",
            "https://api.sandbox.komopay.id.",
            "https://api.sandbox.komopay.id:8443/x",
        ];
        let live = ["https://api.komopay.id", "https://gateway.example/sandbox"];
        for url in loopback.iter().chain(&sandbox).chain(&live) {
            assert_eq!(check(url, None, false), None, "{url}");
            assert_eq!(check(url, Some(true), false), None, "{url}");
            assert_eq!(check(url, None, true).as_deref(), Some("loopback_is_live"), "{url}");
            assert_eq!(check(url, Some(true), true).as_deref(), Some("loopback_is_live"), "{url}");
        }
        for url in loopback {
            assert_eq!(check(url, Some(false), false).as_deref(), Some("base_url"), "{url}");
            assert_eq!(check(url, Some(false), true), None, "{url}");
        }
        for url in sandbox {
            assert_eq!(check(url, Some(false), false).as_deref(), Some("base_url"), "{url}");
            assert_eq!(check(url, Some(false), true).as_deref(), Some("loopback_is_live"), "{url}");
        }
        for url in live {
            assert_eq!(check(url, Some(false), false), None, "{url}");
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
        config.proxy = Some("http://user-canary:proxy-canary@proxy:3128".to_owned());
        config.callback_keys = vec![CallbackKey::new("key-canary-0123456789-0123456789")];
        let shown = format!("{config:?} {:?} {:?}", Credentials::token("token-canary"), config.callback_keys);
        assert!(shown.contains("http://proxy"), "{shown}");
        assert!(!shown.contains("\"secret\"") && !shown.contains("canary"), "{shown}");
        config.proxy = Some("canary:canary@proxy:3128".to_owned());
        assert!(!format!("{config:?}").contains("canary"));
    }
}
