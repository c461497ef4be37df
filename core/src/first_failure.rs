//! The first failure of a call is heard: a call that goes on trying says so at once, and once.
//!
//! A thousand calls that fail together would say it a thousand times. So a client says it for ten of them, and for one
//! more each second; how many were left out, the next line tells.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::error::Error;
use crate::timing::whole_millis;
use crate::values::PayoutId;

/// How many lines a client says at once; one more each second.
const AT_ONCE: u32 = 10;

/// The lines of all calls of one client.
pub(crate) struct FirstFailures(Mutex<Lines>);

/// Whether one call has said it.
#[derive(Default)]
pub(crate) struct Said(bool);

/// No I/O, no clock.
struct Lines {
    left: u32,
    /// Since when the next one is being waited for.
    since: Instant,
    left_out: u64,
}

impl Lines {
    fn new(now: Instant) -> Self {
        Self { left: AT_ONCE, since: now, left_out: 0 }
    }

    /// Takes a line, if there is one, and gives how many were left out before it.
    fn take(&mut self, now: Instant) -> Option<u64> {
        let seconds = now.duration_since(self.since).as_secs();
        let more = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(more).min(AT_ONCE);
        self.since += Duration::from_secs(seconds);
        if self.left == 0 {
            self.left_out += 1;
            return None;
        }
        self.left -= 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

impl FirstFailures {
    pub fn new() -> Self {
        Self(Mutex::new(Lines::new(Instant::now())))
    }

    /// A try of a call ended so, and the call goes on, for `left` at the most. Not under any lock: whoever takes the
    /// log may call.
    pub fn heard(&self, said: &mut Said, id: Option<&PayoutId>, error: &Error, attempts: &[Attempt], left: Duration) {
        if std::mem::replace(&mut said.0, true) {
            return;
        }
        let taken = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        let Some(left_out) = taken else { return };
        tracing::warn!(
            target: "komopay",
            payout_id = id.map(tracing::field::display),
            kind = %error.kind(),
            http_status = error.http_status(),
            attempt = attempts.len().max(1),
            duration_ms = attempts.last().map(|attempt| whole_millis(attempt.duration)),
            "{}; the call goes on for up to {} s{}",
            error.message(),
            left.as_secs_f64().ceil(),
            match left_out {
                0 => String::new(),
                left_out => format!("; not logged for {left_out} other calls"),
            }
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_lines_at_once_and_one_more_each_second() {
        let start = Instant::now();
        let mut lines = Lines::new(start);
        let said = (0..1000).filter_map(|_| lines.take(start)).collect::<Vec<_>>();
        assert_eq!(said, [0; AT_ONCE as usize]);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(lines.take(at(999)), None);
        assert_eq!(lines.take(at(1000)), Some(991));
        assert_eq!(lines.take(at(1999)), None);
        assert_eq!(lines.take(at(2500)), Some(1));
        let later = at(3_600_000);
        assert_eq!((0..1000).filter_map(|_| lines.take(later)).count(), AT_ONCE as usize);
    }
}
