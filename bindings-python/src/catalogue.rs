//! The catalogue's answers as the values of `komopay/catalogue.py`, which documents their fields and types.
//!
//! Everything is taken apart without `..`, so that a new field does not compile until Python has it.

use jiff::Timestamp;
use komopay_core as core;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::answer::ToPython;
use crate::conversion::FromCore;
use crate::data::{self, Described, Fields, Plain, Way};
use crate::error::guard;
use crate::given::{Argument, argument};
use crate::money::Money;
use crate::text::Code;

/// A field of a value of the catalogue.
trait Part: Sized {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;

    /// The same of plain data.
    fn read<'py>(argument: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>>;

    /// The value of a field that is not there.
    fn missing<'py>(argument: Argument<'_>, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Err(argument.refuse(py, "is missing"))
    }

    /// Its JSON schema; of a value, its class.
    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

macro_rules! parts {
    ($($type:ty, plain $plain:ty $(, else $default:literal)?: $value:ident => $part:expr;)*) => {
        $(
            impl Part for $type {
                fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    let $value = self;
                    Ok($part.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any())
                }

                fn read<'py>(argument: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    let read = <$plain as data::Part>::from_plain(argument, given, Way::Answer)?;
                    Ok(read.into_pyobject(given.py()).map_err(PyErr::from)?.to_owned().into_any())
                }

                $(
                    fn missing<'py>(_: Argument<'_>, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        Ok($default.into_pyobject(py)?.into_any())
                    }
                )?

                fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    <$plain as data::Part>::schema(py)
                }
            }
        )*
    };
}
parts! {
    String, plain String: text => text;
    bool, plain bool: truth => truth;
    Timestamp, plain Timestamp: time => Self::from_core(time);
    core::Money, plain Money: money => Money::from(money);
    core::MethodCode, plain Code<Self>: code => Code::from_core(code);
    core::PaymentTypeCode, plain Code<Self>: code => Code::from_core(code);
    core::RawJson, plain String, else "": raw => raw.as_str();
}

impl<T: Part> Part for Option<T> {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.map_or_else(|| Ok(py.None().into_bound(py)), |value| value.part(py))
    }

    fn read<'py>(argument: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        if given.is_none() { Ok(given.clone()) } else { T::read(argument, given) }
    }

    fn missing<'py>(_: Argument<'_>, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(py.None().into_bound(py))
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        data::optional(T::schema(py)?)
    }
}

impl<T: Part> Part for Vec<T> {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let values = self.into_iter().map(|value| value.part(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, values)?.into_any())
    }

    fn read<'py>(argument: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        Ok(PyTuple::new(given.py(), argument.listed(given, T::read)?)?.into_any())
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        data::listed(T::schema(py)?)
    }
}

/// A field of a value, by the function that takes it out: what it is, the compiler finds.
fn read_field<'py, C, T: Part>(_: fn(C) -> T, name: &str, fields: &Fields<'py>) -> PyResult<Bound<'py, PyAny>> {
    match fields.pop(name)? {
        Some(given) => T::read(argument(name), &given),
        None => T::missing(argument(name), fields.py()),
    }
}

fn described_field<'py, C, T: Part>(_: fn(C) -> T, name: &str, py: Python<'py>) -> PyResult<Described<'py>> {
    let is_required = T::missing(argument(name), py).is_err();
    Ok((name.to_owned(), T::schema(py)?, String::new(), is_required))
}

macro_rules! catalogue {
    ($($class:ident { $($field:ident $(as $name:literal)?),* })*) => {
        $(
            impl Part for core::$class {
                fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    let Self { $($field),* } = self;
                    let fields = PyDict::new(py);
                    $(fields.set_item(name!($field $($name)?), $field.part(py)?)?;)*
                    make(py, stringify!($class), &fields)
                }

                fn read<'py>(field: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    let py = given.py();
                    if given.is_instance(&class(py, stringify!($class))?)? {
                        return Ok(given.clone());
                    }
                    let known = Fields::of(field, given, stringify!($class))?;
                    let fields = PyDict::new(py);
                    $(
                        let name = name!($field $($name)?);
                        fields.set_item(name, read_field(|value: Self| value.$field, name, &known)?)?;
                    )*
                    make(py, stringify!($class), &fields)
                }

                fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    class(py, stringify!($class))
                }
            }

            impl ToPython for core::$class {
                #[cfg(feature = "stubs")]
                const HINT: pyo3::inspect::PyStaticExpr =
                    pyo3::type_hint_identifier!("komopay.catalogue", stringify!($class));

                fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                    self.part(py).map(Bound::unbind)
                }
            }
        )*

        /// A value of the catalogue from plain data, by the name of its class.
        #[pyfunction]
        #[pyo3(signature = (name, data) -> "object")]
        pub fn _read_catalogue<'py>(py: Python<'py>, name: &str, data: Plain<'py>) -> PyResult<Bound<'py, PyAny>> {
            guard(py, || match name {
                $(stringify!($class) => <core::$class as Part>::read(argument("data"), &data.0),)*
                _ => Err(PyTypeError::new_err(format!("the catalogue has no {name}"))),
            })
        }

        /// The fields of a class of the catalogue, for its JSON schema.
        #[pyfunction]
        #[pyo3(signature = (name) -> "list[tuple[str, object, str, bool]]")]
        pub fn _fields_of_catalogue<'py>(py: Python<'py>, name: &str) -> PyResult<Vec<Described<'py>>> {
            guard(py, || match name {
                $(stringify!($class) => Ok(vec![
                    $(described_field(|value: core::$class| value.$field, name!($field $($name)?), py)?),*
                ]),)*
                _ => Err(PyTypeError::new_err(format!("the catalogue has no {name}"))),
            })
        }
    };
}

/// What a field is called in Python, which keeps some words for itself.
macro_rules! name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $name:literal) => {
        $name
    };
}

catalogue! {
    Balance { balance, available, pending_settlement, pending_payout, last_movement, raw }
    CustomerFee { min, max }
    PayoutOperator { code, name, customer_fee }
    PayoutOption { method_code, operators, segment_code, raw }
    PaymentOperator { code, name, raw }
    AmountLimit { from as "from_", to }
    PaymentOptionOperator { code, name, is_available, limit }
    PaymentOption { type_code, method_code, currency, segment_code, limit, is_available, operators, raw }
    MerchantInfo { name, raw }
}

fn make<'py>(py: Python<'py>, name: &str, fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    class(py, name)?.call((), Some(fields))
}

fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("komopay.catalogue").map(Bound::unbind))?;
    module.bind(py).getattr(name)
}
