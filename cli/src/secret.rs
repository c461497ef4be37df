//! Secrets, which are no arguments: other users of a machine see those. They come from the environment, or from a file.

use std::path::Path;

use komopay_core::{Error, Result};
use secrecy::SecretString;

/// The secret of this setting: in the file that was named, else in this variable of the environment, else none.
pub fn read(setting: &str, file: Option<&Path>, variable: &str) -> Result<Option<SecretString>> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Error::setting(setting, format_args!("cannot be read of {}: {error}", path.display())))?,
        None => match std::env::var(variable) {
            Ok(text) => text,
            Err(std::env::VarError::NotPresent) => return Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                return Err(Error::setting(setting, format_args!("is no text in {variable}")));
            }
        },
    };
    // An editor ends a file with a line break, which is part of no secret.
    let text = text.trim_end_matches(['\r', '\n']);
    Ok((!text.is_empty()).then(|| text.into()))
}
