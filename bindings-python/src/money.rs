//! `Money`: the core's exact money, with Python's `Decimal` as its amount.

use std::cmp::Ordering;
use std::hash::{DefaultHasher, Hash, Hasher};

use komopay_core::Shown;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyString, PyType};

use crate::conversion::{FromCore, ToCore};
use crate::data::{Data, Described, Fields, Known, Part, Way};
use crate::error::{guard, raise};
use crate::given::{Argument, Given, Read, argument};
use crate::repr::{Show, quote};
use crate::value::MatchArgs;

/// An exact amount of one currency, in major units.
///
/// The amount is a str, an int (one of numpy's, too) or a decimal.Decimal. A float is refused with an
/// `InvalidRequestError`, since it is not exact. So is a str that can be read in two ways: "250.000" of a currency of
/// at most two decimals; write "250000", or "250". The currency is a code in capital letters, such as "IDR". Equal by
/// value, whatever the zeros at the end.
///
/// Money of one currency can be added, subtracted, compared and summed up, exactly; of two currencies, or where a digit
/// would be lost, that is an `InvalidRequestError`. Zero is false. A format is that of the amount, and may not round.
///
/// Example:
///
///     >>> Money("42", "IDR") == Money("42.00", "IDR")
///     True
///     >>> Money("42.05", "USD").amount
///     Decimal('42.05')
///     >>> print(Money(10000, "IDR"))
///     10000 IDR
///     >>> sum([Money("0.10", "USD"), Money("0.20", "USD")])
///     Money('0.30', 'USD')
///     >>> f"{Money('10000', 'IDR'):,}"
///     '10,000 IDR'
#[pyclass(frozen, module = "komopay")]
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

    #[allow(clippy::needless_pass_by_value, reason = "an argument of Python")]
    #[allow(clippy::needless_pass_by_value, reason = "so are the arguments of a method of Python given")]
    fn __eq__(&self, other: Other<'_>) -> bool {
        self == other.0.get()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    fn __lt__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        self.order(py, other, Ordering::is_lt)
    }

    fn __le__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        self.order(py, other, Ordering::is_le)
    }

    fn __gt__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        self.order(py, other, Ordering::is_gt)
    }

    fn __ge__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<bool> {
        self.order(py, other, Ordering::is_ge)
    }

    fn __add__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<Self> {
        guard(py, || self.0.checked_add(&other.get().0).map(Self).map_err(|error| raise(py, &error)))
    }

    #[allow(clippy::needless_pass_by_value, reason = "an argument of Python")]
    fn __radd__(&self, start: Zero) -> Self {
        let Zero = start;
        self.clone()
    }

    fn __sub__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<Self> {
        guard(py, || self.0.checked_sub(&other.get().0).map(Self).map_err(|error| raise(py, &error)))
    }

    // Python gives both sides to whoever subtracts.
    fn __rsub__(&self, py: Python<'_>, other: &Bound<'_, Self>) -> PyResult<Self> {
        guard(py, || other.get().0.checked_sub(&self.0).map(Self).map_err(|error| raise(py, &error)))
    }

    fn __neg__(&self) -> Self {
        Self(self.0.negated())
    }

    fn __bool__(&self) -> bool {
        !self.0.is_zero()
    }

    fn __format__(&self, py: Python<'_>, spec: &str) -> PyResult<String> {
        guard(py, || {
            if spec.is_empty() {
                return Ok(self.0.to_string());
            }
            let amount = self.amount(py)?.0.into_bound(py);
            let shown: String = amount.call_method1("__format__", (spec,))?.extract()?;
            if is_rounded(&amount, spec)? {
                return Err(PyValueError::new_err(format!(
                    "the format {spec:?} would round {}, or write it in another way than with all of its digits: give \
                     at least as many decimals and the type f, such as ',.2f'",
                    self.0
                )));
            }
            Ok(format!("{shown} {}", Shown(self.0.currency())))
        })
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

crate::data::methods!(Money);
crate::data::replacing!(Money);

/// What an order or a sum may begin with, or be compared with: see `Money`'s operators. Whatever else is given, Python
/// asks the other side, and then says that there is no such operation.
struct Other<'py>(Bound<'py, Money>);

impl<'py> FromPyObject<'_, 'py> for Other<'py> {
    type Error = PyErr;
    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(given.cast::<Money>()?.to_owned()))
    }
}

/// The 0 that `sum` begins with.
struct Zero;

impl FromPyObject<'_, '_> for Zero {
    type Error = PyErr;
    fn extract(given: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let is_zero = given.cast_exact::<PyInt>().is_ok_and(|number| !number.is_truthy().unwrap_or(true));
        if is_zero { Ok(Self) } else { Err(PyTypeError::new_err("only the 0 of sum() can be added to money")) }
    }
}

/// Whether a format of `Decimal`'s shows other digits than the amount has.
fn is_rounded(amount: &Bound<'_, PyAny>, spec: &str) -> PyResult<bool> {
    let digits = spec.trim_end_matches(|last: char| last.is_ascii_alphabetic() || last == '%');
    let kind = &spec[digits.len()..];
    let precision = digits.rsplit_once('.').and_then(|(_, digits)| digits.parse::<i64>().ok());
    if !matches!(kind, "" | "f" | "F" | "n") || (precision.is_some() && !matches!(kind, "f" | "F")) {
        return Ok(true);
    }
    let Some(precision) = precision else { return Ok(false) };
    let exponent: i64 = amount.call_method0("normalize")?.call_method0("as_tuple")?.getattr("exponent")?.extract()?;
    Ok(-exponent > precision)
}

impl Part for Money {
    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.data(py, include_personal).map(|data| Some(data.into_any()))
    }

    fn from_plain(field: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        if let Ok(money) = given.cast::<Self>() {
            return Ok(money.get().clone());
        }
        let py = given.py();
        let fields = Fields::of(field, given, Self::CLASS)?;
        let part = |name: &str, key: &str| match fields.pop(key)? {
            Some(given) => Ok(given),
            None => Err(argument(name).refuse(py, "is missing")),
        };
        let amount = Amount::read(argument("money.amount"), &part("money.amount", "amount")?)?;
        let currency = argument("money.currency").text(&part("money.currency", "currency")?)?;
        fields.finish("money.", &["amount", "currency"], way)?;
        match way {
            Way::Request => Self::of(py, &amount, &currency),
            Way::Answer => {
                komopay_core::Money::restore(&amount.text, &currency).map(Self).map_err(|error| raise(py, &error))
            }
        }
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(PyType::new::<Self>(py).into_any())
    }
}

impl Known for Money {
    /// The amount is a number there, not what a person wrote.
    fn known<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let known = PyDict::new(py);
        known.set_item("amount", self.amount(py)?)?;
        known.set_item("currency", self.0.currency())?;
        Ok(known)
    }
}

impl Data for Money {
    const CLASS: &'static str = "Money";
    const WAY: Way = Way::Request;

    fn data<'py>(&self, py: Python<'py>, _: bool) -> PyResult<Bound<'py, PyDict>> {
        let data = PyDict::new(py);
        data.set_item("amount", self.0.unambiguous_amount())?;
        data.set_item("currency", self.0.currency())?;
        Ok(data)
    }

    fn fields(py: Python<'_>) -> PyResult<Vec<Described<'_>>> {
        let about = ("The amount in major units, exact.", "The currency code, such as IDR.");
        let amount = PyDict::new(py);
        amount.set_item("anyOf", (String::schema(py)?, u64::schema(py)?))?;
        Ok(vec![
            ("amount".to_owned(), amount.into_any(), about.0.to_owned(), true),
            ("currency".to_owned(), String::schema(py)?, about.1.to_owned(), true),
        ])
    }
}

impl Show for Money {
    fn show(&self, py: Python<'_>) -> Option<String> {
        Some(self.__repr__(py))
    }
}

impl Money {
    fn order(&self, py: Python<'_>, other: &Bound<'_, Self>, is_so: impl Fn(Ordering) -> bool) -> PyResult<bool> {
        guard(py, || self.0.checked_cmp(&other.get().0).map(is_so).map_err(|error| raise(py, &error)))
    }

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
    // What says of itself that it is a whole number, as those of numpy do.
    if let Ok(whole) = py.import("operator")?.call_method1("index", (amount,)) {
        return amount_text(field, &whole);
    }
    Err(field.wrong_type(amount, "a str, an int or a decimal.Decimal"))
}

/// `decimal.Decimal`.
fn decimal(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static DECIMAL: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    DECIMAL.import(py, "decimal", "Decimal").map(pyo3::Bound::as_any)
}
