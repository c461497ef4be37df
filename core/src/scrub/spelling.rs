//! How texts are compared whatever their spelling: letters and digits alone, in one case, of one script of digits.

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;
use unicode_general_category::{GeneralCategory, get_general_category};

/// From more characters on, what begins as a token is one.
const SHORTEST_TOKEN: usize = 10;

/// From so many digits on, a number may be an account's.
pub(super) const LONG_NUMBER: usize = 8;

/// How much of a text is looked at, in characters, and of how much of that something may be shown: the rest may be the
/// beginning of what would have to be hidden.
const LOOKED_AT: usize = 16_000;
const MAY_BE_SHOWN: usize = 8_000;

/// The text in one line: without control characters, line separators and characters that show nothing or turn the
/// reading order; with how many bytes of it may be shown.
pub(super) fn clean(text: &str) -> (String, usize) {
    let mut clean = String::new();
    let mut length = 0;
    let mut may_be_shown = None;
    for c in text.chars() {
        let c = match get_general_category(c) {
            GeneralCategory::Format => continue,
            GeneralCategory::Control | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator => {
                if clean.ends_with(' ') {
                    continue;
                }
                ' '
            }
            _ => c,
        };
        clean.push(c);
        length += 1;
        if length == MAY_BE_SHOWN {
            may_be_shown = Some(clean.len());
        }
        if length == LOOKED_AT {
            return (clean, may_be_shown.unwrap_or_default());
        }
    }
    let clean = clean.trim().to_owned();
    let all = clean.len();
    (clean, all)
}

/// What a character says: nothing, if it is neither letter nor digit.
pub(super) fn fold(c: char) -> impl Iterator<Item = char> {
    let ascii = c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase());
    let other = (!c.is_ascii()).then(|| {
        DecomposingNormalizerBorrowed::new_nfkd()
            .normalize_iter(std::iter::once(c))
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
            .filter(|c| c.is_alphanumeric() && get_general_category(*c) != GeneralCategory::NonspacingMark)
            .map(digit)
            .collect::<Vec<char>>()
    });
    ascii.into_iter().chain(other.into_iter().flatten())
}

/// The same digit of ASCII, for one of any script; each has its digits in a row, from zero.
fn digit(c: char) -> char {
    let is_decimal = |c: char| get_general_category(c) == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_decimal(c) {
        return c;
    }
    let before = |n: &u32| char::from_u32((c as u32).saturating_sub(*n)).is_some_and(is_decimal);
    let value = (1..=9).take_while(before).count();
    u32::try_from(value).ok().and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

pub(super) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    fold(c).any(|c| c.is_ascii_digit())
}

/// What a text says, and where.
pub(super) struct Spelled {
    folded: Vec<char>,
    at: Vec<Range<usize>>,
    /// Where it says that something is hidden.
    pub markers: Vec<Range<usize>>,
    /// Its words, as identifiers are written.
    pub words: Vec<Range<usize>>,
}

/// Stands for a marker, over which nothing is found.
const WALL: char = '\0';

impl Spelled {
    pub fn of(text: &str, marker: &str) -> Self {
        let mut spelled = Self { folded: Vec::new(), at: Vec::new(), markers: Vec::new(), words: Vec::new() };
        spelled.markers = text.match_indices(marker).map(|(at, found)| at..at + found.len()).collect();
        let mut markers = spelled.markers.iter().peekable();
        let mut skip_to = 0;
        for (at, c) in text.char_indices() {
            if at < skip_to {
                continue;
            }
            if let Some(marker) = markers.next_if(|marker| marker.start == at) {
                skip_to = marker.end;
                spelled.folded.push(WALL);
                spelled.at.push(marker.clone());
                continue;
            }
            for folded in fold(c) {
                spelled.folded.push(folded);
                spelled.at.push(at..at + c.len_utf8());
            }
        }
        let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
        let mut at = 0;
        for word in text.split_inclusive(|c| !is_of_word(c)) {
            let end = at + word.len();
            let word = word.trim_end_matches(|c| !is_of_word(c));
            let bare = word.trim_matches(['.', '[', ']']);
            let start = at + word.find(bare).unwrap_or_default();
            spelled.words.push(start..start + bare.len());
            at = end;
        }
        spelled
    }

    /// Where it says this, zeros before a number included.
    pub fn find(&self, wanted: &[char]) -> Vec<Range<usize>> {
        if wanted.is_empty() {
            return Vec::new();
        }
        let is_number = wanted.first().is_some_and(char::is_ascii_digit);
        let found = self.folded.windows(wanted.len()).enumerate().filter(|(_, said)| *said == wanted);
        found
            .filter_map(|(first, said)| {
                let mut start = self.at.get(first)?.start;
                let end = self.at.get(first + said.len() - 1)?.end;
                for before in (0..first).rev().take_while(|_| is_number) {
                    match (self.folded.get(before), self.at.get(before)) {
                        (Some('0'), Some(at)) if at.end == start => start = at.start,
                        _ => break,
                    }
                }
                Some(start..end)
            })
            .collect()
    }
}

/// Whether these two stand in one word or in one number. Scripts without upper and lower case have no words to tell.
pub(super) fn joins(left: Option<char>, right: Option<char>) -> bool {
    let is_letter = |c: char| c.is_lowercase() || c.is_uppercase();
    match (left, right) {
        (Some(left), Some(right)) => (left.is_numeric() && right.is_numeric()) || (is_letter(left) && is_letter(right)),
        _ => false,
    }
}

/// Whether it is no part of a longer word or number.
pub(super) fn alone(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (text.get(..range.start).unwrap_or_default(), text.get(range.end..).unwrap_or_default());
    let within = text.get(range.clone()).unwrap_or_default();
    !joins(before.chars().next_back(), within.chars().next())
        && !joins(within.chars().next_back(), after.chars().next())
}

/// Where tokens stand that nobody knows, such as that of another call in an answer that is not ours: what begins as a
/// JWT does, with `{"` in base64, as far as its characters go.
pub(super) fn token_spans(text: &str) -> Vec<Range<usize>> {
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let spans = text.match_indices("eyJ").map(|(at, _)| {
        let rest = text.get(at..).unwrap_or_default();
        at..at + rest.find(|c| !is_of_token(c)).unwrap_or(rest.len())
    });
    spans.filter(|span| span.len() > SHORTEST_TOKEN).collect()
}

/// Where numbers of 8 and more digits stand, also grouped by blanks and dashes; none in what is `spared`.
pub(super) fn number_spans(text: &str, spared: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    // The number under way: where it stands, its digits, and how many blanks and dashes came since.
    let mut span = 0..0;
    let (mut digits, mut between) = (0, 0);
    let mut end = |span: &Range<usize>, digits: &mut usize| {
        if *digits >= LONG_NUMBER {
            spans.push(span.clone());
        }
        *digits = 0;
    };
    for (at, c) in text.char_indices() {
        let is_spared = spared.iter().any(|spared| spared.contains(&at));
        if !is_spared && is_digit(c) {
            if digits == 0 {
                span.start = at;
            }
            span.end = at + c.len_utf8();
            digits += 1;
            between = 0;
        } else if !is_spared && between < 3 && is_blank_or_dash(c) {
            between += 1;
        } else {
            end(&span, &mut digits);
            between = 0;
        }
    }
    end(&span, &mut digits);
    spans
}

fn is_blank_or_dash(c: char) -> bool {
    c.is_whitespace() || c == '\u{2212}' || get_general_category(c) == GeneralCategory::DashPunctuation
}
