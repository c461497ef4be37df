//! Fields that no decision needs: unreadable is as good as missing, apart from a line in the log.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// The value of a field, if there is one and it can be read.
pub(crate) fn lenient<T: DeserializeOwned>(raw: Option<Box<RawValue>>, field: &'static str) -> Option<T> {
    let raw = raw?;
    serde_json::from_str(raw.get())
        .inspect_err(
            |_| tracing::warn!(target: "komopay", field, "a field of the answer cannot be read; see the raw JSON"),
        )
        .ok()
}

/// The time in a field, if there is one and it can be read.
pub(crate) fn timestamp(raw: Option<Box<RawValue>>, field: &'static str) -> Option<Timestamp> {
    lenient::<String>(raw, field)?
        .parse()
        .inspect_err(
            |_| tracing::warn!(target: "komopay", field, "a time in the answer cannot be read; see the raw JSON"),
        )
        .ok()
}
