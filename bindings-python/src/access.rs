//! Tokens for someone else: what they may do, and the token itself.

use jiff::Timestamp;
use komopay_core::PayoutId;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::answer::object;
use crate::conversion::FromCore;
use crate::data::{Data, Described, Fields, Part, Way, described, methods, put};
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Read, argument, readable};
use crate::money::Money;
use crate::repr::{Repr, quote};

/// What an issued token shall allow: see `payout`, `read` and `operations`.
///
/// Example:
///
///     >>> AccessScope.read("TST-223344")
///     AccessScope.read('TST-223344')
#[pyclass(frozen, eq, module = "komopay")]
#[derive(Clone, PartialEq, Eq)]
pub struct AccessScope(komopay_core::AccessScope);

#[pymethods]
impl AccessScope {
    /// To create this payout of exactly this money, and to follow it: what a mobile app needs.
    ///
    /// A bad id is an `InvalidRequestError`.
    ///
    /// Example:
    ///
    ///     >>> AccessScope.payout("TST-223344", Money("10000", "IDR"))
    ///     AccessScope.payout('TST-223344', Money('10000', 'IDR'))
    #[staticmethod]
    fn payout(py: Python<'_>, payout_id: Given<'_, PayoutId>, money: Given<'_, Money>) -> PyResult<Self> {
        guard(py, || {
            let id = argument("payout_id").take(payout_id)?;
            let money = (&argument("money").take(money)?).into();
            Ok(Self(komopay_core::AccessScope::Payout { id, money }))
        })
    }

    /// To read this payout.
    ///
    /// A bad id is an `InvalidRequestError`.
    ///
    /// Example:
    ///
    ///     >>> AccessScope.read("TST-223344") == AccessScope.read("TST-223344")
    ///     True
    #[staticmethod]
    fn read(py: Python<'_>, payout_id: Given<'_, PayoutId>) -> PyResult<Self> {
        guard(py, || Ok(Self(komopay_core::AccessScope::Read { id: argument("payout_id").take(payout_id)? })))
    }

    /// A list of operations, each "METHOD /path" with the real id in the path.
    ///
    /// money is the only money that a create may ask for, if there is such a limit. The list is checked when the token
    /// is issued.
    ///
    /// Example:
    ///
    ///     >>> AccessScope.operations(["GET /balances"])
    ///     AccessScope.operations(['GET /balances'])
    #[staticmethod]
    #[pyo3(signature = (operations, money=None))]
    fn operations(
        py: Python<'_>,
        operations: Given<'_, Vec<String>>,
        money: Option<Given<'_, Money>>,
    ) -> PyResult<Self> {
        guard(py, || {
            let operations = argument("scope.operations").take(operations)?;
            let money = argument("money").maybe(money)?.map(|money| (&money).into());
            Ok(Self(komopay_core::AccessScope::Operations { operations, money }))
        })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let show = |money: &komopay_core::Money| Money::from(money.clone()).show(py);
            Ok(match &self.0 {
                komopay_core::AccessScope::Payout { id, money } => {
                    format!("AccessScope.payout({}, {})", quote(py, id.as_str()), show(money))
                }
                komopay_core::AccessScope::Read { id } => format!("AccessScope.read({})", quote(py, id.as_str())),
                komopay_core::AccessScope::Operations { operations, money } => {
                    let operations: Vec<String> = operations.iter().map(|operation| quote(py, operation)).collect();
                    let money = money.as_ref().map(|money| format!(", {}", show(money))).unwrap_or_default();
                    format!("AccessScope.operations([{}]{money})", operations.join(", "))
                }
            })
        })
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        // Equal by value, money too, and so is this tuple.
        guard(py, || self.arguments(py)?.1.hash())
    }

    #[pyo3(signature = () -> "tuple[object, tuple[object, ...]]")]
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        guard(py, || {
            let (function, arguments) = self.arguments(py)?;
            Ok((PyType::new::<Self>(py).getattr(function)?, arguments))
        })
    }
}

impl AccessScope {
    pub fn core(&self) -> komopay_core::AccessScope {
        self.0.clone()
    }

    /// The function that makes this scope, and what it takes.
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<(&'static str, Bound<'py, PyTuple>)> {
        let money = |money: &komopay_core::Money| Money::from(money.clone());
        Ok(match &self.0 {
            komopay_core::AccessScope::Payout { id, money: sum } => {
                ("payout", (id.as_str(), money(sum)).into_pyobject(py)?)
            }
            komopay_core::AccessScope::Read { id } => ("read", (id.as_str(),).into_pyobject(py)?),
            komopay_core::AccessScope::Operations { operations, money: sum } => {
                ("operations", (PyTuple::new(py, operations)?, sum.as_ref().map(money)).into_pyobject(py)?)
            }
        })
    }
}

/// A token that was issued for someone else to use. Neither its repr nor a log shows its text.
///
/// It refuses to be pickled or copied; hand over what `expose()` gives.
///
/// Example:
///
///     >>> with Client.from_env() as client:
///     ...     token = client.issue_token(AccessScope.read("TST-223344"), validity=600)
///     >>> token.expires_at is not None
///     True
#[pyclass(frozen, module = "komopay")]
pub struct AccessToken {
    token: komopay_core::AccessToken,
    /// When it ends, by the platform's clock, if the token says so.
    #[pyo3(get)]
    expires_at: Option<Timestamp>,
}

#[pymethods]
impl AccessToken {
    /// The token's text. Hand it over to whom it was issued for, and to nobody else: it never belongs in a log.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     token = client.issue_token(AccessScope.operations(["GET /currencies"]))
    ///     >>> with Client(base_url=SANDBOX_URL, token=token.expose()) as app:
    ///     ...     pass
    fn expose(&self) -> &str {
        self.token.expose()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        guard(py, || {
            let expires_at = self.expires_at.map(|time| time.to_string());
            Ok(Repr::new(py, "AccessToken").value("expires_at", expires_at).finish())
        })
    }

    #[allow(clippy::unused_self, reason = "the pickle protocol wants a method")]
    #[pyo3(signature = () -> "tuple[object, ...]")]
    fn __reduce__(&self) -> PyResult<()> {
        let text = "an AccessToken cannot be pickled or copied; hand over the text of expose(), and only to whom it \
                    was issued for";
        Err(PyTypeError::new_err(text))
    }
}

impl From<komopay_core::AccessToken> for AccessToken {
    fn from(token: komopay_core::AccessToken) -> Self {
        Self { expires_at: FromCore::from_core(token.expires_at), token }
    }
}

object!(AccessToken);
readable!(AccessScope);
methods!(AccessScope);

/// Its `type` is the function that makes it, and the rest is what that takes.
impl Part for AccessScope {
    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.data(py, include_personal).map(|data| Some(data.into_any()))
    }

    fn from_plain(field: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        if let Ok(scope) = given.cast::<Self>() {
            return Ok(scope.get().clone());
        }
        let py = given.py();
        let fields = Fields::of(field, given, Self::CLASS)?;
        let id = || -> PyResult<PayoutId> {
            let id: String = fields.take("payout_id", argument("payout_id"), way)?;
            PayoutId::new(id).map_err(|error| raise(py, &error))
        };
        let money = || fields.take::<Option<Money>>("money", argument("money"), way);
        let function: String = fields.take("type", argument("scope.type"), way)?;
        let scope = match function.as_str() {
            "payout" => {
                let money: Money = fields.take("money", argument("money"), way)?;
                komopay_core::AccessScope::Payout { id: id()?, money: (&money).into() }
            }
            "read" => komopay_core::AccessScope::Read { id: id()? },
            "operations" => komopay_core::AccessScope::Operations {
                operations: fields.take("operations", argument("scope.operations"), way)?,
                money: money()?.map(|money| (&money).into()),
            },
            _ => return Err(argument("scope.type").refuse(py, "must be payout, read or operations")),
        };
        fields.finish("scope.", &["type", "payout_id", "money", "operations"], way).map(|()| Self(scope))
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(PyType::new::<Self>(py).into_any())
    }
}

impl Data for AccessScope {
    const CLASS: &'static str = "AccessScope";
    const WAY: Way = Way::Request;

    fn data<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Bound<'py, PyDict>> {
        let data = PyDict::new(py);
        data.set_item("type", self.arguments(py)?.0)?;
        let money = |money: &komopay_core::Money| Money::from(money.clone());
        match &self.0 {
            komopay_core::AccessScope::Payout { id, money: sum } => {
                data.set_item("payout_id", id.as_str())?;
                put(&data, "money", &money(sum), include_personal)?;
            }
            komopay_core::AccessScope::Read { id } => data.set_item("payout_id", id.as_str())?,
            komopay_core::AccessScope::Operations { operations, money: sum } => {
                data.set_item("operations", operations)?;
                put(&data, "money", &sum.as_ref().map(money), include_personal)?;
            }
        }
        Ok(data)
    }

    fn fields(py: Python<'_>) -> PyResult<Vec<Described<'_>>> {
        Ok(vec![
            described::<String>(py, "type", "What it allows: payout, read or operations.", false)?,
            described::<Option<String>>(py, "payout_id", "The payout, of payout and read.", false)?,
            described::<Option<Money>>(py, "money", "The only money that a create may ask for.", false)?,
            described::<Option<Vec<String>>>(py, "operations", "Of operations: each METHOD /path.", false)?,
        ])
    }
}

/// The id of a payout.
impl Read for PayoutId {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::STR;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::new(argument.text(given)?).map_err(|error| raise(given.py(), &error))
    }
}
