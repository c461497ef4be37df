//! Moments, time spans and whole numbers. They cross as signed numbers, so that one below 0 is refused by name and not
//! by a crash.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use komopay_core::{Error, ErrorKind};

/// A time span, in microseconds: Java's `Duration`, Swift's `TimeInterval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(i64);

uniffi::custom_type!(Span, i64, { lower: |span| span.0, try_lift: |micros| Ok(Span(micros)) });

impl Span {
    pub fn duration(self, field: &str, kind: ErrorKind) -> Result<Duration, Error> {
        let micros =
            u64::try_from(self.0).map_err(|_| refuse(kind, field, "must be a finite time that is not below 0"))?;
        Ok(Duration::from_micros(micros))
    }
}

/// A field or setting that cannot be used.
fn refuse(kind: ErrorKind, field: &str, problem: &str) -> Error {
    match kind {
        ErrorKind::Configuration => Error::setting(field, problem),
        _ => Error::invalid(field, problem),
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A moment, in microseconds since 1970: Java's `Instant`, Swift's `Date`. `UniFFI`'s own loses the sign of the second
/// before 1970.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment(i64);

uniffi::custom_type!(Moment, i64, { lower: |moment| moment.0, try_lift: |micros| Ok(Moment(micros)) });

impl From<jiff::Timestamp> for Moment {
    fn from(moment: jiff::Timestamp) -> Self {
        Self(moment.as_microsecond())
    }
}

impl Moment {
    pub fn timestamp(self, field: &str) -> Result<jiff::Timestamp, Error> {
        let wrong = |_| refuse(ErrorKind::InvalidRequest, field, "is not a time that can be used");
        jiff::Timestamp::from_microsecond(self.0).map_err(wrong)
    }
}

/// As people write it.
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(moment) => fmt::Display::fmt(&moment, f),
            Err(_) => write!(f, "{} \u{b5}s", self.0),
        }
    }
}

const NO_COUNT: &str = "must be a whole number that is not below 0";

/// The number of a change: `Long`, `Int64`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChangeNumber(i64);

uniffi::custom_type!(ChangeNumber, i64, { lower: |sequence| sequence.0, try_lift: |number| Ok(ChangeNumber(number)) });

impl ChangeNumber {
    pub fn number(self) -> Result<u64, Error> {
        u64::try_from(self.0).map_err(|_| refuse(ErrorKind::InvalidRequest, "sequence", NO_COUNT))
    }
}

impl fmt::Debug for ChangeNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for ChangeNumber {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A whole number: `Int` in both languages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Whole(i32);

uniffi::custom_type!(Whole, i32, { lower: |whole| whole.0, try_lift: |number| Ok(Whole(number)) });

impl Whole {
    /// As a count of something, for a setting of this name.
    pub fn count<T: TryFrom<i32>>(self, setting: &str) -> Result<T, Error> {
        self.number(setting, ErrorKind::Configuration)
    }

    pub fn number<T: TryFrom<i32>>(self, field: &str, kind: ErrorKind) -> Result<T, Error> {
        T::try_from(self.0).map_err(|_| refuse(kind, field, NO_COUNT))
    }
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Whole {
    /// -1, 0 or 1.
    pub fn of_order(order: Ordering) -> Self {
        Self(order as i32)
    }

    /// This number, or the largest there is.
    pub fn at_most(number: usize) -> Self {
        Self(i32::try_from(number).unwrap_or(i32::MAX))
    }
}

impl From<u16> for Whole {
    fn from(number: u16) -> Self {
        Self(number.into())
    }
}
