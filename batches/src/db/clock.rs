//! The clock of a journal: its database's, so that no clock of one machine is compared with another's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// By how much the journal's time is ahead of its database's: by nothing, but in tests. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    /// Moves it on by this many microseconds.
    #[cfg(test)]
    pub(crate) fn advance(&self, microseconds: i64) {
        self.0.fetch_add(microseconds, Ordering::SeqCst);
    }

    /// The time for this one of the database's, in microseconds since 1970.
    pub(super) fn shift(&self, microseconds: i64) -> i64 {
        microseconds.saturating_add(self.0.load(Ordering::SeqCst))
    }
}
