//! The clock of a journal: its database's, so that no clock of one machine is compared with another's.

#[cfg(feature = "proofs")]
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// By how much the journal's time is ahead of its database's: by nothing, but in tests. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
    /// Where it stands, if several processes share it.
    #[cfg(feature = "proofs")]
    file: Option<Arc<Path>>,
}

impl Clock {
    /// Moves it on by this many microseconds.
    #[cfg(any(test, feature = "proofs"))]
    pub fn advance(&self, microseconds: i64) {
        self.ahead.fetch_add(microseconds, Ordering::SeqCst);
    }

    /// One that is as far ahead as this file says at the time, in microseconds: that of a database is one for all that
    /// use it. Whoever sets it replaces the file.
    #[cfg(feature = "proofs")]
    #[must_use]
    pub fn of_file(path: PathBuf) -> Self {
        Self { file: Some(path.into()), ..Self::default() }
    }

    /// As far ahead as `KOMOPAY_JOURNAL_CLOCK` says, in seconds, or as the file says whose path follows an `@`.
    #[cfg(feature = "proofs")]
    #[must_use]
    pub fn of_environment() -> Self {
        let said = std::env::var("KOMOPAY_JOURNAL_CLOCK").unwrap_or_default();
        if let Some(path) = said.strip_prefix('@') {
            return Self::of_file(path.into());
        }
        let clock = Self::default();
        clock.advance(said.parse::<i64>().unwrap_or_default().saturating_mul(1_000_000));
        clock
    }

    /// The time for this one of the database's, in microseconds since 1970.
    pub(super) fn shift(&self, microseconds: i64) -> i64 {
        #[cfg(feature = "proofs")]
        if let Some(ahead) = self.file.as_ref().and_then(|file| std::fs::read_to_string(file).ok()?.parse().ok()) {
            self.ahead.store(ahead, Ordering::SeqCst);
        }
        microseconds.saturating_add(self.ahead.load(Ordering::SeqCst))
    }
}
