//! `Client`: the front door, one method per operation. It converts, waits, and decides nothing.

use std::sync::Arc;

use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyTuple, PyType};

use crate::callback::Callback;
use crate::error::{guard, raise};
use crate::given::{Argument, argument, setting};
use crate::live::Live;
use crate::operations::{self, Filter, Waiting};
use crate::repr::Repr;
use crate::settings::Settings;
use crate::{logging, process, wait};

/// A client of the payout API, for any number of threads.
///
/// Give `merchant_code` and `secret`, or a `token`: a ready one, or a function that gives one whenever a new one is
/// needed. The function runs in a thread of its own, and what it raises becomes an `UnavailableError` that names the type
/// only. Times are seconds, as a number or a `timedelta`. What is not given has its default; a bad setting is a
/// `ConfigurationError` that names it.
///
/// A child process after a fork connects anew at its first call; calls under way stay the parent's. When the interpreter
/// ends, creates on the wire have up to 5 seconds, and the log names the ids of those that take longer.
///
/// - `base_url`: where the platform is, such as `SANDBOX_URL`; it may have a path prefix. Plain http is for loopback.
/// - `total_timeout`: the deadline of a whole call, 90 s.
/// - `attempt_timeout`: the deadline of one request on the wire, 20 s; at most half of `total_timeout`.
/// - `connect_timeout`: the deadline for making a connection, 5 s.
/// - `settle_window`: how long after a lost create a read may not yet show it, 30 s.
/// - `backoff_base`, `backoff_cap`: the longest first pause, 0.25 s, and the longest pause, 5 s.
/// - `read_attempts`: how many requests a read may take, 4.
/// - `requests_per_second`: how many requests are sent in a second at the most, such as 20 or 0.5; no limit without it. A
///   429 halves it for a while. A read that settles a create never waits for it.
/// - `max_concurrency`: how many calls have a request under way at a time at the most; as `requests_per_second`.
/// - `pool_size`: how many idle connections are kept, 64.
/// - `connection_per_create`: whether each create goes over a connection of its own, so that a refusal needs no read to
///   confirm it; False. It costs a connection for each payout.
/// - `max_answer_bytes`: the largest answer that is read, 1 MiB.
/// - `proxy`: an http or https proxy for every call; without one, the environment's, but never for loopback. One that cannot be
///   used is refused.
/// - `ca_file`: a PEM file with authorities to trust besides the system's.
/// - `customer_id`: the value of the `Id-Customer` header.
/// - `max_amount`: the most that one payout may be, as Money for each currency, or a dict of amounts by currency.
/// - `is_test`: True if this client is for test data, False if it is for live money. A payout of the other world is a
///   `ConfigurationError` of a read, and never taken for a create's own. With False, `SANDBOX_URL` and this machine are
///   refused as `base_url`.
/// - `loopback_is_live`: True if a local proxy at this loopback address leads to the live platform: with `is_test=False` only.
/// - `validate`: whether requests are checked before they are sent, True.
/// - `token_scope`: `"payout"` (one token for one payout, the default) or `"everything"`.
/// - `token_validity`: for how long an issued token is asked to be valid, 600 s (60 to 3600).
/// - `callback_keys`: the keys of callback URLs, each at least 32 random bytes of your own, never the secret: the first
///   signs, all of them verify, at most 8.
/// - `change_store`: a `MemoryChangeStore` or a `SqliteChangeStore`, where changes are kept until you have handled them.
/// - `change_lease`: for how long a change belongs to who took it, 60 s.
/// - `callback_timeout`: the deadline of `handle_callback`, 5 s, and never more than `total_timeout`. Then the callback
///   is answered with 503, and the platform posts again.
///
/// Example:
///
///     >>> with Client(base_url=SANDBOX_URL, merchant_code="M", secret="S", total_timeout=30, attempt_timeout=10,
///     ...             max_amount={"IDR": 5_000_000, "USD": "300"}, is_test=True) as client:
///     ...     print(client)
///     Client(base_url='https://api.sandbox.komopay.id')
#[pyclass(frozen, module = "komopay")]
pub struct Client {
    live: Arc<Live>,
}

#[pymethods]
impl Client {
    #[new]
    #[pyo3(signature = (*, base_url, merchant_code=None, secret=None, token=None, total_timeout=None,
        attempt_timeout=None, connect_timeout=None, settle_window=None, backoff_base=None, backoff_cap=None,
        read_attempts=None, requests_per_second=None, max_concurrency=None, pool_size=None,
        connection_per_create=None, max_answer_bytes=None, proxy=None, ca_file=None, customer_id=None, max_amount=None,
        is_test=None, loopback_is_live=None, validate=None, token_scope=None, token_validity=None, callback_keys=None,
        change_store=None, change_lease=None, callback_timeout=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn new(
        py: Python<'_>,
        base_url: Bound<'_, PyAny>,
        merchant_code: Option<Bound<'_, PyAny>>,
        secret: Option<Bound<'_, PyAny>>,
        token: Option<Bound<'_, PyAny>>,
        total_timeout: Option<Bound<'_, PyAny>>,
        attempt_timeout: Option<Bound<'_, PyAny>>,
        connect_timeout: Option<Bound<'_, PyAny>>,
        settle_window: Option<Bound<'_, PyAny>>,
        backoff_base: Option<Bound<'_, PyAny>>,
        backoff_cap: Option<Bound<'_, PyAny>>,
        read_attempts: Option<Bound<'_, PyAny>>,
        requests_per_second: Option<Bound<'_, PyAny>>,
        max_concurrency: Option<Bound<'_, PyAny>>,
        pool_size: Option<Bound<'_, PyAny>>,
        connection_per_create: Option<Bound<'_, PyAny>>,
        max_answer_bytes: Option<Bound<'_, PyAny>>,
        proxy: Option<Bound<'_, PyAny>>,
        ca_file: Option<Bound<'_, PyAny>>,
        customer_id: Option<Bound<'_, PyAny>>,
        max_amount: Option<Bound<'_, PyAny>>,
        is_test: Option<Bound<'_, PyAny>>,
        loopback_is_live: Option<Bound<'_, PyAny>>,
        validate: Option<Bound<'_, PyAny>>,
        token_scope: Option<Bound<'_, PyAny>>,
        token_validity: Option<Bound<'_, PyAny>>,
        callback_keys: Option<Bound<'_, PyAny>>,
        change_store: Option<Bound<'_, PyAny>>,
        change_lease: Option<Bound<'_, PyAny>>,
        callback_timeout: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let settings = Settings {
                base_url,
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
                token_scope,
                token_validity,
                callback_keys,
                change_store,
                change_lease,
                callback_timeout,
            };
            let config = settings.into_config(py)?;
            Ok(Self { live: Live::new(py, config)? })
        })
    }

    /// A client from the environment: `KOMOPAY_MERCHANT_CODE`, `KOMOPAY_SECRET` and `KOMOPAY_BASE_URL`; and, if it is set,
    /// `KOMOPAY_CALLBACK_KEYS`, keys that hold no comma, with commas between them.
    ///
    /// Every setting of Client may be given, and then wins. With a token, code and secret are not looked up. A variable
    /// that is missing is a `ConfigurationError` that names it.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(total_timeout=60) as client:
    ///     ...     currencies = client.currencies()
    #[classmethod]
    #[pyo3(signature = (**settings))]
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
    /// resume says "this id may have been sent before": after `OutcomeUnknownError`, after a crash, in a job that is run
    /// again. Success means that the platform took the payout, not that the money arrived: see `wait_for_payout`.
    ///
    /// Ctrl-C releases the caller at once; no further attempt starts, what is on the wire is read to its end, and the
    /// log names the id.
    ///
    /// Errors: `OutcomeUnknownError` must be followed up, the payout may exist; `DuplicatePayoutError` if the id is taken;
    /// `InvalidRequestError`, `RejectedError`, `PermissionDeniedError` and `AuthenticationError` if it was refused;
    /// `UnavailableError`, `TimedOutError` and `RateLimitedError` if nothing was sent.
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
    #[pyo3(signature = (payout_id, request, *, resume=None),
        text_signature = "($self, payout_id, request, *, resume=False)")]
    fn create_payout(
        &self,
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        request: &Bound<'_, PyAny>,
        resume: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        operations::create_payout(&Waiting(&self.live), py, payout_id, request, resume)
    }

    /// Reads a payout, trying again where that may help.
    ///
    /// Errors: `NotFoundError` if there is none now; `UnavailableError`, `TimedOutError` or `RateLimitedError` if it could
    /// not be read; `UnexpectedResponseError` if the answer cannot be understood.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     try:
    ///     ...         client.get_payout("TST-0")
    ///     ...     except NotFoundError as error:
    ///     ...         print(error.http_status)
    ///     410
    fn get_payout(&self, py: Python<'_>, payout_id: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        operations::get_payout(&Waiting(&self.live), py, payout_id)
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
        payout_id: &Bound<'_, PyAny>,
        timeout: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        operations::wait_for_payout(&Waiting(&self.live), py, payout_id, timeout)
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
    #[pyo3(signature = (money, *, segment_code=None, exchanged_to_currency=None))]
    fn payout_options(
        &self,
        py: Python<'_>,
        money: &Bound<'_, PyAny>,
        segment_code: Option<Bound<'_, PyAny>>,
        exchanged_to_currency: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        operations::payout_options(&Waiting(&self.live), py, money, segment_code, exchanged_to_currency)
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
    #[pyo3(signature = (*currencies))]
    fn balances(&self, py: Python<'_>, currencies: &Bound<'_, PyTuple>) -> PyResult<Py<PyAny>> {
        operations::balances(&Waiting(&self.live), py, currencies)
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
    fn currencies(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::currencies(&Waiting(&self.live), py)
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
    fn segments(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::segments(&Waiting(&self.live), py)
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
    fn payment_operators(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::payment_operators(&Waiting(&self.live), py)
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
    fn payment_methods(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::payment_methods(&Waiting(&self.live), py)
    }

    /// Methods and operators with their limits for this merchant, switched off ones included. What is not given does not
    /// filter.
    ///
    /// Errors: `RejectedError` if the platform does not know a code of the filter; else as for `get_payout`.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     options = client.payment_options(type_code="PAYOUT", currencies=["IDR"])
    ///     >>> {option.currency for option in options}
    ///     {'IDR'}
    #[pyo3(signature = (*, type_code=None, method_codes=None, currencies=None, segment_codes=None, operator_codes=None),
        text_signature = "($self, *, type_code=None, method_codes=(), currencies=(), segment_codes=(), operator_codes=())")]
    fn payment_options(
        &self,
        py: Python<'_>,
        type_code: Option<Bound<'_, PyAny>>,
        method_codes: Option<Bound<'_, PyAny>>,
        currencies: Option<Bound<'_, PyAny>>,
        segment_codes: Option<Bound<'_, PyAny>>,
        operator_codes: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let filter = Filter { type_code, method_codes, currencies, segment_codes, operator_codes };
        operations::payment_options(&Waiting(&self.live), py, filter)
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
    fn merchant_info(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::merchant_info(&Waiting(&self.live), py)
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
    #[pyo3(signature = (scope, *, validity=None), text_signature = "($self, scope, *, validity=600)")]
    fn issue_token(
        &self,
        py: Python<'_>,
        scope: &Bound<'_, PyAny>,
        validity: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Py<PyAny>> {
        let validity = validity.unwrap_or_else(|| PyInt::new(py, 600).into_any());
        operations::issue_token(&Waiting(&self.live), py, scope, &validity)
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
    fn check_credentials(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        operations::check_credentials(&Waiting(&self.live), py)
    }

    /// Signs a callback URL for this payout: the URL to hand over as the request's `callback_url`. Nothing is sent.
    ///
    /// The platform signs no callback, so the URL carries a signature over this id and its expiry, by the first of the
    /// `callback_keys`. Host and path are not signed, since proxies rewrite them.
    ///
    /// `expires_at` is a datetime with a time zone; without one, the URL never ends. Leave time for the payout, which may take
    /// days, and for the platform's repeats. place is `"path"` (a last segment of the path) or `"query"` (the parameter
    /// `komopay`, which the platform does not promise to keep).
    ///
    /// Errors: `ConfigurationError`, naming `callback_keys`, without a key; `InvalidRequestError`, naming `callback_url`, if
    /// base is no absolute https URL (plain http is for loopback), holds a user name, a password, a fragment or a signature,
    /// or is longer than 1000 characters when it is signed, or naming `expires_at`, if that is not in the future.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(callback_keys=["what `openssl rand -hex 32` printed"]) as client:
    ///     ...     url = client.callback_url("https://shop.example/hook", "TST-223344")
    ///     >>> url.startswith("https://shop.example/hook/1.0.")
    ///     True
    #[pyo3(signature = (base, payout_id, *, expires_at=None, place=None),
        text_signature = "($self, base, payout_id, *, expires_at=None, place='path')")]
    fn callback_url(
        &self,
        py: Python<'_>,
        base: &Bound<'_, PyAny>,
        payout_id: &Bound<'_, PyAny>,
        expires_at: Option<Bound<'_, PyAny>>,
        place: Option<Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        operations::callback_url(&self.live, py, base, payout_id, expires_at, place)
    }

    /// Reads a callback, and checks that its URL was signed for its payout. Nothing is sent.
    ///
    /// body is the raw body of the request; url is the URL that was requested, absolute or from its path on. A client
    /// without `callback_keys` reads the body only, and says that it is not verified.
    ///
    /// Errors: `InvalidCallbackError`, whose `field` tells what is wrong: `body`, `body_size` (over 64 KiB), `url` (over
    /// 8 KiB), `signature` (missing, forged, or for another payout) or `expires_at` (over).
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
    fn read_callback(&self, py: Python<'_>, body: &Bound<'_, PyAny>, url: &Bound<'_, PyAny>) -> PyResult<Callback> {
        operations::read_callback(&self.live, py, body, url)
    }

    /// Reads a callback, checks it, and reads the payout from the platform. Whoever calls never says the status.
    ///
    /// Where there is a `change_store`, a change is in it when this returns. Answer with 200 then, and with the error's
    /// `callback_status` after a `KomopayError`, so that the platform repeats what was not dealt with.
    ///
    /// Errors: as for `read_callback`, and nothing is sent then; `ConfigurationError`, naming `callback_keys`, without a
    /// key; `UnavailableError`, naming `change_store`, if that failed; else as for `get_payout`.
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
    fn handle_callback(&self, py: Python<'_>, body: &Bound<'_, PyAny>, url: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        operations::handle_callback(&Waiting(&self.live), py, body, url)
    }

    /// Takes changes out of the `change_store` to handle them: at most limit, the oldest first, and of one payout only the
    /// first that was not acknowledged. For `change_lease`, nobody else is given them.
    ///
    /// Acknowledge each when it is handled. One that is not acknowledged in time is given again, perhaps while a slow
    /// worker is still at it, who must not undo what came after. So keep, for each payout, the highest `sequence` that was
    /// handled, in one transaction with what is done for it, and ignore a change whose number is not above it.
    ///
    /// Errors: `ConfigurationError`, naming `change_store`, without one; `UnavailableError`, naming it, if it failed.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env(change_store=MemoryChangeStore()) as client:
    ///     ...     for change in client.take_changes(limit=10):
    ///     ...         print(change.payout_id, change.payout.status)
    ///     ...         client.acknowledge_change(change.payout_id, change.sequence)
    #[pyo3(signature = (*, limit=None), text_signature = "($self, *, limit=100)")]
    fn take_changes(&self, py: Python<'_>, limit: Option<Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let limit = limit.unwrap_or_else(|| PyInt::new(py, 100).into_any());
        operations::take_changes(&Waiting(&self.live), py, &limit)
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
        payout_id: &Bound<'_, PyAny>,
        sequence: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        operations::acknowledge_change(&Waiting(&self.live), py, payout_id, sequence)
    }

    /// For an adapter: raises a `ConfigurationError`, naming what is missing to receive callbacks.
    fn _check_callbacks(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.live.core(py)?.check_callbacks().map_err(|error| raise(py, &error)))
    }

    /// For a worker: raises a `ConfigurationError`, naming `change_store`, if it is missing.
    fn _check_changes(&self, py: Python<'_>) -> PyResult<()> {
        guard(py, || self.live.core(py)?.check_changes().map_err(|error| raise(py, &error)))
    }

    /// Refuses new calls, and waits for the creates on the wire, up to their deadlines. Ctrl-C ends the waiting.
    ///
    /// With drain=False it does not wait: creates on the wire are read to their end, and the log names their ids. It may
    /// be called again.
    ///
    /// Example:
    ///
    ///     >>> client = Client.from_env()
    ///     >>> client.close()
    ///     >>> client.close(drain=False)
    #[pyo3(signature = (*, drain=None), text_signature = "($self, *, drain=True)")]
    fn close(&self, py: Python<'_>, drain: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        guard(py, || {
            let drain = argument("drain").optional(drain, Argument::truth)?.unwrap_or(true);
            self.end(py, drain)
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
        let interrupted = exc_value.is_some_and(pyo3::types::PyAnyMethods::is_instance_of::<PyKeyboardInterrupt>);
        guard(py, || self.end(py, !interrupted))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(Repr::new(py, "Client").text("base_url", self.live.base_url()).finish()))
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "a Client holds credentials and connections and cannot be pickled or copied; \
                    make one in each process, for example with Client.from_env()";
        Err(PyTypeError::new_err(text))
    }
}

impl Client {
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    fn end(&self, py: Python<'_>, drain: bool) -> PyResult<()> {
        self.live.note_closed();
        if process::has_ended() {
            // Everything is closed.
            return Ok(());
        }
        let core = self.live.core(py)?;
        if drain {
            wait::wait(py, async move { core.close().await })?;
        } else {
            core.refuse_calls();
        }
        logging::flush(py)
    }
}

/// A variable of the environment, as Python has it; None if it is not set, or empty.
fn variable_of(py: Python<'_>, name: &str) -> PyResult<Option<String>> {
    let given = py.import("os")?.getattr("environ")?.call_method1("get", (name,))?;
    let text = setting(name).optional((!given.is_none()).then_some(given), Argument::text)?;
    Ok(text.filter(|text| !text.is_empty()))
}
