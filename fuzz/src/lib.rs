//! Inputs for the fuzz targets: a document of the contract, edited at random places, or nothing but random bytes.
//!
//! As ordinary tests the targets run for a moment each, on any toolchain. README.md says how to run one for longer, and
//! how to let coverage guide it.

use bolero::TypeGenerator;

pub mod texts;

/// A document and what was done to it.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Input {
    /// Which of the documents is edited.
    base: u8,
    edits: Vec<Edit>,
}

/// One change.
#[derive(Clone, Debug, TypeGenerator)]
struct Edit {
    /// Where: a part of the length.
    at: u16,
    /// How many bytes are taken away.
    cut: u8,
    /// What is put in their place.
    put: Put,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Put {
    Bytes(Vec<u8>),
    Piece(u8),
    /// A copy of other bytes of the document.
    Copy {
        from: u16,
        length: u8,
    },
}

/// What parsers trip over.
const PIECES: &[&[u8]] = &[
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"-",
    b"0",
    b"-0",
    b"1e400",
    b"1E-400",
    b"1E+28",
    b"1E-28",
    b"79228162514264337593543950335",
    b"79228162514264337593543950336",
    b"0.0000000000000000000000000001",
    b"18446744073709551615",
    b"18446744073709551616",
    b"-9223372036854775809",
    b"9999-12-31T23:59:59.999999999Z",
    b"-009999-01-01T00:00:00Z",
    b"2016-12-31T23:59:60Z",
    b"\\u0000",
    b"\\ud800",
    b"\\ud83d\\ude00",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\0",
    b"\r\n",
    SECRET.as_bytes(),
];

/// A text that must not be seen again where it is to be scrubbed.
pub const SECRET: &str = "550066007700";

/// Most cuts are small: a field survives more often than not.
const CUTS: [usize; 8] = [0, 0, 0, 1, 1, 2, 8, 40];

impl Input {
    /// The edited document. With no documents given, or one number past the last, it starts from nothing.
    #[must_use]
    pub fn document(&self, documents: &[&str]) -> Vec<u8> {
        let base = usize::from(self.base) % (documents.len() + 1);
        let mut bytes = documents.get(base).map(|text| text.trim().as_bytes().to_vec()).unwrap_or_default();
        for Edit { at, cut, put } in self.edits.iter().take(32) {
            let place = |part: u16| bytes.len() * usize::from(part) / usize::from(u16::MAX);
            let start = place(*at);
            let end = (start + CUTS[usize::from(*cut) % CUTS.len()]).min(bytes.len());
            let put = match put {
                Put::Bytes(bytes) => bytes.iter().take(64).copied().collect(),
                Put::Piece(number) => PIECES[usize::from(*number) % PIECES.len()].to_vec(),
                Put::Copy { from, length } => {
                    let from = place(*from);
                    bytes[from..(from + usize::from(*length)).min(bytes.len())].to_vec()
                }
            };
            bytes.splice(start..end, put);
        }
        bytes
    }

    /// The same as text, with what is no UTF-8 replaced.
    #[must_use]
    pub fn text(&self, documents: &[&str]) -> String {
        String::from_utf8_lossy(&self.document(documents)).into_owned()
    }
}
