//! The breaker: while the platform answers nobody, one call asks for all.
//!
//! After [`SILENCES`] requests in a row without an answer it opens. Then one try at a time is let through, the probe,
//! and after each a pause that grows as the pauses of a call do, drawn at random. The first answer lets the calls that
//! wait go on, not all in one moment: each answer lets one more through at a time, so that a platform that comes back
//! is not met by everybody at once.

use std::time::Duration;

use tokio::time::Instant;

use crate::timing::Limits;

/// More than the tries of one read, so that a call alone never meets the breaker of its own making.
const SILENCES: u32 = 5;

/// However long the pauses of a call may be: the platform is asked again after a minute.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// When so many may be under way at a time, the platform is well, and is not counted after any more.
const RECOVERED: u32 = 64;

pub(super) struct Breaker {
    /// How long the pauses are.
    pauses: Limits,
    random: fastrand::Rng,
    position: Position,
    /// Requests without an answer since the last answer.
    silences: u32,
    answered_at: Option<Instant>,
    probes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Position {
    /// All is well.
    Closed,
    /// Nobody answers. No probe before then; so many were sent.
    Open { next: Instant, sent: u32 },
    /// Answers come again: so many tries at a time.
    Recovering { at_once: u32 },
}

impl Breaker {
    pub fn new(pauses: Limits, random: fastrand::Rng) -> Self {
        Self { pauses, random, position: Position::Closed, silences: 0, answered_at: None, probes: 0 }
    }

    /// Whether a try has to wait: until then, or until something changes.
    #[expect(clippy::option_option, reason = "the outer one tells whether, the inner one until when")]
    pub fn held(&self, now: Instant, under_way: u32) -> Option<Option<Instant>> {
        match self.position {
            Position::Open { .. } if self.probes > 0 => Some(None),
            Position::Open { next, .. } if now < next => Some(Some(next)),
            Position::Recovering { at_once } if under_way >= at_once => Some(None),
            _ => None,
        }
    }

    /// A try goes through; tells whether it is a probe, whose end is to be told.
    pub fn pass(&mut self, now: Instant) -> bool {
        let Position::Open { sent, .. } = self.position else { return false };
        self.probes += 1;
        self.position = Position::Open { next: now + self.pause(sent), sent: sent.saturating_add(1) };
        true
    }

    pub fn probe_ended(&mut self) {
        self.probes = self.probes.saturating_sub(1);
    }

    /// An answer came.
    pub fn answered(&mut self, now: Instant) {
        self.silences = 0;
        self.answered_at = Some(now);
        self.position = match self.position {
            Position::Open { .. } => Position::Recovering { at_once: 1 },
            Position::Recovering { at_once } if at_once < RECOVERED => Position::Recovering { at_once: at_once + 1 },
            _ => Position::Closed,
        };
    }

    /// A request that began then got no answer.
    pub fn silent(&mut self, now: Instant, began: Instant) {
        // Somebody was answered since: it says nothing about now.
        if self.answered_at.is_some_and(|answered| began < answered) {
            return;
        }
        self.silences = self.silences.saturating_add(1);
        match self.position {
            Position::Open { .. } => {}
            _ if self.silences >= SILENCES => {
                self.position = Position::Open { next: now + self.pause(0), sent: 1 };
            }
            Position::Recovering { at_once } => self.position = Position::Recovering { at_once: (at_once / 2).max(1) },
            Position::Closed => {}
        }
    }

    fn pause(&mut self, sent: u32) -> Duration {
        self.pauses.ceiling(sent).min(LONGEST_PAUSE).mul_f64(self.random.f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(10);

    fn breaker() -> (Breaker, Instant) {
        let pauses = Limits {
            total: Duration::from_secs(90),
            attempt: Duration::from_secs(20),
            settle_window: Duration::from_secs(30),
            backoff_base: Duration::from_millis(250),
            backoff_cap: Duration::from_secs(5),
            unreached: Duration::from_secs(10),
        };
        (Breaker::new(pauses, fastrand::Rng::with_seed(7)), Instant::now())
    }

    fn open() -> (Breaker, Instant) {
        let (mut breaker, mut now) = breaker();
        for _ in 0..SILENCES {
            assert_eq!(breaker.held(now, 1000), None);
            breaker.silent(now, now);
            now += TICK;
        }
        (breaker, now)
    }

    #[test]
    fn silence_opens_it_and_an_answer_in_between_does_not() {
        let (mut breaker, mut now) = breaker();
        for n in 0..100 {
            now += TICK;
            if n % SILENCES == 4 {
                breaker.answered(now);
            } else {
                breaker.silent(now, now);
            }
            assert_eq!(breaker.position, Position::Closed);
        }
        let (breaker, _) = open();
        assert!(matches!(breaker.position, Position::Open { .. }));
    }

    #[test]
    fn while_it_is_open_one_probe_at_a_time_goes_through_and_ever_fewer() {
        let (mut breaker, start) = open();
        let (mut now, mut probes) = (start, 0);
        while now < start + Duration::from_mins(10) {
            if breaker.held(now, 0).is_none() {
                assert!(breaker.pass(now));
                assert_eq!(breaker.held(now + Duration::from_hours(1), 0), Some(None), "one at a time");
                breaker.silent(now, now);
                breaker.probe_ended();
                probes += 1;
            }
            now += TICK;
        }
        // Pauses of 2.5 s on average.
        assert!((150..400).contains(&probes), "{probes} probes in 10 minutes");
    }

    #[test]
    fn a_probe_that_ends_without_a_word_is_followed_by_a_pause_too() {
        let (mut breaker, mut now) = open();
        now += Duration::from_secs(5);
        assert!(breaker.pass(now));
        breaker.probe_ended();
        let next = breaker.held(now, 0).flatten().unwrap();
        assert!(next > now);
        assert_eq!(breaker.held(next, 0), None);
    }

    #[test]
    fn answers_let_ever_more_through_until_all_is_well() {
        let (mut breaker, mut now) = open();
        breaker.answered(now);
        for at_once in 1..RECOVERED {
            assert_eq!(breaker.held(now, at_once - 1), None);
            assert_eq!(breaker.held(now, at_once), Some(None));
            now += TICK;
            breaker.answered(now);
        }
        breaker.silent(now, now);
        assert_eq!(breaker.held(now, RECOVERED / 2), Some(None));
        assert_eq!(breaker.held(now, RECOVERED / 2 - 1), None);
        for at_once in RECOVERED / 2..RECOVERED {
            assert_eq!(breaker.position, Position::Recovering { at_once });
            breaker.answered(now);
        }
        assert_eq!(breaker.position, Position::Recovering { at_once: RECOVERED });
        breaker.answered(now);
        assert_eq!(breaker.held(now, 1_000_000), None);
    }

    #[test]
    fn a_request_from_before_the_last_answer_says_nothing() {
        let (mut breaker, start) = breaker();
        let now = start + Duration::from_secs(20);
        breaker.answered(now);
        (0..1000).for_each(|_| breaker.silent(now + TICK, start));
        assert_eq!(breaker.position, Position::Closed);
    }
}
