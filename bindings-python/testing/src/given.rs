//! What a caller gave, read by `komopay` itself: one rule for both packages, and one class of error.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::IntoPyDict as _;

/// The name of an argument or a setting.
#[derive(Clone, Copy)]
pub struct Argument<'a> {
    name: &'a str,
    is_setting: bool,
}

/// An argument of a call.
pub const fn argument(name: &str) -> Argument<'_> {
    Argument { name, is_setting: false }
}

/// A setting.
pub const fn setting(name: &str) -> Argument<'_> {
    Argument { name, is_setting: true }
}

impl Argument<'_> {
    /// One that need not be given.
    pub fn optional<'py, T>(
        self,
        given: Option<Bound<'py, PyAny>>,
        read: impl FnOnce(Self, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<Option<T>> {
        given.map(|given| read(self, &given)).transpose()
    }

    pub fn text(self, given: &Bound<'_, PyAny>) -> PyResult<String> {
        self.ask("text", given)?.extract()
    }

    pub fn truth(self, given: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.ask("truth", given)?.extract()
    }

    pub fn whole(self, given: &Bound<'_, PyAny>) -> PyResult<u64> {
        self.ask("whole", given)?.extract()
    }

    pub fn port(self, given: &Bound<'_, PyAny>) -> PyResult<u16> {
        self.ask("port", given)?.extract()
    }

    pub fn ports(self, given: &Bound<'_, PyAny>) -> PyResult<Vec<u16>> {
        self.ask("ports", given)?.extract()
    }

    /// A time span, in seconds or as a `timedelta`.
    pub fn seconds(self, given: &Bound<'_, PyAny>) -> PyResult<Duration> {
        self.ask("microseconds", given)?.extract().map(Duration::from_micros)
    }

    /// Currencies and amounts.
    pub fn amounts(self, given: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
        self.ask("amounts", given)?.extract()
    }

    /// The error of what cannot be used, for this reason.
    pub fn refuse(self, py: Python<'_>, problem: &str) -> PyErr {
        let refused = self.reader(py).and_then(|reader| reader.call_method1("refusal", (problem,)));
        refused.map_or_else(|failed| failed, PyErr::from_value)
    }

    fn ask<'py>(self, form: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.reader(given.py())?.call_method1(form, (given,))
    }

    fn reader(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        let known = [("is_setting", self.is_setting)].into_py_dict(py)?;
        py.import("komopay._native")?.getattr("_Argument")?.call((self.name,), Some(&known))
    }
}
