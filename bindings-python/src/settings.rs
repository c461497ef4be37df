//! Keyword arguments of a `Client`, made into the core's `Config`.

use std::time::Duration;

use komopay_core::{CallbackKey, Config, Credentials, TokenScope};
use pyo3::prelude::*;
use pyo3::types::{PyMapping, PyString};

use crate::change_store;
use crate::given::{Argument, setting};
use crate::money::Money;
use crate::token;

/// What a caller gave. Nothing given is the core's default.
pub struct Settings<'py> {
    pub base_url: Bound<'py, PyAny>,
    pub merchant_code: Option<Bound<'py, PyAny>>,
    pub secret: Option<Bound<'py, PyAny>>,
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
    pub connection_per_create: Option<Bound<'py, PyAny>>,
    pub max_answer_bytes: Option<Bound<'py, PyAny>>,
    pub proxy: Option<Bound<'py, PyAny>>,
    pub ca_file: Option<Bound<'py, PyAny>>,
    pub customer_id: Option<Bound<'py, PyAny>>,
    pub max_amount: Option<Bound<'py, PyAny>>,
    pub is_test: Option<Bound<'py, PyAny>>,
    pub loopback_is_live: Option<Bound<'py, PyAny>>,
    pub validate: Option<Bound<'py, PyAny>>,
    pub token_scope: Option<Bound<'py, PyAny>>,
    pub token_validity: Option<Bound<'py, PyAny>>,
    pub callback_keys: Option<Bound<'py, PyAny>>,
    pub change_store: Option<Bound<'py, PyAny>>,
    pub change_lease: Option<Bound<'py, PyAny>>,
    pub callback_timeout: Option<Bound<'py, PyAny>>,
}

impl Settings<'_> {
    pub fn into_config(self, py: Python<'_>) -> PyResult<Config> {
        let credentials = credentials(py, self.merchant_code, self.secret, self.token)?;
        let default = Config::new(setting("base_url").text(&self.base_url)?, credentials);
        let callback_keys = setting("callback_keys").optional(self.callback_keys, Argument::texts)?;
        // Without `..`, so that a new setting of the core does not compile until it can be set here.
        Ok(Config {
            base_url: default.base_url,
            credentials: default.credentials,
            token_scope: token_scope(py, self.token_scope)?.unwrap_or(default.token_scope),
            token_validity: duration("token_validity", self.token_validity, default.token_validity)?,
            total_timeout: duration("total_timeout", self.total_timeout, default.total_timeout)?,
            attempt_timeout: duration("attempt_timeout", self.attempt_timeout, default.attempt_timeout)?,
            connect_timeout: duration("connect_timeout", self.connect_timeout, default.connect_timeout)?,
            settle_window: duration("settle_window", self.settle_window, default.settle_window)?,
            backoff_base: duration("backoff_base", self.backoff_base, default.backoff_base)?,
            backoff_cap: duration("backoff_cap", self.backoff_cap, default.backoff_cap)?,
            read_attempts: setting("read_attempts")
                .optional(self.read_attempts, Argument::whole)?
                .unwrap_or(default.read_attempts),
            requests_per_second: setting("requests_per_second").optional(self.requests_per_second, Argument::number)?,
            max_concurrency: setting("max_concurrency").optional(self.max_concurrency, Argument::whole)?,
            pool_size: setting("pool_size").optional(self.pool_size, Argument::whole)?.unwrap_or(default.pool_size),
            connection_per_create: setting("connection_per_create")
                .optional(self.connection_per_create, Argument::truth)?
                .unwrap_or(default.connection_per_create),
            max_answer_bytes: setting("max_answer_bytes")
                .optional(self.max_answer_bytes, Argument::whole)?
                .unwrap_or(default.max_answer_bytes),
            proxy: setting("proxy").optional(self.proxy, Argument::text)?.or(default.proxy),
            ca_file: setting("ca_file").optional(self.ca_file, Argument::path)?.or(default.ca_file),
            customer_id: setting("customer_id").optional(self.customer_id, Argument::text)?.or(default.customer_id),
            max_amount: setting("max_amount").optional(self.max_amount, amounts)?.unwrap_or_default(),
            is_test: setting("is_test").optional(self.is_test, Argument::truth)?.or(default.is_test),
            loopback_is_live: setting("loopback_is_live")
                .optional(self.loopback_is_live, Argument::truth)?
                .unwrap_or(default.loopback_is_live),
            validate: setting("validate").optional(self.validate, Argument::truth)?.unwrap_or(default.validate),
            callback_keys: callback_keys.into_iter().flatten().map(CallbackKey::new).collect(),
            change_store: self.change_store.map(|given| change_store::extract(&given)).transpose()?,
            change_lease: duration("change_lease", self.change_lease, default.change_lease)?,
            callback_timeout: duration("callback_timeout", self.callback_timeout, default.callback_timeout)?,
            language: "python",
        })
    }
}

fn duration(name: &str, given: Option<Bound<'_, PyAny>>, default: Duration) -> PyResult<Duration> {
    Ok(setting(name).optional(given, Argument::seconds)?.unwrap_or(default))
}

fn credentials(
    py: Python<'_>,
    code: Option<Bound<'_, PyAny>>,
    secret: Option<Bound<'_, PyAny>>,
    token: Option<Bound<'_, PyAny>>,
) -> PyResult<Credentials> {
    let code = setting("merchant_code").optional(code, Argument::text)?;
    let secret = setting("secret").optional(secret, Argument::text)?;
    match (code, secret, token) {
        (Some(code), Some(secret), None) => Ok(Credentials::merchant(code, secret)),
        (None, None, Some(token)) if token.is_callable() => Ok(Credentials::Provider(token::provider(token.unbind()))),
        (None, None, Some(token)) if token.is_instance_of::<PyString>() => {
            Ok(Credentials::token(setting("token").text(&token)?))
        }
        (None, None, Some(token)) => Err(setting("token").wrong_type(&token, "a str or a function that gives one")),
        (None, Some(_), None) => Err(setting("merchant_code").refuse(py, "is missing; secret alone is not enough")),
        (Some(_), None, None) => Err(setting("secret").refuse(py, "is missing; merchant_code alone is not enough")),
        (None, None, None) => Err(setting("merchant_code").refuse(py, "give merchant_code and secret, or a token")),
        (_, _, Some(_)) => {
            Err(setting("token").refuse(py, "give either merchant_code and secret, or a token, not both"))
        }
    }
}

fn token_scope(py: Python<'_>, given: Option<Bound<'_, PyAny>>) -> PyResult<Option<TokenScope>> {
    match setting("token_scope").optional(given, Argument::text)?.as_deref() {
        None => Ok(None),
        Some("payout") => Ok(Some(TokenScope::Payout)),
        Some("everything") => Ok(Some(TokenScope::Everything)),
        Some(_) => Err(setting("token_scope").refuse(py, "must be 'payout' or 'everything'")),
    }
}

/// Money by money, or amounts by their currencies.
pub fn amounts(name: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Vec<komopay_core::Money>> {
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
