//! The creates whose callers have not heard yet how they ended. What is still here at the end of the interpreter is
//! named in the log: a thread or a loop that stands still, or that Python has ended, hears nothing any more.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use komopay_bindings_common::clients::log_left_behind;
use komopay_core::PayoutId;

use crate::process::Own;

static AWAITED: Own<Mutex<BTreeMap<u64, PayoutId>>> = Own::new(Mutex::new(BTreeMap::new()), Mutex::default);
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A caller of a create, from the call until it hears of the end or leaves.
pub struct Awaited(u64);

impl Awaited {
    /// Somebody waits for the create of this id.
    pub fn new(id: PayoutId) -> Self {
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        lock().insert(key, id);
        Self(key)
    }
}

impl Drop for Awaited {
    /// In a forked child, there is nothing of the parent's to remove.
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

/// The ids that somebody waits for.
pub fn ids() -> Vec<PayoutId> {
    lock().values().cloned().collect()
}

/// Those of this process: in a forked child, the callers are the parent's.
fn lock() -> MutexGuard<'static, BTreeMap<u64, PayoutId>> {
    AWAITED.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Logs that nobody will hear of this create, and the way on.
pub fn left_behind(id: &PayoutId, why: &str) {
    log_left_behind(id, why, "resume=True");
}
