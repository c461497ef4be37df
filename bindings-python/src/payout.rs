//! What comes out of a call: `PayoutAccepted`, `Payout`, and what they hold.

use std::time::Duration;

use jiff::Timestamp;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::error::guard;
use crate::given::{Argument, argument};
use crate::money::Money;
use crate::repr::Repr;

/// The statuses known to this version. The list is open: a status that is not here is kept as it came.
///
/// Example:
///
///     >>> PayoutStatus.SUCCESS
///     'SUCCESS'
#[pyclass(frozen, module = "komopay")]
pub struct PayoutStatus;

#[pymethods]
impl PayoutStatus {
    /// The outcome is still open.
    #[classattr]
    #[pyo3(name = "PROCESSING")]
    fn processing() -> String {
        komopay_core::PayoutStatus::Processing.to_string()
    }

    /// The money was sent.
    #[classattr]
    #[pyo3(name = "SUCCESS")]
    fn success() -> String {
        komopay_core::PayoutStatus::Success.to_string()
    }

    /// Accepted, then failed.
    #[classattr]
    #[pyo3(name = "FAILED")]
    fn failed() -> String {
        komopay_core::PayoutStatus::Failed.to_string()
    }

    /// The platform declined to process it.
    #[classattr]
    #[pyo3(name = "REFUSED")]
    fn refused() -> String {
        komopay_core::PayoutStatus::Refused.to_string()
    }
}

/// A payout with its status.
///
/// Example:
///
///     >>> payout = Payout(payout_id="TST-1", money=Money("42", "USD"), method_code="BANK_TRANSFER", status="PROCESSING")
///     >>> payout.is_final
///     False
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
#[allow(clippy::struct_field_names, reason = "the same names in every language")]
pub struct Payout {
    /// The merchant's id.
    payout_id: String,
    /// The platform's id, if the answer carried one.
    payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    reference: Option<String>,
    /// The money that was asked for.
    money: Money,
    /// The method that was asked for, such as `BANK_TRANSFER`. The list is open.
    method_code: String,
    /// The segment, if there is one.
    segment_code: Option<String>,
    /// The currency to exchange into, if there is one.
    exchanged_to_currency: Option<String>,
    /// Where it stands: see `PayoutStatus`. The list is open.
    status: String,
    /// Why it failed or was refused, if the platform says so.
    failure_reason: Option<FailureReason>,
    /// When the platform accepted it.
    created_at: Option<Timestamp>,
    /// When it was processed.
    processed_at: Option<Timestamp>,
    /// Whether a test merchant or test channel was used.
    is_test: Option<bool>,
    /// The status at an external processor. It says nothing about the outcome; use status.
    processor_status: Option<String>,
    /// The fee charged to the merchant.
    fee: Option<Money>,
    /// The answer's JSON as it came.
    raw: String,
}

#[pymethods]
impl Payout {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str, &'static str) {
        ("payout_id", "status", "money")
    }

    #[new]
    #[pyo3(signature = (*, payout_id, money, method_code, status, payment_id=None, reference=None, segment_code=None,
        exchanged_to_currency=None, failure_reason=None, created_at=None, processed_at=None, is_test=None,
        processor_status=None, fee=None, raw=None), text_signature = "(*, payout_id, money, method_code, status, \
        payment_id=None, reference=None, segment_code=None, exchanged_to_currency=None, failure_reason=None, \
        created_at=None, processed_at=None, is_test=None, processor_status=None, fee=None, raw='')")]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per field")]
    fn new(
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        money: &Bound<'_, PyAny>,
        method_code: &Bound<'_, PyAny>,
        status: &Bound<'_, PyAny>,
        payment_id: Option<Bound<'_, PyAny>>,
        reference: Option<Bound<'_, PyAny>>,
        segment_code: Option<Bound<'_, PyAny>>,
        exchanged_to_currency: Option<Bound<'_, PyAny>>,
        failure_reason: Option<Bound<'_, PyAny>>,
        created_at: Option<Bound<'_, PyAny>>,
        processed_at: Option<Bound<'_, PyAny>>,
        is_test: Option<Bound<'_, PyAny>>,
        processor_status: Option<Bound<'_, PyAny>>,
        fee: Option<Bound<'_, PyAny>>,
        raw: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                payout_id: argument("payout_id").text(payout_id)?,
                payment_id: argument("payment_id").optional(payment_id, Argument::text)?,
                reference: argument("reference").optional(reference, Argument::text)?,
                money: argument("money").value(money)?,
                method_code: argument("method_code").text(method_code)?,
                segment_code: argument("segment_code").optional(segment_code, Argument::text)?,
                exchanged_to_currency: argument("exchanged_to_currency")
                    .optional(exchanged_to_currency, Argument::text)?,
                status: argument("status").text(status)?,
                failure_reason: argument("failure_reason").optional(failure_reason, Argument::value)?,
                created_at: argument("created_at").optional(created_at, Argument::moment)?,
                processed_at: argument("processed_at").optional(processed_at, Argument::moment)?,
                is_test: argument("is_test").optional(is_test, Argument::truth)?,
                processor_status: argument("processor_status").optional(processor_status, Argument::text)?,
                fee: argument("fee").optional(fee, Argument::value)?,
                raw: argument("raw").optional(raw, Argument::text)?.unwrap_or_default(),
            })
        })
    }

    /// Whether the outcome is decided. An unknown status never is.
    #[getter]
    fn is_final(&self) -> bool {
        komopay_core::PayoutStatus::from(self.status.as_str()).is_final()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || Ok(self.show(py)))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let Self {
            payout_id,
            payment_id,
            reference,
            money,
            method_code,
            segment_code,
            exchanged_to_currency,
            status,
            failure_reason,
            created_at,
            processed_at,
            is_test,
            processor_status,
            fee,
            raw,
        } = self;
        let known = PyDict::new(py);
        known.set_item("payout_id", payout_id)?;
        known.set_item("payment_id", payment_id)?;
        known.set_item("reference", reference)?;
        known.set_item("money", money.clone())?;
        known.set_item("method_code", method_code)?;
        known.set_item("segment_code", segment_code)?;
        known.set_item("exchanged_to_currency", exchanged_to_currency)?;
        known.set_item("status", status)?;
        known.set_item("failure_reason", failure_reason.clone())?;
        known.set_item("created_at", created_at)?;
        known.set_item("processed_at", processed_at)?;
        known.set_item("is_test", is_test)?;
        known.set_item("processor_status", processor_status)?;
        known.set_item("fee", fee.clone())?;
        known.set_item("raw", raw)?;
        Ok((PyTuple::empty(py), known))
    }
}

impl Payout {
    /// The platform's own texts stay out of it: what is in them is not known.
    pub fn show(&self, py: Python<'_>) -> String {
        Repr::new(py, "Payout")
            .text("payout_id", self.payout_id.as_str())
            .code("status", self.status.as_str())
            .value("money", self.money.show(py))
            .code("method_code", self.method_code.as_str())
            .text("payment_id", self.payment_id.as_deref())
            .code("failure_code", self.failure_reason.as_ref().map(|reason| reason.code.as_str()))
            .value("created_at", self.created_at.map(|time| time.to_string()))
            .value("fee", self.fee.as_ref().map(|fee| fee.show(py)))
            .finish()
    }
}

impl From<komopay_core::Payout> for Payout {
    fn from(payout: komopay_core::Payout) -> Self {
        let komopay_core::Payout {
            payout_id,
            payment_id,
            reference,
            money,
            method_code,
            segment_code,
            exchanged_to_currency,
            status,
            failure_reason,
            created_at,
            processed_at,
            is_test,
            processor_status,
            fee,
            raw,
        } = payout;
        Self {
            payout_id: payout_id.to_string(),
            payment_id,
            reference,
            money: money.into(),
            method_code: method_code.as_str().to_owned(),
            segment_code,
            exchanged_to_currency,
            status: status.as_str().to_owned(),
            failure_reason: failure_reason.map(FailureReason::from),
            created_at: created_at.map(micros),
            processed_at: processed_at.map(micros),
            is_test,
            processor_status,
            fee: fee.map(Money::from),
            raw: raw.as_str().to_owned(),
        }
    }
}

/// The platform took the payout. This is not completion: follow it with `wait_for_payout`.
///
/// Example:
///
///     >>> accepted = PayoutAccepted(payout_id="TST-1", money=Money("42", "USD"), method_code="BANK_TRANSFER")
///     >>> accepted.recovered
///     False
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PayoutAccepted {
    /// The merchant's id.
    payout_id: String,
    /// The platform's id, if the answer carried one.
    payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    reference: Option<String>,
    /// The money, as the platform repeats it.
    money: Money,
    /// The method, as the platform repeats it. The list is open.
    method_code: String,
    /// The segment, if the platform repeats one.
    segment_code: Option<String>,
    /// The currency to exchange into, if the platform repeats one.
    exchanged_to_currency: Option<String>,
    /// True if the answer to the create was lost and the payout was found by reading it.
    ///
    /// That proves id, money, method and age, not the payee: the platform never repeats the account.
    recovered: bool,
    /// The payout that was found, if recovered.
    payout: Option<Payout>,
    /// The answer's JSON as it came.
    raw: String,
}

#[pymethods]
impl PayoutAccepted {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str, &'static str) {
        ("payout_id", "money", "recovered")
    }

    #[new]
    #[pyo3(signature = (*, payout_id, money, method_code, payment_id=None, reference=None, segment_code=None,
        exchanged_to_currency=None, recovered=None, payout=None, raw=None), text_signature = "(*, payout_id, money, \
        method_code, payment_id=None, reference=None, segment_code=None, exchanged_to_currency=None, recovered=False, \
        payout=None, raw='')")]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per field")]
    fn new(
        py: Python<'_>,
        payout_id: &Bound<'_, PyAny>,
        money: &Bound<'_, PyAny>,
        method_code: &Bound<'_, PyAny>,
        payment_id: Option<Bound<'_, PyAny>>,
        reference: Option<Bound<'_, PyAny>>,
        segment_code: Option<Bound<'_, PyAny>>,
        exchanged_to_currency: Option<Bound<'_, PyAny>>,
        recovered: Option<Bound<'_, PyAny>>,
        payout: Option<Bound<'_, PyAny>>,
        raw: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                payout_id: argument("payout_id").text(payout_id)?,
                payment_id: argument("payment_id").optional(payment_id, Argument::text)?,
                reference: argument("reference").optional(reference, Argument::text)?,
                money: argument("money").value(money)?,
                method_code: argument("method_code").text(method_code)?,
                segment_code: argument("segment_code").optional(segment_code, Argument::text)?,
                exchanged_to_currency: argument("exchanged_to_currency")
                    .optional(exchanged_to_currency, Argument::text)?,
                recovered: argument("recovered").optional(recovered, Argument::truth)?.unwrap_or_default(),
                payout: argument("payout").optional(payout, Argument::value)?,
                raw: argument("raw").optional(raw, Argument::text)?.unwrap_or_default(),
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let shown = Repr::new(py, "PayoutAccepted")
                .text("payout_id", self.payout_id.as_str())
                .value("money", self.money.show(py))
                .code("method_code", self.method_code.as_str())
                .text("payment_id", self.payment_id.as_deref())
                .value("recovered", if self.recovered { "True" } else { "False" }.to_owned())
                .value("payout", self.payout.as_ref().map(|payout| payout.show(py)));
            Ok(shown.finish())
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        guard(py, || {
            let Self {
                payout_id,
                payment_id,
                reference,
                money,
                method_code,
                segment_code,
                exchanged_to_currency,
                recovered,
                payout,
                raw,
            } = self;
            let known = PyDict::new(py);
            known.set_item("payout_id", payout_id)?;
            known.set_item("payment_id", payment_id)?;
            known.set_item("reference", reference)?;
            known.set_item("money", money.clone())?;
            known.set_item("method_code", method_code)?;
            known.set_item("segment_code", segment_code)?;
            known.set_item("exchanged_to_currency", exchanged_to_currency)?;
            known.set_item("recovered", recovered)?;
            known.set_item("payout", payout.clone())?;
            known.set_item("raw", raw)?;
            Ok((PyTuple::empty(py), known))
        })
    }
}

impl From<komopay_core::PayoutAccepted> for PayoutAccepted {
    fn from(accepted: komopay_core::PayoutAccepted) -> Self {
        let komopay_core::PayoutAccepted {
            payout_id,
            payment_id,
            reference,
            money,
            method_code,
            segment_code,
            exchanged_to_currency,
            recovered,
            payout,
            raw,
        } = accepted;
        Self {
            payout_id: payout_id.to_string(),
            payment_id,
            reference,
            money: money.into(),
            method_code: method_code.as_str().to_owned(),
            segment_code,
            exchanged_to_currency,
            recovered,
            payout: payout.map(Payout::from),
            raw: raw.as_str().to_owned(),
        }
    }
}

/// Why a payout failed or was refused.
///
/// Example:
///
///     >>> FailureReason(code="INVALID_ACCOUNT_NUMBER")
///     FailureReason(code='INVALID_ACCOUNT_NUMBER')
#[pyclass(frozen, eq, hash, get_all, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FailureReason {
    /// The platform's code, such as `INVALID_ACCOUNT_NUMBER`. The list is open.
    code: String,
    /// When it failed.
    failed_at: Option<Timestamp>,
    /// The platform's own text.
    message: Option<String>,
}

#[pymethods]
impl FailureReason {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> (&'static str, &'static str, &'static str) {
        ("code", "failed_at", "message")
    }

    #[new]
    #[pyo3(signature = (*, code, failed_at=None, message=None))]
    fn new(
        py: Python<'_>,
        code: &Bound<'_, PyAny>,
        failed_at: Option<Bound<'_, PyAny>>,
        message: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        guard(py, || {
            Ok(Self {
                code: argument("code").text(code)?,
                failed_at: argument("failed_at").optional(failed_at, Argument::moment)?,
                message: argument("message").optional(message, Argument::text)?,
            })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let Self { code, failed_at, message } = self;
            let shown = Repr::new(py, "FailureReason")
                .code("code", code.as_str())
                .value("failed_at", failed_at.map(|time| time.to_string()))
                .hidden("message", message.as_ref());
            Ok(shown.finish())
        })
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let Self { code, failed_at, message } = self;
        let known = PyDict::new(py);
        known.set_item("code", code)?;
        known.set_item("failed_at", failed_at)?;
        known.set_item("message", message)?;
        Ok((PyTuple::empty(py), known))
    }
}

impl From<komopay_core::FailureReason> for FailureReason {
    fn from(reason: komopay_core::FailureReason) -> Self {
        let komopay_core::FailureReason { code, failed_at, message } = reason;
        Self { code: code.as_str().to_owned(), failed_at: failed_at.map(micros), message }
    }
}

/// The time in whole microseconds, all that a Python `datetime` holds: a value equals its pickled copy.
pub fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// The same for a time span.
pub fn whole_micros(span: Duration) -> Duration {
    Duration::new(span.as_secs(), span.subsec_micros() * 1000)
}
