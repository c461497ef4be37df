//! Times: the limits of a call, and the pauses between its tries.

use std::time::Duration;

/// The times that a call keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Limits {
    /// Everything together ends by then.
    pub total: Duration,
    /// One request on the wire; at most half of `total`.
    pub attempt: Duration,
    /// For how long after an attempt was given up it may still execute, or a read may not yet show it.
    pub settle_window: Duration,
    /// The first pause is at most this long.
    pub backoff_base: Duration,
    /// No pause is longer than this, unless the platform asks for it.
    pub backoff_cap: Duration,
    /// For how long a client that never reached the platform tries to.
    pub unreached: Duration,
}

impl Limits {
    /// The same with so much time for everything; of it, one request has at most `attempt`, and at most half.
    pub fn within(self, total: Duration, attempt: Duration) -> Self {
        Self { total, attempt: attempt.min(total / 2), ..self }
    }

    /// The longest pause before repeat number `step`: exponential, and capped.
    pub fn ceiling(&self, step: u32) -> Duration {
        let factor = 1_u32.checked_shl(step.min(31)).unwrap_or(u32::MAX);
        self.backoff_base.saturating_mul(factor).min(self.backoff_cap)
    }

    /// No request starts with less time than this: it could only be given up, and its end would say nothing.
    pub fn useful(&self) -> Duration {
        self.backoff_base.min(self.attempt / 4)
    }
}

/// A random part of a pause ("full jitter"), so that callers who failed together do not come back together.
pub(crate) fn jitter(ceiling: Duration) -> Duration {
    ceiling.mul_f64(fastrand::f64())
}

/// A time in whole milliseconds, as the log and texts have it.
pub(crate) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits {
        total: SECOND.saturating_mul(90),
        attempt: SECOND.saturating_mul(20),
        settle_window: SECOND.saturating_mul(30),
        backoff_base: SECOND,
        backoff_cap: SECOND.saturating_mul(10),
        unreached: SECOND.saturating_mul(10),
    };

    #[test]
    fn pauses_double_up_to_the_cap() {
        let ceilings = [0, 1, 2, 3, 4, 31, u32::MAX].map(|step| LIMITS.ceiling(step).as_secs());
        assert_eq!(ceilings, [1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn useful_is_a_first_pause_and_at_most_a_quarter_of_an_attempt() {
        assert_eq!(LIMITS.useful(), SECOND);
        assert_eq!(Limits { attempt: 2 * SECOND, ..LIMITS }.useful(), SECOND / 2);
    }

    #[test]
    fn millis_are_whole_and_never_too_many() {
        assert_eq!(whole_millis(Duration::from_micros(1_999)), 1);
        assert_eq!(whole_millis(Duration::from_millis(2_345)), 2_345);
        assert_eq!(whole_millis(Duration::MAX), u64::MAX);
    }

    #[test]
    fn jitter_is_some_part_of_its_ceiling() {
        let drawn: Vec<_> = (0..100).map(|_| jitter(SECOND)).collect();
        assert!(drawn.iter().all(|pause| *pause < SECOND) && drawn.iter().any(|pause| *pause != drawn[0]), "{drawn:?}");
    }
}
