//! Texts that say what they are: what is personal, what a repr shows of it, and which are codes.

use std::marker::PhantomData;

use komopay_core as core;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::conversion::{FromCore, ToCore};
use crate::data::{Part, Way, schema_of};
use crate::given::{Argument, Defaulted, Read};
use crate::repr::{Show, quote};

/// Declares a kind of text: whether it is personal, and what a repr shows of it.
macro_rules! text {
    ($(
        $(#[$about:meta])* $name:ident, personal: $is_personal:literal, shown: |$text:ident, $py:ident| $shown:expr;
    )*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Default, PartialEq, Eq, Hash)]
            pub struct $name(String);

            impl Part for $name {
                const IS_PERSONAL: bool = $is_personal;

                fn to_plain<'py>(&self, py: Python<'py>, all: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
                    self.0.to_plain(py, all)
                }

                fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
                    Self::read(argument, given)
                }

                fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    String::schema(py)
                }
            }

            impl Show for $name {
                fn show(&self, $py: Python<'_>) -> Option<String> {
                    let $text = self.0.as_str();
                    Some($shown)
                }
            }

            impl Read for $name {
                #[cfg(feature = "stubs")]
                const HINT: pyo3::inspect::PyStaticExpr = crate::hint::STR;

                fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
                    argument.text(given).map(Self)
                }
            }

            impl<'py> IntoPyObject<'py> for $name {
                type Target = PyString;
                type Output = Bound<'py, PyString>;
                type Error = std::convert::Infallible;
                #[cfg(feature = "stubs")]
                const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::STR;

                fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
                    self.0.into_pyobject(py)
                }
            }

            impl ToCore<String> for $name {
                fn to_core(&self) -> String {
                    self.0.clone()
                }
            }
        )*
    };
}

text! {
    /// What tells who somebody is, or how to reach them.
    Personal, personal: true, shown: |_text, _py| "[hidden]".to_owned();
    /// Where the money goes. The core decides what may be shown of it.
    AccountNumber, personal: true, shown: |text, _py| format!("{:?}", core::Masked(text));
    /// A URL that may be signed. The core decides what may be shown of it.
    CallbackUrl, personal: false, shown: |text, py| quote(py, &core::ShownUrl(text).to_string());
}

/// An answer about a payee, as it came: the platform's own words in it may repeat anything. So it is left out of plain
/// data, unless what is personal is asked for; nobody pays by it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Unscrubbed(String);

impl Part for Unscrubbed {
    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        if include_personal { self.0.to_plain(py, true) } else { Ok(None) }
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
        argument.text(given).map(Self)
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        String::schema(py)
    }
}

impl Defaulted for Unscrubbed {
    type Literal<'a> = &'a str;

    fn read_literal<'a>(argument: Argument<'_>, given: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
        argument.text_of(given)
    }
}

impl From<&str> for Unscrubbed {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromCore<core::RawJson> for Unscrubbed {
    fn from_core(raw: core::RawJson) -> Self {
        Self(raw.as_str().to_owned())
    }
}

impl Unscrubbed {
    pub fn to_core(&self) -> core::RawJson {
        core::RawJson::new(&self.0)
    }
}

impl<'py> IntoPyObject<'py> for Unscrubbed {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = std::convert::Infallible;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::STR;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
        self.0.into_pyobject(py)
    }
}

/// A list of codes of the core, whose class is in `komopay/codes.py`.
pub trait Codes: Clone + Eq {
    const KNOWN: &'static [&'static str];
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr;

    fn text(&self) -> &str;

    fn class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

/// Lists of codes, by the module of Python that has their classes.
macro_rules! codes {
    ($module:literal $($class:ident of $of:ty, known $known:expr;)*) => {
        fn module_of_codes(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
            static MODULE: pyo3::sync::PyOnceLock<Py<PyModule>> = pyo3::sync::PyOnceLock::new();
            let module = MODULE.get_or_try_init(py, || py.import($module).map(Bound::unbind))?;
            Ok(module.bind(py))
        }

        $(
            impl $crate::text::Codes for $of {
                const KNOWN: &'static [&'static str] = $known;
                #[cfg(feature = "stubs")]
                const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_identifier!($module, stringify!($class));

                fn text(&self) -> &str {
                    self.as_str()
                }

                fn class(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    module_of_codes(py)?.getattr(stringify!($class))
                }
            }
        )*
    };
}
pub(crate) use codes;

#[allow(clippy::indexing_slicing, reason = "while it compiles, where it is seen")]
const ERROR_KINDS: [&str; core::ErrorKind::ALL.len()] = {
    let mut names = [""; core::ErrorKind::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = core::ErrorKind::ALL[at].as_str();
        at += 1;
    }
    names
};

codes! {
    "komopay.codes"
    ErrorKind of core::ErrorKind, known &ERROR_KINDS;
    PayoutStatus of core::PayoutStatus, known Self::KNOWN;
    MethodCode of core::MethodCode, known Self::KNOWN;
    FailureCode of core::FailureCode, known Self::KNOWN;
    PaymentTypeCode of core::PaymentTypeCode, known Self::KNOWN;
}

/// A code of such a list. What is not known there is kept as it came.
pub struct Code<T>(String, PhantomData<fn() -> T>);

impl<T> Code<T> {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T> Clone for Code<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T> PartialEq for Code<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Code<T> {}

impl<T> std::hash::Hash for Code<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<T: Codes> FromCore<T> for Code<T> {
    fn from_core(code: T) -> Self {
        Self(code.text().to_owned(), PhantomData)
    }
}

impl<T: Codes> Read for Code<T> {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::STR;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self(argument.text(given)?, PhantomData))
    }
}

impl<T: Codes> Part for Code<T> {
    fn to_plain<'py>(&self, py: Python<'py>, all: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.0.to_plain(py, all)
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
        Self::read(argument, given)
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        // The list is open, so these are no more than examples.
        let schema = schema_of(py, &[("type", "string")])?;
        schema.set_item("examples", T::KNOWN)?;
        Ok(schema)
    }
}

impl<'py, T: Codes> IntoPyObject<'py> for Code<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = T::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        T::class(py)?.call1((self.0,))
    }
}
