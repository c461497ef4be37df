//! `Client`: the front door, one method per operation, for a thread that blocks and for an event loop. It converts, and
//! decides nothing.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use komopay_core as core;
use komopay_core::{CallOptions, CallbackUrlOptions, PaymentOptionFilter, PaymentTypeCode, PayoutId, SignaturePlace};
use pyo3::Borrowed;
use pyo3::exceptions::{PyAttributeError, PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::access::AccessScope;
use crate::answer::{Answered, ToPython};
use crate::callback::Callback;
use crate::caller::Caller;
use crate::error::{guard, guard_create, not_sent, raise};
use crate::given::{Argument, Given, Or, Read, argument, part_of_callback, setting};
use crate::headers::Headers;
use crate::money::Money;
use crate::options::Options;
use crate::repr::Repr;
use crate::request::PayoutRequest;
pub use crate::settings::Client;
use crate::settings::{Shown, shown};
use crate::telemetry::Told;
use crate::waits::PayoutWaits;
use crate::{asynchronous, logging, process, runtime, wait};

/// Whatever takes the place of a method.
struct Anything<'py>(Bound<'py, PyAny>);

impl<'py> FromPyObject<'_, 'py> for Anything<'py> {
    type Error = std::convert::Infallible;
    #[cfg(feature = "stubs")]
    const INPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::OBJECT;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Self::Error> {
        Ok(Self(given.to_owned()))
    }
}

#[pymethods]
impl Client {
    /// A client from the environment: `KOMOPAY_MERCHANT_CODE`, `KOMOPAY_SECRET` and `KOMOPAY_BASE_URL`; and, if it is
    /// set, `KOMOPAY_CALLBACK_KEYS`, keys that hold no comma, with commas between them.
    ///
    /// Every setting of Client may be given, and then wins. With a token, code and secret are not looked up. A variable
    /// that is missing is a `ConfigurationError` that names it.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(total_timeout=60) as client:
    ///     ...     currencies = client.currencies()
    #[classmethod]
    // What the constructor shows, but that nothing must be given: a test holds the two together.
    #[pyo3(signature = (**settings: "Unpack[Settings]") -> "Client",
        text_signature = "($cls, *, base_url=None, merchant_code=None, secret=None, token=None, total_timeout=90.0, \
        attempt_timeout=20.0, connect_timeout=5.0, settle_window=30.0, backoff_base=0.25, backoff_cap=5.0, \
        read_attempts=4, requests_per_second=None, max_concurrency=None, pool_size=64, connection_per_create=False, \
        max_answer_bytes=1048576, proxy=None, proxy_from_environment=True, ca_file=None, customer_id=None, \
        max_amount=(), is_test=None, loopback_is_live=False, validate=True, token_scope='payout', \
        token_validity=600.0, callback_keys=(), change_store=None, change_lease=60.0, keep_changes=2592000.0, \
        callback_timeout=5.0)")]
    fn from_env<'py>(cls: &Bound<'py, PyType>, settings: Option<&Bound<'py, PyDict>>) -> PyResult<Bound<'py, PyAny>> {
        let py = cls.py();
        guard(py, || {
            let settings = settings.map_or_else(|| Ok(PyDict::new(py)), pyo3::types::PyDictMethods::copy)?;
            let is_given = |name| Ok::<_, PyErr>(settings.get_item(name)?.is_some_and(|given| !given.is_none()));
            let wanted: &[_] = if is_given("token")? {
                &[("base_url", "KOMOPAY_BASE_URL")]
            } else {
                &[
                    ("base_url", "KOMOPAY_BASE_URL"),
                    ("merchant_code", "KOMOPAY_MERCHANT_CODE"),
                    ("secret", "KOMOPAY_SECRET"),
                ]
            };
            for &(argument, name) in wanted {
                if is_given(argument)? {
                    continue;
                }
                let Some(value) = variable_of(py, name)? else {
                    return Err(setting(name).refuse(py, "is not set in the environment"));
                };
                settings.set_item(argument, value)?;
            }
            if !is_given("callback_keys")?
                && let Some(keys) = variable_of(py, "KOMOPAY_CALLBACK_KEYS")?
            {
                settings.set_item("callback_keys", keys.split(',').collect::<Vec<_>>())?;
            }
            cls.call((), Some(&settings))
        })
    }

    /// Makes a payout, exactly once. Store the id before the first call.
    ///
    /// resume says "this id may have been sent before": after `OutcomeUnknownError`, after a crash, in a job that is
    /// run again. Success means that the platform took the payout, not that the money arrived: see `wait_for_payout`.
    ///
    /// Ctrl-C releases the caller at once; no further attempt starts, what is on the wire is read to its end, and the
    /// log names the id.
    ///
    /// Errors: `OutcomeUnknownError` must be followed up, the payout may exist; `DuplicatePayoutError` if the id is
    /// taken; `InvalidRequestError`, `RejectedError`, `PermissionDeniedError` and `AuthenticationError` if it was
    /// refused; `UnavailableError`, `TimedOutError` and `RateLimitedError` if nothing was sent.
    ///
    /// Example:
    ///
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"),
    ///     ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
    ///     >>> with Client.from_env() as client:
    ///     ...     accepted = client.create_payout("TST-223344", request)
    ///     >>> accepted.payout_id, accepted.recovered
    ///     ('TST-223344', False)
    #[pyo3(signature = (payout_id, request, *, resume=Or::DEFAULT, timeout=None),
        text_signature = "($self, payout_id, request, *, resume=False, timeout=None)")]
    fn create_payout(
        &self,
        py: Python<'_>,
        payout_id: Given<'_, PayoutId>,
        request: Given<'_, PayoutRequest>,
        resume: Or<'_, bool>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::PayoutAccepted>> {
        let (id, resume) = guard(py, || {
            let resume = argument("resume").take_or(resume, false)?;
            Ok((argument("payout_id").take(payout_id)?, resume))
        })?;
        // An earlier call may have sent it: what keeps this one from finding out proves nothing.
        let unknown = |error: PyErr| raise(py, &core::Error::lost_create(&id, error.value(py)));
        let read = guard(py, || {
            let timeout = argument("timeout").maybe(timeout)?;
            Ok((core::PayoutRequest::from(&argument("request").take(request)?), timeout))
        });
        let (request, timeout) = read.map_err(|error| if resume { unknown(error) } else { error })?;
        // Up to here nothing was handed to the core, so nothing was sent by this call.
        let ready = guard(py, || {
            let core = within(py, &self.core(py)?, timeout)?;
            let (told, core) = Told::start(py, "create_payout", core)?;
            Ok((told, core, self.caller.start(py)?))
        });
        let (told, core, started) = ready.map_err(|error| {
            if resume || self.live.is_unsettled(&id, &request) {
                unknown(error)
            } else {
                not_sent(py, id.as_str(), error)
            }
        })?;
        let creates = id.clone();
        guard_create(py, &creates.clone(), || {
            let call = async move { core.create_payout(&id, &request, resume).await };
            started.call(py, Some(creates), told, call)
        })
    }

    /// Reads a payout, trying again where that may help.
    ///
    /// Errors: `NotFoundError` if there is none now; `UnavailableError`, `TimedOutError` or `RateLimitedError` if it
    /// could not be read; `UnexpectedResponseError` if the answer cannot be understood.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     try:
    ///     ...         client.get_payout("TST-0")
    ///     ...     except NotFoundError as error:
    ///     ...         print(error.http_status)
    ///     410
    #[pyo3(signature = (payout_id, *, timeout=None))]
    fn get_payout(
        &self,
        py: Python<'_>,
        payout_id: Given<'_, PayoutId>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::Payout>> {
        guard(py, || {
            let id = argument("payout_id").take(payout_id)?;
            self.call(py, "get_payout", timeout, |core| async move { core.get_payout(&id).await })
        })
    }

    /// Reads a payout until its status is final; it returns on FAILED and REFUSED too.
    ///
    /// timeout is in seconds, or a timedelta.
    ///
    /// Errors: `NotFinalError` when the time is over, with the last payout seen; `NotFoundError` if there is no such
    /// payout.
    ///
    /// Example:
    ///
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"),
    ///     ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
    ///     >>> with Client.from_env() as client:
    ///     ...     accepted = client.create_payout("TST-223345", request)
    ///     ...     payout = client.wait_for_payout("TST-223345", timeout=60)
    ///     >>> payout.status
    ///     'SUCCESS'
    #[pyo3(signature = (payout_id, *, timeout))]
    fn wait_for_payout(
        &self,
        py: Python<'_>,
        payout_id: Given<'_, PayoutId>,
        timeout: Given<'_, Duration>,
    ) -> PyResult<Answered<core::Payout>> {
        guard(py, || {
            let timeout = argument("timeout").take(timeout)?;
            let id = argument("payout_id").take(payout_id)?;
            self.call(py, "wait_for_payout", None, |core| async move { core.wait_for_payout(&id, timeout).await })
        })
    }

    /// Waits for many payouts, and gives each as soon as it is final, or as its wait ends otherwise: with one rate for
    /// all their reads, and tokens that cover up to 32 of them. An id that is given twice is waited for once.
    ///
    /// timeout is in seconds, or a timedelta, for each of them from now on. Reads of one payout pause as those of
    /// `wait_for_payout` do, and longer where `reads_per_second` lets no more pass: at 100, 5,000 payouts are read
    /// about once in 50 seconds.
    ///
    /// Errors: `InvalidRequestError`, naming `reads_per_second`, if that is not 0.001 to 1000000. What goes wrong with
    /// one payout is the `error` of its `WaitedPayout`, and ends no other wait.
    ///
    /// Example:
    ///
    ///     >>> request = PayoutRequest(
    ///     ...     money=Money("10000", "IDR"),
    ///     ...     method=BankTransfer(operator_code="BNK_000", account=BankAccount(name="Siti", number="11223344")))
    ///     >>> ids = ["TST-223347", "TST-223348"]
    ///     >>> with Client.from_env() as client:
    ///     ...     accepted = [client.create_payout(payout_id, request) for payout_id in ids]
    ///     ...     {waited.result().status for waited in client.wait_for_payouts(ids, timeout=60)}
    ///     {'SUCCESS'}
    #[pyo3(signature = (payout_ids: "Iterable[str]", *, timeout, reads_per_second=Or::DEFAULT),
        text_signature = "($self, payout_ids, *, timeout, reads_per_second=100.0)")]
    fn wait_for_payouts(
        &self,
        py: Python<'_>,
        payout_ids: &Bound<'_, PyAny>,
        timeout: Given<'_, Duration>,
        reads_per_second: Or<'_, f64>,
    ) -> PyResult<PayoutWaits> {
        guard(py, || {
            let ids = argument("payout_ids").texts(payout_ids)?.into_iter().map(PayoutId::new);
            let ids = ids.collect::<core::Result<Vec<_>>>().map_err(|error| raise(py, &error))?;
            let timeout = argument("timeout").take(timeout)?;
            let rate = argument("reads_per_second").take_or(reads_per_second, core::PayoutWaits::READS_PER_SECOND)?;
            let (told, core) = Told::start(py, "wait_for_payouts", self.core(py)?)?;
            let waits = core.wait_for_payouts(&ids, timeout, rate);
            Ok(PayoutWaits::new(self.caller, told, waits.map_err(|error| raise(py, &error))?))
        })
    }

    /// The ways to pay out this money now, with their operators. Where the platform knows none, the list is empty.
    ///
    /// Errors: `RejectedError` if the money itself is refused, for example for a limit; else as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     options = client.payout_options(Money("10000", "IDR"))
    ///     >>> "BANK_TRANSFER" in [option.method_code for option in options]
    ///     True
    #[pyo3(signature = (money, *, segment_code=None, exchanged_to_currency=None, timeout=None))]
    fn payout_options(
        &self,
        py: Python<'_>,
        money: Given<'_, Money>,
        segment_code: Option<Given<'_, String>>,
        exchanged_to_currency: Option<Given<'_, String>>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<Vec<core::PayoutOption>>> {
        guard(py, || {
            let money = core::Money::from(&argument("money").take(money)?);
            let segment = argument("segment_code").maybe(segment_code)?;
            let exchanged_to = argument("exchanged_to_currency").maybe(exchanged_to_currency)?;
            self.call(py, "payout_options", timeout, |core| async move {
                core.payout_options(&money, segment.as_deref(), exchanged_to.as_deref()).await
            })
        })
    }

    /// The balances in these currencies, or in all if none is named; amounts in major units. One without an account is
    /// left out.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     balances = client.balances("IDR", "USD")
    ///     >>> "IDR" in [balance.available.currency for balance in balances]
    ///     True
    #[pyo3(signature = (*currencies: "str | Iterable[str]", timeout=None))]
    fn balances(
        &self,
        py: Python<'_>,
        currencies: &Bound<'_, PyTuple>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<Vec<core::Balance>>> {
        guard(py, || {
            // Also one list of them, since that is what is at hand as a rule.
            let first = currencies.get_item(0).ok().filter(|first| !first.is_instance_of::<PyString>());
            let currencies = match first {
                Some(list) if currencies.len() == 1 => argument("currencies").texts(&list)?,
                _ => argument("currencies").texts(currencies)?,
            };
            self.call(py, "balances", timeout, |core| async move { core.balances(&currencies).await })
        })
    }

    /// The codes of the currencies enabled for the merchant.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     currencies = client.currencies()
    ///     >>> "IDR" in currencies
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn currencies(&self, py: Python<'_>, timeout: Option<Given<'_, Duration>>) -> PyResult<Answered<Vec<String>>> {
        guard(py, || self.call(py, "currencies", timeout, |core| async move { core.currencies().await }))
    }

    /// The codes of the customer segments.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     segments = client.segments()
    ///     >>> all(isinstance(code, str) for code in segments)
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn segments(&self, py: Python<'_>, timeout: Option<Given<'_, Duration>>) -> PyResult<Answered<Vec<String>>> {
        guard(py, || self.call(py, "segments", timeout, |core| async move { core.segments().await }))
    }

    /// All banks, wallets and blockchains, of any direction and currency.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     operators = client.payment_operators()
    ///     >>> "BNK_000" in [operator.code for operator in operators]
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn payment_operators(
        &self,
        py: Python<'_>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<Vec<core::PaymentOperator>>> {
        guard(py, || self.call(py, "payment_operators", timeout, |core| async move { core.payment_operators().await }))
    }

    /// The codes of all payment methods, of both directions.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     methods = client.payment_methods()
    ///     >>> "BANK_TRANSFER" in methods
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn payment_methods(&self, py: Python<'_>, timeout: Option<Given<'_, Duration>>) -> PyResult<Answered<Vec<String>>> {
        guard(py, || self.call(py, "payment_methods", timeout, |core| async move { core.payment_methods().await }))
    }

    /// Methods and operators with their limits for this merchant, switched off ones included. What is not given does
    /// not filter.
    ///
    /// Errors: `RejectedError` if the platform does not know a code of the filter; else as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     options = client.payment_options(type_code="PAYOUT", currencies=["IDR"])
    ///     >>> {option.currency for option in options}
    ///     {'IDR'}
    #[pyo3(signature = (*, type_code=None, method_codes=Or::DEFAULT, currencies=Or::DEFAULT,
        segment_codes=Or::DEFAULT, operator_codes=Or::DEFAULT, timeout=None),
        text_signature = "($self, *, type_code=None, method_codes=(), currencies=(), segment_codes=(), \
            operator_codes=(), timeout=None)")]
    #[allow(clippy::too_many_arguments, reason = "keywords")]
    fn payment_options(
        &self,
        py: Python<'_>,
        type_code: Option<Given<'_, String>>,
        method_codes: Or<'_, Vec<String>>,
        currencies: Or<'_, Vec<String>>,
        segment_codes: Or<'_, Vec<String>>,
        operator_codes: Or<'_, Vec<String>>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<Vec<core::PaymentOption>>> {
        guard(py, || {
            let codes = |name, given| argument(name).take_or(given, Vec::new());
            let type_code = argument("type_code").maybe(type_code)?;
            let filter = PaymentOptionFilter {
                type_code: type_code.map(|code| PaymentTypeCode::from(code.as_str())),
                method_codes: codes("method_codes", method_codes)?,
                currencies: codes("currencies", currencies)?,
                segment_codes: codes("segment_codes", segment_codes)?,
                operator_codes: codes("operator_codes", operator_codes)?,
            };
            self.call(py, "payment_options", timeout, |core| async move { core.payment_options(&filter).await })
        })
    }

    /// The merchant as customers see it.
    ///
    /// Errors: as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     info = client.merchant_info()
    ///     >>> len(info.name) > 0
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn merchant_info(
        &self,
        py: Python<'_>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::MerchantInfo>> {
        guard(py, || self.call(py, "merchant_info", timeout, |core| async move { core.merchant_info().await }))
    }

    /// Issues a token for someone else to use, such as a mobile app.
    ///
    /// validity is in seconds, or a timedelta: 60 to 3600 seconds.
    ///
    /// Errors: `ConfigurationError` if this client has no merchant code and secret; `InvalidRequestError`, naming
    /// `scope.operations` or `validity`; `AuthenticationError` or `RejectedError` if the platform issues none.
    ///
    /// Example:
    ///
    ///     >>> scope = AccessScope.payout("TST-223346", Money("10000", "IDR"))
    ///     >>> with Client.from_env() as client:
    ///     ...     token = client.issue_token(scope, validity=600)
    ///     >>> token.expires_at is not None  # token.expose() is what the app gets
    ///     True
    #[pyo3(signature = (scope, *, validity=Or::DEFAULT, timeout=None),
        text_signature = "($self, scope, *, validity=600, timeout=None)")]
    fn issue_token(
        &self,
        py: Python<'_>,
        scope: Given<'_, AccessScope>,
        validity: Or<'_, Duration>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::AccessToken>> {
        guard(py, || {
            let scope = argument("scope").take(scope)?.core();
            let validity = argument("validity").take_or(validity, Duration::from_secs(600))?;
            self.call(py, "issue_token", timeout, |core| async move { core.issue_token(&scope, validity).await })
        })
    }

    /// Proves that host, credentials and clock work, moving nothing: gets a token and reads the merchant's data.
    ///
    /// Errors: `ConfigurationError`, naming `clock`, if this machine's clock is more than 5 minutes off the platform's;
    /// `AuthenticationError` if the credentials are not accepted; else as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     info = client.check_credentials()
    ///     >>> len(info.name) > 0
    ///     True
    #[pyo3(signature = (*, timeout=None))]
    fn check_credentials(
        &self,
        py: Python<'_>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::MerchantInfo>> {
        guard(py, || self.call(py, "check_credentials", timeout, |core| async move { core.check_credentials().await }))
    }

    /// Signs a callback URL for this payout: the URL to hand over as the request's `callback_url`. Nothing is sent.
    ///
    /// The platform signs no callback, so the URL carries a signature over this id and its expiry, by the first of the
    /// `callback_keys`. Host and path are not signed, since proxies rewrite them.
    ///
    /// `expires_at` is a datetime with a time zone; without one, the URL never ends. Leave time for the payout, which
    /// may take days, and for the platform's repeats. place is `"path"` (a last segment of the path) or `"query"` (the
    /// parameter `komopay`, which the platform does not promise to keep).
    ///
    /// Errors: `ConfigurationError`, naming `callback_keys`, without a key; `InvalidRequestError`, naming
    /// `callback_url`, if base is not an absolute https URL (plain http is for loopback), holds a user name, a
    /// password, a fragment or a signature, or is longer than 1000 characters when it is signed, or naming
    /// `expires_at`, if that is not in the future.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
    ///     ...     url = client.callback_url("https://shop.example/hook", "TST-223344")
    ///     >>> url.startswith("https://shop.example/hook/1.0.")
    ///     True
    #[pyo3(signature = (base, payout_id, *, expires_at=None, place=Or::DEFAULT),
        text_signature = "($self, base, payout_id, *, expires_at=None, place='path')")]
    fn callback_url(
        &self,
        py: Python<'_>,
        base: Given<'_, String>,
        payout_id: Given<'_, PayoutId>,
        expires_at: Option<Given<'_, Timestamp>>,
        place: Or<'_, SignaturePlace>,
    ) -> PyResult<String> {
        guard(py, || {
            let expires_at = argument("expires_at").maybe(expires_at)?;
            let place = argument("place").take_or(place, SignaturePlace::Path)?;
            let options = CallbackUrlOptions { expires_at, place };
            let (base, id) = (argument("base").take(base)?, argument("payout_id").take(payout_id)?);
            self.core(py)?.callback_url(&base, &id, &options).map_err(|error| raise(py, &error))
        })
    }

    /// Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.
    ///
    /// body is the raw body of the request; url is the URL that was requested, absolute or from its path on. A client
    /// without `callback_keys` reads the body only, and says that it is not verified.
    ///
    /// Errors: `InvalidCallbackError`, whose `field` tells what is wrong: `body`, `body_size` (over 64 KiB), `url`
    /// (over 8 KiB), `signature` (missing, forged, or for another payout) or `expires_at` (over).
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
    ///     ...     url = client.callback_url("https://shop.example/hook", "TST-223344")
    ///     ...     print(client.read_callback(b'{"idEntity": "TST-223344"}', url))
    ///     ...     try:
    ///     ...         client.read_callback(b'{"idEntity": "TST-223345"}', url)
    ///     ...     except InvalidCallbackError as error:
    ///     ...         print(error.field, error.callback_status)
    ///     Callback(payout_id='TST-223344', verified=True)
    ///     signature 403
    fn read_callback(&self, py: Python<'_>, body: Given<'_, Vec<u8>>, url: Given<'_, String>) -> PyResult<Callback> {
        guard(py, || {
            let (body, url) = (part_of_callback("body").take(body)?, part_of_callback("url").take(url)?);
            let read = self.core(py)?.read_callback(&body, &url);
            read.map(Callback::from).map_err(|error| raise(py, &error))
        })
    }

    /// Reads a callback, checks it, and reads the payout from the platform. Whoever calls never says the status.
    ///
    /// Where there is a `change_store`, a change is in it when this returns. Answer with 200 then, and with the error's
    /// `callback_status` after a `KomopayError`, so that the platform repeats what was not dealt with.
    ///
    /// Errors: as for `read_callback`, and nothing is sent then; `ConfigurationError`, naming `callback_keys`, without
    /// a key; `UnavailableError`, naming `change_store`, if that failed; else as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> def hook(client: Client, body: bytes, url: str) -> int:
    ///     ...     try:
    ///     ...         client.handle_callback(body, url)
    ///     ...     except KomopayError as error:
    ///     ...         return error.callback_status
    ///     ...     return 200
    ///     >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
    ///     ...     hook(client, b'{"idEntity": "TST-223344"}', "/hook/a-guess")
    ///     403
    #[pyo3(signature = (body, url, *, timeout=None))]
    fn handle_callback(
        &self,
        py: Python<'_>,
        body: Given<'_, Vec<u8>>,
        url: Given<'_, String>,
        timeout: Option<Given<'_, Duration>>,
    ) -> PyResult<Answered<core::Payout>> {
        guard(py, || {
            let (body, url) = (part_of_callback("body").take(body)?, part_of_callback("url").take(url)?);
            self.call(py, "handle_callback", timeout, |core| async move { core.handle_callback(&body, &url).await })
        })
    }

    /// Takes changes out of the `change_store` to handle them: at most limit, the oldest first, and of one payout only
    /// the first that was not acknowledged. For `change_lease`, nobody else is given them.
    ///
    /// Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
    /// worker is still at it, who must not undo what came after. So keep, for each payout, the highest `sequence` that
    /// was handled, in one transaction with what is done for it, and ignore a change whose number is not above it.
    ///
    /// Errors: `ConfigurationError`, naming `change_store`, without one; `UnavailableError`, naming it, if it failed.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
    ///     ...     for change in client.take_changes(limit=10):
    ///     ...         print(change.payout_id, change.payout.status)
    ///     ...         client.acknowledge_change(change.payout_id, change.sequence)
    #[pyo3(signature = (*, limit=Or::DEFAULT), text_signature = "($self, *, limit=100)")]
    fn take_changes(&self, py: Python<'_>, limit: Or<'_, usize>) -> PyResult<Answered<Vec<core::PayoutChange>>> {
        guard(py, || {
            let limit = argument("limit").take_or(limit, 100)?;
            self.call_store(py, |core| async move { core.take_changes(limit).await })
        })
    }

    /// Notes in the `change_store` that a change was handled: it is never given again.
    ///
    /// Errors: as for `take_changes`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
    ///     ...     client.acknowledge_change("TST-223344", 1)  # it was not there, or acknowledged before
    fn acknowledge_change(
        &self,
        py: Python<'_>,
        payout_id: Given<'_, PayoutId>,
        sequence: Given<'_, u64>,
    ) -> PyResult<Answered<()>> {
        guard(py, || {
            let sequence = argument("sequence").take(sequence)?;
            let id = argument("payout_id").take(payout_id)?;
            self.call_store(py, |core| async move { core.acknowledge_change(&id, sequence).await })
        })
    }

    /// For an adapter: raises a `ConfigurationError`, naming what is missing to receive callbacks.
    fn _check_callbacks(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.core(py)?.check_callbacks().map_err(|error| raise(py, &error)))
    }

    /// For a worker: raises a `ConfigurationError`, naming `change_store`, if it is missing.
    fn _check_changes(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.core(py)?.check_changes().map_err(|error| raise(py, &error)))
    }

    /// This client with other options: the same connections, tokens and throttle, the same creates under way and what
    /// is remembered of unknown outcomes. It is closed when either is.
    ///
    /// `total_timeout` is the deadline of a whole call, in seconds or a timedelta; a single call may have one of its
    /// own, `timeout`. `headers` go with each request of a call, its token call included, besides those of before; none
    /// may be HTTP's own or this package's: `Host`, `Content-Length`, `Authorization`, `Id-Customer` and so on.
    ///
    /// A create that joins an equal one under way, and has less time than that, is an `OutcomeUnknownError` when its
    /// time is over, whether the other was sent or not.
    ///
    /// Errors: `ConfigurationError`, naming `total_timeout` or `headers`; a value of a header is never repeated.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     hurried = client.with_options(total_timeout=10, headers={"X-Job": "payroll-7"})
    ///     ...     hurried.settings["total_timeout"], "IDR" in hurried.currencies(timeout=5)
    ///     (10.0, True)
    #[pyo3(signature = (*, total_timeout=None, headers=None))]
    fn with_options(
        &self,
        py: Python<'_>,
        total_timeout: Option<Given<'_, Duration>>,
        headers: Option<Given<'_, Headers>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let mut options = CallOptions::default();
            options.total_timeout = setting("total_timeout").maybe(total_timeout)?;
            options.headers = setting("headers").maybe(headers)?.map(|headers| headers.0).unwrap_or_default();
            let options = Options::new(py, self.options.clone(), options, &self.live)?;
            Ok(Self { live: Arc::clone(&self.live), caller: self.caller, options: Some(options) })
        })
    }

    /// The settings that this client has, given or not; times in seconds. What is secret is not among them, and neither
    /// are the keys of callbacks and the store of changes.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(total_timeout=30) as client:
    ///     ...     [client.settings[name] for name in ("total_timeout", "attempt_timeout", "pool_size")]
    ///     [30.0, 15.0, 64]
    #[getter]
    fn settings<'py>(&self, py: Python<'py>) -> PyResult<Shown<'py>> {
        guard(py, || {
            let core = self.core(py)?;
            let mut config = self.live.config().clone();
            (config.total_timeout, config.attempt_timeout) = (core.total_timeout(), core.attempt_timeout());
            shown(py, &config)
        })
    }

    /// Replaces a method of this client, in a test. A setting is no attribute: it would change nothing.
    #[allow(clippy::needless_pass_by_value, reason = "so are the arguments of a method of Python given")]
    fn __setattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>, value: Anything<'_>) -> PyResult<()> {
        if !slf.get_type().getattr(name).is_ok_and(|method| method.is_callable()) {
            let text =
                format!("a client has no method {name} that could be replaced; settings are given when it is made");
            return Err(PyAttributeError::new_err(text));
        }
        slf.getattr("__dict__")?.set_item(name, value.0)
    }

    fn __delattr__(slf: &Bound<'_, Self>, name: &Bound<'_, PyString>) -> PyResult<()> {
        let replaced = slf.getattr("__dict__")?;
        replaced.del_item(name).map_err(|_| PyAttributeError::new_err(format!("{name} was not replaced")))
    }

    /// Refuses new calls, and waits for the creates on the wire, up to their deadlines. Ctrl-C ends the waiting.
    ///
    /// With drain=False it does not wait: creates on the wire are read to their end, and the log names their ids. It
    /// may be called again.
    ///
    /// Example:
    ///
    ///     >>> client = Client.from_env()
    ///     >>> client.close()
    ///     >>> client.close(drain=False)
    #[pyo3(signature = (*, drain=Or::DEFAULT), text_signature = "($self, *, drain=True)")]
    fn close(&self, py: Python<'_>, drain: Or<'_, bool>) -> PyResult<Answered<()>> {
        guard(py, || {
            let drain = argument("drain").take_or(drain, true)?;
            match self.caller {
                Caller::Blocks => self.end(py, drain).map(|()| Answered::new(py.None())),
                Caller::EventLoop => asynchronous::close(py, &self.live, drain),
            }
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Closes the client. After a Ctrl-C it does not wait for creates on the wire: the log has named them.
    #[pyo3(signature = (
        exc_type: "type[BaseException] | None",
        exc_value: "BaseException | None",
        traceback: "object",
        /
    ))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: Option<&Bound<'_, PyAny>>,
        exc_value: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let _ = (exc_type, traceback);
        let interrupted = exc_value.is_some_and(pyo3::types::PyAnyMethods::is_instance_of::<PyKeyboardInterrupt>);
        guard(py, || self.end(py, !interrupted))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(Repr::new(py, "Client").text("base_url", self.live.config().base_url.as_str()).finish()))
    }

    /// This client for the running event loop: the same methods, of which those that send something start a call, for
    /// `komopay.AsyncClient`, and do not wait for it.
    fn _for_event_loop(&self, py: Python<'_>) -> PyResult<Self> {
        guard(py, || {
            asynchronous::load(py)?;
            Ok(Self { live: Arc::clone(&self.live), caller: Caller::EventLoop, options: self.options.clone() })
        })
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "a Client holds credentials and connections and cannot be pickled or copied; \
                    make one in each process, for example with Client.from_env()";
        Err(PyTypeError::new_err(text))
    }
}

impl Client {
    /// The core's client of this process, with the options of this one.
    pub fn core(&self, py: Python<'_>) -> PyResult<core::Client> {
        match &self.options {
            None => self.live.core(py),
            Some(options) => options.of(py, &self.live),
        }
    }

    /// Makes a call that is no create, of this name.
    fn call<T, F>(
        &self,
        py: Python<'_>,
        operation: &str,
        timeout: Option<Given<'_, Duration>>,
        call: impl FnOnce(core::Client) -> F,
    ) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = core::Result<T>> + Send + 'static,
    {
        let core = within(py, &self.core(py)?, argument("timeout").maybe(timeout)?)?;
        let (told, core) = Told::start(py, operation, core)?;
        self.caller.start(py)?.call(py, None, told, call(core))
    }

    /// Makes a call that asks the store of changes, and sends nothing.
    fn call_store<T, F>(&self, py: Python<'_>, call: impl FnOnce(core::Client) -> F) -> PyResult<Answered<T>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = core::Result<T>> + Send + 'static,
    {
        let core = self.core(py)?;
        self.caller.start(py)?.call(py, None, Told::nobody(), call(core))
    }

    fn end(&self, py: Python<'_>, drain: bool) -> PyResult<()> {
        self.live.note_closed();
        if process::has_ended() {
            // Everything is closed.
            return Ok(());
        }
        let core = self.core(py)?;
        if drain {
            wait::wait(py, runtime::driver(py)?, async move { core.close().await })?;
        } else {
            core.refuse_calls();
        }
        logging::flush(py)
    }
}

/// The client for one call, which has so much time, if that is given.
fn within(py: Python<'_>, core: &core::Client, timeout: Option<Duration>) -> PyResult<core::Client> {
    timeout.map_or(Ok(core.clone()), |timeout| core.within(timeout)).map_err(|error| raise(py, &error))
}

/// A variable of the environment, as Python has it; None if it is not set, or empty.
pub fn variable_of(py: Python<'_>, name: &str) -> PyResult<Option<String>> {
    let given = py.import("os")?.getattr("environ")?.call_method1("get", (name,))?;
    let text = setting(name).optional((!given.is_none()).then_some(given), Argument::text)?;
    Ok(text.filter(|text| !text.is_empty()))
}

impl Read for SignaturePlace {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::literal!("path", "query");

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "path" => Ok(Self::Path),
            "query" => Ok(Self::Query),
            _ => Err(argument.refuse(given.py(), "must be 'path' or 'query'")),
        }
    }
}
