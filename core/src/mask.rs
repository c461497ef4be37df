//! What may be shown of what must not be shown.

use std::fmt;

/// How a masked account number begins.
pub(crate) const MASK: &str = "****";

/// `Debug` of this shows the last 4 characters of an account number of 8 or more, and nothing of a shorter one.
///
/// Public for the bindings, whose values show themselves in their language's own way.
pub struct Masked<'a>(pub &'a str);

impl fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = self.0.chars().count();
        let shown = if length < 8 { 0 } else { 4 };
        f.write_str(MASK)?;
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
}
