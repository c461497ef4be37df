//! Values as plain data, which JSON can hold, and back. What of them is personal, each field says by its type.
//!
//! What is personal is written only for who asks for it, and whole: a masked number could be read back and paid.

use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use komopay_core::Shown;
use pyo3::PyClass;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::types::{PyBool, PyBytes, PyDateTime, PyDelta, PyDict, PyInt, PyList, PyMapping, PyString, PyTuple};

use crate::conversion::{FromCore, micros};
use crate::error::guard;
use crate::given::{Argument, Or, Read, argument};

/// What plain data is read into, and so how strictly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A part of a request: a key that is not known may be a field that was misspelt, and would be missing.
    Request,
    /// A part of an answer. A newer version may have written more of it, and the platform may say what no caller may.
    Answer,
}

/// A field of a value, as plain data.
pub trait Part: Sized {
    /// Whether it holds what is personal.
    const IS_PERSONAL: bool = false;

    /// As plain data; none of what is left out.
    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>>;

    /// Read from plain data, or taken as it is.
    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self>;

    /// The value of a field that is not there.
    fn missing(argument: Argument<'_>, py: Python<'_>) -> PyResult<Self> {
        Err(argument.refuse(py, "is missing"))
    }

    /// Its JSON schema; of a value, its class.
    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
}

impl<T: Part> Part for Option<T> {
    const IS_PERSONAL: bool = T::IS_PERSONAL;

    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.as_ref().map_or_else(|| Ok(Some(py.None().into_bound(py))), |part| part.to_plain(py, include_personal))
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        if given.is_none() { Ok(None) } else { T::from_plain(argument, given, way).map(Some) }
    }

    fn missing(_: Argument<'_>, _: Python<'_>) -> PyResult<Self> {
        Ok(None)
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        optional(T::schema(py)?)
    }
}

impl<T: Part> Part for Vec<T> {
    const IS_PERSONAL: bool = T::IS_PERSONAL;

    fn to_plain<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let plain = self.iter().map(|part| part.to_plain(py, include_personal)).collect::<PyResult<Vec<_>>>()?;
        Ok(Some(PyList::new(py, plain)?.into_any()))
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, way: Way) -> PyResult<Self> {
        argument.listed(given, |argument, given| T::from_plain(argument, given, way))
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        listed(T::schema(py)?)
    }
}

/// Parts that are plain already, and read as arguments are.
macro_rules! plain {
    ($($type:ty: $($key:literal = $value:literal),+;)*) => {
        $(
            impl Part for $type {
                fn to_plain<'py>(&self, py: Python<'py>, _: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
                    Ok(Some(self.clone().into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any()))
                }

                fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
                    Self::read(argument, given)
                }

                fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    schema_of(py, &[$(($key, $value)),+])
                }
            }
        )*
    };
}
plain! {
    String: "type" = "string";
    bool: "type" = "boolean";
    u16: "type" = "integer";
    u64: "type" = "integer";
}

/// ISO 8601, in UTC.
impl Part for Timestamp {
    fn to_plain<'py>(&self, py: Python<'py>, _: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(Some(self.to_string().into_pyobject(py)?.into_any()))
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
        if !given.is_instance_of::<PyString>() {
            return argument.moment(given).map(micros);
        }
        argument.text_of(given)?.parse().map(micros).map_err(|_| {
            let problem = "must be a time in ISO 8601 with its zone, such as 2030-01-31T12:00:00Z";
            argument.refuse(given.py(), problem)
        })
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        schema_of(py, &[("type", "string"), ("format", "date-time")])
    }
}

/// Seconds.
impl Part for Duration {
    fn to_plain<'py>(&self, py: Python<'py>, _: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        // As Python counts them, which is exact where a float can be.
        self.into_pyobject(py)?.call_method0("total_seconds").map(Some)
    }

    fn from_plain(argument: Argument<'_>, given: &Bound<'_, PyAny>, _: Way) -> PyResult<Self> {
        let py = given.py();
        let is_decimal = given.is_instance(&py.import("decimal")?.getattr("Decimal")?)?;
        let number = if is_decimal { given.call_method0("__float__").ok() } else { None };
        // To the nearest microsecond, since a fraction of a second is none exactly.
        let span = argument.seconds(number.as_ref().unwrap_or(given))?;
        Ok(Self::from_core(span.saturating_add(Self::from_nanos(500))))
    }

    fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        schema_of(py, &[("type", "number")])
    }
}

/// The fields of a value as they were given, until each is taken.
pub struct Fields<'py>(Bound<'py, PyDict>);

impl<'py> Fields<'py> {
    pub fn of(argument: Argument<'_>, given: &Bound<'py, PyAny>, class: &str) -> PyResult<Self> {
        let wanted = || argument.wrong_type(given, &format!("a dict of the fields of {class}"));
        let mapping = given.cast::<PyMapping>().map_err(|_| wanted())?;
        let fields = PyDict::new(given.py());
        fields.update(mapping).map_err(|_| wanted())?;
        Ok(Self(fields))
    }

    pub fn py(&self) -> Python<'py> {
        self.0.py()
    }

    /// One of them, and then it is gone.
    pub fn pop(&self, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.0.get_item(name)?;
        if found.is_some() {
            self.0.del_item(name)?;
        }
        Ok(found)
    }

    pub fn take<T: Part>(&self, name: &str, argument: Argument<'_>, way: Way) -> PyResult<T> {
        match self.pop(name)? {
            Some(given) => T::from_plain(argument, &given, way),
            None => T::missing(argument, self.0.py()),
        }
    }

    /// One that has a default, which None is, too.
    pub fn take_or_default<T: Part + Default>(&self, name: &str, argument: Argument<'_>, way: Way) -> PyResult<T> {
        match self.pop(name)? {
            Some(given) if !given.is_none() => T::from_plain(argument, &given, way),
            _ => Ok(T::default()),
        }
    }

    /// Refuses the code of another method.
    pub fn check_code(&self, path: &str, code: &str) -> PyResult<()> {
        let name = format!("{path}method_code");
        match self.pop("method_code")? {
            Some(given) if argument(&name).text_of(&given)? != code => {
                Err(argument(&name).refuse(self.0.py(), &format!("must be {code}")))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what is left in a request.
    pub fn finish(&self, path: &str, known: &[&str], way: Way) -> PyResult<()> {
        let Some((key, _)) = self.0.iter().next().filter(|_| way == Way::Request) else { return Ok(()) };
        let key = key.extract::<String>().unwrap_or_else(|_| "a key that is no text".to_owned());
        let problem = format!("is not known; there are {}", known.join(", "));
        Err(argument(&format!("{path}{}", Shown(&key))).refuse(self.0.py(), &problem))
    }
}

/// A value that is plain data as a whole.
pub trait Data: Part {
    const CLASS: &'static str;
    const WAY: Way;

    /// Its fields, for a JSON schema.
    fn fields(py: Python<'_>) -> PyResult<Vec<Described<'_>>>;

    /// The value as a dict, whether or not it holds what is personal.
    fn data<'py>(&self, py: Python<'py>, include_personal: bool) -> PyResult<Bound<'py, PyDict>>;

    fn to_dict<'py>(&self, py: Python<'py>, include_personal: Or<'_, bool>) -> PyResult<Bound<'py, PyDict>> {
        let asked = argument("include_personal");
        let include_personal = asked.take_or(include_personal, false)?;
        if Self::IS_PERSONAL && !include_personal {
            let problem = format!(
                "must be True, since a {} holds personal data, such as an account number, and is written whole or not \
                 at all; keep what is written as safe as the payee's account",
                Self::CLASS
            );
            return Err(asked.refuse(py, &problem));
        }
        self.data(py, include_personal)
    }

    fn to_json<'py>(&self, py: Python<'py>, include_personal: Or<'_, bool>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("dumps", (self.to_dict(py, include_personal)?,))
    }

    fn from_dict(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::from_plain(argument("data"), given, Self::WAY)
    }

    fn from_json(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::from_dict(&json(text)?)
    }
}

/// JSON as Python has it, with exact numbers. What is no JSON is told without the text, which may hold anything.
fn json<'py>(text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = text.py();
    if !text.is_instance_of::<PyString>() && !text.is_instance_of::<PyBytes>() {
        return Err(argument("text").wrong_type(text, "JSON as a str or bytes"));
    }
    let exact = PyDict::new(py);
    exact.set_item("parse_float", py.import("decimal")?.getattr("Decimal")?)?;
    py.import("json")?.call_method("loads", (text,), Some(&exact)).map_err(|error| {
        if error.is_instance_of::<PyException>(py) { argument("text").refuse(py, "is not JSON") } else { error }
    })
}

/// A JSON schema of these keys.
pub fn schema_of<'py>(py: Python<'py>, keys: &[(&str, &str)]) -> PyResult<Bound<'py, PyAny>> {
    let schema = PyDict::new(py);
    keys.iter().try_for_each(|(key, value)| schema.set_item(key, value))?;
    Ok(schema.into_any())
}

/// The schema of what may be None.
pub fn optional(schema: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = schema.py();
    let either = PyDict::new(py);
    either.set_item("anyOf", (schema, schema_of(py, &[("type", "null")])?))?;
    Ok(either.into_any())
}

/// The schema of several.
pub fn listed(schema: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let several = schema_of(schema.py(), &[("type", "array")])?;
    several.set_item("items", schema)?;
    Ok(several)
}

/// What a value that is made in Python holds, as plain data.
#[pyfunction]
#[pyo3(signature = (part: "object") -> "object")]
pub fn _plain<'py>(part: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    guard(part.py(), || plain_of(part))
}

fn plain_of<'py>(part: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (py, name) = (part.py(), argument("data"));
    let plain = if part.is_none() || part.is_instance_of::<PyBool>() || part.is_instance_of::<PyInt>() {
        return Ok(part.clone());
    } else if part.is_instance_of::<PyString>() {
        name.text(part)?.to_plain(py, false)?
    } else if part.is_instance_of::<PyDateTime>() {
        micros(name.moment(part)?).to_plain(py, false)?
    } else if part.is_instance_of::<PyDelta>() {
        name.seconds(part)?.to_plain(py, false)?
    } else if part.is_instance_of::<PyTuple>() {
        return Ok(PyList::new(py, name.listed(part, |_, part| plain_of(part))?)?.into_any());
    } else {
        return part.call_method0("to_dict");
    };
    Ok(plain.unwrap_or_else(|| part.clone()))
}

/// JSON as Python has it.
#[pyfunction]
#[pyo3(signature = (text) -> "dict[str, object]")]
#[allow(clippy::needless_pass_by_value, reason = "an argument of Python")]
pub fn _json<'py>(py: Python<'py>, text: Json<'py>) -> PyResult<Bound<'py, PyAny>> {
    guard(py, || json(&text.0))
}

/// A field as `komopay/_pydantic.py` reads it: its name, its JSON schema or class, what it is, and whether it has to be
/// there.
pub type Described<'py> = (String, Bound<'py, PyAny>, String, bool);

pub fn described<'py, T: Part>(
    py: Python<'py>,
    name: &str,
    about: &str,
    has_default: bool,
) -> PyResult<Described<'py>> {
    let is_required = !has_default && T::missing(argument(name), py).is_err();
    let lines: Vec<&str> = about.lines().map(str::trim).collect();
    Ok((name.to_owned(), T::schema(py)?, lines.join(" ").trim().to_owned(), is_required))
}

/// The code by which a payout method is known.
pub fn described_code<'py>(py: Python<'py>, code: &str) -> PyResult<Described<'py>> {
    let schema = schema_of(py, &[("type", "string"), ("const", code)])?;
    Ok(("method_code".to_owned(), schema, "Which payout method this is.".to_owned(), true))
}

/// Puts a field into plain data, unless it is left out.
pub fn put<T: Part>(data: &Bound<'_, PyDict>, name: &str, part: &T, include_personal: bool) -> PyResult<()> {
    match part.to_plain(data.py(), include_personal)? {
        Some(plain) => data.set_item(name, plain),
        None => Ok(()),
    }
}

/// The methods of a value that is plain data.
macro_rules! methods {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            /// This value as plain data, which JSON can hold: its fields by their names, amounts and times as texts,
            /// spans in seconds. `from_dict` gives it back.
            ///
            /// What holds personal data, such as a `PayoutRequest` and its parts, is written only with
            /// `include_personal=True`, and then whole. The `raw` of a payout is left out without that.
            ///
            /// Example:
            ///
            ///     >>> Money("10000", "IDR").to_dict()
            ///     {'amount': '10000', 'currency': 'IDR'}
            #[pyo3(signature = (*, include_personal=$crate::given::Or::DEFAULT) -> "dict[str, object]",
                                                                text_signature = "($self, *, include_personal=False)")]
            fn to_dict<'py>(
                &self,
                py: pyo3::Python<'py>,
                include_personal: $crate::given::Or<'_, bool>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                $crate::error::guard(py, || $crate::data::Data::to_dict(self, py, include_personal))
            }

            /// The value of plain data, as `to_dict` gives it, under the rules of the constructor.
            ///
            /// Requests refuse a field that is not known; answers pass over one, since a newer version may have
            /// written it.
            ///
            /// Errors: `InvalidRequestError`, naming the field.
            ///
            /// Example:
            ///
            ///     >>> Money.from_dict({"amount": "10000", "currency": "IDR"})
            ///     Money('10000', 'IDR')
            #[classmethod]
            fn from_dict(
                cls: &pyo3::Bound<'_, pyo3::types::PyType>,
                data: $crate::data::Plain<'_>,
            ) -> pyo3::PyResult<Self> {
                $crate::error::guard(cls.py(), || <Self as $crate::data::Data>::from_dict(&data.0))
            }

            /// The JSON of `to_dict`.
            ///
            /// Example:
            ///
            ///     >>> Money("10000", "IDR").to_json()
            ///     '{"amount": "10000", "currency": "IDR"}'
            #[pyo3(signature = (*, include_personal=$crate::given::Or::DEFAULT) -> "str",
                                                                text_signature = "($self, *, include_personal=False)")]
            fn to_json<'py>(
                &self,
                py: pyo3::Python<'py>,
                include_personal: $crate::given::Or<'_, bool>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                $crate::error::guard(py, || $crate::data::Data::to_json(self, py, include_personal))
            }

            /// The value of JSON, as `from_dict`. Its numbers are read exactly.
            ///
            /// Example:
            ///
            ///     >>> Money.from_json('{"amount": 42.05, "currency": "USD"}')
            ///     Money('42.05', 'USD')
            #[classmethod]
            fn from_json(
                cls: &pyo3::Bound<'_, pyo3::types::PyType>,
                text: $crate::data::Json<'_>,
            ) -> pyo3::PyResult<Self> {
                $crate::error::guard(cls.py(), || <Self as $crate::data::Data>::from_json(&text.0))
            }

            #[classmethod]
            #[pyo3(signature = () -> "list[tuple[str, object, str, bool]]")]
            fn _fields<'py>(
                cls: &pyo3::Bound<'py, pyo3::types::PyType>,
            ) -> pyo3::PyResult<Vec<$crate::data::Described<'py>>> {
                $crate::error::guard(cls.py(), || <Self as $crate::data::Data>::fields(cls.py()))
            }

            #[classmethod]
            #[pyo3(signature = (source: "object", handler: "object") -> "object")]
            fn __get_pydantic_core_schema__<'py>(
                cls: &pyo3::Bound<'py, pyo3::types::PyType>,
                source: &pyo3::Bound<'py, pyo3::PyAny>,
                handler: &pyo3::Bound<'py, pyo3::PyAny>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                let _ = (source, handler);
                cls.py().import("komopay._pydantic")?.call_method1("core_schema_of", (cls,))
            }

            #[classmethod]
            #[pyo3(signature = (schema: "object", handler: "object") -> "object")]
            fn __get_pydantic_json_schema__<'py>(
                cls: &pyo3::Bound<'py, pyo3::types::PyType>,
                schema: &pyo3::Bound<'py, pyo3::PyAny>,
                handler: &pyo3::Bound<'py, pyo3::PyAny>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::PyAny>> {
                let _ = schema;
                cls.py().import("komopay._pydantic")?.call_method1("json_schema_of", (cls, handler))
            }
        }
    };
}
pub(crate) use methods;

/// The methods of a value that replaces fields.
macro_rules! replacing {
    ($class:ident) => {
        #[pyo3::pymethods]
        impl $class {
            /// The same value with other fields, under the rules of the constructor; `copy.replace` does this too.
            ///
            /// Example:
            ///
            ///     >>> Money("10000", "IDR").replace(amount="20000")
            ///     Money('20000', 'IDR')
            #[pyo3(signature = (**fields: "object"))]
            fn replace<'py>(
                slf: &pyo3::Bound<'py, Self>,
                fields: Option<&pyo3::Bound<'py, pyo3::types::PyDict>>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, Self>> {
                $crate::error::guard(slf.py(), || $crate::data::replaced(slf, fields))
            }

            #[pyo3(signature = (**fields: "object"))]
            fn __replace__<'py>(
                slf: &pyo3::Bound<'py, Self>,
                fields: Option<&pyo3::Bound<'py, pyo3::types::PyDict>>,
            ) -> pyo3::PyResult<pyo3::Bound<'py, Self>> {
                $crate::error::guard(slf.py(), || $crate::data::replaced(slf, fields))
            }
        }
    };
}
pub(crate) use replacing;

/// A value whose constructor takes its fields.
pub trait Known {
    fn known<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>>;
}

/// The value again, with these fields in place of its own.
pub fn replaced<'py, T: PyClass<Frozen = True> + Known + Sync>(
    value: &Bound<'py, T>,
    fields: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, T>> {
    let known = value.get().known(value.py())?;
    if let Some(fields) = fields {
        known.update(fields.as_mapping())?;
    }
    Ok(value.as_any().get_type().call((), Some(&known))?.cast_into()?)
}

/// Plain data, or JSON, that nothing was looked at yet.
macro_rules! unread {
    ($($name:ident: $hint:ident),*) => {
        $(
            pub struct $name<'py>(pub Bound<'py, PyAny>);

            impl<'py> FromPyObject<'_, 'py> for $name<'py> {
                type Error = Infallible;
                #[cfg(feature = "stubs")]
                const INPUT_TYPE: pyo3::inspect::PyStaticExpr = crate::hint::$hint;

                fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
                    Ok(Self(given.to_owned()))
                }
            }
        )*
    };
}
unread!(Plain: DATA, Json: JSON);
