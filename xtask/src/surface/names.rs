//! The names that users see, written alike for every language.

use std::collections::BTreeSet;

/// The names that users of one language see: `Type.member`, in `snake_case`.
pub(super) type Names = BTreeSet<String>;

/// `payoutId`, `PayoutId` and `PAYOUT_ID` as `payout_id`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    for letter in name.chars() {
        let begins_a_word =
            letter.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase());
        if begins_a_word {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    text.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_every_case() {
        for name in ["payoutId", "PayoutId", "PAYOUT_ID", "payout_id"] {
            assert_eq!(snake_case(name), "payout_id");
        }
        assert_eq!(snake_case("from_"), "from");
    }
}
