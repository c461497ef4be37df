//! Panics on purpose, for tests of what a panic becomes in each language: see the feature `provoked-panics`.

use crate::values::PayoutId;

/// Panics if the payout has this id.
pub(crate) fn panic_of(id: &PayoutId, wanted: &str) {
    assert!(id.as_str() != wanted, "provoked");
}
