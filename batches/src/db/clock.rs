//! The clock of a journal: its database's, so that no clock of one machine is compared with another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// By how much the journal's time is ahead of its database's: by nothing, but in tests. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Moves it on by this many microseconds.
    #[cfg(any(test, feature = "proofs"))]
    pub fn advance(&self, microseconds: i64) {
        self.0.fetch_add(microseconds, Ordering::SeqCst);
    }

    /// As far ahead as `KOMOPAY_JOURNAL_CLOCK` says, in seconds.
    #[cfg(feature = "proofs")]
    #[must_use]
    pub fn of_environment() -> Self {
        let clock = Self::default();
        let ahead = std::env::var("KOMOPAY_JOURNAL_CLOCK").ok().and_then(|seconds| seconds.parse::<i64>().ok());
        clock.advance(ahead.unwrap_or_default().saturating_mul(1_000_000));
        clock
    }

    /// The time for this one of the database's, in microseconds since 1970.
    pub(super) fn shift(&self, microseconds: i64) -> i64 {
        microseconds.saturating_add(self.0.load(Ordering::SeqCst))
    }
}
