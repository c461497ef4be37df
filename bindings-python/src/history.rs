//! What a result or an error tells of the call: the requests that it made, and the reasons of a refusal.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use komopay_core as core;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::conversion::FromCore;
use crate::data::{Part, Way};
use crate::given::{Argument, Field, Given, Read};
use crate::repr::Repr;
use crate::value::value;

value! {
    /// One entry of a 406 answer: which business rule said no, and to which field.
    ///
    /// Example:
    ///
    ///     >>> Reason(code="BALANCE_INSUFFICIENT", field="money.amount")
    ///     Reason(code='BALANCE_INSUFFICIENT', field='money.amount')
    answer Reason matches (code, field, description) {
        /// The platform's code, such as `BALANCE_INSUFFICIENT`. The list is open.
        code: String,
        /// The request attribute it is about, as the platform names it.
        field: Option<String> = None,
        /// The platform's own text, scrubbed of secrets and account numbers.
        description: Option<String> = None,
    }
}

impl Reason {
    fn show(&self, py: Python<'_>) -> String {
        let Self { code, field, description } = self;
        Repr::new(py, "Reason")
            .text("code", code.as_str())
            .text("field", field.as_deref())
            .text("description", description.as_deref())
            .finish()
    }
}

value! {
    /// One request on the wire, as the history of a call tells it.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     try:
    ///     ...         client.get_payout("TST-0")
    ///     ...     except KomopayError as error:
    ///     ...         print([attempt.operation for attempt in error.attempts])
    ///     ['POST /auth-tokens', 'GET /payouts/TST-0', 'GET /payouts/TST-0']
    answer Attempt matches (operation, started_at, duration, http_status, request_id) {
        /// The method and path, such as POST /payouts/TST-223344.
        operation: String,
        /// When it started, by the wall clock.
        started_at: Timestamp,
        /// How long it took.
        duration: Duration,
        /// The HTTP status, if an answer came.
        http_status: Option<u16> = None,
        /// The platform's request id, if the answer carried one.
        request_id: Option<String> = None,
    }
}

impl Attempt {
    fn show(&self, py: Python<'_>) -> String {
        let Self { operation, started_at, duration, http_status, request_id } = self;
        Repr::new(py, "Attempt")
            .text("operation", operation.as_str())
            .value("started_at", started_at.to_string())
            .value("duration", format!("{duration:?}"))
            .value("http_status", http_status.map(|status| status.to_string()))
            .text("request_id", request_id.as_deref())
            .finish()
    }
}

/// The requests of the call that brought a value: no part of what it is.
#[derive(Clone, Default)]
pub struct Attempts(Vec<Attempt>);

impl PartialEq for Attempts {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Attempts {}

impl Hash for Attempts {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl FromCore<core::Attempts> for Attempts {
    fn from_core(attempts: core::Attempts) -> Self {
        Self(attempts.iter().cloned().map(Attempt::from).collect())
    }
}

impl Field for Attempts {
    type Given<'py> = Option<Given<'py, Vec<Attempt>>>;

    fn take(argument: Argument<'_>, given: Self::Given<'_>) -> PyResult<Self> {
        argument.maybe(given).map(|attempts| Self(attempts.unwrap_or_default()))
    }
}

impl Read for Vec<Attempt> {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Iterable"),
        <Attempt as pyo3::PyTypeInfo>::TYPE_HINT
    );

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        argument.several(given, "an iterable of Attempt, such as a list", Argument::value)
    }
}

impl<'py> IntoPyObject<'py> for Attempts {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "tuple"),
        <Attempt as pyo3::PyTypeInfo>::TYPE_HINT,
        pyo3::inspect::PyStaticExpr::Constant { value: pyo3::inspect::PyStaticConstant::Ellipsis }
    );

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        PyTuple::new(py, self.0)
    }
}

impl Part for Attempts {
    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.to_plain(py, include_personal)
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        Vec::from_plain(argument, given, way).map(Self)
    }

    fn missing(_: Argument<'_>, _: Python<'_>) -> PyResult<Self> {
        Ok(Self::default())
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Vec::<Attempt>::schema(py)
    }
}
