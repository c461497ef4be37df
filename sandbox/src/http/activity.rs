//! Knowing when nothing is going on: what `idle()` waits for.
//!
//! Work in progress (a request, a payout in processing, a late execution, bytes just read from a socket) holds a
//! [`Busy`] guard. The generation moves whenever bytes arrive, so that a waiter can tell "nothing is going on" from
//! "something went on while I looked elsewhere".

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone, Copy, Default)]
struct Count {
    busy: usize,
    generation: u64,
}

/// Counts the work in progress of one sandbox.
#[derive(Clone)]
pub(crate) struct Activity(Arc<watch::Sender<Count>>);

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Count::default())))
    }

    /// Starts a piece of work; it ends when the guard is dropped.
    pub(crate) fn enter(&self) -> Busy {
        self.0.send_modify(|count| count.busy += 1);
        Busy(self.clone())
    }

    /// Notes that bytes arrived from a client.
    pub(crate) fn bytes_arrived(&self) {
        self.0.send_modify(|count| count.generation += 1);
    }

    /// Waits until nothing is in progress; returns the generation of that moment.
    pub(crate) async fn quiet(&self) -> u64 {
        let mut counts = self.0.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        counts.wait_for(|count| count.busy == 0).await.map_or(0, |count| count.generation)
    }

    /// Whether nothing is in progress and nothing has arrived since `generation`.
    pub(crate) fn still_quiet(&self, generation: u64) -> bool {
        let count = *self.0.borrow();
        count.busy == 0 && count.generation == generation
    }
}

/// One piece of work in progress.
pub(crate) struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| count.busy = count.busy.saturating_sub(1));
    }
}
