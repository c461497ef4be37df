//! The retry budget: what one client may repeat, all its calls together.
//!
//! A repeat costs one, an answer earns a part of one, and time earns a little. So where most requests are answered, the
//! platform gets a fifth more of them at the most; and where none is, it gets a few a second, however many calls wait.

use std::time::Duration;

use tokio::time::Instant;

/// A burst of trouble that costs nobody a wait: ten seconds of what time earns.
const CAPACITY: f64 = 100.0;
const EARNED_BY_A_SECOND: f64 = 10.0;
const EARNED_BY_AN_ANSWER: f64 = 0.2;

pub(super) struct Budget {
    level: f64,
    as_of: Instant,
}

impl Budget {
    pub fn new(now: Instant) -> Self {
        Self { level: CAPACITY, as_of: now }
    }

    /// Until when no repeat can be paid for by time alone, if none can now.
    pub fn empty_until(&mut self, now: Instant) -> Option<Instant> {
        self.fill(now, 0.0);
        (self.level < 1.0).then(|| now + Duration::from_secs_f64((1.0 - self.level) / EARNED_BY_A_SECOND))
    }

    /// Pays for one repeat.
    pub fn draw(&mut self, now: Instant) {
        self.fill(now, -1.0);
    }

    /// An answer came.
    pub fn earn(&mut self, now: Instant) {
        self.fill(now, EARNED_BY_AN_ANSWER);
    }

    fn fill(&mut self, now: Instant, more: f64) {
        let passed = now.saturating_duration_since(self.as_of).as_secs_f64();
        self.level = (self.level + passed * EARNED_BY_A_SECOND).min(CAPACITY) + more;
        self.level = self.level.min(CAPACITY);
        self.as_of = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_paid_by_a_burst_then_by_time_and_by_answers() {
        let mut now = Instant::now();
        let mut budget = Budget::new(now);
        for _ in 0..100 {
            assert_eq!(budget.empty_until(now), None);
            budget.draw(now);
        }
        let until = budget.empty_until(now).expect("the burst is used up");
        assert!(until - now <= Duration::from_millis(101) && until - now >= Duration::from_millis(99));
        let half = budget.empty_until(now + Duration::from_millis(50)).expect("half of one is there");
        assert!(half - now <= Duration::from_millis(101) && half - now >= Duration::from_millis(99));
        now = until + Duration::from_millis(1);
        assert_eq!(budget.empty_until(now), None);
        budget.draw(now);
        for _ in 0..5 {
            assert!(budget.empty_until(now).is_some());
            budget.earn(now);
        }
        assert_eq!(budget.empty_until(now), None, "five answers pay for one repeat");
    }

    #[test]
    fn a_quiet_day_saves_up_no_more_than_a_burst() {
        let mut now = Instant::now();
        let mut budget = Budget::new(now);
        now += Duration::from_hours(24);
        (0..1000).for_each(|_| budget.earn(now));
        let repeats = std::iter::repeat_with(|| budget.empty_until(now).is_none().then(|| budget.draw(now)));
        assert_eq!(repeats.take_while(Option::is_some).count(), 100);
    }
}
