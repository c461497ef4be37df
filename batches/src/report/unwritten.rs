//! What is said where a report cannot be written.

use std::io;

use komopay_core::Error;

/// The report could not be written.
pub(super) fn unwritten(error: &io::Error) -> Error {
    Error::setting("report", format!("it could not be written: {error}"))
}
