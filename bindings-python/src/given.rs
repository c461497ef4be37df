//! What a caller gave, read in one place: what cannot be used is an error of this package that names the argument.
//!
//! Left to `PyO3`, a wrong type would be a `TypeError` and some texts a `UnicodeEncodeError`, before any code of ours
//! runs. So the entries take their arguments as they are, and read each here by its name.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use komopay_core::ErrorKind;
use pyo3::PyClass;
use pyo3::exceptions::PyException;
#[cfg(feature = "stubs")]
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDateTime, PyDelta, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};

use crate::error::refuse;

/// The name of an argument, as errors tell it, and the kind of these errors.
#[derive(Clone, Copy)]
pub struct Argument<'a> {
    name: &'a str,
    kind: ErrorKind,
}

/// An argument of a call, or a field of a value.
pub const fn argument(name: &str) -> Argument<'_> {
    Argument { name, kind: ErrorKind::InvalidRequest }
}

/// A setting.
pub const fn setting(name: &str) -> Argument<'_> {
    Argument { name, kind: ErrorKind::Configuration }
}

/// A part of a callback, which comes from anybody.
pub const fn part_of_callback(name: &str) -> Argument<'_> {
    Argument { name, kind: ErrorKind::InvalidCallback }
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

    /// What was given, read.
    #[allow(clippy::needless_pass_by_value, reason = "so are the arguments of a method of Python given")]
    pub fn take<T: Read>(self, given: Given<'_, T>) -> PyResult<T> {
        T::read(self, &given.0)
    }

    /// The same of what need not be given.
    pub fn maybe<T: Read>(self, given: Option<Given<'_, T>>) -> PyResult<Option<T>> {
        given.map(|given| self.take(given)).transpose()
    }

    /// The same of what has a default, which None is, too.
    pub fn take_or<T: Read>(self, given: Or<'_, T>, default: T) -> PyResult<T> {
        match given.0.filter(|given| !given.is_none()) {
            Some(given) => T::read(self, &given),
            None => Ok(default),
        }
    }

    /// A text, as it is: what a subclass of `str` makes of itself does not count.
    pub fn text(self, given: &Bound<'_, PyAny>) -> PyResult<String> {
        self.text_of(given).map(str::to_owned)
    }

    /// The same, where it stands.
    pub fn text_of<'a>(self, given: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
        self.encoded(given.cast::<PyString>().map_err(|_| self.wrong_type(given, "a str"))?)
    }

    fn encoded<'a>(self, text: &'a Bound<'_, PyString>) -> PyResult<&'a str> {
        text.to_str().map_err(|error| {
            // The error itself shows the whole text.
            let at = error.value(text.py()).getattr("start").and_then(|start| start.extract::<usize>());
            let at = at.map(|at| format!(" at index {at}")).unwrap_or_default();
            let problem = format!(
                "holds half of a character{at} (a lone surrogate), which cannot be sent; look where the text was cut, \
                 or decoded with another encoding than its own"
            );
            self.refuse(text.py(), &problem)
        })
    }

    /// Several texts. A `str` is an iterable of them, too, and never what was meant.
    pub fn texts(self, given: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let wanted = "an iterable of str, such as a list";
        if given.is_instance_of::<PyString>() {
            return Err(self.wrong_type(given, wanted));
        }
        self.several(given, wanted, Self::text)
    }

    /// Whatever can be iterated over. What the caller's own iterator raises stays as it is.
    pub fn several<'py, T>(
        self,
        given: &Bound<'py, PyAny>,
        wanted: &str,
        read: impl Fn(Self, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        let items = given.try_iter().map_err(|_| self.wrong_type(given, wanted))?;
        items.map(|item| read(self, &item?)).collect()
    }

    /// Several things of plain data: a list or a tuple.
    pub fn listed<'py, T>(
        self,
        given: &Bound<'py, PyAny>,
        read: impl Fn(Self, &Bound<'py, PyAny>) -> PyResult<T>,
    ) -> PyResult<Vec<T>> {
        if !given.is_instance_of::<PyList>() && !given.is_instance_of::<PyTuple>() {
            return Err(self.wrong_type(given, "a list"));
        }
        self.several(given, "a list", read)
    }

    /// Several whole numbers.
    pub fn wholes<'py, T>(self, given: &Bound<'py, PyAny>) -> PyResult<Vec<T>>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        self.several(given, "an iterable of int, such as a list", Self::whole)
    }

    /// Bytes.
    pub fn bytes(self, given: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
        let bytes = given.cast::<PyBytes>().map_err(|_| self.wrong_type(given, "bytes"))?;
        Ok(bytes.as_bytes().to_vec())
    }

    /// True or False.
    pub fn truth(self, given: &Bound<'_, PyAny>) -> PyResult<bool> {
        given.extract().map_err(|_| self.wrong_type(given, "True or False"))
    }

    /// A whole number.
    pub fn whole<'py, T>(self, given: &Bound<'py, PyAny>) -> PyResult<T>
    where
        T: for<'a> FromPyObject<'a, 'py>,
    {
        if given.is_instance_of::<PyBool>() || !given.is_instance_of::<PyInt>() {
            return Err(self.wrong_type(given, "an int"));
        }
        let too_large =
            || self.refuse(given.py(), "must be a whole number that is not below 0, and not as large as this");
        given.extract().map_err(|_| too_large())
    }

    /// A number, whole or not; the core says which ones will do.
    pub fn number(self, given: &Bound<'_, PyAny>) -> PyResult<f64> {
        if given.is_instance_of::<PyBool>() || !(given.is_instance_of::<PyInt>() || given.is_instance_of::<PyFloat>()) {
            return Err(self.wrong_type(given, "a number"));
        }
        // An int beyond every float is as bad as infinity, which the core refuses.
        Ok(given.extract().unwrap_or(f64::INFINITY))
    }

    /// A time span: a number of seconds, or a `timedelta`.
    pub fn seconds(self, given: &Bound<'_, PyAny>) -> PyResult<Duration> {
        let span = if given.is_instance_of::<PyDelta>() {
            given.extract().ok()
        } else if given.is_instance_of::<PyBool>() {
            return Err(self.wrong_type(given, "a number of seconds or a timedelta"));
        } else if given.is_instance_of::<PyInt>() {
            given.extract().ok().map(Duration::from_secs)
        } else if given.is_instance_of::<PyFloat>() {
            given.extract().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        } else {
            return Err(self.wrong_type(given, "a number of seconds or a timedelta"));
        };
        span.ok_or_else(|| self.refuse(given.py(), "must be a finite time in seconds that is not below 0"))
    }

    /// A moment: a `datetime` whose `utcoffset()` answers, whatever time zone it has; one without is another moment on
    /// every machine.
    pub fn moment(self, given: &Bound<'_, PyAny>) -> PyResult<Timestamp> {
        let py = given.py();
        let given = given.cast::<PyDateTime>().map_err(|_| self.wrong_type(given, "a datetime with a time zone"))?;
        let offset = match given.call_method0("utcoffset") {
            Ok(offset) => offset,
            Err(error) if error.is_instance_of::<PyException>(py) => {
                let raised = class_of(error.value(py));
                return Err(self.refuse(py, &format!("its time zone cannot be used: utcoffset() raised {raised}")));
            }
            Err(interrupt) => return Err(interrupt),
        };
        if offset.is_none() {
            let problem = "must have a time zone, since without one it is another moment on every machine; give for \
                           example datetime.now(timezone.utc) + timedelta(days=30)";
            return Err(self.refuse(py, problem));
        }
        let offset: SignedDuration = offset.extract().map_err(|_| {
            let answer = class_of(&offset);
            self.refuse(py, &format!("its time zone cannot be used: utcoffset() answered {answer}, not a timedelta"))
        })?;
        utc(given, offset)
            .ok_or_else(|| self.refuse(py, "is not a time that can be used; the last one is in the year 9999"))
    }

    /// A path.
    pub fn path(self, given: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
        let py = given.py();
        let text = py.import("os")?.call_method1("fspath", (given,)).ok();
        let Some(text) = text.and_then(|text| text.cast_into::<PyString>().ok()) else {
            return Err(self.wrong_type(given, "a path, as a str or a pathlib.Path"));
        };
        // A file may have a name that is no text, which Python writes with surrogates.
        text.extract().or_else(|_| self.encoded(&text).map(PathBuf::from))
    }

    /// An object of a class of this package.
    pub fn object<'a, 'py, T: PyClass>(self, given: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, T>> {
        given.cast().map_err(|_| self.wrong_type(given, &a(<T as PyClass>::NAME)))
    }

    /// The same, as a value of its own.
    pub fn value<T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + Clone + Sync>(
        self,
        given: &Bound<'_, PyAny>,
    ) -> PyResult<T> {
        self.object::<T>(given).map(|object| object.get().clone())
    }

    /// The error of a type that is not the wanted one.
    pub fn wrong_type(self, given: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
        let what = match given.cast::<PyType>() {
            Ok(class) => format!("the class {} itself", name_of(class)),
            Err(_) => class_of(given),
        };
        self.refuse(given.py(), &format!("must be {wanted}, not {what}"))
    }

    /// The error of what cannot be used, for this reason.
    pub fn refuse(self, py: Python<'_>, problem: &str) -> PyErr {
        refuse(py, self.kind, self.name, &format!("{}: {problem}", self.name))
    }
}

fn a(class: &str) -> String {
    let article = if class.starts_with(['A', 'E', 'I', 'O', 'U']) { "an" } else { "a" };
    format!("{article} {class}")
}

fn class_of(given: &Bound<'_, PyAny>) -> String {
    name_of(&given.get_type())
}

/// What a class is called, whatever it is called.
fn name_of(class: &Bound<'_, PyType>) -> String {
    class.qualname().map_or_else(|_| "an object".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The moment of this date and time at this distance from UTC; none, if it is out of range, or not even a date.
fn utc(given: &Bound<'_, PyDateTime>, offset: SignedDuration) -> Option<Timestamp> {
    let field = |name| given.getattr(name).ok();
    let small = |name| field(name)?.extract::<i8>().ok();
    let microseconds: i32 = field("microsecond")?.extract().ok()?;
    let local = DateTime::new(
        field("year")?.extract().ok()?,
        small("month")?,
        small("day")?,
        small("hour")?,
        small("minute")?,
        small("second")?,
        microseconds.checked_mul(1000)?,
    );
    local.ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp().checked_sub(offset).ok()
}

/// An argument as it was given, from which a `T` is to be read: nothing is looked at before code of ours runs.
pub struct Given<'py, T>(Bound<'py, PyAny>, PhantomData<fn() -> T>);

impl<'py, T: Read> FromPyObject<'_, 'py> for Given<'py, T> {
    type Error = Infallible;
    #[cfg(feature = "stubs")]
    const INPUT_TYPE: PyStaticExpr = T::HINT;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(given.to_owned(), PhantomData))
    }
}

/// The same of what need not be given and has another default than None, which its text signature shows.
pub struct Or<'py, T>(Option<Bound<'py, PyAny>>, PhantomData<fn() -> T>);

impl<T> Or<'_, T> {
    pub const DEFAULT: Self = Self(None, PhantomData);

    /// Whether the default was meant.
    pub fn is_default(&self) -> bool {
        self.0.as_ref().is_none_or(pyo3::types::PyAnyMethods::is_none)
    }
}

impl<'py, T: Read> FromPyObject<'_, 'py> for Or<'py, T> {
    type Error = Infallible;
    #[cfg(feature = "stubs")]
    const INPUT_TYPE: PyStaticExpr = T::HINT;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self(Some(given.to_owned()), PhantomData))
    }
}

/// What can be read from an argument.
pub trait Read: Sized {
    /// What type checkers tell a caller to give.
    #[cfg(feature = "stubs")]
    const HINT: PyStaticExpr;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self>;
}

/// A field of a value: one that can be read, or need not be given.
pub trait Field: Sized {
    type Given<'py>;

    fn take(argument: Argument<'_>, given: Self::Given<'_>) -> PyResult<Self>;
}

impl<T: Read> Field for T {
    type Given<'py> = Given<'py, T>;

    fn take(argument: Argument<'_>, given: Given<'_, T>) -> PyResult<Self> {
        argument.take(given)
    }
}

impl<T: Read> Field for Option<T> {
    type Given<'py> = Option<Given<'py, T>>;

    fn take(argument: Argument<'_>, given: Option<Given<'_, T>>) -> PyResult<Self> {
        argument.maybe(given)
    }
}

/// A field with a default that Python can show: it is read into what can be written as a literal.
pub trait Defaulted {
    type Literal<'a>: Default;

    fn read_literal<'a>(argument: Argument<'_>, given: &'a Bound<'_, PyAny>) -> PyResult<Self::Literal<'a>>;
}

/// Reads such a field. None is the default.
pub fn literal<'a, T: Defaulted>(argument: Argument<'_>, given: &'a Bound<'_, PyAny>) -> PyResult<T::Literal<'a>> {
    if given.is_none() { Ok(T::Literal::default()) } else { T::read_literal(argument, given) }
}

impl Defaulted for bool {
    type Literal<'a> = Self;

    fn read_literal(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        argument.truth(given)
    }
}

impl Defaulted for String {
    type Literal<'a> = &'a str;

    fn read_literal<'a>(argument: Argument<'_>, given: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
        argument.text_of(given)
    }
}

macro_rules! read {
    ($($type:ty: $hint:ident by $method:ident,)*) => {
        $(
            impl Read for $type {
                #[cfg(feature = "stubs")]
                const HINT: PyStaticExpr = crate::hint::$hint;

                fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
                    argument.$method(given)
                }
            }
        )*
    };
}
read! {
    String: STR by text,
    Vec<String>: TEXTS by texts,
    Vec<u8>: BYTES by bytes,
    Vec<u16>: INTS by wholes,
    bool: BOOL by truth,
    u16: INT by whole,
    u32: INT by whole,
    u64: INT by whole,
    usize: INT by whole,
    f64: FLOAT by number,
    Duration: SECONDS by seconds,
    Timestamp: DATETIME by moment,
    PathBuf: PATH by path,
}

/// An object of a class of this package.
impl<T: PyClass> Read for Py<T> {
    #[cfg(feature = "stubs")]
    const HINT: PyStaticExpr = T::TYPE_HINT;

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        argument.object::<T>(given).map(|object| object.clone().unbind())
    }
}

/// A class of this package that is a value: it can be read.
macro_rules! readable {
    ($class:ty) => {
        impl $crate::given::Read for $class {
            #[cfg(feature = "stubs")]
            const HINT: pyo3::inspect::PyStaticExpr = <$class as pyo3::PyTypeInfo>::TYPE_HINT;

            fn read(
                argument: $crate::given::Argument<'_>,
                given: &pyo3::Bound<'_, pyo3::PyAny>,
            ) -> pyo3::PyResult<Self> {
                argument.value(given)
            }
        }
    };
}
pub(crate) use readable;
