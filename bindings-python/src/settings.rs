//! Keyword arguments of a `Client`, made into the core's `Config`.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use komopay_core::{CallbackKey, Config, Credentials, ErrorKind, TokenScope};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyFloat, PyInt, PyMapping, PyString};

use crate::access::texts;
use crate::change_store;
use crate::error::refuse;
use crate::money::Money;
use crate::token;

/// What a caller gave. Nothing given is the core's default.
pub struct Settings<'py> {
    pub base_url: String,
    pub merchant_code: Option<String>,
    pub secret: Option<String>,
    pub token: Option<Bound<'py, PyAny>>,
    pub total_timeout: Option<Bound<'py, PyAny>>,
    pub attempt_timeout: Option<Bound<'py, PyAny>>,
    pub connect_timeout: Option<Bound<'py, PyAny>>,
    pub settle_window: Option<Bound<'py, PyAny>>,
    pub backoff_base: Option<Bound<'py, PyAny>>,
    pub backoff_cap: Option<Bound<'py, PyAny>>,
    pub read_attempts: Option<Bound<'py, PyAny>>,
    pub requests_per_second: Option<Bound<'py, PyAny>>,
    pub max_concurrency: Option<Bound<'py, PyAny>>,
    pub pool_size: Option<Bound<'py, PyAny>>,
    pub connection_per_create: Option<bool>,
    pub max_answer_bytes: Option<Bound<'py, PyAny>>,
    pub proxy: Option<String>,
    pub ca_file: Option<PathBuf>,
    pub customer_id: Option<String>,
    pub max_amount: Option<Bound<'py, PyAny>>,
    pub is_test: Option<bool>,
    pub loopback_is_live: Option<bool>,
    pub validate: Option<bool>,
    pub token_scope: Option<String>,
    pub token_validity: Option<Bound<'py, PyAny>>,
    pub callback_keys: Option<Bound<'py, PyAny>>,
    pub change_store: Option<Bound<'py, PyAny>>,
    pub change_lease: Option<Bound<'py, PyAny>>,
    pub callback_timeout: Option<Bound<'py, PyAny>>,
}

impl Settings<'_> {
    pub fn into_config(self, py: Python<'_>) -> PyResult<Config> {
        let credentials = credentials(py, self.merchant_code, self.secret, self.token)?;
        let default = Config::new(self.base_url, credentials);
        // Without `..`, so that a new setting of the core does not compile until it can be set here.
        Ok(Config {
            base_url: default.base_url,
            credentials: default.credentials,
            token_scope: token_scope(py, self.token_scope.as_deref(), default.token_scope)?,
            token_validity: duration("token_validity", self.token_validity, default.token_validity)?,
            total_timeout: duration("total_timeout", self.total_timeout, default.total_timeout)?,
            attempt_timeout: duration("attempt_timeout", self.attempt_timeout, default.attempt_timeout)?,
            connect_timeout: duration("connect_timeout", self.connect_timeout, default.connect_timeout)?,
            settle_window: duration("settle_window", self.settle_window, default.settle_window)?,
            backoff_base: duration("backoff_base", self.backoff_base, default.backoff_base)?,
            backoff_cap: duration("backoff_cap", self.backoff_cap, default.backoff_cap)?,
            read_attempts: count("read_attempts", self.read_attempts, default.read_attempts)?,
            requests_per_second: self
                .requests_per_second
                .map(|given| rate("requests_per_second", &given))
                .transpose()?,
            max_concurrency: self.max_concurrency.map(|given| count("max_concurrency", Some(given), 0)).transpose()?,
            pool_size: count("pool_size", self.pool_size, default.pool_size)?,
            connection_per_create: self.connection_per_create.unwrap_or(default.connection_per_create),
            max_answer_bytes: count("max_answer_bytes", self.max_answer_bytes, default.max_answer_bytes)?,
            proxy: self.proxy.or(default.proxy),
            ca_file: self.ca_file.or(default.ca_file),
            customer_id: self.customer_id.or(default.customer_id),
            max_amount: self.max_amount.map_or_else(|| Ok(Vec::new()), |given| ceilings(&given))?,
            is_test: self.is_test.or(default.is_test),
            loopback_is_live: self.loopback_is_live.unwrap_or(default.loopback_is_live),
            validate: self.validate.unwrap_or(default.validate),
            callback_keys: self.callback_keys.map_or_else(|| Ok(Vec::new()), |given| callback_keys(&given))?,
            change_store: self.change_store.map(|given| change_store::extract(&given)).transpose()?,
            change_lease: duration("change_lease", self.change_lease, default.change_lease)?,
            callback_timeout: duration("callback_timeout", self.callback_timeout, default.callback_timeout)?,
            language: "python",
        })
    }
}

fn credentials(
    py: Python<'_>,
    code: Option<String>,
    secret: Option<String>,
    token: Option<Bound<'_, PyAny>>,
) -> PyResult<Credentials> {
    let refuse = |field, text| Err(refuse(py, ErrorKind::Configuration, field, text));
    match (code, secret, token) {
        (Some(code), Some(secret), None) => Ok(Credentials::merchant(code, secret)),
        (None, None, Some(token)) if token.is_instance_of::<PyString>() => {
            Ok(Credentials::token(token.extract::<String>()?))
        }
        (None, None, Some(token)) if token.is_callable() => Ok(Credentials::Provider(token::provider(token.unbind()))),
        (None, None, Some(token)) => Err(wrong_type(&token, "token", "a str or a function that gives one")),
        (None, Some(_), None) => refuse("merchant_code", "merchant_code: is missing; secret alone is not enough"),
        (Some(_), None, None) => refuse("secret", "secret: is missing; merchant_code alone is not enough"),
        (None, None, None) => refuse("merchant_code", "merchant_code: give merchant_code and secret, or a token"),
        (_, _, Some(_)) => refuse("token", "token: give either merchant_code and secret, or a token, not both"),
    }
}

fn token_scope(py: Python<'_>, name: Option<&str>, default: TokenScope) -> PyResult<TokenScope> {
    match name {
        None => Ok(default),
        Some("payout") => Ok(TokenScope::Payout),
        Some("everything") => Ok(TokenScope::Everything),
        Some(_) => {
            let text = "token_scope: must be 'payout' or 'everything'";
            Err(refuse(py, ErrorKind::Configuration, "token_scope", text))
        }
    }
}

fn callback_keys(given: &Bound<'_, PyAny>) -> PyResult<Vec<CallbackKey>> {
    Ok(texts(given, "callback_keys")?.into_iter().map(CallbackKey::new).collect())
}

/// Money by money, or amounts by their currencies.
fn ceilings(given: &Bound<'_, PyAny>) -> PyResult<Vec<komopay_core::Money>> {
    let py = given.py();
    let wanted = || wrong_type(given, "max_amount", "an iterable of Money, or a dict of amounts by currency");
    if let Ok(amounts) = given.cast::<PyMapping>() {
        let amounts = amounts.items()?;
        return amounts
            .iter()
            .map(|item| {
                let (currency, amount): (String, Bound<'_, PyAny>) = item.extract()?;
                Money::exact(&amount, &currency).map(|money| (&money).into()).map_err(|error| {
                    // Here the amount is a setting, not a field of a request.
                    if error.is_instance_of::<PyTypeError>(py) {
                        return error;
                    }
                    let text = format!("max_amount: {currency}: {}", error.value(py));
                    refuse(py, ErrorKind::Configuration, "max_amount", &text)
                })
            })
            .collect();
    }
    let ceilings = given.try_iter().map_err(|_| wanted())?;
    ceilings.map(|money| Ok((&money?.extract::<Money>().map_err(|_| wanted())?).into())).collect()
}

fn duration(name: &str, given: Option<Bound<'_, PyAny>>, default: Duration) -> PyResult<Duration> {
    given.map_or(Ok(default), |given| seconds(&given, name, ErrorKind::Configuration))
}

/// A time span: a number of seconds, or a `timedelta`. `kind` is the kind of error that a bad one is.
pub fn seconds(given: &Bound<'_, PyAny>, name: &str, kind: ErrorKind) -> PyResult<Duration> {
    let span = if given.is_instance_of::<PyDelta>() {
        given.extract().ok()
    } else if given.is_instance_of::<PyBool>() {
        return Err(wrong_type(given, name, "a number of seconds or a timedelta"));
    } else if given.is_instance_of::<PyInt>() {
        given.extract().ok().map(Duration::from_secs)
    } else if given.is_instance_of::<PyFloat>() {
        given.extract().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    } else {
        return Err(wrong_type(given, name, "a number of seconds or a timedelta"));
    };
    span.ok_or_else(|| {
        let text = format!("{name}: must be a finite time in seconds that is not below 0");
        refuse(given.py(), kind, name, &text)
    })
}

fn count<T>(name: &str, given: Option<Bound<'_, PyAny>>, default: T) -> PyResult<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py>,
{
    given.map_or(Ok(default), |given| whole(name, given, ErrorKind::Configuration))
}

/// A moment: a `datetime` that says its time zone, since one that does not is another moment on every machine.
pub fn moment(given: &Bound<'_, PyAny>, name: &str) -> PyResult<Timestamp> {
    given.extract().map_err(|_| wrong_type(given, name, "a datetime with a time zone"))
}

/// A whole number. `kind` is the kind of error that a bad one is.
#[allow(clippy::needless_pass_by_value, reason = "it is used up")]
pub fn whole<T>(name: &str, given: Bound<'_, PyAny>, kind: ErrorKind) -> PyResult<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py>,
{
    if given.is_instance_of::<PyBool>() || !given.is_instance_of::<PyInt>() {
        return Err(wrong_type(&given, name, "an int"));
    }
    given
        .extract()
        .map_err(|_| refuse(given.py(), kind, name, &format!("{name}: must be a whole number that is not below 0")))
}

/// A number, whole or not; the core says which ones will do.
fn rate(name: &str, given: &Bound<'_, PyAny>) -> PyResult<f64> {
    if given.is_instance_of::<PyBool>() || !(given.is_instance_of::<PyInt>() || given.is_instance_of::<PyFloat>()) {
        return Err(wrong_type(given, name, "a number"));
    }
    // An int beyond every float is as bad as infinity, which the core refuses.
    Ok(given.extract().unwrap_or(f64::INFINITY))
}

fn wrong_type(given: &Bound<'_, PyAny>, name: &str, wanted: &str) -> PyErr {
    match given.get_type().qualname() {
        Ok(class) => PyTypeError::new_err(format!("{name} must be {wanted}, not {class}")),
        Err(error) => error,
    }
}
