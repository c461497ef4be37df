//! The id of a payout: chosen by the merchant, stored before the first call, one per payout for ever.

use std::fmt;
use std::sync::Arc;

/// The merchant's own id of one payout: letters, digits, `_` and `-`, 1 to 250 of them (contract: `IdPayout`).
///
/// The platform refuses a used id, so one payout keeps one id for ever. A new id is a new payment.
///
/// ```
/// use komopay_core::PayoutId;
///
/// let id: PayoutId = "TST-223344".parse()?;
/// assert_eq!(id.as_str(), "TST-223344");
/// assert!("TST 223344".parse::<PayoutId>().is_err());
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PayoutId(Arc<str>);

impl PayoutId {
    /// An id from its text, or why it is none.
    pub(crate) fn parse(id: String) -> Result<Self, &'static str> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || id.len() > 250 || !id.chars().all(allowed) {
            return Err("must be 1 to 250 letters, digits, '_' or '-'");
        }
        Ok(Self(id.into()))
    }

    /// The text of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of this payout in the API.
    pub(crate) fn path(&self) -> String {
        ["/payouts/", &self.0].concat()
    }
}

impl fmt::Display for PayoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PayoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayoutId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_the_contract_allows() {
        for id in ["a", "TST-223344", "A_b-9", &"x".repeat(250)] {
            assert!(PayoutId::new(id).is_ok(), "{id}");
        }
        for id in ["", "a b", "a/b", "..", "é", "a\n", "a%20", &"x".repeat(251)] {
            let error = PayoutId::new(id).unwrap_err();
            assert_eq!(error.field(), Some("payout_id"), "{id}");
        }
    }
}
