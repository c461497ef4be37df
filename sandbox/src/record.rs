//! The record: every call in a file, to be held against the contract afterwards.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use crate::exchange::Exchange;

/// The environment variable that names the file, for the program and for whatever else heeds it.
pub const RECORD_VARIABLE: &str = "KOMOPAY_SANDBOX_RECORD";

/// Writes every call to this file, a line of JSON each: the request, and again with each true answer.
///
/// The lines hold the secret and all tokens.
pub(crate) fn recorder(path: &Path) -> std::io::Result<impl Fn(&Exchange<'_>) + use<>> {
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    Ok(move |exchange: &Exchange<'_>| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: BTreeMap<&str, String> =
            exchange.headers.iter().map(|(name, value)| (name.as_str(), text(value.as_bytes()))).collect();
        let line = serde_json::json!({
            "method": exchange.method.as_str(),
            "target": exchange.uri.to_string(),
            "headers": headers,
            "body": text(exchange.body),
            "answer": exchange.answer.map(|(status, body)| serde_json::json!({"status": status, "body": text(body)})),
        });
        // In one piece: other sandboxes may append to the same file.
        if let Err(error) = (&file).write_all(format!("{line}\n").as_bytes()) {
            tracing::error!("a call could not be recorded: {error}");
        }
    })
}
