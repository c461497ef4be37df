//! A call whose arguments no traceback shows.
//!
//! Tools that collect tracebacks show the locals of every frame. So a frame of this package hands what is secret over
//! to one of these, forgets it, and then does what may raise.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

/// A function with the first of its arguments, as `functools.partial` has them, but its repr shows none of them.
#[pyclass(frozen, name = "_Opaque", module = "komopay._native")]
pub struct Opaque {
    function: Py<PyAny>,
    arguments: Py<PyTuple>,
    known: Py<PyDict>,
}

#[pymethods]
impl Opaque {
    #[new]
    #[pyo3(signature = (function: "object", /, *arguments: "object", **known: "object"))]
    fn new(function: Py<PyAny>, arguments: Py<PyTuple>, known: Option<Py<PyDict>>, py: Python<'_>) -> Self {
        let known = known.unwrap_or_else(|| PyDict::new(py).unbind());
        Self { function, arguments, known }
    }

    #[pyo3(signature = (*arguments: "object", **known: "object") -> "object")]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        known: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let all = self.known.bind(py).copy()?;
        if let Some(known) = known {
            all.update(known.as_mapping())?;
        }
        let arguments = self.arguments.bind(py).as_sequence().concat(arguments.as_sequence())?.to_tuple()?;
        self.function.bind(py).call(arguments, Some(&all))
    }

    #[allow(clippy::unused_self, reason = "it is what it shows of itself")]
    fn __repr__(&self) -> &'static str {
        "_Opaque(...)"
    }
}
