//! What happened, in one order: what the gateway's page shows. Kept only where the control API is on.
//!
//! Whoever does something says so with [`History::note`]; each event is masked before it gets here, so that nothing in
//! this file could give an account or a secret away.

pub(crate) mod calls;
mod mask;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use crate::clock::Clock;

/// How many events are kept; then the oldest go.
const LIMIT: usize = 20_000;

/// The most that are told at once.
const AT_ONCE: usize = 1_000;

/// The events of one sandbox; clones have the same.
#[derive(Clone)]
pub(crate) struct History(Option<Arc<Shared>>);

struct Shared {
    clock: Clock,
    events: Mutex<VecDeque<Arc<Event>>>,
    /// The number of the last event; 0 before the first.
    last: watch::Sender<u64>,
}

/// Something that happened.
#[derive(Serialize)]
pub(crate) struct Event {
    /// 1, 2, 3, ... in the order in which things happened, across resets too.
    sequence: u64,
    at: Timestamp,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payout_id: Option<String>,
    /// What there is to say about it, by its kind.
    #[serde(flatten)]
    what: Value,
}

impl History {
    /// One that keeps what it is told, or nothing at all.
    pub(crate) fn new(clock: &Clock, kept: bool) -> Self {
        let shared = || Shared { clock: clock.clone(), events: Mutex::default(), last: watch::Sender::default() };
        Self(kept.then(|| Arc::new(shared())))
    }

    /// Keeps an event, whose details must be an object, and gives it its number: 0 where nothing is kept.
    pub(crate) fn note(&self, kind: &'static str, payout_id: Option<&str>, what: impl Serialize) -> u64 {
        let Some(shared) = &self.0 else {
            return 0;
        };
        // Only a map with keys that are no text could fail, and no event has one.
        let what = serde_json::to_value(what).unwrap_or_default();
        let (at, payout_id) = (shared.clock.timestamp(), payout_id.map(str::to_owned));
        let mut events = shared.lock();
        let sequence = *shared.last.borrow() + 1;
        if events.len() == LIMIT {
            events.pop_front();
        }
        events.push_back(Arc::new(Event { sequence, at, kind, payout_id, what }));
        shared.last.send_replace(sequence);
        sequence
    }

    /// Whether anything is kept: what is not need not be masked.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Forgets everything, and keeps that it did.
    pub(crate) fn forget(&self) {
        if let Some(shared) = &self.0 {
            shared.lock().clear();
        }
        self.note("reset", None, serde_json::json!({}));
    }

    /// The events after this number, the oldest first; not all of them, if there are many.
    pub(crate) fn after(&self, sequence: u64) -> Vec<Arc<Event>> {
        let Some(shared) = &self.0 else {
            return Vec::new();
        };
        let events = shared.lock();
        let start = events.partition_point(|event| event.sequence <= sequence);
        events.range(start..).take(AT_ONCE).cloned().collect()
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.0.as_ref().map_or(0, |shared| *shared.last.borrow())
    }

    /// Resolves when the last event has another number than this.
    pub(crate) async fn moved_from(&self, sequence: u64) {
        match &self.0 {
            // The sender lives as long as `self`, so waiting cannot fail.
            Some(shared) => drop(shared.last.subscribe().wait_for(|last| *last != sequence).await),
            None => std::future::pending().await,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Event>>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_events_go_and_the_numbers_go_on_after_a_reset() {
        let history = History::new(&Clock::new(), true);
        for _ in 0..LIMIT + 2 {
            history.note("switch", None, serde_json::json!({}));
        }
        let told = history.after(0);
        assert_eq!((told.len(), told.first().map(|event| event.sequence)), (AT_ONCE, Some(3)));
        history.forget();
        let told: Vec<_> = history.after(0).iter().map(|event| (event.sequence, event.kind)).collect();
        assert_eq!(told, [(LIMIT as u64 + 3, "reset")]);
        assert_eq!(History::new(&Clock::new(), false).note("reset", None, serde_json::json!({})), 0);
    }
}
