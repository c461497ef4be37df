//! Values that mirror the core's: each is told once, as a list of fields with their documentation.
//!
//! [`value!`] makes of the list a frozen class that compares and hashes by value, its constructor by keywords, which
//! reads each field by its name, what pickle and copy need, and the way from the core or to it. That takes the core's
//! value apart without `..`, so that a new field does not compile until it is in the list.

use std::time::Duration;

use jiff::Timestamp;
use komopay_core as core;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Declares a value. `answer` is one that comes out of the core, `request` one that goes in.
///
/// `field: Type` has to be given, `field: Option<Type> = None` need not be. What has another default is behind a `;`:
/// `raw: String = ("str", "")`, where the first text is its type in Python. `Class("method.")` is a part of a request:
/// errors name its fields with what leads to them.
macro_rules! value {
    ($(#[$about:meta])* $way:ident $class:ident matches $matched:tt $fields:tt) => {
        $crate::value::value! { $(#[$about])* $way $class("") matches $matched $fields }
    };
    (
        $(#[$about:meta])*
        $way:ident $class:ident($path:literal) matches ($($matched:ident),*) {
            $($(#[$doc:meta])* $field:ident: $type:ty $(= $none:ident)?),* $(,)?
            $(; $($(#[$late_doc:meta])* $late:ident: $late_type:ty = ($hint:tt, $default:tt),)*)?
        }
    ) => {
        $(#[$about])*
        #[pyo3::pyclass(frozen, eq, hash, get_all, module = "komopay")]
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[allow(clippy::struct_field_names, reason = "the same names in every language")]
        pub struct $class {
            $($(#[$doc])* $field: $type,)*
            $($($(#[$late_doc])* $late: $late_type,)*)?
        }

        #[pyo3::pymethods]
        impl $class {
            #[classattr]
            #[pyo3(name = "__match_args__")]
            fn match_args() -> $crate::value::MatchArgs<Self> {
                $crate::value::MatchArgs::new()
            }

            #[new]
            #[pyo3(signature = (*, $($field $(= $none)?,)* $($($late: $hint = $default,)*)?))]
            #[allow(clippy::too_many_arguments, reason = "keywords, one per field")]
            fn new(
                py: pyo3::Python<'_>,
                $($field: <$type as $crate::given::Field>::Given<'_>,)*
                $($(
                    #[pyo3(from_py_with = $class::$late)]
                    $late: <$late_type as $crate::given::Defaulted>::Literal<'_>,
                )*)?
            ) -> pyo3::PyResult<Self> {
                $crate::error::guard(py, || {
                    Ok(Self {
                        $($field: $crate::given::Field::take(
                            $crate::given::argument(concat!($path, stringify!($field))),
                            $field,
                        )?,)*
                        $($($late: $late.into(),)*)?
                    })
                })
            }

            fn __repr__(&self, py: pyo3::Python<'_>) -> pyo3::PyResult<String> {
                $crate::error::guard(py, || Ok(self.show(py)))
            }

            #[pyo3(signature = () -> "tuple[tuple[()], dict[str, object]]")]
            fn __getnewargs_ex__<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<(
                pyo3::Bound<'py, pyo3::types::PyTuple>,
                pyo3::Bound<'py, pyo3::types::PyDict>,
            )> {
                $crate::error::guard(py, || {
                    let known = pyo3::types::PyDict::new(py);
                    $(known.set_item(stringify!($field), self.$field.clone())?;)*
                    $($(known.set_item(stringify!($late), self.$late.clone())?;)*)?
                    Ok((pyo3::types::PyTuple::empty(py), known))
                })
            }
        }

        impl $class {
            $($(
                /// Reads this field from what was given.
                fn $late<'a>(
                    given: &'a pyo3::Bound<'_, pyo3::PyAny>,
                ) -> pyo3::PyResult<<$late_type as $crate::given::Defaulted>::Literal<'a>> {
                    $crate::given::literal::<$late_type>($crate::given::argument(stringify!($late)), given)
                }
            )*)?
        }

        $crate::value::matched!($class($($matched),*));
        $crate::given::readable!($class);
        $crate::value::value!(@$way $class { $($field,)* $($($late,)*)? });
    };
    (@answer $class:ident { $($field:ident,)* }) => {
        impl From<komopay_core::$class> for $class {
            fn from(value: komopay_core::$class) -> Self {
                let komopay_core::$class { $($field),* } = value;
                Self { $($field: $crate::value::FromCore::from_core($field)),* }
            }
        }

        impl $crate::value::FromCore<komopay_core::$class> for $class {
            fn from_core(value: komopay_core::$class) -> Self {
                value.into()
            }
        }

        $crate::answer::object!($class);
    };
    (@request $class:ident { $($field:ident,)* }) => {
        impl From<&$class> for komopay_core::$class {
            fn from(value: &$class) -> Self {
                let $class { $($field),* } = value;
                Self { $($field: $crate::value::ToCore::to_core($field)),* }
            }
        }

        impl $crate::value::ToCore<komopay_core::$class> for $class {
            fn to_core(&self) -> komopay_core::$class {
                self.into()
            }
        }
    };
}
pub(crate) use value;

/// Says which fields a `match` statement takes by their places.
macro_rules! matched {
    ($class:ident($($field:ident),*)) => {
        impl $crate::value::Matched for $class {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];
            #[cfg(feature = "stubs")]
            const HINT: pyo3::inspect::PyStaticExpr = pyo3::inspect::PyStaticExpr::Subscript {
                value: &pyo3::type_hint_identifier!("builtins", "tuple"),
                slice: &pyo3::inspect::PyStaticExpr::Tuple {
                    elts: &[$($crate::hint::literal!(stringify!($field))),*],
                },
            };
        }
    };
}
pub(crate) use matched;

/// The fields that a `match` statement takes by their places.
pub struct MatchArgs<T>(std::marker::PhantomData<T>);

/// A value that says which those are.
pub trait Matched {
    const NAMES: &'static [&'static str];
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr;
}

impl<T> MatchArgs<T> {
    pub const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'py, T: Matched> IntoPyObject<'py> for MatchArgs<T> {
    type Target = PyTuple;
    type Output = Bound<'py, PyTuple>;
    type Error = PyErr;
    #[cfg(feature = "stubs")]
    const OUTPUT_TYPE: pyo3::inspect::PyStaticExpr = T::HINT;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        PyTuple::new(py, T::NAMES)
    }
}

/// A field as the core has it, made into ours.
pub trait FromCore<T> {
    fn from_core(value: T) -> Self;
}

/// A field of ours, made into the core's.
pub trait ToCore<T> {
    fn to_core(&self) -> T;
}

macro_rules! same {
    ($($type:ty),*) => {
        $(
            impl FromCore<Self> for $type {
                fn from_core(value: Self) -> Self {
                    value
                }
            }
        )*
    };
}
same!(String, bool, u16, u64);

macro_rules! text {
    ($($type:ty),*) => {
        $(
            impl FromCore<$type> for String {
                fn from_core(value: $type) -> Self {
                    value.as_str().to_owned()
                }
            }
        )*
    };
}
text!(core::PayoutId, core::PayoutStatus, core::MethodCode, core::FailureCode, core::RawJson);

/// The time in whole microseconds, all that a Python `datetime` holds: a value equals its pickled copy.
pub fn micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

impl FromCore<Self> for Timestamp {
    fn from_core(value: Self) -> Self {
        micros(value)
    }
}

/// The same of a time span.
impl FromCore<Self> for Duration {
    fn from_core(value: Self) -> Self {
        Self::new(value.as_secs(), value.subsec_micros() * 1000)
    }
}

impl<A: FromCore<B>, B> FromCore<Option<B>> for Option<A> {
    fn from_core(value: Option<B>) -> Self {
        value.map(A::from_core)
    }
}

impl ToCore<Self> for String {
    fn to_core(&self) -> Self {
        self.clone()
    }
}

impl<A: ToCore<B>, B> ToCore<Option<B>> for Option<A> {
    fn to_core(&self) -> Option<B> {
        self.as_ref().map(A::to_core)
    }
}
