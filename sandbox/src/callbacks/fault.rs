//! What shall go wrong with callbacks.

use serde::{Deserialize, Serialize};

use crate::faults::{On, Turn};

/// The most copies that a fault may ask for.
const MOST_COPIES: u32 = 100;

/// Something to go wrong with callbacks. As JSON over the control API:
///
/// ```
/// # use komopay_sandbox::{CallbackEffect, CallbackFault, CallbackWhen};
/// let fault: CallbackFault = serde_json::from_str(
///     r#"{"when": {"on": {"nth": 1}, "status": "FAILED"}, "effect": {"type": "duplicate", "copies": 2}}"#,
/// )?;
/// let first_of_a_failure = CallbackWhen::nth(1).about("FAILED");
/// assert_eq!(fault, CallbackFault::new(first_of_a_failure, CallbackEffect::Duplicate { copies: 2 }));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackFault {
    /// Which attempts.
    pub when: CallbackWhen,
    /// What happens to them.
    pub effect: CallbackEffect,
}

/// Which attempts to deliver a callback a fault decides. Forged callbacks meet no faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackWhen {
    /// Which of the matching attempts.
    pub on: On,
    /// Only those about this payout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout_id: Option<String>,
    /// Only those about a change to this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Only those of this number: 1 is the first attempt, 2 the first repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// What happens to an attempt to deliver a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum CallbackEffect {
    /// Sends so many copies more, all at once. One that is answered with 200 is enough.
    Duplicate {
        /// How many more: 1 to 100.
        copies: u32,
    },
    /// Waits by the sandbox's clock, then sends. Callbacks of later changes do not wait for it.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Waits until the callback of the payout's next change has been sent, then sends: the two are out of order.
    /// Without a next change it is never sent.
    AfterNext,
    /// Sends nothing, and repeats.
    Lose,
    /// Sends, takes the answer as lost, and repeats.
    LoseAnswer,
}

impl CallbackEffect {
    /// Its name: its tag in JSON.
    pub(crate) fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("type").and_then(|tag| tag.as_str()).unwrap_or("fault").to_owned()
    }
}

impl CallbackFault {
    /// A fault.
    #[must_use]
    pub fn new(when: CallbackWhen, effect: CallbackEffect) -> Self {
        Self { when, effect }
    }

    /// Why this fault makes no sense, if it does not.
    #[must_use]
    pub fn mistake(&self) -> Option<String> {
        if let Some(mistake) = self.when.on.mistake() {
            return Some(mistake);
        }
        match (self.when.attempt, &self.effect) {
            (Some(0), _) => Some("attempt counts from 1".to_owned()),
            (_, CallbackEffect::Duplicate { copies }) if !(1..=MOST_COPIES).contains(copies) => {
                Some(format!("copies goes from 1 to {MOST_COPIES}"))
            }
            _ => None,
        }
    }
}

impl CallbackWhen {
    /// The n-th attempt (from 1) from now on, repeats counted.
    #[must_use]
    pub fn nth(n: u64) -> Self {
        Self::on(On::Nth(n))
    }

    /// Every attempt.
    #[must_use]
    pub fn always() -> Self {
        Self::on(On::Always)
    }

    /// Each attempt with this probability.
    #[must_use]
    pub fn rate(rate: f64) -> Self {
        Self::on(On::Rate(rate))
    }

    fn on(on: On) -> Self {
        Self { on, payout_id: None, status: None, attempt: None }
    }

    /// Only attempts about this payout.
    #[must_use]
    pub fn for_payout(mut self, id: &str) -> Self {
        self.payout_id = Some(id.to_owned());
        self
    }

    /// Only attempts about a change to this status, such as `SUCCESS`.
    #[must_use]
    pub fn about(mut self, status: &str) -> Self {
        self.status = Some(status.to_owned());
        self
    }

    /// Only attempts of this number: 1 is the first, 2 the first repeat.
    #[must_use]
    pub fn attempt(mut self, number: u32) -> Self {
        self.attempt = Some(number);
        self
    }

    fn covers(&self, id: &str, status: &str, attempt: u32) -> bool {
        self.payout_id.as_deref().is_none_or(|wanted| wanted == id)
            && self.status.as_deref().is_none_or(|wanted| wanted == status)
            && self.attempt.is_none_or(|wanted| wanted == attempt)
    }
}

/// The injected faults with their counters.
#[derive(Default)]
pub(crate) struct CallbackFaults {
    active: Vec<(CallbackFault, Turn)>,
    injected: u64,
}

impl CallbackFaults {
    pub(crate) fn inject(&mut self, fault: CallbackFault, seed: u64) {
        self.injected += 1;
        self.active.push((fault, Turn::new(seed, self.injected)));
    }

    pub(crate) fn clear(&mut self) {
        self.active.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.active.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &CallbackFault> {
        self.active.iter().map(|(fault, _)| fault)
    }

    /// Counts an attempt and says what shall happen to it.
    pub(crate) fn decide(&mut self, id: &str, status: &str, attempt: u32) -> Option<CallbackEffect> {
        let mut decided = None;
        self.active.retain_mut(|(CallbackFault { when, effect }, turn)| {
            if !when.covers(id, status, attempt) {
                return true;
            }
            let hit = turn.hits(when.on);
            if hit && decided.is_none() {
                decided = Some(effect.clone());
            }
            !(hit && when.on.is_used_up())
        });
        decided
    }
}
