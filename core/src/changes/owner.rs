//! Which process has SQLite connections open: a child that it forks must not use SQLite.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which process has connections open, in the upper half, and how many, in the lower. A child that is forked meanwhile
/// must not use SQLite at all: its SQLite believes that the process has the parent's locks, and takes none.
static OPEN: AtomicU64 = AtomicU64::new(0);

/// The process that has a connection open, and is counted.
pub struct Owner {
    process: u32,
    open: &'static AtomicU64,
}

impl Owner {
    /// This process. `None` in a child of one that had a connection open when it was forked.
    #[must_use]
    pub fn enter() -> Option<Self> {
        Self::count(&OPEN)
    }

    fn count(open: &'static AtomicU64) -> Option<Self> {
        let process = std::process::id();
        let count = |open| counted(open, process);
        open.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count).ok().map(|_| Self { process, open })
    }

    /// Whether this process opened it, and none that forked this one.
    #[must_use]
    pub fn is_this_process(&self) -> bool {
        self.process == std::process::id()
    }
}

/// One more that this process has open; none, if the count is another's.
fn counted(open: u64, process: u32) -> Option<u64> {
    let (owner, count) = (open >> 32, open & u64::from(u32::MAX));
    let process = u64::from(process);
    (count == 0 || owner == process).then_some((process << 32) + count + 1)
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.is_this_process() {
            self.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Owner {
        /// As if another process had opened it.
        pub(in super::super) fn become_another(&mut self) {
            self.process += 1;
        }
    }

    #[test]
    fn the_open_stores_are_those_of_one_process() {
        static PARENTS: AtomicU64 = AtomicU64::new((7 << 32) + 2);
        for _ in 0..3 {
            assert!(Owner::count(&PARENTS).is_none());
        }
        // They were closed: its child may open some.
        PARENTS.fetch_sub(2, Ordering::SeqCst);
        let owners = [(); 2].map(|()| Owner::count(&PARENTS).unwrap());
        assert_eq!(PARENTS.load(Ordering::SeqCst), (u64::from(std::process::id()) << 32) + 2);
        drop(owners);
        assert_eq!(counted(PARENTS.load(Ordering::SeqCst), 8), Some((8 << 32) + 1));
    }
}
