//! Values that mirror the core's: each is told once, as a list of fields with their documentation.
//!
//! [`value!`] makes of the list a frozen class that compares and hashes by value, its constructor by keywords, which
//! reads each field by its name, what pickle and copy need, plain data and the way back from it, and the way from the
//! core or to it. That takes the core's
//! value apart without `..`, so that a new field does not compile until it is in the list.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Declares a value. `answer` is one that comes out of the core, `request` one that goes in.
///
/// `field: Type` has to be given, `field: Option<Type> = None` need not be. What has another default is behind a `;`:
/// `raw: String = ("str", "")`, where the first text is its type in Python. The type says what is personal: see
/// `text.rs`. `Class("method.")` is a part of a request: errors name its fields with what leads to them; and
/// `Class("method.", Code)` is the payout method of this code.
macro_rules! value {
    ($(#[$about:meta])* $way:ident $class:ident matches $matched:tt $fields:tt) => {
        $crate::value::value! { $(#[$about])* $way $class("") matches $matched $fields }
    };
    (
        $(#[$about:meta])*
        $way:ident $class:ident($path:literal $(, $code:ident)?) matches ($($matched:ident),*) {
            $($(#[doc = $doc:literal])* $field:ident: $type:ty $(= $none:ident)?),* $(,)?
            $(; $($(#[doc = $late_doc:literal])* $late:ident: $late_type:ty = ($hint:tt, $default:tt),)*)?
        }
    ) => {
        $(#[$about])*
        #[pyo3::pyclass(frozen, eq, hash, get_all, module = "komopay")]
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[allow(clippy::struct_field_names, reason = "the same names in every language")]
        pub struct $class {
            $($(#[doc = $doc])* $field: $type,)*
            $($($(#[doc = $late_doc])* $late: $late_type,)*)?
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
                $crate::error::guard(py, || Ok($crate::repr::Show::show(self, py).unwrap_or_default()))
            }

            #[pyo3(signature = () -> "tuple[tuple[()], dict[str, object]]")]
            fn __getnewargs_ex__<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<(
                pyo3::Bound<'py, pyo3::types::PyTuple>,
                pyo3::Bound<'py, pyo3::types::PyDict>,
            )> {
                $crate::error::guard(py, || {
                    Ok((pyo3::types::PyTuple::empty(py), $crate::data::Known::known(self, py)?))
                })
            }
        }

        $crate::data::methods!($class);
        $crate::data::replacing!($class);

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

        $(
            #[pyo3::pymethods]
            impl $class {
                /// Which payout method this is.
                #[getter]
                #[allow(clippy::unused_self, reason = "an attribute of each")]
                fn method_code(&self) -> $crate::text::Code<komopay_core::MethodCode> {
                    $crate::conversion::FromCore::from_core(komopay_core::MethodCode::$code)
                }
            }
        )?

        impl $crate::data::Part for $class {
            const IS_PERSONAL: bool = $(<$type as $crate::data::Part>::IS_PERSONAL ||)*
                $($(<$late_type as $crate::data::Part>::IS_PERSONAL ||)*)? false;

            fn to_plain<'py>(
                &self,
                py: pyo3::Python<'py>,
                include_personal: bool,
            ) -> pyo3::PyResult<Option<pyo3::Bound<'py, pyo3::PyAny>>> {
                use $crate::data::Data;
                self.data(py, include_personal).map(|data| Some(data.into_any()))
            }

            fn from_plain(
                argument: $crate::given::Argument<'_>,
                given: &pyo3::Bound<'_, pyo3::PyAny>,
                way: $crate::data::Way,
            ) -> pyo3::PyResult<Self> {
                use $crate::given::argument as named;
                if let Ok(made) = given.cast::<Self>() {
                    return Ok(made.get().clone());
                }
                let fields = $crate::data::Fields::of(argument, given, stringify!($class))?;
                $(fields.check_code($path, komopay_core::MethodCode::$code.as_str())?;)?
                let value = Self {
                    $($field: fields.take(
                        stringify!($field),
                        named(concat!($path, stringify!($field))),
                        way,
                    )?,)*
                    $($($late: fields.take_or_default(
                        stringify!($late),
                        named(concat!($path, stringify!($late))),
                        way,
                    )?,)*)?
                };
                let known = [$(stringify!($field),)* $($(stringify!($late),)*)?];
                fields.finish($path, &known, way).map(|()| value)
            }

            fn schema(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::PyAny>> {
                Ok(pyo3::types::PyType::new::<Self>(py).into_any())
            }
        }

        impl $crate::data::Known for $class {
            fn known<'py>(&self, py: pyo3::Python<'py>) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                let known = pyo3::types::PyDict::new(py);
                $(known.set_item(stringify!($field), self.$field.clone())?;)*
                $($(known.set_item(stringify!($late), self.$late.clone())?;)*)?
                Ok(known)
            }
        }

        impl $crate::data::Data for $class {
            const CLASS: &'static str = stringify!($class);
            const WAY: $crate::data::Way = $crate::value::value!(@way $way);

            fn data<'py>(
                &self,
                py: pyo3::Python<'py>,
                include_personal: bool,
            ) -> pyo3::PyResult<pyo3::Bound<'py, pyo3::types::PyDict>> {
                let data = pyo3::types::PyDict::new(py);
                $(data.set_item("method_code", komopay_core::MethodCode::$code.as_str())?;)?
                $($crate::data::put(&data, stringify!($field), &self.$field, include_personal)?;)*
                $($($crate::data::put(&data, stringify!($late), &self.$late, include_personal)?;)*)?
                Ok(data)
            }

            fn fields(py: pyo3::Python<'_>) -> pyo3::PyResult<Vec<$crate::data::Described<'_>>> {
                Ok(vec![
                    $($crate::data::described_code(py, komopay_core::MethodCode::$code.as_str())?,)?
                    $($crate::data::described::<$type>(
                        py, stringify!($field), concat!("", $($doc, "\n"),*), false,
                    )?,)*
                    $($($crate::data::described::<$late_type>(
                        py, stringify!($late), concat!("", $($late_doc, "\n"),*), true,
                    )?,)*)?
                ])
            }
        }

        $crate::value::matched!($class($($matched),*));
        $crate::given::readable!($class);
        $crate::value::value!(@$way $class { $($field,)* $($($late,)*)? });
    };
    (@way answer) => { $crate::data::Way::Answer };
    (@way request) => { $crate::data::Way::Request };
    (@answer $class:ident { $($field:ident,)* }) => {
        impl $crate::repr::Show for $class {
            fn show(&self, py: pyo3::Python<'_>) -> Option<String> {
                Some(Self::show(self, py))
            }
        }

        impl From<komopay_core::$class> for $class {
            fn from(value: komopay_core::$class) -> Self {
                let komopay_core::$class { $($field),* } = value;
                Self { $($field: $crate::conversion::FromCore::from_core($field)),* }
            }
        }

        impl $crate::conversion::FromCore<komopay_core::$class> for $class {
            fn from_core(value: komopay_core::$class) -> Self {
                value.into()
            }
        }

        $crate::answer::object!($class);
    };
    (@request $class:ident { $($field:ident,)* }) => {
        impl $crate::repr::Show for $class {
            fn show(&self, py: pyo3::Python<'_>) -> Option<String> {
                let shown = $crate::repr::Repr::new(py, stringify!($class));
                $(let shown = shown.value(stringify!($field), $crate::repr::Show::show(&self.$field, py));)*
                Some(shown.finish())
            }
        }

        impl From<&$class> for komopay_core::$class {
            fn from(value: &$class) -> Self {
                let $class { $($field),* } = value;
                Self { $($field: $crate::conversion::ToCore::to_core($field)),* }
            }
        }

        impl $crate::conversion::ToCore<komopay_core::$class> for $class {
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
