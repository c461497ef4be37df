//! The catalogue's answers as the values of `komopay/catalogue.py`.
//!
//! Everything is taken apart without `..`, so that a new field does not compile until Python has it.

use komopay_core as core;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::money::Money;
use crate::payout::micros;

/// The value of an answer.
pub trait ToPython {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

impl<T: ToPython> ToPython for Vec<T> {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let values = self.into_iter().map(|value| value.to_python(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, values)?.into_any().unbind())
    }
}

impl<T: ToPython> ToPython for Option<T> {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.map_or_else(|| Ok(py.None()), |value| value.to_python(py))
    }
}

impl ToPython for () {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

impl ToPython for String {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.into_any().unbind())
    }
}

impl ToPython for core::Money {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, Money::from(self))?.into_any())
    }
}

impl ToPython for core::PayoutAccepted {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, crate::payout::PayoutAccepted::from(self))?.into_any())
    }
}

impl ToPython for core::Payout {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, crate::payout::Payout::from(self))?.into_any())
    }
}

impl ToPython for core::AccessToken {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, crate::access::AccessToken::from(self))?.into_any())
    }
}

impl ToPython for core::Balance {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { balance, available, pending_settlement, pending_payout, last_movement, raw } = self;
        let fields = PyDict::new(py);
        fields.set_item("balance", balance.to_python(py)?)?;
        fields.set_item("available", available.to_python(py)?)?;
        fields.set_item("pending_settlement", pending_settlement.to_python(py)?)?;
        fields.set_item("pending_payout", pending_payout.to_python(py)?)?;
        fields.set_item("last_movement", last_movement.map(micros))?;
        fields.set_item("raw", raw.as_str())?;
        make(py, "Balance", &fields)
    }
}

impl ToPython for core::PayoutOption {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { method_code, operators, segment_code, raw } = self;
        let fields = PyDict::new(py);
        fields.set_item("method_code", method_code.as_str())?;
        fields.set_item("operators", tuple(py, operators)?)?;
        fields.set_item("segment_code", segment_code)?;
        fields.set_item("raw", raw.as_str())?;
        make(py, "PayoutOption", &fields)
    }
}

impl ToPython for core::PayoutOperator {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { code, name, customer_fee } = self;
        let fields = PyDict::new(py);
        fields.set_item("code", code)?;
        fields.set_item("name", name)?;
        fields.set_item("customer_fee", customer_fee.to_python(py)?)?;
        make(py, "PayoutOperator", &fields)
    }
}

impl ToPython for core::CustomerFee {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { min, max } = self;
        let fields = PyDict::new(py);
        fields.set_item("min", min.to_python(py)?)?;
        fields.set_item("max", max.to_python(py)?)?;
        make(py, "CustomerFee", &fields)
    }
}

impl ToPython for core::PaymentOperator {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { code, name, raw } = self;
        let fields = PyDict::new(py);
        fields.set_item("code", code)?;
        fields.set_item("name", name)?;
        fields.set_item("raw", raw.as_str())?;
        make(py, "PaymentOperator", &fields)
    }
}

impl ToPython for core::PaymentOption {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { type_code, method_code, currency, segment_code, limit, is_available, operators, raw } = self;
        let fields = PyDict::new(py);
        fields.set_item("type_code", type_code.as_str())?;
        fields.set_item("method_code", method_code.as_str())?;
        fields.set_item("currency", currency)?;
        fields.set_item("segment_code", segment_code)?;
        fields.set_item("limit", limit.to_python(py)?)?;
        fields.set_item("is_available", is_available)?;
        fields.set_item("operators", tuple(py, operators)?)?;
        fields.set_item("raw", raw.as_str())?;
        make(py, "PaymentOption", &fields)
    }
}

impl ToPython for core::PaymentOptionOperator {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { code, name, is_available, limit } = self;
        let fields = PyDict::new(py);
        fields.set_item("code", code)?;
        fields.set_item("name", name)?;
        fields.set_item("is_available", is_available)?;
        fields.set_item("limit", limit.to_python(py)?)?;
        make(py, "PaymentOptionOperator", &fields)
    }
}

impl ToPython for core::AmountLimit {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { from, to } = self;
        let fields = PyDict::new(py);
        fields.set_item("from_", from.to_python(py)?)?;
        fields.set_item("to", to.to_python(py)?)?;
        make(py, "AmountLimit", &fields)
    }
}

impl ToPython for core::MerchantInfo {
    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Self { name, raw } = self;
        let fields = PyDict::new(py);
        fields.set_item("name", name)?;
        fields.set_item("raw", raw.as_str())?;
        make(py, "MerchantInfo", &fields)
    }
}

fn tuple<T: ToPython>(py: Python<'_>, values: Vec<T>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, values.into_iter().map(|value| value.to_python(py)).collect::<PyResult<Vec<_>>>()?)
}

fn make(py: Python<'_>, class: &str, fields: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = MODULE.get_or_try_init(py, || py.import("komopay.catalogue").map(Bound::unbind))?;
    Ok(module.bind(py).getattr(class)?.call((), Some(fields))?.unbind())
}
