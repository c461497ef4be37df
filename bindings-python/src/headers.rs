//! Headers of a caller, as Python gives them.

use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::given::{Argument, Read};

/// Headers by their names.
pub struct Headers(pub Vec<(String, String)>);

impl Read for Headers {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("collections.abc", "Mapping"),
        crate::hint::STR,
        crate::hint::STR
    );

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let headers = given.cast::<PyMapping>().map_err(|_| argument.wrong_type(given, "a dict of str by str"))?;
        let read = |item: Bound<'_, PyAny>| {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            Ok((argument.text(&name)?, argument.text(&value)?))
        };
        headers.items()?.iter().map(read).collect::<PyResult<_>>().map(Self)
    }
}
