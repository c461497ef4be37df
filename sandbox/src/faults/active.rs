//! The faults that were injected: the first whose [`When`] matches decides a call; each counts the calls it waits for,
//! also those that another fault decided.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::faults::fault::{Effect, Fault, On, When};
use crate::operation::Operation;

/// How often a fault was met, and its dice.
pub(crate) struct Turn {
    met: u64,
    /// One generator per fault: its sequence depends on nothing but the seed and how many faults came before it.
    dice: fastrand::Rng,
}

impl Turn {
    pub(crate) fn new(seed: u64, number: u64) -> Self {
        Self { met: 0, dice: fastrand::Rng::with_seed(seed.wrapping_add(number)) }
    }

    /// Counts, and says whether it is this one.
    pub(crate) fn hits(&mut self, on: On) -> bool {
        self.met += 1;
        match on {
            On::Nth(n) => self.met == n,
            On::Always => true,
            On::Rate(rate) => self.dice.f64() < rate,
        }
    }
}

/// The injected faults with their counters.
#[derive(Default)]
pub(crate) struct Faults {
    active: Vec<(Fault, Turn)>,
    injected: u64,
    /// Notified when the faults are cleared.
    cleared: Arc<Notify>,
}

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault, seed: u64) {
        self.injected += 1;
        self.active.push((fault, Turn::new(seed, self.injected)));
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
        self.cleared.notify_waiters();
    }

    /// Done when the faults are cleared, from now on.
    pub(crate) fn cleared(&self) -> OwnedNotified {
        Arc::clone(&self.cleared).notified_owned()
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.active.iter().map(|(fault, _)| fault)
    }

    /// Counts a call and says what shall happen to it. `kept`: its connection has carried another exchange before.
    pub(crate) fn decide(&mut self, operation: Operation, payout_id: Option<&str>, kept: bool) -> Option<Effect> {
        let mut decided = None;
        self.active.retain_mut(|(fault, turn)| {
            let When { operation: wanted, payout_id: id, on } = &fault.when;
            if *wanted != operation || (id.is_some() && id.as_deref() != payout_id) {
                return true;
            }
            if fault.effect.needs_a_kept_connection() && !kept {
                return true;
            }
            let hit = turn.hits(*on);
            if hit && decided.is_none() {
                decided = Some(fault.effect.clone());
            }
            // An n-th fault is used up by its call, even if an earlier fault decided that one.
            !(hit && on.is_used_up())
        });
        decided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(seed: u64) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.inject(Fault::new(When::rate(Operation::GetPayout, 0.5), Effect::NotFound), seed);
        (0..64).map(|_| faults.decide(Operation::GetPayout, Some("A"), false).is_some()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_hits_and_misses() {
        assert_eq!(hits(7), hits(7));
        assert_ne!(hits(7), hits(8));
        assert!(hits(7).contains(&true) && hits(7).contains(&false));
    }

    #[test]
    fn the_first_injected_fault_decides_and_the_others_count_on() {
        let mut faults = Faults::default();
        let create = Operation::CreatePayout;
        faults.inject(Fault::new(When::nth(create, 1), Effect::NotFound), 0);
        faults.inject(Fault::new(When::nth(create, 2), Effect::Forbidden), 0);
        faults.inject(Fault::new(When::always(create).for_payout("B"), Effect::BadRequest), 0);
        assert_eq!(faults.decide(Operation::GetPayout, Some("A"), false), None);
        assert_eq!(faults.decide(create, Some("A"), false), Some(Effect::NotFound));
        assert_eq!(faults.decide(create, Some("B"), false), Some(Effect::Forbidden));
        assert_eq!(faults.decide(create, Some("B"), false), Some(Effect::BadRequest));
        assert_eq!(faults.decide(create, Some("A"), false), None);
        assert_eq!(faults.len(), 1);
    }

    #[test]
    fn a_stray_answer_waits_for_a_connection_that_was_kept() {
        let mut faults = Faults::default();
        let (create, stray) = (Operation::CreatePayout, Effect::PreviousAnswer { execute_after_ms: None });
        faults.inject(Fault::new(When::nth(create, 1), stray.clone()), 0);
        assert_eq!(faults.decide(create, Some("A"), false), None);
        assert_eq!(faults.decide(create, Some("A"), true), Some(stray));
        assert_eq!(faults.len(), 0);
    }
}
