//! Every operation once, for both clients: its arguments, the core's call, and the value that comes of it.

use std::future::Future;

use komopay_core::{
    CallbackUrlOptions, Client, Error, ErrorKind, PaymentOptionFilter, PaymentTypeCode, PayoutId, SignaturePlace,
};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::access::{AccessScope, texts};
use crate::callback::Callback;
use crate::catalogue::ToPython;
use crate::error::{guard, guard_create, not_sent, raise, refuse, unknown};
use crate::live::Live;
use crate::money::Money;
use crate::request::PayoutRequest;
use crate::settings::{moment, seconds, whole};
use crate::{asynchronous, messenger, runtime, wait};

/// A way to make calls: wait for each, or start it for an event loop.
pub trait Door {
    type Made;

    /// Starts what a call needs in this process: without it, nothing can be sent.
    fn ready(&self, py: Python<'_>) -> PyResult<()>;

    /// Makes a call; of this id, if it is a create.
    fn make<T, F>(
        &self,
        py: Python<'_>,
        create: Option<PayoutId>,
        call: impl FnOnce(Client) -> F,
    ) -> PyResult<Self::Made>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static;
}

/// Waits for its calls.
pub struct Waiting<'a>(pub &'a Live);

impl Door for Waiting<'_> {
    type Made = Py<PyAny>;

    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        self.0.core(py)?;
        runtime::handle(py).map(drop)
    }

    fn make<T, F>(
        &self,
        py: Python<'_>,
        create: Option<PayoutId>,
        call: impl FnOnce(Client) -> F,
    ) -> PyResult<Py<PyAny>>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let call = call(self.0.core(py)?);
        match wait::wait_as(py, call, create.as_ref())? {
            Ok(value) => value.to_python(py),
            Err(error) => Err(raise(py, &error)),
        }
    }
}

/// Starts its calls for the running event loop.
pub struct Starting<'a>(pub &'a Live);

impl Door for Starting<'_> {
    type Made = asynchronous::Call;

    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        self.0.core(py)?;
        runtime::handle(py)?;
        messenger::start(py)
    }

    fn make<T, F>(
        &self,
        py: Python<'_>,
        create: Option<PayoutId>,
        call: impl FnOnce(Client) -> F,
    ) -> PyResult<Self::Made>
    where
        T: ToPython + Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        asynchronous::start(py, self.0, create, call)
    }
}

pub fn create_payout<D: Door>(
    door: &D,
    py: Python<'_>,
    payout_id: &str,
    request: &Bound<'_, PayoutRequest>,
    resume: bool,
) -> PyResult<D::Made> {
    let (id, request) = guard(py, || Ok((id(py, payout_id)?, komopay_core::PayoutRequest::from(request.get()))))?;
    // Up to here nothing was handed to the core, so nothing was sent by this call.
    guard(py, || door.ready(py)).map_err(|error| {
        if resume {
            // An earlier call may have sent it: what keeps this one from finding out proves nothing.
            unknown(py, payout_id, &error.value(py).to_string())
        } else {
            not_sent(py, payout_id, error)
        }
    })?;
    guard_create(py, payout_id, || {
        door.make(py, Some(id.clone()), |core| async move { core.create_payout(&id, &request, resume).await })
    })
}

pub fn get_payout<D: Door>(door: &D, py: Python<'_>, payout_id: &str) -> PyResult<D::Made> {
    guard(py, || {
        let id = id(py, payout_id)?;
        door.make(py, None, |core| async move { core.get_payout(&id).await })
    })
}

pub fn wait_for_payout<D: Door>(
    door: &D,
    py: Python<'_>,
    payout_id: &str,
    timeout: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let timeout = seconds(timeout, "timeout", ErrorKind::InvalidRequest)?;
        let id = id(py, payout_id)?;
        door.make(py, None, |core| async move { core.wait_for_payout(&id, timeout).await })
    })
}

pub fn payout_options<D: Door>(
    door: &D,
    py: Python<'_>,
    money: &Bound<'_, Money>,
    segment_code: Option<String>,
    exchanged_to_currency: Option<String>,
) -> PyResult<D::Made> {
    guard(py, || {
        let money = komopay_core::Money::from(money.get());
        door.make(py, None, |core| async move {
            core.payout_options(&money, segment_code.as_deref(), exchanged_to_currency.as_deref()).await
        })
    })
}

pub fn balances<D: Door>(door: &D, py: Python<'_>, currencies: &Bound<'_, PyTuple>) -> PyResult<D::Made> {
    guard(py, || {
        // Also one list of them, since that is what is at hand as a rule.
        let first = currencies.get_item(0).ok().filter(|first| !first.is_instance_of::<PyString>());
        let currencies = match first {
            Some(list) if currencies.len() == 1 => texts(&list, "currencies")?,
            _ => texts(currencies, "currencies")?,
        };
        door.make(py, None, |core| async move { core.balances(&currencies).await })
    })
}

pub fn currencies<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.currencies().await }))
}

pub fn segments<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.segments().await }))
}

pub fn payment_operators<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.payment_operators().await }))
}

pub fn payment_methods<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.payment_methods().await }))
}

/// What `payment_options` filters by; nothing given does not filter.
pub struct Filter<'py> {
    pub type_code: Option<String>,
    pub method_codes: Option<Bound<'py, PyAny>>,
    pub currencies: Option<Bound<'py, PyAny>>,
    pub segment_codes: Option<Bound<'py, PyAny>>,
    pub operator_codes: Option<Bound<'py, PyAny>>,
}

pub fn payment_options<D: Door>(door: &D, py: Python<'_>, filter: Filter<'_>) -> PyResult<D::Made> {
    guard(py, || {
        let codes =
            |given: Option<Bound<'_, PyAny>>, name| given.map_or_else(|| Ok(Vec::new()), |given| texts(&given, name));
        let Filter { type_code, method_codes, currencies, segment_codes, operator_codes } = filter;
        let filter = PaymentOptionFilter {
            type_code: type_code.map(|code| PaymentTypeCode::from(code.as_str())),
            method_codes: codes(method_codes, "method_codes")?,
            currencies: codes(currencies, "currencies")?,
            segment_codes: codes(segment_codes, "segment_codes")?,
            operator_codes: codes(operator_codes, "operator_codes")?,
        };
        door.make(py, None, |core| async move { core.payment_options(&filter).await })
    })
}

pub fn merchant_info<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.merchant_info().await }))
}

pub fn issue_token<D: Door>(
    door: &D,
    py: Python<'_>,
    scope: &Bound<'_, AccessScope>,
    validity: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let scope = scope.get().core();
        let validity = seconds(validity, "validity", ErrorKind::InvalidRequest)?;
        door.make(py, None, |core| async move { core.issue_token(&scope, validity).await })
    })
}

pub fn check_credentials<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.check_credentials().await }))
}

pub fn callback_url(
    live: &Live,
    py: Python<'_>,
    base: &str,
    payout_id: &str,
    expires_at: Option<&Bound<'_, PyAny>>,
    place: &str,
) -> PyResult<String> {
    guard(py, || {
        let expires_at = expires_at.map(|given| moment(given, "expires_at")).transpose()?;
        let place = match place {
            "path" => SignaturePlace::Path,
            "query" => SignaturePlace::Query,
            _ => return Err(refuse(py, ErrorKind::InvalidRequest, "place", "place: must be 'path' or 'query'")),
        };
        let options = CallbackUrlOptions { expires_at, place };
        let id = id(py, payout_id)?;
        live.core(py)?.callback_url(base, &id, &options).map_err(|error| raise(py, &error))
    })
}

pub fn read_callback(live: &Live, py: Python<'_>, body: &[u8], url: &str) -> PyResult<Callback> {
    guard(py, || {
        let read = live.core(py)?.read_callback(body, url);
        read.map(Callback::from).map_err(|error| raise(py, &error))
    })
}

pub fn handle_callback<D: Door>(door: &D, py: Python<'_>, body: &[u8], url: &str) -> PyResult<D::Made> {
    guard(py, || {
        let (body, url) = (body.to_vec(), url.to_owned());
        door.make(py, None, |core| async move { core.handle_callback(&body, &url).await })
    })
}

pub fn take_changes<D: Door>(door: &D, py: Python<'_>, limit: Bound<'_, PyAny>) -> PyResult<D::Made> {
    guard(py, || {
        let limit = whole("limit", limit, ErrorKind::InvalidRequest)?;
        door.make(py, None, |core| async move { core.take_changes(limit).await })
    })
}

pub fn acknowledge_change<D: Door>(
    door: &D,
    py: Python<'_>,
    payout_id: &str,
    sequence: Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let sequence = whole("sequence", sequence, ErrorKind::InvalidRequest)?;
        let id = id(py, payout_id)?;
        door.make(py, None, |core| async move { core.acknowledge_change(&id, sequence).await })
    })
}

fn id(py: Python<'_>, payout_id: &str) -> PyResult<PayoutId> {
    PayoutId::new(payout_id).map_err(|error| raise(py, &error))
}
