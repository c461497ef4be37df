//! How the package `komopay-testing` reads what its callers give: by the rules of this one, with its errors.

use std::time::Duration;

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::error::guard;
use crate::given::{Argument, Given, argument, setting};
use crate::settings::Ceilings;

/// The name of an argument or a setting, which errors tell.
#[pyclass(frozen, name = "_Argument", module = "komopay._native")]
pub struct NamedArgument {
    name: String,
    is_setting: bool,
}

#[pymethods]
impl NamedArgument {
    #[new]
    #[pyo3(signature = (name, *, is_setting = false))]
    fn new(name: String, is_setting: bool) -> Self {
        Self { name, is_setting }
    }

    fn text(&self, py: Python<'_>, given: Given<'_, String>) -> PyResult<String> {
        guard(py, || self.argument().take(given))
    }

    fn truth(&self, py: Python<'_>, given: Given<'_, bool>) -> PyResult<bool> {
        guard(py, || self.argument().take(given))
    }

    /// A whole number from 0 on.
    fn whole(&self, py: Python<'_>, given: Given<'_, u64>) -> PyResult<u64> {
        guard(py, || self.argument().take(given))
    }

    /// The number of a port.
    fn port(&self, py: Python<'_>, given: Given<'_, u16>) -> PyResult<u16> {
        guard(py, || self.argument().take(given))
    }

    fn ports(&self, py: Python<'_>, given: Given<'_, Vec<u16>>) -> PyResult<Vec<u16>> {
        guard(py, || self.argument().take(given))
    }

    /// A time span, in seconds or as a `timedelta`.
    fn microseconds(&self, py: Python<'_>, given: Given<'_, Duration>) -> PyResult<u64> {
        guard(py, || {
            let span = self.argument().take(given)?.as_micros();
            u64::try_from(span).map_err(|_| self.argument().refuse(py, "is too long"))
        })
    }

    /// Currencies and amounts, of money or of a dict.
    fn amounts(&self, py: Python<'_>, given: Given<'_, Ceilings>) -> PyResult<Vec<(String, String)>> {
        guard(py, || {
            let amounts = Vec::from(self.argument().take(given)?);
            Ok(amounts.iter().map(|money| (money.currency().to_owned(), money.amount().to_string())).collect())
        })
    }

    /// The error of what cannot be used, for this reason.
    fn refusal(&self, py: Python<'_>, problem: &str) -> Py<PyBaseException> {
        self.argument().refuse(py, problem).into_value(py)
    }
}

impl NamedArgument {
    fn argument(&self) -> Argument<'_> {
        if self.is_setting { setting(&self.name) } else { argument(&self.name) }
    }
}
