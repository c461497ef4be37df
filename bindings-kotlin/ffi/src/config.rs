//! Settings and credentials of a client, made into the core's `Config`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use komopay_core::ErrorKind;
use uniffi::UnexpectedUniFFICallbackError;

use crate::callbacks::ChangeStore;
use crate::error::CallFailure;
use crate::money::Money;
use crate::payout::display_as_debug;
use crate::scalar::{Span, Whole};

/// Who the merchant is. What it shows of itself holds no secret.
#[derive(Clone, uniffi::Enum)]
#[uniffi::export(Debug, Display)]
pub enum Credentials {
    /// The merchant's code and secret key. The client issues its own tokens, each for one payout only.
    Merchant {
        /// The merchant's code, from enrolment.
        merchant_code: String,
        /// The merchant's secret key.
        secret: String,
    },
    /// A token that someone else issued, for example a merchant's server for a mobile app. It is never renewed.
    Token {
        /// The token.
        token: String,
    },
    /// Something that provides such tokens.
    Provider {
        /// Asked whenever a new token is needed.
        provider: Arc<dyn NativeTokenProvider>,
    },
}

/// Provides tokens. The fronts have their own, in their own words.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait NativeTokenProvider: Send + Sync {
    /// A token whenever a new one is needed.
    async fn provide(&self) -> Result<String, ProviderFailure>;
}

/// Why a provider provided nothing.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ProviderFailure {
    /// It failed.
    #[error("{type_name}")]
    Failed {
        /// The type of what it threw, and nothing of its text, which may hold a token.
        type_name: String,
    },
}

impl From<UnexpectedUniFFICallbackError> for ProviderFailure {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { type_name: "an error".to_owned() }
    }
}

/// Which tokens a client issues for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum TokenScope {
    /// One token for one payout: it allows exactly the calls needed, and a create of exactly that money.
    Payout,
    /// One token for every call. Fewer token calls, but a leaked token can do all that the merchant can.
    Everything,
}

/// In which language the client is.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum Language {
    /// Kotlin, or Java.
    Kotlin,
    /// Swift.
    Swift,
}

/// The settings of a client. What is left out has its default.
#[derive(Clone, uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct Config {
    /// Where the platform is. It may have a path prefix. Plain http is for loopback only.
    pub base_url: String,
    /// Who the merchant is.
    pub credentials: Credentials,
    /// Which tokens the client issues for itself: for one payout each.
    #[uniffi(default = None)]
    pub token_scope: Option<TokenScope>,
    /// For how long an issued token is asked to be valid: 600 s (60 to 3600).
    #[uniffi(default = None)]
    pub token_validity: Option<Span>,
    /// The deadline of a whole call: token, attempts, pauses and settling: 90 s.
    #[uniffi(default = None)]
    pub total_timeout: Option<Span>,
    /// The deadline of one request on the wire: 20 s, and at most half of the total.
    #[uniffi(default = None)]
    pub attempt_timeout: Option<Span>,
    /// The deadline for making a connection: 5 s.
    #[uniffi(default = None)]
    pub connect_timeout: Option<Span>,
    /// For how long after a lost create a read may not yet show it, or it may still execute: 30 s.
    #[uniffi(default = None)]
    pub settle_window: Option<Span>,
    /// The longest first pause between attempts: 250 ms. Pauses double, and each is drawn between nothing and its longest.
    #[uniffi(default = None)]
    pub backoff_base: Option<Span>,
    /// The longest pause between attempts: 5 s.
    #[uniffi(default = None)]
    pub backoff_cap: Option<Span>,
    /// How many times a read is tried before it gives up: 4.
    #[uniffi(default = None)]
    pub read_attempts: Option<Whole>,
    /// How many requests are sent in a second at the most, such as 20.0 or 0.5; no limit without it. A 429 halves it for a
    /// while. A read that settles a create never waits for it.
    #[uniffi(default = None)]
    pub requests_per_second: Option<f64>,
    /// How many calls have a request under way at a time at the most; no limit without it.
    #[uniffi(default = None)]
    pub max_concurrency: Option<Whole>,
    /// How many idle connections are kept open: 64.
    #[uniffi(default = None)]
    pub pool_size: Option<Whole>,
    /// Whether each create goes over a connection of its own, so that a refusal needs no read to confirm it: no. It costs a
    /// connection for each payout.
    #[uniffi(default = None)]
    pub connection_per_create: Option<bool>,
    /// The largest answer that is read, in bytes: 1 MiB.
    #[uniffi(default = None)]
    pub max_answer_bytes: Option<Whole>,
    /// An http or https proxy for every call. Without one, the environment's is used, but never for loopback. One that
    /// cannot be used is refused.
    #[uniffi(default = None)]
    pub proxy: Option<String>,
    /// A PEM file with certificate authorities to trust besides the operating system's.
    #[uniffi(default = None)]
    pub ca_file: Option<String>,
    /// The value of the `Id-Customer` header, which is not sent without one. Its purpose is not documented.
    #[uniffi(default = None)]
    pub customer_id: Option<String>,
    /// The most that one payout may be, for each currency named here. It holds even where `validate` is off.
    #[uniffi(default = [])]
    pub max_amount: Vec<Money>,
    /// True if this client is for test data, false if it is for live money. A payout of the other world is a
    /// `configuration` error of a read, and never taken for a create's own. A client of live money is not made for the
    /// platform's sandbox, nor for a loopback host.
    #[uniffi(default = None)]
    pub is_test: Option<bool>,
    /// Whether a local proxy at this loopback address leads to the live platform: no. Only with `is_test` false.
    #[uniffi(default = None)]
    pub loopback_is_live: Option<bool>,
    /// Whether requests are checked before they are sent: yes. The platform may loosen a limit before this SDK knows.
    #[uniffi(default = None)]
    pub validate: Option<bool>,
    /// The keys that callback URLs are signed with: the first signs, all of them verify. Each is the merchant's own choice,
    /// at least 32 bytes of random text, and never the secret. At most 8.
    #[uniffi(default = [])]
    pub callback_keys: Vec<String>,
    /// Where the changes of payouts are kept until the application has handled them. Without one, callbacks and reads
    /// record nothing. A file belongs to one base URL, merchant and mode.
    #[uniffi(default = None)]
    pub change_store: Option<ChangeStore>,
    /// For how long a change belongs to who took it, before it is given to somebody else: 60 s.
    #[uniffi(default = None)]
    pub change_lease: Option<Span>,
    /// The deadline of `handle_callback`, which a web server's worker waits for: 5 s, and never more than the total timeout. Then
    /// the callback is answered with 503, and the platform posts again.
    #[uniffi(default = None)]
    pub callback_timeout: Option<Span>,
}

impl Config {
    /// The settings, with the change store open.
    pub fn into_core(self, language: Language) -> Result<komopay_core::Config, CallFailure> {
        let change_store = self.change_store.as_ref().map(ChangeStore::open).transpose()?;
        Ok(komopay_core::Config { change_store, ..self.without_store(language)? })
    }

    fn without_store(self, language: Language) -> Result<komopay_core::Config, CallFailure> {
        let Self {
            base_url,
            credentials,
            token_scope,
            token_validity,
            total_timeout,
            attempt_timeout,
            connect_timeout,
            settle_window,
            backoff_base,
            backoff_cap,
            read_attempts,
            requests_per_second,
            max_concurrency,
            pool_size,
            connection_per_create,
            max_answer_bytes,
            proxy,
            ca_file,
            customer_id,
            max_amount,
            is_test,
            loopback_is_live,
            validate,
            callback_keys,
            change_store: _,
            change_lease,
            callback_timeout,
        } = self;
        let default = komopay_core::Config::new(base_url, credentials.into());
        let span = |name, given: Option<Span>, default| {
            given.map_or(Ok(default), |span| span.duration(name, ErrorKind::Configuration))
        };
        // Without `..`, so that a new setting of the core does not compile until it can be set here.
        Ok(komopay_core::Config {
            base_url: default.base_url,
            credentials: default.credentials,
            token_scope: token_scope.map_or(default.token_scope, komopay_core::TokenScope::from),
            token_validity: span("token_validity", token_validity, default.token_validity)?,
            total_timeout: span("total_timeout", total_timeout, default.total_timeout)?,
            attempt_timeout: span("attempt_timeout", attempt_timeout, default.attempt_timeout)?,
            connect_timeout: span("connect_timeout", connect_timeout, default.connect_timeout)?,
            settle_window: span("settle_window", settle_window, default.settle_window)?,
            backoff_base: span("backoff_base", backoff_base, default.backoff_base)?,
            backoff_cap: span("backoff_cap", backoff_cap, default.backoff_cap)?,
            read_attempts: read_attempts.map_or(Ok(default.read_attempts), |count| count.count("read_attempts"))?,
            requests_per_second: requests_per_second.or(default.requests_per_second),
            max_concurrency: max_concurrency.map(|count| count.count("max_concurrency")).transpose()?,
            pool_size: pool_size.map_or(Ok(default.pool_size), |count| count.count("pool_size"))?,
            connection_per_create: connection_per_create.unwrap_or(default.connection_per_create),
            max_answer_bytes: max_answer_bytes
                .map_or(Ok(default.max_answer_bytes), |count| count.count("max_answer_bytes"))?,
            proxy: proxy.or(default.proxy),
            ca_file: ca_file.map(PathBuf::from).or(default.ca_file),
            customer_id: customer_id.or(default.customer_id),
            max_amount: max_amount.into_iter().map(komopay_core::Money::from).collect(),
            is_test: is_test.or(default.is_test),
            loopback_is_live: loopback_is_live.unwrap_or(default.loopback_is_live),
            validate: validate.unwrap_or(default.validate),
            callback_keys: callback_keys.into_iter().map(komopay_core::CallbackKey::new).collect(),
            change_store: default.change_store,
            change_lease: span("change_lease", change_lease, default.change_lease)?,
            callback_timeout: span("callback_timeout", callback_timeout, default.callback_timeout)?,
            language: match language {
                Language::Kotlin => "kotlin",
                Language::Swift => "swift",
            },
        })
    }
}

impl From<Credentials> for komopay_core::Credentials {
    fn from(credentials: Credentials) -> Self {
        match credentials {
            Credentials::Merchant { merchant_code, secret } => Self::merchant(merchant_code, secret),
            Credentials::Token { token } => Self::token(token),
            Credentials::Provider { provider } => Self::Provider(komopay_core::TokenProvider::new(move || {
                let provider = Arc::clone(&provider);
                async move { provider.provide().await.map_err(|failure| failure.to_string()) }
            })),
        }
    }
}

impl From<TokenScope> for komopay_core::TokenScope {
    fn from(scope: TokenScope) -> Self {
        match scope {
            TokenScope::Payout => Self::Payout,
            TokenScope::Everything => Self::Everything,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&komopay_core::Credentials::from(self.clone()), f)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clone().without_store(Language::Kotlin) {
            Ok(config) => fmt::Debug::fmt(&config, f),
            Err(failure) => write!(f, "Config({failure})"),
        }
    }
}

display_as_debug!(Credentials, Config);
