//! Texts from outside that repeat what they must not, in spellings of their own.

use bolero::TypeGenerator;

/// What a text must not show: numbers, a name, a credential.
pub const NUMBERS: [&str; 2] = ["0055006677", "+6281234567890"];
/// A name that is a part of one of the contract's own words.
pub const NAME: &str = "Operator";
/// A credential.
pub const CREDENTIAL: &str = "S3cret-Tok3n";
/// A word of the contract.
pub const OURS: &str = "paymentMethod.paymentOperatorCode";
/// The id of the payout that a text is about.
pub const ID: &str = "20240131-12345678";

/// A text, piece by piece.
#[derive(Clone, Debug, TypeGenerator)]
pub struct Text(Vec<Piece>);

#[derive(Clone, Debug, TypeGenerator)]
enum Piece {
    Noise(Vec<u8>),
    Odd(u8),
    /// One of what it must not show: how each of its characters is written, and how many zeros stand before it.
    Known {
        which: u8,
        how: Vec<u8>,
        zeros: u8,
    },
    Digits(Vec<u8>),
    Ours,
    Id,
}

/// What parts the characters of something that is spelled out.
const BETWEEN: [&str; 12] = ["", "", "", "", " ", "-", ".", "\u{a0}", "\u{200b}", "\u{2011}", "\u{202e}", "\r\n"];

/// What ends lines, turns reading orders, or looks like what the scrubber writes.
const ODD: [&str; 16] = [
    "\0",
    "\n",
    "\u{1b}[31m",
    "\u{7f}",
    "\u{85}",
    "\u{2028}",
    "\u{2029}",
    "\u{202a}",
    "\u{2066}",
    "\u{feff}",
    "[hidden]",
    "[hidden",
    "…",
    "\u{301}",
    "ﬁ",
    "٣",
];

impl Text {
    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let known = [NUMBERS[0], NUMBERS[1], NAME, CREDENTIAL];
        let mut text = String::new();
        for piece in self.0.iter().take(40) {
            match piece {
                Piece::Noise(bytes) => text.push_str(&String::from_utf8_lossy(&bytes[..bytes.len().min(64)])),
                Piece::Odd(which) => text.push_str(ODD[usize::from(*which) % ODD.len()]),
                Piece::Known { which, how, zeros } => {
                    text.push_str(&"0".repeat(usize::from(zeros % 4)));
                    let mut how = how.iter().copied().cycle();
                    for c in known[usize::from(*which) % known.len()].chars() {
                        let how = how.next().unwrap_or_default();
                        text.push_str(BETWEEN[usize::from(how) % BETWEEN.len()]);
                        text.push(match how / 64 {
                            0 => c.to_ascii_uppercase(),
                            1 if c.is_ascii_graphic() => {
                                char::from_u32(u32::from(c) - u32::from('!') + u32::from('！')).unwrap_or(c)
                            }
                            _ => c,
                        });
                    }
                }
                Piece::Digits(digits) => text.extend(digits.iter().take(20).map(|digit| char::from(b'0' + digit % 10))),
                Piece::Ours => text.extend([" ", OURS, " "]),
                Piece::Id => text.extend([" ", ID, " "]),
            }
        }
        text
    }
}

/// What a text says, by a rule of this crate's own: its letters and digits of ASCII, also where they are full width,
/// and `|` for all else that may be a letter.
#[must_use]
pub fn said(text: &str) -> String {
    text.replace("[hidden]", "ⓗ")
        .replace(OURS, "ⓞ")
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, 'ⓗ' | 'ⓞ'))
        .map(|c| match c {
            '！'..='～' => char::from_u32(u32::from(c) - u32::from('！') + u32::from('!')).unwrap_or('|'),
            c if c.is_ascii() => c,
            _ => '|',
        })
        .map(|c| c.to_ascii_lowercase())
        .collect()
}
