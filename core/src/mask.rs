//! What may be shown of what must not be shown.

use std::fmt;

/// `Debug` of this shows the last 4 characters of an account number of 8 or more, and nothing of a shorter one.
///
/// Public for the bindings, whose values show themselves in their language's own way.
pub struct Masked<'a>(pub &'a str);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        let shown = if length < 8 { 0 } else { 4 };
        f.write_str("****")?;
        self.0.chars().skip(length - shown).try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

/// Stands for something personal that is there but not shown.
pub(crate) struct Hidden;

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

/// `text` without any of `secrets`, and no longer than 500 characters.
///
/// The platform's own texts may repeat what was sent to it; they pass through here before they enter an error.
pub(crate) fn scrub(text: &str, secrets: &[&str]) -> String {
    let mut secrets: Vec<&&str> = secrets.iter().filter(|secret| !secret.is_empty()).collect();
    // The longest first: a short one may be a part of it, and would leave the rest standing.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let clean = secrets.iter().fold(text.to_owned(), |text, secret| text.replace(**secret, "[hidden]"));
    match clean.char_indices().nth(500) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_numbers_show_their_last_four_digits_or_nothing() {
        assert_eq!(format!("{:?}", Masked("0123456789")), "****6789");
        assert_eq!(format!("{:?}", Masked("12345678")), "****5678");
        assert_eq!(format!("{:?}", Masked("1234567")), "****");
        assert_eq!(format!("{:?}", Masked("")), "****");
    }

    #[test]
    fn texts_lose_every_secret_and_their_length() {
        let clean = scrub("account 11223344 of 11223344, token abc", &["11223344", "abc", ""]);
        assert_eq!(clean, "account [hidden] of [hidden], token [hidden]");
        assert_eq!(scrub("12345678", &["1234", "12345678"]), "[hidden]");
        // Scrubbed before it is cut, so that no half of a secret stays at the end.
        let long = format!("{}11223344", "x".repeat(496));
        assert!(!scrub(&long, &["11223344"]).contains("1122"));
        assert_eq!(scrub(&"é".repeat(600), &[]).chars().count(), 501);
    }
}
