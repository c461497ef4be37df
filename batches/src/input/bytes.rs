//! The first bytes of a file: its byte order mark, if it has one.

use std::io::{Chain, Cursor, ErrorKind, Read};

use komopay_core::{Error, Result};

const UTF_8: [u8; 3] = [0xef, 0xbb, 0xbf];
const UTF_16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];

/// A file behind its byte order mark.
pub(super) type Unmarked<R> = Chain<Cursor<Vec<u8>>, R>;

/// The same without its byte order mark of UTF-8, which spreadsheets write.
///
/// # Errors
/// `invalid_request`, naming `input`, if it is UTF-16; `configuration`, if it cannot be read.
pub(super) fn unmarked<R: Read>(mut reader: R) -> Result<Unmarked<R>> {
    let mut first = Vec::with_capacity(UTF_8.len());
    (&mut reader).take(3).read_to_end(&mut first).map_err(|error| unreadable(&error))?;
    if UTF_16.iter().any(|mark| first.starts_with(mark)) {
        return Err(Error::invalid("input", "is UTF-16: save it as UTF-8"));
    }
    if first == UTF_8 {
        first.clear();
    }
    Ok(Cursor::new(first).chain(reader))
}

/// Why the input cannot be read any further.
pub(super) fn unreadable(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidData => Error::invalid("input", error),
        _ => Error::setting("input", format_args!("cannot be read: {error}")),
    }
}
