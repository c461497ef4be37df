//! Values whose classes are records of Python, such as those of `komopay/catalogue.py`, which documents their fields
//! and types: what is made of the core's, read from plain data, and described.
//!
//! Everything is taken apart without `..`, so that a new field does not compile until Python has it.

use std::time::Duration;

use jiff::Timestamp;
use komopay_core as core;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::conversion::FromCore;
use crate::data::{self, Described, Fields, Way};
use crate::given::{Argument, argument};
use crate::money::Money;
use crate::text::Code;

/// A field of such a value.
pub trait Part: Sized {
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
    u64, plain u64: count => count;
    Duration, plain Duration: time => <Self as FromCore<Self>>::from_core(time);
    Timestamp, plain Timestamp: time => Self::from_core(time);
    core::Money, plain Money: money => Money::from(money);
    core::ErrorKind, plain Code<Self>: code => Code::from_core(code);
    core::FailureCode, plain Code<Self>: code => Code::from_core(code);
    core::MethodCode, plain Code<Self>: code => Code::from_core(code);
    core::PayoutStatus, plain Code<Self>: code => Code::from_core(code);
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
pub fn read_field<'py, C, T: Part>(_: fn(C) -> T, name: &str, fields: &Fields<'py>) -> PyResult<Bound<'py, PyAny>> {
    match fields.pop(name)? {
        Some(given) => T::read(argument(name), &given),
        None => T::missing(argument(name), fields.py()),
    }
}

pub fn described_field<'py, C, T: Part>(_: fn(C) -> T, name: &str, py: Python<'py>) -> PyResult<Described<'py>> {
    let is_required = T::missing(argument(name), py).is_err();
    Ok((name.to_owned(), T::schema(py)?, String::new(), is_required))
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
pub(crate) use name;

/// Declares the values of a module of Python: of each, its class there, what it is made of, and the fields of both. The
/// two functions are for the classes: a value from plain data, and the fields of a class.
macro_rules! records {
    (
        $module:literal $read:ident $fields_of:ident
        $($class:ident of $of:ty { $($field:ident $(as $name:literal)?),* $(,)? })*
    ) => {
        fn class<'py>(py: pyo3::Python<'py>, name: &str) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
            use pyo3::prelude::*;
            static MODULE: pyo3::sync::PyOnceLock<pyo3::Py<PyModule>> = pyo3::sync::PyOnceLock::new();
            let module = MODULE.get_or_try_init(py, || py.import($module).map(pyo3::Bound::unbind))?;
            module.bind(py).getattr(name)
        }

        $(
            impl $crate::record::Part for $of {
                fn part(self, py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> {
                    use pyo3::prelude::*;
                    let Self { $($field),* } = self;
                    let fields = pyo3::types::PyDict::new(py);
                    $(fields.set_item(
                        $crate::record::name!($field $($name)?),
                        $crate::record::Part::part($field, py)?,
                    )?;)*
                    class(py, stringify!($class))?.call((), Some(&fields))
                }

                fn read<'py>(
                    field: $crate::given::Argument<'_>,
                    given: &pyo3::Bound<'py, pyo3::PyAny>,
                ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                    use pyo3::prelude::*;
                    let class = class(given.py(), stringify!($class))?;
                    if given.is_instance(&class)? {
                        return Ok(given.clone());
                    }
                    let known = $crate::data::Fields::of(field, given, stringify!($class))?;
                    let fields = pyo3::types::PyDict::new(given.py());
                    $(
                        let name = $crate::record::name!($field $($name)?);
                        let read = $crate::record::read_field(|value: Self| value.$field, name, &known)?;
                        fields.set_item(name, read)?;
                    )*
                    class.call((), Some(&fields))
                }

                fn schema(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> {
                    class(py, stringify!($class))
                }
            }

            impl $crate::answer::ToPython for $of {
                #[cfg(feature = "stubs")]
                const HINT: pyo3::inspect::PyStaticExpr =
                    pyo3::type_hint_identifier!($module, stringify!($class));

                fn to_python(self, py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Py<pyo3::PyAny>> {
                    $crate::record::Part::part(self, py).map(pyo3::Bound::unbind)
                }
            }
        )*

        /// A value from plain data, by the name of its class.
        #[pyo3::pyfunction]
        #[pyo3(signature = (name, data) -> "object")]
        pub fn $read<'py>(
            py: pyo3::Python<'py>,
            name: &str,
            data: $crate::data::Plain<'py>,
        ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
            $crate::error::guard(py, || match name {
                $(stringify!($class) => {
                    <$of as $crate::record::Part>::read($crate::given::argument("data"), &data.0)
                })*
                _ => Err($crate::record::unknown($module, name)),
            })
        }

        /// The fields of a class, for its JSON schema.
        #[pyo3::pyfunction]
        #[pyo3(signature = (name) -> "list[tuple[str, object, str, bool]]")]
        pub fn $fields_of<'py>(
            py: pyo3::Python<'py>,
            name: &str,
        ) -> pyo3::PyResult<Vec<$crate::data::Described<'py>>> {
            $crate::error::guard(py, || match name {
                $(stringify!($class) => Ok(vec![
                    $($crate::record::described_field(
                        |value: $of| value.$field, $crate::record::name!($field $($name)?), py,
                    )?),*
                ]),)*
                _ => Err($crate::record::unknown($module, name)),
            })
        }
    };
}
pub(crate) use records;

/// What is raised where a module has no class of this name.
pub fn unknown(module: &str, name: &str) -> PyErr {
    pyo3::exceptions::PyTypeError::new_err(format!("{module} has no {name}"))
}
