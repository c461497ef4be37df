//! What is done when a process forks, and when its interpreter ends.

use std::cell::RefCell;

use pyo3::prelude::*;

use crate::{change_store, live, logging, process};

thread_local! {
    static BEFORE_FORK: RefCell<Option<change_store::Held>> = const { RefCell::new(None) };
}

/// Sees to forks and to the end.
pub fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    process::generation();
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
    process::begin_end();
    live::end(py);
    let flushed = logging::end(py);
    process::close_gate(py);
    flushed
}

/// Before a fork that Python is told of: closes what would keep the child from opening its own.
#[pyfunction]
pub fn _before_fork(py: Python<'_>) {
    BEFORE_FORK.set(Some(change_store::hold(py)));
}

/// After a fork, in the parent: all goes on.
#[pyfunction]
pub fn _after_fork_in_parent() {
    BEFORE_FORK.take();
}

/// After a fork, in the child: all that it has is made anew when it is first used.
#[pyfunction]
pub fn _after_fork_in_child(py: Python<'_>) -> PyResult<()> {
    drop(BEFORE_FORK.take());
    watch_worker(&py.import("komopay._native")?)
}
