//! What a process does to the threads in it: the interpreter ends, or the process forks.
//!
//! **The end.** A thread that asks for the GIL when the interpreter is gone is ended by Python in a way that no Rust frame
//! survives. So every thread passes a gate before it asks, and leaves it when it has left Rust again; the end closes the
//! gate, waits until nobody is in it, and whoever comes later stays outside for the rest of the process.
//!
//! **A fork.** The child has one thread and a copy of everything else, locks and connections too. It counts as another
//! generation: what an earlier one made is never used, and never dropped either, since that would reach for its threads.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::{awaited, change_store, live, logging, messenger, runtime};

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// How many threads are in the gate: they wait for the GIL, or work with it for this module.
static INSIDE: AtomicUsize = AtomicUsize::new(0);

/// The thread that ends the interpreter. It may always pass.
static ENDED_BY: OnceLock<ThreadId> = OnceLock::new();

/// The end of the interpreter has begun.
static HAS_ENDED: AtomicBool = AtomicBool::new(false);

/// How long the end waits for threads inside the gate.
const PATIENCE: Duration = Duration::from_secs(1);

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
    static BEFORE_FORK: RefCell<Option<(change_store::Held, logging::Held, messenger::Held)>> = const { RefCell::new(None) };
}

/// Which process this is: a forked child has another number than its parent.
pub fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
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
    INSIDE.fetch_add(1, Ordering::SeqCst);
    if ENDED_BY.get().is_some_and(|thread| *thread != std::thread::current().id()) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    }
    IS_INSIDE.set(true);
}

/// Leaves the gate, at the end of every entry.
pub fn leave() {
    if IS_INSIDE.replace(false) {
        INSIDE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sees to forks and to the end.
pub fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    py.import("atexit")?.call_method1("register", (module.getattr("_end_of_interpreter")?,))?;
    let os = py.import("os")?;
    // Windows has none.
    if let Ok(register) = os.getattr("register_at_fork") {
        let hooks = pyo3::types::PyDict::new(py);
        hooks.set_item("before", module.getattr("_before_fork")?)?;
        hooks.set_item("after_in_parent", module.getattr("_after_fork_in_parent")?)?;
        hooks.set_item("after_in_child", module.getattr("_after_fork_in_child")?)?;
        register.call((), Some(&hooks))?;
    }
    watch_worker(module)
}

/// Moves our end before the end of all that was imported since.
pub fn end_first(py: Python<'_>) -> PyResult<()> {
    let end = py.import("komopay._native")?.getattr("_end_of_interpreter")?;
    let atexit = py.import("atexit")?;
    atexit.call_method1("unregister", (&end,))?;
    atexit.call_method1("register", (end,)).map(drop)
}

/// A worker that `multiprocessing` forked ends without the end of the interpreter: it has a list of its own, which it
/// empties once after the fork.
fn watch_worker(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let modules = module.py().import("sys")?.getattr("modules")?;
    let util = modules.call_method1("get", ("multiprocessing.util",))?;
    if !util.is_none() {
        util.call_method1("register_after_fork", (module, module.getattr("_begin_of_worker")?))?;
    }
    Ok(())
}

/// A worker of `multiprocessing` begins: what has to be done before it ends.
#[pyfunction]
pub fn _begin_of_worker(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let options = pyo3::types::PyDict::new(module.py());
    // After all that the caller has put there.
    options.set_item("exitpriority", -100)?;
    let end = (module.py().None(), module.getattr("_end_of_interpreter")?);
    module.py().import("multiprocessing.util")?.getattr("Finalize")?.call(end, Some(&options))?;
    Ok(())
}

/// Before the interpreter ends: a short time for the creates on the wire, the last of the log, and the gate is closed.
#[pyfunction]
pub fn _end_of_interpreter(py: Python<'_>) -> PyResult<()> {
    HAS_ENDED.store(true, Ordering::SeqCst);
    live::end(py);
    let flushed = logging::end(py);
    let _ = ENDED_BY.set(std::thread::current().id());
    leave();
    py.detach(|| {
        let start = Instant::now();
        while INSIDE.load(Ordering::SeqCst) > 0 && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    flushed
}

/// Before a fork: takes the locks that other threads may hold, so that the child finds them free.
#[pyfunction]
pub fn _before_fork(py: Python<'_>) {
    // The stores first: who works with one may log.
    let stores = change_store::hold(py);
    BEFORE_FORK.set(Some((stores, logging::hold(py), messenger::hold(py))));
}

/// After a fork, in the parent: all goes on.
#[pyfunction]
pub fn _after_fork_in_parent() {
    BEFORE_FORK.take();
}

/// After a fork, in the child: what needs threads is made anew when it is first used.
#[pyfunction]
pub fn _after_fork_in_child(py: Python<'_>) -> PyResult<()> {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    INSIDE.store(0, Ordering::SeqCst);
    IS_INSIDE.set(false);
    if let Some((stores, log, messages)) = BEFORE_FORK.take() {
        stores.forget();
        log.forget();
        messages.forget();
    }
    runtime::forget();
    live::forget();
    awaited::forget();
    watch_worker(&py.import("komopay._native")?)
}
