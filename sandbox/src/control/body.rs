//! The bodies of the control API.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::answer::Answer;
use crate::platform::ledger::Balance;

/// The balances by currency.
pub(crate) type Balances = BTreeMap<String, Balance>;

/// How many faults there are now.
#[derive(Serialize)]
pub(crate) struct Active {
    pub(crate) active: usize,
}

/// Reads a body that holds one thing or an array of them.
pub(crate) fn one_or_more<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>, Answer> {
    let things = if body.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|thing| vec![thing])
    };
    things.map_err(|error| Answer::bad_request(&error.to_string()))
}

/// Reads a body that holds one thing.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Answer> {
    serde_json::from_slice(body).map_err(|error| Answer::bad_request(&error.to_string()))
}
