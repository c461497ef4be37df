//! `Money`: the core's exact money, with Python's `Decimal` as its amount.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyType};

use crate::error::{guard, raise};
use crate::given::{Argument, Given, Read, argument};
use crate::repr::quote;
use crate::value::{FromCore, MatchArgs, ToCore};

/// An exact amount of one currency, in major units.
///
/// The amount is a str, an int or a decimal.Decimal. A float is refused with an `InvalidRequestError`, since it is not
/// exact. So is a str that can be read in two ways: "250.000" of a currency of at most two decimals; write "250000", or
/// "250". The currency is a code in capital letters, such as "IDR". Equal by value, whatever the zeros at the end.
///
/// Example:
///
///     >>> Money("42", "IDR") == Money("42.00", "IDR")
///     True
///     >>> Money("42.05", "USD").amount
///     Decimal('42.05')
///     >>> print(Money(10000, "IDR"))
///     10000 IDR
#[pyclass(frozen, eq, hash, module = "komopay")]
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Money(komopay_core::Money);

#[pymethods]
impl Money {
    #[classattr]
    #[pyo3(name = "__match_args__")]
    fn match_args() -> MatchArgs<Self> {
        MatchArgs::new()
    }

    #[new]
    fn new(py: Python<'_>, amount: Given<'_, Amount>, currency: Given<'_, String>) -> PyResult<Self> {
        guard(py, || {
            let amount = argument("money.amount").take(amount)?;
            Self::of(py, &amount, &argument("money.currency").take(currency)?)
        })
    }

    /// The amount in major units, exact.
    #[getter]
    fn amount(&self, py: Python<'_>) -> PyResult<Decimal> {
        guard(py, || Ok(Decimal(decimal(py)?.call1((self.0.amount().to_string(),))?.unbind())))
    }

    /// The currency code.
    #[getter]
    fn currency(&self) -> &str {
        self.0.currency()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let (amount, currency) = (self.0.amount().to_string(), quote(py, self.0.currency()));
        format!("Money('{amount}', {currency})")
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    /// Not the constructor, which refuses what a person may have meant otherwise, and what only the platform may say.
    #[pyo3(signature = () -> "tuple[object, tuple[str, str]]")]
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String, String))> {
        let restore = py.get_type::<Self>().getattr("_restore")?;
        Ok((restore, (self.0.amount().to_string(), self.0.currency().to_owned())))
    }

    /// Money as it was, for pickle and copy.
    #[staticmethod]
    fn _restore(py: Python<'_>, amount: &str, currency: &str) -> PyResult<Self> {
        guard(py, || komopay_core::Money::restore(amount, currency).map(Self).map_err(|error| raise(py, &error)))
    }
}

impl Money {
    /// Money of an amount in one of the forms that are exact.
    pub fn exact(amount: &Bound<'_, PyAny>, currency: &Bound<'_, PyAny>) -> PyResult<Self> {
        let read = Amount::read(argument("money.amount"), amount)?;
        Self::of(amount.py(), &read, &argument("money.currency").text(currency)?)
    }

    fn of(py: Python<'_>, amount: &Amount, currency: &str) -> PyResult<Self> {
        let money = if amount.was_text {
            komopay_core::Money::new(&amount.text, currency)
        } else {
            komopay_core::Money::exact(&amount.text, currency)
        };
        money.map(Self).map_err(|error| raise(py, &error))
    }

    /// The `repr`, for the values that hold money.
    pub fn show(&self, py: Python<'_>) -> String {
        self.__repr__(py)
    }
}

impl From<komopay_core::Money> for Money {
    fn from(money: komopay_core::Money) -> Self {
        Self(money)
    }
}

crate::given::readable!(Money);
crate::value::matched!(Money(amount, currency));

impl FromCore<komopay_core::Money> for Money {
    fn from_core(money: komopay_core::Money) -> Self {
        Self(money)
    }
}

impl ToCore<komopay_core::Money> for Money {
    fn to_core(&self) -> komopay_core::Money {
        self.0.clone()
    }
}

impl From<&Money> for komopay_core::Money {
    fn from(money: &Money) -> Self {
        money.0.clone()
    }
}

/// An amount as text. What that text may be is the core's to say; here only its type is looked at.
struct Amount {
    text: String,
    /// Only a str is what a person wrote; numbers say what they are.
    was_text: bool,
}

impl Read for Amount {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::AMOUNT;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { text: amount_text(argument, given)?, was_text: given.is_instance_of::<PyString>() })
    }
}

/// An amount as Python has it: a `decimal.Decimal`.
struct Decimal(Py<PyAny>);

impl<'py> IntoPyObject<'py> for Decimal {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::DECIMAL;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(self.0.into_bound(py))
    }
}

fn amount_text(field: Argument<'_>, amount: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = amount.py();
    let inexact = |what: &str| {
        let way_out = "give a string or a Decimal, such as \"42.05\" or Decimal(\"42.05\")";
        Err(field.refuse(py, &format!("{what} is not an exact amount; {way_out}")))
    };
    if amount.is_instance_of::<PyBool>() {
        return inexact("a bool");
    }
    if amount.is_instance_of::<PyFloat>() {
        return inexact("a float");
    }
    if amount.is_instance_of::<PyString>() {
        return field.text(amount);
    }
    if amount.is_instance_of::<PyInt>() {
        // As the number that it is, whatever its class makes of it. Python refuses to write out a huge one.
        return match py.get_type::<PyInt>().call_method1("__format__", (amount, "d")) {
            Ok(text) => text.extract(),
            Err(_) => inexact("an int of thousands of digits"),
        };
    }
    if amount.is_instance(decimal(py)?)? {
        return decimal(py)?.call_method1("__str__", (amount,))?.extract();
    }
    Err(field.wrong_type(amount, "a str, an int or a decimal.Decimal"))
}

/// `decimal.Decimal`.
fn decimal(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    DECIMAL.import(py, "decimal", "Decimal").map(pyo3::Bound::as_any)
}
