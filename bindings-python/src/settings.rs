//! The settings of a client: what a caller gives by keywords, made into the core's `Config`.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use komopay_bindings_common::log::ToCaller;
use komopay_core::{CallbackKey, ChangeStore, Config, Credentials, TokenScope};
use pyo3::Borrowed;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyMappingProxy, PyString, PyTuple};

use crate::caller::Caller;
use crate::change_store;
use crate::error::guard;
use crate::given::{Argument, Given, Read, setting};
use crate::live::Live;
use crate::money::Money;
use crate::needed;
use crate::options::Options;
use crate::token;

/// Declares `Client` and its constructor: each setting once, by the core's name, with what it is read from and its line
/// in the documentation. `komopay/_settings.py` has the names and types once more, for `from_env` and `AsyncClient`.
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        Client($signature:literal) { $(#[doc = $line:literal] $(#[doc = $more:literal])* $name:ident: $type:ty,)* }
        $(#[doc = $example:literal])*
    ) => {
        $(#[doc = $about])*
        $(
            #[doc = concat!("- `", stringify!($name), "`:", $line)]
            $(#[doc = concat!(" ", $more)])*
        )*
        #[doc = ""]
        $(#[doc = $example])*
        // With a dict, so that tests can replace a method of one client, as `unittest.mock` does.
        #[pyclass(frozen, dict, module = "komopay")]
        pub struct Client {
            pub live: Arc<Live>,
            pub caller: Caller,
            pub options: Option<Arc<Options>>,
        }

        #[pymethods]
        impl Client {
            #[new]
            #[pyo3(signature = (*, base_url, merchant_code=None, secret=None, token=None, $($name=Setting::DEFAULT),*),
                text_signature = $signature)]
            #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
            fn new(
                py: Python<'_>,
                base_url: Given<'_, String>,
                merchant_code: Option<Given<'_, String>>,
                secret: Option<Given<'_, String>>,
                token: Option<Given<'_, Token>>,
                $($name: Setting<'_, $type>),*
            ) -> PyResult<Self> {
                guard(py, || {
                    needed::load(py)?;
                    let credentials = credentials(py, merchant_code, secret, token)?;
                    let mut config = Config::new(setting("base_url").take(base_url)?, credentials);
                    config.language = "python";
                    // Without `..`, so that a new setting of the core does not compile until it can be set here.
                    let Config { base_url: _, credentials: _, language: _, telemetry: _, $($name: _),* } = &config;
                    $(
                        if let Some(given) = $name.read(stringify!($name))? {
                            config.$name = given.into();
                        }
                    )*
                    config.telemetry = Some(Arc::new(ToCaller));
                    Ok(Self { live: Live::new(py, config)?, caller: Caller::Blocks, options: None })
                })
            }
        }

        /// These settings as they may be shown, by their names.
        pub fn shown<'py>(py: Python<'py>, config: &Config) -> PyResult<Shown<'py>> {
            let known = PyDict::new(py);
            known.set_item("base_url", &config.base_url)?;
            $(config.$name.show(stringify!($name), &known)?;)*
            known.set_item("proxy", config.shown_proxy())?;
            Ok(Shown(PyMappingProxy::new(py, known.as_mapping())))
        }
    };
}

/// A setting as it was given. None is as good as nothing: it then has the default that the text signature shows.
struct Setting<'py, T>(Option<Bound<'py, PyAny>>, PhantomData<fn() -> T>);

impl<T: Read> Setting<'_, T> {
    const DEFAULT: Self = Self(None, PhantomData);

    fn read(self, name: &str) -> PyResult<Option<T>> {
        self.0.filter(|given| !given.is_none()).map(|given| T::read(setting(name), &given)).transpose()
    }
}

impl<'py, T: Read> FromPyObject<'_, 'py> for Setting<'py, T> {
    type Error = Infallible;
    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::either(&T::HINT, &crate::hint::NONE);

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(Some(given.to_owned()), PhantomData))
    }
}

/// Settings by their names, which nobody can change.
pub struct Shown<'py>(Bound<'py, PyMappingProxy>);

impl<'py> IntoPyObject<'py> for Shown<'py> {
    type Target = PyMappingProxy;
    type Output = Bound<'py, PyMappingProxy>;
    type Error = Infallible;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Mapping"),
        crate::hint::STR,
        pyo3::type_hint_identifier!("builtins", "object")
    );

    fn into_pyobject(self, _: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(self.0)
    }
}

/// A setting that shows itself.
trait Show {
    fn show(&self, name: &str, among: &Bound<'_, PyDict>) -> PyResult<()>;
}

macro_rules! shown {
    ($($type:ty: |$value:ident| $shown:expr,)*) => {
        $(
            impl Show for $type {
                fn show(&self, name: &str, among: &Bound<'_, PyDict>) -> PyResult<()> {
                    let $value = self;
                    among.set_item(name, $shown)
                }
            }
        )*
    };
}
shown! {
    Duration: |time| time.as_secs_f64(),
    Option<String>: |text| text,
    Option<PathBuf>: |path| path.as_ref().map(|path| path.to_string_lossy().into_owned()),
    Option<bool>: |flag| flag,
    Option<f64>: |rate| rate,
    Option<u32>: |count| count,
    TokenScope: |scope| match scope {
        TokenScope::Payout => "payout",
        TokenScope::Everything => "everything",
    },
    bool: |flag| flag,
    u32: |count| count,
    usize: |count| count,
}

impl Show for Vec<komopay_core::Money> {
    fn show(&self, name: &str, among: &Bound<'_, PyDict>) -> PyResult<()> {
        among.set_item(name, PyTuple::new(among.py(), self.iter().cloned().map(Money::from))?)
    }
}

/// Secret.
impl Show for Vec<CallbackKey> {
    fn show(&self, _: &str, _: &Bound<'_, PyDict>) -> PyResult<()> {
        Ok(())
    }
}

/// An object of its own.
impl Show for Option<Arc<dyn ChangeStore>> {
    fn show(&self, _: &str, _: &Bound<'_, PyDict>) -> PyResult<()> {
        Ok(())
    }
}

settings! {
    /// A client of the payout API, for any number of threads.
    ///
    /// Give `merchant_code` and `secret`, or a `token`: a ready one, or a function that gives one whenever a new one is
    /// needed. The function runs in a thread of its own, and what it raises becomes an `UnavailableError` that names
    /// the type only. Times are seconds, as a number or a `timedelta`. What is not given has its default; a bad setting
    /// is a `ConfigurationError` that names it.
    ///
    /// A child process after a fork connects anew at its first call; calls under way stay the parent's. When the
    /// interpreter ends, creates on the wire have up to 5 seconds, and the log names the ids of those that take longer.
    ///
    /// - `base_url`: where the platform is, such as `SANDBOX_URL`; a path prefix is fine. Plain http is for loopback.
    Client("(*, base_url, merchant_code=None, secret=None, token=None, total_timeout=90.0, attempt_timeout=20.0, \
        connect_timeout=5.0, settle_window=30.0, backoff_base=0.25, backoff_cap=5.0, read_attempts=4, \
        requests_per_second=None, max_concurrency=None, pool_size=64, connection_per_create=False, \
        max_answer_bytes=1048576, proxy=None, proxy_from_environment=True, ca_file=None, customer_id=None, \
        max_amount=(), is_test=None, loopback_is_live=False, validate=True, token_scope='payout', \
        token_validity=600.0, callback_keys=(), change_store=None, change_lease=60.0, \
        keep_changes=2592000.0, callback_timeout=5.0)") {
        /// the deadline of a whole call, 90 s.
        total_timeout: Duration,
        /// the deadline of one request on the wire: 20 s, or half of a `total_timeout` below 40 s, which it
        /// may not be above.
        attempt_timeout: Duration,
        /// the deadline for making a connection, 5 s.
        connect_timeout: Duration,
        /// how long after a lost create a read may not yet show it, 30 s.
        settle_window: Duration,
        /// the longest first pause, 0.25 s.
        backoff_base: Duration,
        /// the longest pause, 5 s.
        backoff_cap: Duration,
        /// how many requests a read may take, 4.
        read_attempts: u32,
        /// how many requests are sent in a second at the most, such as 20 or 0.5; no limit without it. A
        /// 429 halves it for a while. A read that settles a create never waits for it.
        requests_per_second: f64,
        /// how many calls have a request under way at a time at the most; as `requests_per_second`.
        max_concurrency: u32,
        /// how many idle connections are kept, 64.
        pool_size: usize,
        /// whether each create goes over a connection of its own, so that a refusal needs no read to
        /// confirm it; False. It costs a connection for each payout.
        connection_per_create: bool,
        /// the largest answer that is read, 1 MiB.
        max_answer_bytes: usize,
        /// an http or https proxy for every call; without one, the environment's, but never for loopback. One that
        /// cannot be used is refused.
        proxy: String,
        /// whether the environment's proxy is used where `proxy` gives none, True.
        proxy_from_environment: bool,
        /// a PEM file with authorities to trust besides the system's.
        ca_file: PathBuf,
        /// the value of the `Id-Customer` header.
        customer_id: String,
        /// the most that one payout may be, as Money for each currency, or a dict of amounts by currency.
        max_amount: Ceilings,
        /// True if this client is for test data, False if it is for live money. A payout of the other mode is a
        /// `ConfigurationError` of a read, and never taken for a create's own. With False, `SANDBOX_URL` and this
        /// machine are refused as `base_url`.
        is_test: bool,
        /// True if a local proxy at this loopback address leads to the live platform: with `is_test=False` only.
        loopback_is_live: bool,
        /// whether requests are checked before they are sent, True.
        validate: bool,
        /// `"payout"` (one token for one payout, the default) or `"everything"`.
        token_scope: TokenScope,
        /// for how long an issued token is asked to be valid, 600 s (60 to 3600).
        token_validity: Duration,
        /// the keys of callback URLs, each at least 32 random bytes of your own, never the secret: the first
        /// signs, all of them verify, at most 8.
        callback_keys: Keys,
        /// a `MemoryChangeStore`, a `SqliteChangeStore` or, for several hosts, a `PostgresChangeStore`, where
        /// changes are kept until you have handled them.
        change_store: Store,
        /// for how long a change belongs to who took it, 60 s.
        change_lease: Duration,
        /// for how long a change stays in the store when it is over: acknowledged, and followed by a later
        /// one of its payout, 30 days. The last one of each payout stays for ever.
        keep_changes: Duration,
        /// the deadline of `handle_callback`, 5 s, and never more than `total_timeout`. Then the callback
        /// is answered with 503, and the platform posts again.
        callback_timeout: Duration,
    }
    /// Example:
    ///
    ///     >>> with Client(base_url=SANDBOX_URL, merchant_code="M", secret="S", total_timeout=30, attempt_timeout=10,
    ///     ...             max_amount={"IDR": 5_000_000, "USD": "300"}, is_test=True) as client:
    ///     ...     print(client)
    ///     Client(base_url='https://api.sandbox.komopay.id')
}

fn credentials(
    py: Python<'_>,
    code: Option<Given<'_, String>>,
    secret: Option<Given<'_, String>>,
    token: Option<Given<'_, Token>>,
) -> PyResult<Credentials> {
    let code = setting("merchant_code").maybe(code)?;
    let secret = setting("secret").maybe(secret)?;
    match (code, secret, token) {
        (Some(code), Some(secret), None) => Ok(Credentials::merchant(code, secret)),
        (None, None, Some(token)) => setting("token").take(token).map(|token| token.0),
        (None, Some(_), None) => Err(setting("merchant_code").refuse(py, "is missing; secret alone is not enough")),
        (Some(_), None, None) => Err(setting("secret").refuse(py, "is missing; merchant_code alone is not enough")),
        (None, None, None) => Err(setting("merchant_code").refuse(py, "give merchant_code and secret, or a token")),
        (_, _, Some(_)) => {
            Err(setting("token").refuse(py, "give either merchant_code and secret, or a token, not both"))
        }
    }
}

/// A token, or the function that gives one.
struct Token(Credentials);

impl Read for Token {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::either(&crate::hint::STR, &crate::hint::PROVIDER);

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if given.is_callable() {
            Ok(Self(Credentials::Provider(token::provider(given.clone().unbind()))))
        } else if given.is_instance_of::<PyString>() {
            argument.text(given).map(|token| Self(Credentials::token(token)))
        } else {
            Err(argument.wrong_type(given, "a str or a function that gives one"))
        }
    }
}

impl Read for TokenScope {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::literal!("payout", "everything");

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "payout" => Ok(Self::Payout),
            "everything" => Ok(Self::Everything),
            _ => Err(argument.refuse(given.py(), "must be 'payout' or 'everything'")),
        }
    }
}

/// The keys of callbacks.
struct Keys(Vec<CallbackKey>);

impl Read for Keys {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = <Vec<String>>::HINT;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(argument.texts(given)?.into_iter().map(CallbackKey::new).collect()))
    }
}

impl From<Keys> for Vec<CallbackKey> {
    fn from(keys: Keys) -> Self {
        keys.0
    }
}

/// The store of changes.
struct Store(Arc<dyn ChangeStore>);

impl Read for Store {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = change_store::HINT;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        change_store::read(argument, given).map(Self)
    }
}

impl From<Store> for Option<Arc<dyn ChangeStore>> {
    fn from(store: Store) -> Self {
        Some(store.0)
    }
}

/// The most that one payout may be, in each currency.
pub struct Ceilings(Vec<komopay_core::Money>);

impl Read for Ceilings {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::either(
        &pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("collections.abc", "Iterable"),
            <Money as pyo3::PyTypeInfo>::TYPE_HINT
        ),
        &pyo3::type_hint_subscript!(
            pyo3::type_hint_identifier!("collections.abc", "Mapping"),
            crate::hint::STR,
            crate::hint::AMOUNT
        ),
    );

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        amounts(argument, given).map(Self)
    }
}

impl From<Ceilings> for Vec<komopay_core::Money> {
    fn from(ceilings: Ceilings) -> Self {
        ceilings.0
    }
}

/// Money by money, or amounts by their currencies.
fn amounts(name: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Vec<komopay_core::Money>> {
    let py = given.py();
    let wanted = || name.wrong_type(given, "an iterable of Money, or a dict of amounts by currency");
    if let Ok(amounts) = given.cast::<PyMapping>() {
        let read = |item: Bound<'_, PyAny>| {
            let (currency, amount): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let shown = name.text(&currency)?;
            Money::exact(&amount, &currency).map(|money| (&money).into()).map_err(|error| {
                // Here the amount is a setting, not a field of a request.
                name.refuse(py, &format!("{shown}: {}", error.value(py)))
            })
        };
        return amounts.items()?.iter().map(read).collect();
    }
    let amounts = given.try_iter().map_err(|_| wanted())?;
    amounts.map(|money| Ok(money?.cast::<Money>().map_err(|_| wanted())?.get().into())).collect()
}
