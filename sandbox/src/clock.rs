//! The sandbox's clock: it runs as every clock does, and can be put forward.
//!
//! Processing, delays and repeats of callbacks wait by it, tokens end by it, and payouts, ledger, delivery log and the
//! `Date` of an answer show its time. Daily limits and everything about a connection go by the machine's.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A clock; clones show the same time.
#[derive(Clone)]
pub(crate) struct Clock {
    start: Instant,
    started: Timestamp,
    /// How far it was put forward by now.
    skipped: Arc<watch::Sender<Duration>>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), started: Timestamp::now(), skipped: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }

    /// When it was started, which no other one was: to the nanosecond.
    pub(crate) fn run(&self) -> String {
        self.started.as_nanosecond().to_string()
    }

    /// How long it has been running.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed().saturating_add(*self.skipped.borrow())
    }

    /// What time it shows.
    pub(crate) fn timestamp(&self) -> Timestamp {
        let skipped = SignedDuration::try_from(*self.skipped.borrow()).unwrap_or(SignedDuration::MAX);
        Timestamp::now().saturating_add(skipped).unwrap_or(Timestamp::MAX)
    }

    /// The same in seconds since 1970.
    pub(crate) fn secs(&self) -> u64 {
        u64::try_from(self.timestamp().as_second()).unwrap_or_default()
    }

    /// What time it shows, as `Date` has it, if it was put forward: otherwise it is the time of every server.
    pub(crate) fn date(&self) -> Option<String> {
        let skipped = *self.skipped.borrow();
        let date = SystemTime::now().checked_add(skipped).filter(|_| !skipped.is_zero())?;
        Some(httpdate::fmt_http_date(date))
    }

    /// Puts it forward.
    pub(crate) fn advance(&self, time: Duration) {
        self.skipped.send_modify(|skipped| *skipped = skipped.saturating_add(time));
    }

    /// Resolves when [`Clock::elapsed`] has come to `due`.
    pub(crate) async fn reach(&self, due: Duration) {
        let mut skips = self.skipped.subscribe();
        loop {
            let left = due.saturating_sub(self.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // The sender lives as long as `self`, so this is never an error.
                _ = skips.changed() => {}
            }
        }
    }
}
