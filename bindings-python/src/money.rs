//! `Money`: the core's exact money, with Python's `Decimal` as its amount.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyType};

use crate::error::{guard, raise};
use crate::given::argument;
use crate::repr::quote;

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
    fn match_args() -> (&'static str, &'static str) {
        ("amount", "currency")
    }

    #[new]
    fn new(amount: &Bound<'_, PyAny>, currency: &Bound<'_, PyAny>) -> PyResult<Self> {
        guard(amount.py(), || Self::exact(amount, currency))
    }

    /// The amount in major units, exact.
    #[getter]
    fn amount<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guard(py, || decimal(py)?.call1((self.0.amount().to_string(),)))
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
        let (text, currency) = (amount_text(amount)?, argument("money.currency").text(currency)?);
        // Only a str is what a person wrote; numbers say what they are.
        let money = if amount.is_instance_of::<PyString>() {
            komopay_core::Money::new(text, &currency)
        } else {
            komopay_core::Money::exact(text, &currency)
        };
        money.map(Self).map_err(|error| raise(amount.py(), &error))
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

impl From<&Money> for komopay_core::Money {
    fn from(money: &Money) -> Self {
        money.0.clone()
    }
}

/// The amount as text. What that text may be is the core's to say; here only its type is looked at.
fn amount_text(amount: &Bound<'_, PyAny>) -> PyResult<String> {
    let (py, field) = (amount.py(), argument("money.amount"));
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
