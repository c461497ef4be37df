//! The record: every call in a file, to be held against the contract afterwards.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::http::exchange::Exchange;

/// The environment variable that names the file, for the program and for whatever else heeds it.
pub const RECORD_VARIABLE: &str = "KOMOPAY_SANDBOX_RECORD";

/// Writes every call to this file, a line of JSON each: the request, and again with each true answer.
///
/// The lines hold the secret and all tokens, so the file is for its owner alone.
pub(crate) fn recorder(path: &Path) -> io::Result<impl Fn(&Exchange<'_>) + use<>> {
    let file = open(path)?;
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

/// Opens the file, or makes one that its owner alone may read.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};

    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let held = file.metadata()?;
    let rights = held.permissions().mode() & 0o777;
    // What is written to a device such as /dev/null, no file keeps.
    if rights & 0o077 != 0 && !held.file_type().is_char_device() {
        let problem = format!(
            "others may use it too (its rights are {rights:03o}), and calls hold the secret and all tokens; take their \
             rights away with `chmod 600`, or name another file"
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem));
    }
    Ok(file)
}

/// Opens the file, or makes one. Who may read it is decided by its folder.
#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
