//! `Client`: the front door, one method per operation. It converts, waits, and decides nothing.

use std::path::PathBuf;

use komopay_core::{ErrorKind, PayoutId};
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

use crate::error::{guard, guard_create, raise, refuse};
use crate::logging;
use crate::payout::{Payout, PayoutAccepted};
use crate::repr::Repr;
use crate::request::PayoutRequest;
use crate::settings::{Settings, seconds};
use crate::wait;

/// A client of the payout API, for any number of threads.
///
/// Give `merchant_code` and `secret`, or a ready `token`. Times are seconds, as a number or a `timedelta`. What is not
/// given has its default; a bad setting is a `ConfigurationError` that names it.
///
/// - `base_url`: where the platform is, such as `SANDBOX_URL`; it may have a path prefix. Plain http is for loopback.
/// - `total_timeout`: the deadline of a whole call, 90 s.
/// - `attempt_timeout`: the deadline of one request on the wire, 20 s; at most half of `total_timeout`.
/// - `connect_timeout`: the deadline for making a connection, 5 s.
/// - `settle_window`: how long after a lost create a read may not yet show it, 30 s.
/// - `backoff_base`, `backoff_cap`: the longest first pause, 0.25 s, and the longest pause, 5 s.
/// - `read_attempts`: how many requests a read may take, 4.
/// - `pool_size`: how many idle connections are kept, 64.
/// - `max_answer_bytes`: the largest answer that is read, 1 MiB.
/// - `proxy`: a proxy for every call; without one, the environment's, but never for loopback.
/// - `ca_file`: a PEM file with authorities to trust besides the system's.
/// - `customer_id`: the value of the `Id-Customer` header.
/// - `validate`: whether requests are checked before they are sent, True.
/// - `token_scope`: `"payout"` (one token for one payout, the default) or `"everything"`.
/// - `token_validity`: for how long an issued token is asked to be valid, 600 s (60 to 3600).
#[pyclass(frozen, module = "komopay")]
pub struct Client {
    core: komopay_core::Client,
    base_url: String,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (*, base_url, merchant_code=None, secret=None, token=None, total_timeout=None,
        attempt_timeout=None, connect_timeout=None, settle_window=None, backoff_base=None, backoff_cap=None,
        read_attempts=None, pool_size=None, max_answer_bytes=None, proxy=None, ca_file=None, customer_id=None,
        max_amount=None, is_test=None, validate=None, token_scope=None, token_validity=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn new(
        py: Python<'_>,
        base_url: String,
        merchant_code: Option<String>,
        secret: Option<String>,
        token: Option<String>,
        total_timeout: Option<Bound<'_, PyAny>>,
        attempt_timeout: Option<Bound<'_, PyAny>>,
        connect_timeout: Option<Bound<'_, PyAny>>,
        settle_window: Option<Bound<'_, PyAny>>,
        backoff_base: Option<Bound<'_, PyAny>>,
        backoff_cap: Option<Bound<'_, PyAny>>,
        read_attempts: Option<Bound<'_, PyAny>>,
        pool_size: Option<Bound<'_, PyAny>>,
        max_answer_bytes: Option<Bound<'_, PyAny>>,
        proxy: Option<String>,
        ca_file: Option<PathBuf>,
        customer_id: Option<String>,
        max_amount: Option<Bound<'_, PyAny>>,
        is_test: Option<bool>,
        validate: Option<bool>,
        token_scope: Option<String>,
        token_validity: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let settings = Settings {
                base_url: base_url.clone(),
                merchant_code,
                secret,
                token,
                total_timeout,
                attempt_timeout,
                connect_timeout,
                settle_window,
                backoff_base,
                backoff_cap,
                read_attempts,
                pool_size,
                max_answer_bytes,
                proxy,
                ca_file,
                customer_id,
                max_amount,
                is_test,
                validate,
                token_scope,
                token_validity,
            };
            let config = settings.into_config(py)?;
            // The certificates of the system are read here.
            let core = py.detach(|| komopay_core::Client::new(config)).map_err(|error| raise(py, &error))?;
            Ok(Self { core, base_url })
        })
    }

    /// A client from the environment: `KOMOPAY_MERCHANT_CODE`, `KOMOPAY_SECRET` and `KOMOPAY_BASE_URL`.
    ///
    /// Every setting of Client may be given, and then wins. With a token, code and secret are not looked up.
    #[classmethod]
    #[pyo3(signature = (**settings))]
    fn from_env<'py>(cls: &Bound<'py, PyType>, settings: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        let py = cls.py();
        guard(py, || {
            let settings = settings.map_or_else(|| Ok(PyDict::new(py)), pyo3::types::PyDictMethods::copy)?;
            let wanted: &[_] = if settings.contains("token")? {
                &[("base_url", "KOMOPAY_BASE_URL")]
            } else {
                &[
                    ("base_url", "KOMOPAY_BASE_URL"),
                    ("merchant_code", "KOMOPAY_MERCHANT_CODE"),
                    ("secret", "KOMOPAY_SECRET"),
                ]
            };
            let environment = py.import("os")?.getattr("environ")?;
            for (setting, variable) in wanted {
                if settings.contains(setting)? {
                    continue;
                }
                let value: Option<String> = environment.call_method1("get", (variable,))?.extract()?;
                let Some(value) = value.filter(|value| !value.is_empty()) else {
                    let text = format!("{variable}: is not set in the environment");
                    return Err(refuse(py, ErrorKind::Configuration, variable, &text));
                };
                settings.set_item(setting, value)?;
            }
            cls.call((), Some(&settings))
        })
    }

    /// Makes a payout, exactly once. Store the id before the first call.
    ///
    /// resume says "this id may have been sent before": after `OutcomeUnknownError`, after a crash, in a job that is run
    /// again. Success means that the platform took the payout, not that the money arrived: see `wait_for_payout`.
    ///
    /// Ctrl-C releases the caller at once; no further attempt starts, what is on the wire is read to its end, and the
    /// log names the id.
    #[pyo3(signature = (payout_id, request, *, resume=false))]
    fn create_payout(
        &self,
        py: Python<'_>,
        payout_id: &str,
        request: &Bound<'_, PayoutRequest>,
        resume: bool,
    ) -> PyResult<PayoutAccepted> {
        let (id, request) = guard(py, || Ok((id(py, payout_id)?, komopay_core::PayoutRequest::from(request.get()))))?;
        let core = self.core.clone();
        guard_create(py, payout_id, || {
            let result = wait::wait(py, async move { core.create_payout(&id, &request, resume).await })?;
            result.map(PayoutAccepted::from).map_err(|error| raise(py, &error))
        })
    }

    /// Reads a payout once, trying again where that may help.
    fn get_payout(&self, py: Python<'_>, payout_id: &str) -> PyResult<Payout> {
        guard(py, || {
            let (core, id) = (self.core.clone(), id(py, payout_id)?);
            let result = wait::wait(py, async move { core.get_payout(&id).await })?;
            result.map(Payout::from).map_err(|error| raise(py, &error))
        })
    }

    /// Reads a payout until its status is final; it returns on FAILED and REFUSED too.
    ///
    /// timeout is in seconds, or a timedelta. When it is over: `NotFinalError`, with the last payout seen.
    #[pyo3(signature = (payout_id, *, timeout))]
    fn wait_for_payout(&self, py: Python<'_>, payout_id: &str, timeout: &Bound<'_, PyAny>) -> PyResult<Payout> {
        guard(py, || {
            let timeout = seconds(timeout, "timeout", ErrorKind::InvalidRequest)?;
            let (core, id) = (self.core.clone(), id(py, payout_id)?);
            let result = wait::wait(py, async move { core.wait_for_payout(&id, timeout).await })?;
            result.map(Payout::from).map_err(|error| raise(py, &error))
        })
    }

    /// Refuses new calls, and waits for the creates on the wire, up to their deadlines. Ctrl-C ends the waiting.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || {
            let core = self.core.clone();
            wait::wait(py, async move { core.close().await })?;
            logging::flush(py)
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Closes the client. After a Ctrl-C it does not wait for creates on the wire: the log has named them.
    #[pyo3(signature = (exc_type, exc_value, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyAny>>,
        exc_value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (exc_type, traceback);
        if !exc_value.is_some_and(pyo3::types::PyAnyMethods::is_instance_of::<PyKeyboardInterrupt>) {
            return self.close(py);
        }
        guard(py, || {
            let core = self.core.clone();
            wait::begin(py, async move { core.close().await })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(Repr::new(py, "Client").text("base_url", self.base_url.as_str()).finish()))
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "a Client holds credentials and connections and cannot be pickled or copied; \
                    make one in each process, for example with Client.from_env()";
        Err(PyTypeError::new_err(text))
    }
}

fn id(py: Python<'_>, payout_id: &str) -> PyResult<PayoutId> {
    PayoutId::new(payout_id).map_err(|error| raise(py, &error))
}
