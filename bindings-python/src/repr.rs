//! How values show themselves: in Python's words, without what must not be shown.

use std::fmt::{Display, Write};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// A part of a value, as its `repr` shows it; none of what is not set.
pub trait Show {
    fn show(&self, py: Python<'_>) -> Option<String>;
}

impl Show for String {
    fn show(&self, py: Python<'_>) -> Option<String> {
        Some(quote(py, self))
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self, py: Python<'_>) -> Option<String> {
        self.as_ref().and_then(|part| part.show(py))
    }
}

/// Writes a `repr` such as `BankAccount(name=[hidden], number=****3344)`. Fields that are not set are left out.
pub struct Repr<'py> {
    py: Python<'py>,
    text: String,
    is_empty: bool,
}

impl<'py> Repr<'py> {
    pub fn new(py: Python<'py>, class: &str) -> Self {
        Self { py, text: format!("{class}("), is_empty: true }
    }

    /// A field as it is, quoted the way Python does.
    pub fn text<'a>(self, name: &str, text: impl Into<Option<&'a str>>) -> Self {
        let quoted = text.into().map(|text| quote(self.py, text));
        self.value(name, quoted)
    }

    /// A field that is no text.
    pub fn value(mut self, name: &str, value: impl Into<Option<String>>) -> Self {
        if let Some(value) = value.into() {
            self.write(name, &value);
        }
        self
    }

    /// True or False.
    pub fn truth(self, name: &str, truth: bool) -> Self {
        self.value(name, if truth { "True" } else { "False" }.to_owned())
    }

    /// A code of the platform's: the core decides how one may be shown that it does not know.
    pub fn code<'a>(self, name: &str, code: impl Into<Option<&'a str>>) -> Self {
        let shown = code.into().map(|code| komopay_core::Shown(code).to_string());
        self.text(name, shown.as_deref())
    }

    /// A field of which only is shown that it is there.
    pub fn hidden(self, name: &str, field: Option<&String>) -> Self {
        self.value(name, field.map(|_| "[hidden]".to_owned()))
    }

    pub fn finish(mut self) -> String {
        self.text.push(')');
        self.text
    }

    fn write(&mut self, name: &str, value: &dyn Display) {
        let comma = if self.is_empty { "" } else { ", " };
        self.is_empty = false;
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{comma}{name}={value}");
    }
}

/// `'text'`, as Python's `repr` writes it.
pub fn quote(py: Python<'_>, text: &str) -> String {
    PyString::new(py, text).repr().map_or_else(|_| format!("{text:?}"), |text| text.to_string())
}
