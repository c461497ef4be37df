//! What calls answer with, as Python has it.

use std::marker::PhantomData;

use pyo3::prelude::*;
use pyo3::types::PyList;

/// The value of an answer.
pub trait ToPython {
    /// What type checkers are told that it is.
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr;

    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

/// What a call gives: the value of its answer, or what stands for it until it is there.
pub struct Answered<T>(Py<PyAny>, PhantomData<fn() -> T>);

impl<T> Answered<T> {
    pub const fn new(made: Py<PyAny>) -> Self {
        Self(made, PhantomData)
    }
}

impl<'py, T: ToPython> IntoPyObject<'py> for Answered<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = T::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(self.0.into_bound(py))
    }
}

impl<T: ToPython> ToPython for Vec<T> {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr =
        pyo3::type_hint_subscript!(pyo3::type_hint_identifier!("builtins", "list"), T::HINT);

    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let values = self.into_iter().map(|value| value.to_python(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, values)?.into_any().unbind())
    }
}

impl ToPython for () {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::NONE;

    fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

macro_rules! plain {
    ($($type:ty: $hint:ident,)*) => {
        $(
            impl ToPython for $type {
                #[cfg(feature = "stubs")]
                const HINT: pyo3::inspect::PyStaticExpr = crate::hint::$hint;

                fn to_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
                    Ok(self.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any().unbind())
                }
            }
        )*
    };
}
plain! {
    String: STR,
    bool: BOOL,
    u64: INT,
}

/// An answer of the core that is an object of the class of the same name here.
macro_rules! object {
    ($class:ident) => {
        impl $crate::answer::ToPython for komopay_core::$class {
            #[cfg(feature = "stubs")]
            const HINT: pyo3::inspect::PyStaticExpr = <$class as pyo3::PyTypeInfo>::TYPE_HINT;

            fn to_python(self, py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Py<pyo3::PyAny>> {
                Ok(pyo3::Py::new(py, $class::from(self))?.into_any())
            }
        }
    };
}
pub(crate) use object;
