//! What a process does to the threads in it: the interpreter ends, or the process forks.
//!
//! **The end.** A thread that asks for the GIL when the interpreter is gone is ended by Python in a way that no Rust
//! frame survives. So every thread passes a gate before it asks, and leaves it when it has left Rust again; the end
//! closes the gate, waits until nobody is in it, and whoever comes later stays outside for the rest of the process.
//!
//! **A fork.** The child has one thread and a copy of everything else, locks and connections too. It counts as another
//! generation: what an earlier one made is never used, and never dropped either, since that would reach for its
//! threads. Python may not be told of a fork (uWSGI's master, a C extension), so no hook is relied on: every call
//! compares the process id, and whatever a process has for itself is an [`Own`].

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

/// The process that was seen last: in the upper half its number among those that forked each other, in the lower
/// half its id.
static SEEN: AtomicU64 = AtomicU64::new(0);

/// How many threads are in the gate: they wait for the GIL, or work with it for this module.
static INSIDE: Own<AtomicUsize> = Own::new(AtomicUsize::new(0), || AtomicUsize::new(0));

/// The gate is closed: only the thread that ends the interpreter passes.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// The end of the interpreter has begun.
static HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// How long the end waits for threads inside the gate.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    /// This thread ends the interpreter. (Not by its id: at the end of a process, std may not know that any more.)
    static IS_LAST: Cell<bool> = const { Cell::new(false) };
    /// In which process this thread has entered the gate.
    static IS_INSIDE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Which process this is: a forked child has another number than its parent, whoever forked it. It costs a system call,
/// far less than a microsecond.
pub fn generation() -> u64 {
    let id = u64::from(std::process::id());
    let mut seen = SEEN.load(Ordering::SeqCst);
    loop {
        let generation = match (seen >> 32, seen & u64::from(u32::MAX)) {
            (generation, last) if last == id => return generation,
            // The process that loads this module.
            (_, 0) => 0,
            (generation, _) => generation + 1,
        };
        match SEEN.compare_exchange(seen, (generation << 32) | id, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => return generation,
            Err(now) => seen = now,
        }
    }
}

/// What every process has for itself. In a forked child it is new: what the parent has is left as it is, with the locks
/// that its threads had taken, and is never dropped.
pub struct Own<T: 'static> {
    first: Link<T>,
    make: fn() -> T,
}

struct Link<T> {
    generation: u64,
    value: T,
    next: OnceLock<Box<Link<T>>>,
}

impl<T> Own<T> {
    /// What the first process has, and how others make theirs.
    pub const fn new(first: T, make: fn() -> T) -> Self {
        Self { first: Link { generation: 0, value: first, next: OnceLock::new() }, make }
    }

    /// What this process has.
    pub fn get(&self) -> &T {
        let generation = generation();
        let mut link = &self.first;
        // One for each process of a line of forks that had its own.
        while link.generation != generation {
            link = link.next.get_or_init(|| Box::new(Link { generation, value: (self.make)(), next: OnceLock::new() }));
        }
        &link.value
    }
}

/// Whether the end of the interpreter has begun. Only with the GIL is it certain that it has not.
pub fn has_ended() -> bool {
    HAS_ENDED.load(Ordering::SeqCst)
}

/// Works without the GIL.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    leave();
    py.detach(|| {
        let result = work();
        enter();
        result
    })
}

/// Takes a lock with the GIL. A thread that forks keeps such locks, and waits for the GIL, which others may get between
/// the hooks of a fork: so whoever has the GIL waits for the lock without it, and never the other way round.
pub fn locked<'a, T: Send>(py: Python<'_>, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
    loop {
        match mutex.try_lock() {
            Ok(guard) => return guard,
            Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                detached(py, || drop(mutex.lock().unwrap_or_else(PoisonError::into_inner)));
            }
        }
    }
}

/// Runs with the GIL on a thread that Python did not start. Nothing, if the interpreter has ended.
pub fn attached<T>(work: impl FnOnce(Python<'_>) -> T) -> Option<T> {
    enter();
    let result = Python::try_attach(work);
    leave();
    result
}

/// Passes the gate. If it is closed, this thread stays here until the process is gone.
fn enter() {
    let inside = INSIDE.get();
    inside.fetch_add(1, Ordering::SeqCst);
    if IS_CLOSED.load(Ordering::SeqCst) && !IS_LAST.get() {
        inside.fetch_sub(1, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    }
    IS_INSIDE.set(Some(generation()));
}

/// Leaves the gate, at the end of every entry.
pub fn leave() {
    // A thread that was inside when it forked is not, in the child.
    if IS_INSIDE.replace(None).is_some_and(|process| process == generation()) {
        INSIDE.get().fetch_sub(1, Ordering::SeqCst);
    }
}

/// Moves our end before the end of all that was imported since.
pub fn end_first(py: Python<'_>) -> PyResult<()> {
    let end = py.import("komopay._native")?.getattr("_end_of_interpreter")?;
    let atexit = py.import("atexit")?;
    atexit.call_method1("unregister", (&end,))?;
    atexit.call_method1("register", (end,)).map(drop)
}

/// The end of the interpreter begins.
pub fn begin_end() {
    HAS_ENDED.store(true, Ordering::SeqCst);
}

/// Closes the gate, and waits a short time until nobody is in it.
pub fn close_gate(py: Python<'_>) {
    IS_LAST.set(true);
    IS_CLOSED.store(true, Ordering::SeqCst);
    leave();
    py.detach(|| {
        let start = Instant::now();
        while INSIDE.get().load(Ordering::SeqCst) > 0 && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}
