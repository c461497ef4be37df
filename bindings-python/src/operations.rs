//! Every operation once, for both clients: its arguments, the core's call, and the value that comes of it.

use std::future::Future;

use komopay_core::{CallbackUrlOptions, Client, Error, PaymentOptionFilter, PaymentTypeCode, PayoutId, SignaturePlace};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::access::{AccessScope, id};
use crate::callback::Callback;
use crate::catalogue::ToPython;
use crate::error::{guard, guard_create, not_sent, raise};
use crate::given::{Argument, argument, part_of_callback};
use crate::live::Live;
use crate::money::Money;
use crate::request::PayoutRequest;
use crate::{asynchronous, messenger, runtime, wait};

/// A way to make calls: wait for each, or start it for an event loop.
pub trait Door {
    type Made;

    /// The client.
    fn live(&self) -> &Live;

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

    fn live(&self) -> &Live {
        self.0
    }

    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        self.0.core(py)?;
        runtime::get(py).map(drop)
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

    fn live(&self) -> &Live {
        self.0
    }

    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        self.0.core(py)?;
        runtime::get(py)?;
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
    payout_id: &Bound<'_, PyAny>,
    request: &Bound<'_, PyAny>,
    resume: Option<Bound<'_, PyAny>>,
) -> PyResult<D::Made> {
    let (id, request, resume) = guard(py, || {
        let request = argument("request").object::<PayoutRequest>(request)?;
        let resume = argument("resume").optional(resume, Argument::truth)?.unwrap_or_default();
        Ok((id(payout_id)?, komopay_core::PayoutRequest::from(request.get()), resume))
    })?;
    // Up to here nothing was handed to the core, so nothing was sent by this call.
    guard(py, || door.ready(py)).map_err(|error| {
        if resume || door.live().is_unsettled(&id, &request) {
            // An earlier call may have sent it: what keeps this one from finding out proves nothing.
            raise(py, &Error::lost_create(&id, error.value(py)))
        } else {
            not_sent(py, id.as_str(), error)
        }
    })?;
    guard_create(py, &id.clone(), || {
        door.make(py, Some(id.clone()), |core| async move { core.create_payout(&id, &request, resume).await })
    })
}

pub fn get_payout<D: Door>(door: &D, py: Python<'_>, payout_id: &Bound<'_, PyAny>) -> PyResult<D::Made> {
    guard(py, || {
        let id = id(payout_id)?;
        door.make(py, None, |core| async move { core.get_payout(&id).await })
    })
}

pub fn wait_for_payout<D: Door>(
    door: &D,
    py: Python<'_>,
    payout_id: &Bound<'_, PyAny>,
    timeout: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let timeout = argument("timeout").seconds(timeout)?;
        let id = id(payout_id)?;
        door.make(py, None, |core| async move { core.wait_for_payout(&id, timeout).await })
    })
}

pub fn payout_options<D: Door>(
    door: &D,
    py: Python<'_>,
    money: &Bound<'_, PyAny>,
    segment_code: Option<Bound<'_, PyAny>>,
    exchanged_to_currency: Option<Bound<'_, PyAny>>,
) -> PyResult<D::Made> {
    guard(py, || {
        let money = komopay_core::Money::from(argument("money").object::<Money>(money)?.get());
        let segment_code = argument("segment_code").optional(segment_code, Argument::text)?;
        let exchanged_to_currency =
            argument("exchanged_to_currency").optional(exchanged_to_currency, Argument::text)?;
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
            Some(list) if currencies.len() == 1 => argument("currencies").texts(&list)?,
            _ => argument("currencies").texts(currencies)?,
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
    pub type_code: Option<Bound<'py, PyAny>>,
    pub method_codes: Option<Bound<'py, PyAny>>,
    pub currencies: Option<Bound<'py, PyAny>>,
    pub segment_codes: Option<Bound<'py, PyAny>>,
    pub operator_codes: Option<Bound<'py, PyAny>>,
}

pub fn payment_options<D: Door>(door: &D, py: Python<'_>, filter: Filter<'_>) -> PyResult<D::Made> {
    guard(py, || {
        let codes = |given, name| argument(name).optional(given, Argument::texts).map(Option::unwrap_or_default);
        let Filter { type_code, method_codes, currencies, segment_codes, operator_codes } = filter;
        let type_code = argument("type_code").optional(type_code, Argument::text)?;
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
    scope: &Bound<'_, PyAny>,
    validity: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let scope = argument("scope").object::<AccessScope>(scope)?.get().core();
        let validity = argument("validity").seconds(validity)?;
        door.make(py, None, |core| async move { core.issue_token(&scope, validity).await })
    })
}

pub fn check_credentials<D: Door>(door: &D, py: Python<'_>) -> PyResult<D::Made> {
    guard(py, || door.make(py, None, |core| async move { core.check_credentials().await }))
}

pub fn callback_url(
    live: &Live,
    py: Python<'_>,
    base: &Bound<'_, PyAny>,
    payout_id: &Bound<'_, PyAny>,
    expires_at: Option<Bound<'_, PyAny>>,
    place: Option<Bound<'_, PyAny>>,
) -> PyResult<String> {
    guard(py, || {
        let expires_at = argument("expires_at").optional(expires_at, Argument::moment)?;
        let place = match argument("place").optional(place, Argument::text)?.as_deref() {
            None | Some("path") => SignaturePlace::Path,
            Some("query") => SignaturePlace::Query,
            Some(_) => return Err(argument("place").refuse(py, "must be 'path' or 'query'")),
        };
        let options = CallbackUrlOptions { expires_at, place };
        let (base, id) = (argument("base").text(base)?, id(payout_id)?);
        live.core(py)?.callback_url(&base, &id, &options).map_err(|error| raise(py, &error))
    })
}

pub fn read_callback(
    live: &Live,
    py: Python<'_>,
    body: &Bound<'_, PyAny>,
    url: &Bound<'_, PyAny>,
) -> PyResult<Callback> {
    guard(py, || {
        let (body, url) = (part_of_callback("body").bytes(body)?, part_of_callback("url").text(url)?);
        let read = live.core(py)?.read_callback(&body, &url);
        read.map(Callback::from).map_err(|error| raise(py, &error))
    })
}

pub fn handle_callback<D: Door>(
    door: &D,
    py: Python<'_>,
    body: &Bound<'_, PyAny>,
    url: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let (body, url) = (part_of_callback("body").bytes(body)?, part_of_callback("url").text(url)?);
        door.make(py, None, |core| async move { core.handle_callback(&body, &url).await })
    })
}

pub fn take_changes<D: Door>(door: &D, py: Python<'_>, limit: &Bound<'_, PyAny>) -> PyResult<D::Made> {
    guard(py, || {
        let limit = argument("limit").whole(limit)?;
        door.make(py, None, |core| async move { core.take_changes(limit).await })
    })
}

pub fn acknowledge_change<D: Door>(
    door: &D,
    py: Python<'_>,
    payout_id: &Bound<'_, PyAny>,
    sequence: &Bound<'_, PyAny>,
) -> PyResult<D::Made> {
    guard(py, || {
        let sequence = argument("sequence").whole(sequence)?;
        let id = id(payout_id)?;
        door.make(py, None, |core| async move { core.acknowledge_change(&id, sequence).await })
    })
}
