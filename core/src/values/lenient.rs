//! Fields that one decision needs and another does not. Where none needs it, unreadable is as good as missing, apart
//! from a line in the log.

use std::borrow::Borrow;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::id::PayoutId;

/// What an answer says in one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said<T> {
    /// The field is missing, or null.
    Nothing,
    /// There is something that cannot be read.
    Unreadable,
    /// This.
    This(T),
}

impl<T> Said<T> {
    /// The value, if there is one and it can be read.
    pub fn value(&self) -> Option<T>
    where
        T: Clone,
    {
        match self {
            Self::This(value) => Some(value.clone()),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// What a field says of an answer about this payout, or about none. What cannot be read is noted in the log.
pub(crate) fn said<T: DeserializeOwned>(
    id: Option<&PayoutId>,
    raw: Option<impl Borrow<RawValue>>,
    field: &'static str,
) -> Said<T> {
    let Some(raw) = raw else { return Said::Nothing };
    said_by(id, serde_json::from_str(raw.borrow().get()).ok(), field)
}

/// What a field of time says.
pub(crate) fn said_time(
    id: Option<&PayoutId>,
    raw: Option<impl Borrow<RawValue>>,
    field: &'static str,
) -> Said<Timestamp> {
    let Some(raw) = raw else { return Said::Nothing };
    let text = serde_json::from_str::<String>(raw.borrow().get()).ok();
    said_by(id, text.and_then(|text| text.parse().ok()), field)
}

/// Notes in the log that a field of an answer, about this payout or about none, cannot be read.
pub(crate) fn unreadable(id: Option<&PayoutId>, field: &str) {
    tracing::warn!(
        target: "komopay",
        payout_id = id.map(tracing::field::display),
        "the field {field} of an answer cannot be read; see the raw JSON"
    );
}

fn said_by<T>(id: Option<&PayoutId>, value: Option<T>, field: &'static str) -> Said<T> {
    value.map_or_else(
        || {
            unreadable(id, field);
            Said::Unreadable
        },
        Said::This,
    )
}

/// The value of a field, if there is one and it can be read.
pub(crate) fn lenient<T: DeserializeOwned>(
    id: Option<&PayoutId>,
    raw: Option<impl Borrow<RawValue>>,
    field: &'static str,
) -> Option<T> {
    match said(id, raw, field) {
        Said::This(value) => Some(value),
        Said::Nothing | Said::Unreadable => None,
    }
}

/// The time in a field, if there is one and it can be read.
pub(crate) fn timestamp(
    id: Option<&PayoutId>,
    raw: Option<impl Borrow<RawValue>>,
    field: &'static str,
) -> Option<Timestamp> {
    said_time(id, raw, field).value()
}
