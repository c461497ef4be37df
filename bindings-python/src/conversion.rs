//! Fields as the core has them, made into ours, and back.

use std::time::Duration;

use jiff::Timestamp;
use komopay_core as core;

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

impl FromCore<core::PayoutId> for String {
    fn from_core(id: core::PayoutId) -> Self {
        id.as_str().to_owned()
    }
}

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
