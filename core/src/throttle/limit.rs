//! The merchant's own limits: requests per second, and tries at a time. Off unless they are set.
//!
//! Both are lowered to half when the platform says that it is too much (429), and come back by a twentieth a second;
//! never above what is set.

use std::time::Duration;

use tokio::time::Instant;

/// So much may go out at once: a tenth of a second's worth, but one request at the least.
const BURST_SECONDS: f64 = 0.1;
const LOWERED_TO: f64 = 0.5;
const LOWEST: f64 = 0.01;
const REGAINED_BY_A_SECOND: f64 = 0.05;
/// A platform that asks for more is asked again after so long.
const LONGEST_REST: Duration = Duration::from_mins(1);
/// A lowered limit rises while a try waits for it, so it looks again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Limit {
    per_second: Option<f64>,
    at_once: Option<u32>,
    /// The part of what is set that is used now.
    share: f64,
    /// How many requests may go out now; below 0, by a second's worth at the most, if some went out without asking.
    level: f64,
    as_of: Instant,
    lowered_at: Option<Instant>,
    /// The platform asked for a rest until then.
    rests_until: Instant,
}

impl Limit {
    pub fn new(per_second: Option<f64>, at_once: Option<u32>, now: Instant) -> Self {
        let level = per_second.map_or(0.0, burst);
        Self { per_second, at_once, share: 1.0, level, as_of: now, lowered_at: None, rests_until: now }
    }

    /// Whether a try has to wait: until then, or until something changes.
    #[expect(clippy::option_option, reason = "the outer one tells whether, the inner one until when")]
    pub fn held(&mut self, now: Instant, under_way: u32) -> Option<Option<Instant>> {
        self.fill(now);
        if now < self.rests_until {
            return Some(Some(self.rests_until));
        }
        if let Some(at_once) = self.at_once
            && f64::from(under_way) >= (f64::from(at_once) * self.share).floor().max(1.0)
        {
            // Either somebody ends, or the share rises.
            return Some(Some(now + LOOK_AGAIN));
        }
        let per_second = self.per_second?;
        let missing = 1.0 - self.level;
        (missing > 0.0).then(|| {
            let wait = Duration::try_from_secs_f64(missing / (per_second * self.share)).unwrap_or(LOOK_AGAIN);
            Some(now + wait.min(LOOK_AGAIN))
        })
    }

    /// One request goes out.
    pub fn draw(&mut self, now: Instant) {
        self.fill(now);
        let Some(per_second) = self.per_second else { return };
        // What went out without asking is owed for a second at the most: else an hour of settling would be paid for by
        // an hour of silence.
        self.level = (self.level - 1.0).max(-per_second.max(1.0));
    }

    /// One that was counted did not go out.
    pub fn give_back(&mut self) {
        if self.per_second.is_some() {
            self.level += 1.0;
        }
    }

    /// The platform answered a request, which began then, that it is too much, and asks to wait so long.
    pub fn lower(&mut self, now: Instant, began: Instant, retry_after: Duration) {
        if self.per_second.is_none() && self.at_once.is_none() {
            return;
        }
        self.fill(now);
        self.rests_until = self.rests_until.max(now + retry_after.min(LONGEST_REST));
        // Those that were under way together are one complaint.
        if self.lowered_at.is_none_or(|lowered| began >= lowered) {
            self.share = (self.share * LOWERED_TO).max(LOWEST);
            self.level = self.level.min(0.0);
            self.lowered_at = Some(now);
        }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        self.as_of = now;
        if let Some(per_second) = self.per_second {
            self.level = (self.level + passed * per_second * self.share).min(burst(per_second));
        }
        self.share = (self.share + passed * REGAINED_BY_A_SECOND).min(1.0);
    }
}

fn burst(per_second: f64) -> f64 {
    (per_second * BURST_SECONDS).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of a crowd go out in this time, each under way for no time.
    fn passed(limit: &mut Limit, now: &mut Instant, time: Duration) -> u32 {
        let (end, mut passed) = (*now + time, 0);
        while *now < end {
            while limit.held(*now, 0).is_none() {
                limit.draw(*now);
                passed += 1;
            }
            *now += Duration::from_millis(1);
        }
        passed
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn no_more_than_is_set_goes_out_in_a_second() {
        let mut now = Instant::now();
        for (per_second, first, then) in [(100.0, 109..=110, 99..=101), (1.0, 1..=2, 0..=2), (0.5, 1..=1, 0..=1)] {
            let mut limit = Limit::new(Some(per_second), None, now);
            assert!(first.contains(&passed(&mut limit, &mut now, SECOND)), "{per_second}");
            for _ in 0..10 {
                assert!(then.contains(&passed(&mut limit, &mut now, SECOND)), "{per_second}");
            }
        }
        let mut limit = Limit::new(Some(100.0), None, now);
        now += Duration::from_hours(1);
        assert!(passed(&mut limit, &mut now, SECOND) <= 110, "an idle hour saves nothing up");
    }

    #[test]
    fn what_goes_out_without_asking_is_paid_for_by_those_that_ask() {
        let mut now = Instant::now();
        let mut limit = Limit::new(Some(100.0), None, now);
        (0..60).for_each(|_| limit.draw(now));
        assert!((49..=51).contains(&passed(&mut limit, &mut now, SECOND)));
    }

    #[test]
    fn no_more_than_a_second_is_owed_for_what_goes_out_without_asking() {
        for (per_second, wait) in [(100.0, 1), (0.5, 4)] {
            let mut now = Instant::now();
            let mut limit = Limit::new(Some(per_second), None, now);
            (0..10_000).for_each(|_| limit.draw(now));
            now += wait * SECOND + Duration::from_millis(20);
            assert_eq!(limit.held(now, 0), None, "{per_second}");
        }
    }

    #[test]
    fn a_429_halves_what_goes_out_and_time_brings_it_back_and_no_further() {
        let mut now = Instant::now();
        let mut limit = Limit::new(Some(100.0), None, now);
        passed(&mut limit, &mut now, SECOND);
        let began = now - Duration::from_millis(5);
        (0..50).for_each(|_| limit.lower(now, began, Duration::ZERO));
        let after = passed(&mut limit, &mut now, SECOND);
        assert!((48..=54).contains(&after), "{after}: one complaint, not 50");
        let whole = passed(&mut limit, &mut now, 20 * SECOND);
        assert!((1700..1980).contains(&whole), "{whole}");
        for _ in 0..10 {
            assert!(passed(&mut limit, &mut now, SECOND) <= 101);
        }
    }

    #[test]
    fn a_429_halves_what_is_under_way_and_never_stops_everything() {
        let mut now = Instant::now();
        let mut limit = Limit::new(None, Some(8), now);
        for at_once in [8, 4, 2, 1, 1, 1] {
            assert!(limit.held(now, at_once).is_some() && limit.held(now, at_once - 1).is_none(), "{at_once}");
            limit.lower(now, now, Duration::ZERO);
        }
        now += 20 * SECOND;
        assert!(limit.held(now, 8).is_some() && limit.held(now, 7).is_none());
    }

    #[test]
    fn a_rest_that_is_asked_for_is_kept_but_not_for_ever() {
        let now = Instant::now();
        for (asked, kept) in [(7, 7), (1_000_000, 60)] {
            let mut limit = Limit::new(None, Some(1), now);
            limit.lower(now, now, Duration::from_secs(asked));
            assert_eq!(limit.held(now, 0), Some(Some(now + Duration::from_secs(kept))));
            assert_eq!(limit.held(now + Duration::from_secs(kept), 0), None);
        }
    }

    #[test]
    fn a_lowered_limit_makes_wait_for_longer() {
        let now = Instant::now();
        let mut limit = Limit::new(Some(4.0), None, now);
        limit.draw(now);
        let wait = |limit: &mut Limit| limit.held(now, 0).flatten().unwrap() - now;
        assert_eq!(wait(&mut limit), SECOND / 4);
        limit.lower(now, now, Duration::ZERO);
        assert_eq!(wait(&mut limit), SECOND / 2);
        (0..10).for_each(|_| limit.lower(now, now, Duration::ZERO));
        assert_eq!(wait(&mut limit), LOOK_AGAIN, "the share rises meanwhile");
    }

    #[test]
    fn where_nothing_is_set_nothing_waits() {
        let now = Instant::now();
        let mut limit = Limit::new(None, None, now);
        for _ in 0..1000 {
            limit.lower(now, now, SECOND);
            limit.draw(now);
            assert_eq!(limit.held(now, 1_000_000), None);
        }
    }
}
