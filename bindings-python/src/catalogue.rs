//! The catalogue's answers as the values of `komopay/catalogue.py`, which documents their fields and types.
//!
//! Everything is taken apart without `..`, so that a new field does not compile until Python has it.

use jiff::Timestamp;
use komopay_core as core;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::answer::ToPython;
use crate::money::Money;
use crate::value::FromCore;

/// A field of a value of the catalogue.
trait Part {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

macro_rules! parts {
    ($($type:ty: $value:ident => $part:expr,)*) => {
        $(
            impl Part for $type {
                fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    let $value = self;
                    Ok($part.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any())
                }
            }
        )*
    };
}
parts! {
    String: text => text,
    bool: truth => truth,
    Timestamp: time => Self::from_core(time),
    core::Money: money => Money::from(money),
    core::MethodCode: code => code.as_str(),
    core::PaymentTypeCode: code => code.as_str(),
    core::RawJson: raw => raw.as_str(),
}

impl<T: Part> Part for Option<T> {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        self.map_or_else(|| Ok(py.None().into_bound(py)), |value| value.part(py))
    }
}

impl<T: Part> Part for Vec<T> {
    fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let values = self.into_iter().map(|value| value.part(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyTuple::new(py, values)?.into_any())
    }
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

fn make<'py>(py: Python<'py>, class: &str, fields: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("komopay.catalogue").map(Bound::unbind))?;
    module.bind(py).getattr(class)?.call((), Some(fields))
}
