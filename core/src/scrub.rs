//! The one place that cleans texts from outside: of the platform, of proxies and other peers, of a token provider.
//!
//! Such a text may repeat what was sent, in a spelling of its own; it may hold what begins a new line of a log, or
//! turns the reading order of one around. What passes through here may be shown and logged. It is not for our own
//! texts.

mod spelling;
mod words;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use spelling::{Spelled, alone, clean, fold, is_digit, number_spans, token_spans};
use words::{is_attribute, is_code, is_our_word};

/// Stands where something was.
const HIDDEN: &str = "[hidden]";

/// The longest text, in characters, and the longest request id.
const LONGEST: usize = 500;
const LONGEST_REQUEST_ID: usize = 100;

/// From so many letters and digits on, something is found inside of words, too.
const LONG: usize = 6;

/// How a text of the platform may be shown that is kept as it came, such as a code that is not known.
///
/// Public for the bindings, whose values show themselves in their language's own way.
///
/// ```
/// use komopay_core::Shown;
///
/// assert_eq!(Shown("ON_HOLD").to_string(), "ON_HOLD");
/// assert_eq!(Shown("ON HOLD\nfor 0123456789").to_string(), "ON HOLD for [hidden]");
/// ```
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Scrubber::default().code(self.0))
    }
}

/// As text is shown, with what is not shown taken out.
impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Scrubber::default().code(self.0), f)
    }
}

/// What the texts of one answer must not show.
#[derive(Clone, Default)]
pub(crate) struct Scrubber {
    known: Vec<Known>,
    /// The payout's own id, whose digits may stay.
    id: Option<String>,
    /// The account is known, so that other long numbers may stay.
    knows_account: bool,
}

/// What must not be shown. It is shared with whoever sends it, and its spellings are worked out where there is a text,
/// which most answers have not.
#[derive(Clone)]
enum Known {
    Credential(Arc<SecretString>),
    Personal(Arc<[String]>),
}

impl Known {
    fn texts(&self) -> impl Iterator<Item = &str> {
        let (credential, personal) = match self {
            Self::Credential(text) => (Some(text.expose_secret()), &[][..]),
            Self::Personal(texts) => (None, &**texts),
        };
        credential.into_iter().chain(personal.iter().map(String::as_str))
    }

    /// Whether this text of it is a name: no credential, and without a digit.
    fn is_name(&self, text: &str) -> bool {
        matches!(self, Self::Personal(_)) && !text.chars().any(is_digit)
    }
}

/// Something to be found, in one of its spellings.
struct Needle {
    /// Its letters and digits, folded.
    folded: Vec<char>,
    /// It as it is, where too few of its characters are letters or digits.
    literal: Option<String>,
}

impl Scrubber {
    /// For texts that may repeat these. It knows no account yet, and hides every long number.
    pub fn new<'a>(credentials: impl IntoIterator<Item = &'a Arc<SecretString>>, personal: &Arc<[String]>) -> Self {
        let credentials = credentials.into_iter().map(|text| Known::Credential(Arc::clone(text)));
        let known = credentials.chain([Known::Personal(Arc::clone(personal))]).collect();
        Self { known, id: None, knows_account: false }
    }

    /// The same, of texts that nobody shares.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn of(credentials: &[&str], personal: &[&str]) -> Self {
        let credentials: Vec<_> = credentials.iter().map(|text| Arc::new(SecretString::from(*text))).collect();
        Self::new(&credentials, &personal.iter().map(|text| (*text).to_owned()).collect())
    }

    /// Lets the digits of this id stay.
    pub fn sparing(self, id: Option<&str>) -> Self {
        Self { id: id.map(str::to_owned), ..self }
    }

    /// Lets long numbers stay that are none of those known: for texts about the request itself, or about a connection.
    pub fn knowing_the_account(self) -> Self {
        Self { knows_account: true, ..self }
    }

    /// Hides every long number: for a text that may be about another's payout.
    pub fn knowing_no_account(&self) -> Self {
        Self { knows_account: false, ..self.clone() }
    }

    /// A text for people, no longer than 500 characters.
    pub fn text(&self, text: &str) -> String {
        self.scrub(text, |_, _| true, !self.knows_account, LONGEST, "…")
    }

    /// A code, which is decided by: names do not change it. What has not the form of a code is a text like any other.
    pub fn code(&self, code: &str) -> String {
        if is_code(code) {
            return code.to_owned();
        }
        let has_form = code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        self.scrub(code, |known, text| !(has_form && known.is_name(text)), !self.knows_account, LONGEST, "…")
    }

    /// The name of an attribute. Those of the contract are ours, and pass.
    pub fn attribute(&self, name: &str) -> String {
        if is_attribute(name) { name.to_owned() } else { self.text(name) }
    }

    /// A request id, no longer than 100 characters. Long numbers inside of hexadecimal ones are none.
    pub fn request_id(&self, id: &str) -> String {
        let hides_numbers =
            |id: &str| !self.knows_account && !is_uuid(id) && !id.chars().any(|c| c.is_ascii_alphabetic());
        let shown = self.scrub(id, |_, _| true, hides_numbers(id), LONGEST_REQUEST_ID, "");
        // The letters that made its numbers none may be cut off.
        if hides_numbers(&shown) { self.scrub(&shown, |_, _| true, true, LONGEST_REQUEST_ID, "") } else { shown }
    }

    /// Until nothing is left to be found: what is hidden or cut may leave something that stood in a longer word.
    fn scrub(
        &self,
        text: &str,
        wanted: impl Fn(&Known, &str) -> bool,
        hides_numbers: bool,
        longest: usize,
        end: &str,
    ) -> String {
        let known = self.known.iter().flat_map(|known| known.texts().map(move |text| (known, text)));
        let needles: Vec<Needle> =
            known.filter(|(known, text)| wanted(known, text)).flat_map(|(_, text)| spellings(text)).collect();
        let mut text = self.pass(text, &needles, hides_numbers, longest, end);
        // Each pass leaves less, so this ends.
        for _ in 0..longest {
            let again = self.pass(&text, &needles, hides_numbers, longest, end);
            if again == text {
                break;
            }
            text = again;
        }
        text
    }

    fn pass(&self, text: &str, needles: &[Needle], hides_numbers: bool, longest: usize, end: &str) -> String {
        let (text, whole) = clean(text);
        let spelled = Spelled::of(&text, HIDDEN);
        let ours = spelled.words.iter().filter(|word| text.get((*word).clone()).is_some_and(is_our_word)).cloned();
        let ours: Vec<Range<usize>> = ours.collect();
        let is_ours = |hit: &Range<usize>| ours.iter().any(|word| word.start <= hit.start && hit.end <= word.end);
        let found = needles.iter().flat_map(|needle| needle.hits(&text, &spelled));
        let mut hits: Vec<Range<usize>> = found.filter(|hit| !is_ours(hit)).collect();
        let own = self.id.as_deref().map(|id| ids(&text, id)).unwrap_or_default();
        hits.extend(token_spans(&text));
        if hides_numbers {
            hits.extend(number_spans(&text, &own));
        }
        let hits = merged(hits);
        let mut atoms = [ours, own, spelled.markers].concat();
        atoms.retain(|atom| !hits.iter().any(|hit| hit.start < atom.end && atom.start < hit.end));
        write(&text, whole, &hits, &merged(atoms), longest, end)
    }
}

/// A text's spellings. An empty one has none.
fn spellings(text: &str) -> Vec<Needle> {
    let folded: Vec<char> = text.chars().flat_map(fold).collect();
    let from = |first: usize| folded.iter().copied().skip(first).skip_while(|c| *c == '0').collect::<Vec<char>>();
    let mut all = vec![from(0), folded.clone()];
    // A phone number is also written without its country, whose code has one to three digits.
    if text.starts_with('+') {
        all.extend((1..=3).map(from).filter(|national| national.len() > LONG));
    }
    all.dedup();
    let is_odd = folded.len() < LONG && text.chars().count() >= LONG;
    let mut needles: Vec<Needle> = all.into_iter().map(|folded| Needle { folded, literal: None }).collect();
    needles.extend(is_odd.then(|| Needle { folded: Vec::new(), literal: Some(clean(text).0) }));
    needles
}

impl Needle {
    /// Where it stands in the text.
    fn hits(&self, text: &str, spelled: &Spelled) -> Vec<Range<usize>> {
        let mut hits = spelled.find(&self.folded);
        if self.folded.len() < LONG {
            hits.retain(|hit| alone(text, hit));
        }
        if let Some(literal) = self.literal.as_deref().filter(|literal| !literal.is_empty()) {
            hits.extend(text.match_indices(literal).map(|(at, found)| at..at + found.len()));
        }
        hits
    }
}

/// Where the id stands, not as a part of something longer. One of a few characters is no long number by itself, and may
/// be a part of one that is grouped.
fn ids(text: &str, id: &str) -> Vec<Range<usize>> {
    let is_of_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if id.chars().filter(char::is_ascii_digit).count() < spelling::LONG_NUMBER {
        return Vec::new();
    }
    let whole = |at: &Range<usize>| {
        let before = text.get(..at.start).and_then(|text| text.chars().next_back());
        let after = text.get(at.end..).and_then(|text| text.chars().next());
        !before.is_some_and(is_of_id) && !after.is_some_and(is_of_id)
    };
    text.match_indices(id).map(|(at, found)| at..at + found.len()).filter(whole).collect()
}

/// In order, with those that overlap or touch made one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The text with its hits hidden, cut between words if it is too long: cut in a word, it could be another one.
fn write(text: &str, whole: usize, hits: &[Range<usize>], atoms: &[Range<usize>], longest: usize, end: &str) -> String {
    let (mut written, mut length) = (String::new(), 0);
    // What is written up to here may be cut here.
    let mut cut = 0;
    let mut at = 0;
    let mut before = None;
    while at < whole {
        let hit = hits.iter().find(|hit| hit.start == at);
        let atom = atoms.iter().find(|atom| atom.start == at);
        let (piece, next) = match (hit, atom) {
            (Some(hit), _) => (HIDDEN, hit.end),
            (None, Some(atom)) => (text.get(atom.clone()).unwrap_or_default(), atom.end),
            (None, None) => {
                let rest = text.get(at..).unwrap_or_default();
                let size = rest.chars().next().map_or(1, char::len_utf8);
                (rest.get(..size).unwrap_or_default(), at + size)
            }
        };
        let is_piece = hit.is_some() || atom.is_some();
        if is_piece || !spelling::joins(before, piece.chars().next()) {
            cut = written.len();
        }
        before = if is_piece { None } else { piece.chars().next() };
        let size = piece.chars().count();
        if length + size > longest {
            // A word that is longer than all that may be shown is cut where it is.
            if cut > 0 && !is_piece {
                written.truncate(cut);
            }
            return written + end;
        }
        written.push_str(piece);
        length += size;
        at = next;
    }
    if whole < text.len() { written + end } else { written }
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let mut lengths = text.split('-').map(|part| part.len() * usize::from(part.bytes().all(|b| b.is_ascii_hexdigit())));
    [8, 4, 4, 4, 12].into_iter().all(|length| lengths.next() == Some(length)) && lengths.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(personal: &[&str]) -> Scrubber {
        Scrubber::of(&[], personal).knowing_the_account()
    }

    #[test]
    fn a_token_is_hidden_that_nobody_knows() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJtb25leSI6MX0.a-b_c";
        let text = Scrubber::default().text(&format!("refused Bearer {token}: \"{token}\", not {}", &token[..5]));
        assert_eq!(text, "refused Bearer [hidden]: \"[hidden]\", not eyJhb");
    }

    #[test]
    fn a_number_is_found_however_it_is_spelled() {
        for number in ["00112233445", "0011-2233-445", "0011 2233 445"] {
            for said in [
                "00112233445",
                "112233445",
                "00000112233445",
                "0011 2233 445",
                "0011-2233-445",
                "11.22.33.445",
                "1122\u{2011}33\u{a0}445",
                "1122\u{200b}33445",
                "1122\u{202e}33\n445",
                "１１２２３３４４５",
                "١١٢٢٣٣٤٤٥",
                "x112233445y",
            ] {
                let text = known(&[number]).text(&format!("account {said}, or 77"));
                assert!(text.contains("[hidden]") && text.ends_with(", or 77"), "{number} as {said}: {text}");
                assert!(!text.contains("33") && !text.contains('３') && !text.contains('٣'), "{text}");
            }
        }
    }

    #[test]
    fn a_phone_number_is_found_without_its_country() {
        for said in ["+62 812 3456 7890", "0812-3456-7890", "6281234567890", "(0)812 34567890", "00 62 81234567890"] {
            let text = known(&["+6281234567890"]).text(&format!("phone {said}."));
            assert!(!text.contains("3456"), "{said}: {text}");
        }
    }

    #[test]
    fn names_and_credentials_are_found_in_any_case() {
        let scrubber = Scrubber::of(&["S3cret.Token"], &["Şükrü Öz", "Straße", "josé@example.com", "李雷"]);
        for said in [
            "s3cret.token",
            "S3CRET TOKEN",
            "s3crettoken",
            "SUKRU ÖZ",
            "şükrü-öz",
            "S\u{327}u\u{308}kru\u{308} O\u{308}z",
            "STRASSE",
            "JOSE@EXAMPLE.COM",
            "账户李雷",
        ] {
            let text = scrubber.text(said);
            assert!(text.ends_with("[hidden]") && text.chars().count() <= 10, "{said}: {text}");
        }
        // One of few letters and digits is found as it is.
        assert_eq!(Scrubber::of(&["p@$$!-!?"], &[]).text("not p@$$!-!? but p"), "not [hidden] but [hidden]");
    }

    #[test]
    fn short_ones_are_found_as_whole_words_only() {
        let scrubber = known(&["Ali", "1001", "M"]);
        assert_eq!(scrubber.text("validation of ALI, ali-2 and Alice"), "validation of [hidden], [hidden]-2 and Alice");
        assert_eq!(scrubber.text("10010, 1001, no.1001 or 001001"), "10010, [hidden], no.[hidden] or [hidden]");
        assert_eq!(scrubber.text("Merchant M; MM"), "Merchant [hidden]; MM");
        assert_eq!(scrubber.text("AliBank"), "AliBank");
    }

    #[test]
    fn our_own_words_survive_whoever_has_them_for_a_name() {
        let scrubber = Scrubber::of(&[], &["Operator", "payment", "Account Number", "money"]);
        let path = "paymentMethod.paymentOperatorCode";
        assert_eq!(scrubber.attribute(path), path);
        assert_eq!(scrubber.attribute("money"), "money");
        assert_eq!(scrubber.attribute("paymentMethod.Operator"), "[hidden]Method.[hidden]");
        assert_eq!(scrubber.code("PAYMENT_OPERATOR_INVALID"), "PAYMENT_OPERATOR_INVALID");
        assert_eq!(scrubber.code("OPERATOR_ON_LEAVE"), "OPERATOR_ON_LEAVE");
        assert_eq!(scrubber.code("no such operator"), "no such [hidden]");
        let text = "paymentMethod.account.accountNumber: see paymentOperatorCode, IP_DENIED; Operator unknown";
        assert_eq!(scrubber.text(text), text.replace("Operator unknown", "[hidden] unknown"));
    }

    #[test]
    fn a_text_stays_in_its_line_and_reads_as_it_is_written() {
        let text =
            "x\r\n2026-01-01 INFO paid\u{1b}[31m\u{85}\u{2028}\u{2029}\u{7f}y\u{202e}z\u{2066}\u{200f}\u{feff}\0";
        let clean = known(&[]).text(text);
        assert_eq!(clean, "x 2026-01-01 INFO paid [31m yz");
        assert_eq!(known(&[]).code("ON\nHOLD"), "ON HOLD");
        assert_eq!(known(&[]).attribute("a\nb"), "a b");
        assert_eq!(known(&[]).request_id("a\tb"), "a b");
    }

    #[test]
    fn what_knows_no_account_hides_every_long_number_but_the_payouts_id() {
        let read = |id| Scrubber::of(&[], &[]).sparing(Some(id));
        for number in ["12345678", "1234 5678", "1234-5678-90", "1234 - 5678", "١٢٣٤٥٦٧٨", "１２３４５６７８"]
        {
            let text = read("A-1").text(&format!("to {number} of 1234567"));
            assert_eq!(text, "to [hidden] of 1234567", "{number}");
        }
        let id = "20240131-000123";
        assert_eq!(read(id).text(&format!("payout {id} to 55667788")), format!("payout {id} to [hidden]"));
        assert_eq!(read(id).text(&format!("payout {id} 55667788")), format!("payout {id} [hidden]"));
        assert_eq!(read(id).text(&format!("payout {id}9")), "payout [hidden]");
        // An id of a few digits is no reason to show the number that it is a part of.
        assert_eq!(read("1122").text("account 1122 3344"), "account [hidden]");
        assert_eq!(known(&["5566"]).text("limit 100000000"), "limit 100000000");
    }

    #[test]
    fn request_ids_keep_what_they_are_found_by() {
        let read = Scrubber::of(&["token-of-11223344"], &["11223344"]).sparing(Some("A-1"));
        for id in ["f47ac10b-58cc-4372-8567-012345678901", "4bf92f3577b34da6a3ce929d0e0e4736", "req_7"] {
            assert_eq!(read.request_id(id), id);
        }
        assert_eq!(read.request_id("1234 5678"), "[hidden]");
        assert_eq!(read.request_id("for-1122-3344"), "for-[hidden]");
        assert_eq!(read.request_id(&"x".repeat(200)).len(), 100);
        assert_eq!(read.request_id(&format!("12345678 {}x", "7 ".repeat(46))), "[hidden]");
    }

    #[test]
    fn a_long_text_is_cut_after_it_was_scrubbed() {
        let long = format!("{} 11223344", "x".repeat(495));
        assert!(!known(&["11223344"]).text(&long).contains("11"));
        assert_eq!(known(&[]).text(&"é".repeat(600)).chars().count(), 501);
        let huge = format!("{}5", "1122334 ".repeat(100_000));
        assert!(known(&["11223344"]).text(&huge).chars().count() <= 501);
        // Cut in a word, this would be somebody's name.
        let text = known(&["Ali"]).text(&format!("{} Alice", "x".repeat(496)));
        assert_eq!(text, format!("{} …", "x".repeat(496)));
    }

    #[test]
    fn what_was_scrubbed_stays_as_it_is() {
        let scrubber = Scrubber::of(&["hidden-token"], &["Hidden", "Ali", "accountname"]);
        for text in ["Aliaccountname", "[hidden]", "Hidden hidden-token", "[hidden] 12345678 [hidden"] {
            let once = scrubber.text(text);
            assert_eq!(scrubber.text(&once), once, "{text}");
        }
    }
}
