//! How the package `komopay-testing` reads what its callers give: by the rules of this one, with its errors.

use pyo3::exceptions::PyBaseException;
use pyo3::prelude::*;

use crate::error::guard;
use crate::given::{Argument, argument, setting};
use crate::settings::amounts;

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

    fn text(&self, given: &Bound<'_, PyAny>) -> PyResult<String> {
        guard(given.py(), || self.argument().text(given))
    }

    fn truth(&self, given: &Bound<'_, PyAny>) -> PyResult<bool> {
        guard(given.py(), || self.argument().truth(given))
    }

    /// A whole number from 0 on.
    fn whole(&self, given: &Bound<'_, PyAny>) -> PyResult<u64> {
        guard(given.py(), || self.argument().whole(given))
    }

    /// The number of a port.
    fn port(&self, given: &Bound<'_, PyAny>) -> PyResult<u16> {
        guard(given.py(), || self.argument().whole(given))
    }

    fn ports(&self, given: &Bound<'_, PyAny>) -> PyResult<Vec<u16>> {
        let wanted = "an iterable of int, such as a list";
        guard(given.py(), || self.argument().several(given, wanted, Argument::whole))
    }

    /// A time span, in seconds or as a `timedelta`.
    fn microseconds(&self, given: &Bound<'_, PyAny>) -> PyResult<u64> {
        guard(given.py(), || {
            let span = self.argument().seconds(given)?.as_micros();
            u64::try_from(span).map_err(|_| self.argument().refuse(given.py(), "is too long"))
        })
    }

    /// Currencies and amounts, of money or of a dict.
    fn amounts(&self, given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
        guard(given.py(), || {
            let amounts = amounts(self.argument(), given)?;
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
