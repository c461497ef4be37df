//! The core's log, taken to Python's `logging` under `komopay`.
//!
//! Not `pyo3-log`: it calls Python wherever an event happens, which here is on the runtime's threads and inside the
//! core's locks, so that a slow handler, or a thread that keeps the GIL, would hold up payouts. Here a record waits for
//! the caller whose call it is of ([`komopay_bindings_common::log`]), who hands it to Python between two slices of
//! waiting, in its own thread and context. What is nobody's is put into a queue; one thread of its own, which carries
//! no call, hands the queue to Python.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use komopay_bindings_common::log::{self, Record, Value, overhear};
use pyo3::exceptions::PyException;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;
use tracing::Level;
use tracing::level_filters::LevelFilter;

use crate::process::{self, Own, detached, generation, locked};

/// How many events may wait for Python; what comes on top is dropped.
const CAPACITY: usize = 10_000;

/// How long a flush waits for an event that another thread is handing over.
const PATIENCE: Duration = Duration::from_secs(1);

struct Queue {
    events: VecDeque<Record>,
    /// How many threads are handing events over, or are about to.
    busy: usize,
    /// Whether the thread of its own runs. It is started by the first event.
    has_thread: bool,
    /// The interpreter is about to end: nothing may call Python any more.
    has_ended: bool,
}

/// What waits for Python, and those who wait for that.
struct Line {
    queue: Mutex<Queue>,
    filled: Condvar,
    idle: Condvar,
}

impl Line {
    const fn new() -> Self {
        let queue = Queue { events: VecDeque::new(), busy: 0, has_thread: false, has_ended: false };
        Self { queue: Mutex::new(queue), filled: Condvar::new(), idle: Condvar::new() }
    }

    /// The queue. No thread waits for the GIL while it holds this lock, and with the GIL it is [`locked`].
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In a forked child, what has happened is the parent's to tell, and so is the thread.
static LINE: Own<Line> = Own::new(Line::new(), Line::new);

/// Whether Python's logging was imported before this module, and so will end after it.
static WAS_THERE_FIRST: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// In which process this thread is inside a logging handler.
    static DELIVERING: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Puts a record into the line. Whoever did it may hold a lock of the core, so it does not wait.
fn unclaimed(record: Record) {
    let line = LINE.get();
    let mut queue = line.queue();
    if queue.has_ended || queue.events.len() >= CAPACITY {
        return;
    }
    queue.events.push_back(record);
    if !queue.has_thread {
        // If no thread can be had, the next flush hands it over.
        queue.has_thread = std::thread::Builder::new().name("komopay-log".to_owned()).spawn(run).is_ok();
    }
    line.filled.notify_one();
}

/// Notes whether Python's logging is there already.
pub fn start(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Importing logging takes most of the time that importing this package would, so it waits for the first call.
    let modules = module.py().import("sys")?.getattr("modules")?;
    WAS_THERE_FIRST.store(modules.contains("logging")?, Ordering::Relaxed);
    Ok(())
}

/// Takes over the level that Python's `komopay` logger has now, so that events nobody wants cost nothing.
pub fn follow_level(py: Python<'_>) {
    static LISTENING: Once = Once::new();
    // Not sooner: a process that is only the gateway has a log of its own.
    LISTENING.call_once(|| log::start(unclaimed));
    let level = logger(py).and_then(|logger| logger.call_method0(intern!(py, "getEffectiveLevel"))?.extract::<i64>());
    log::listen_up_to(match level {
        Ok(..=10) => LevelFilter::DEBUG,
        Ok(..=20) => LevelFilter::INFO,
        Ok(..=30) | Err(_) => LevelFilter::WARN,
        Ok(..=40) => LevelFilter::ERROR,
        Ok(_) => LevelFilter::OFF,
    });
}

/// Works without the GIL on this thread, for a caller that waits for no call, and hands over what the log says of it.
pub fn heard<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    follow_level(py);
    let (result, records) = detached(py, || overhear(work));
    tell(py, records, None)?;
    Ok(result)
}

/// Hands the records of a call to Python, in this thread and context; of this asyncio task, if it is one's.
///
/// # Errors
/// What is no `Exception`, such as `KeyboardInterrupt` or `SystemExit`, out of a handler; the rest is then nobody's.
/// What else a handler lets out is Python's to report, and ends no call.
pub fn tell(py: Python<'_>, records: Vec<Record>, task: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    if records.is_empty() {
        return Ok(());
    }
    if has_locks_of_gevent(py)? {
        disown(records);
        return Ok(());
    }
    let process = generation();
    let mut records = records.into_iter();
    while let Some(record) = records.next() {
        let told = hand_over(py, record, task);
        if generation() != process {
            // The handler forked, and this is the child: the rest is the parent's to tell.
            return told;
        }
        match told {
            Ok(()) => {}
            Err(error) if error.is_instance_of::<PyException>(py) => error.write_unraisable(py, None),
            Err(error) => {
                disown(records);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Whether gevent has put its own locks into Python's `logging`. Threads that meet in one may wait for ever, such as
/// those of gevent's own threadpool: so only our own thread logs there, and no call waits for it.
pub fn has_locks_of_gevent(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?;
    let monkey = modules.call_method1(intern!(py, "get"), (intern!(py, "gevent.monkey"),))?;
    Ok(!monkey.is_none() && monkey.call_method1(intern!(py, "is_module_patched"), ("threading",))?.is_truthy()?)
}

/// What its caller does not hear is told by our own thread.
pub fn disown(records: impl IntoIterator<Item = Record>) {
    records.into_iter().for_each(unclaimed);
}

/// Hands over all events that have happened, and waits for those that another thread is handing over.
pub fn flush(py: Python<'_>) -> PyResult<()> {
    if DELIVERING.get() == Some(generation()) {
        return Ok(());
    }
    deliver(py)?;
    detached(py, || {
        let line = LINE.get();
        let _ = line.idle.wait_timeout_while(line.queue(), PATIENCE, |queue| queue.busy > 0);
    });
    Ok(())
}

/// The last events before the interpreter ends. After it, no thread of this module calls Python.
pub fn end(py: Python<'_>) -> PyResult<()> {
    let line = LINE.get();
    locked(py, &line.queue).has_ended = true;
    line.filled.notify_all();
    flush(py)
}

/// The thread that hands events over.
fn run() {
    let line = LINE.get();
    loop {
        let mut waiting = line
            .filled
            .wait_while(line.queue(), |queue| queue.events.is_empty() && !queue.has_ended)
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.has_ended {
            return;
        }
        waiting.busy += 1;
        drop(waiting);
        let alive = Python::try_attach(|py| {
            if let Err(error) = deliver(py) {
                error.write_unraisable(py, None);
            }
        });
        release(line, line.queue());
        if alive.is_none() {
            return;
        }
    }
}

/// Hands over all events in the queue, in their order.
fn deliver(py: Python<'_>) -> PyResult<()> {
    loop {
        let line = LINE.get();
        let event = {
            let mut queue = locked(py, &line.queue);
            let Some(event) = queue.events.pop_front() else { return Ok(()) };
            queue.busy += 1;
            event
        };
        let process = generation();
        DELIVERING.set(Some(process));
        let result = hand_over(py, event, None);
        DELIVERING.set(None);
        if generation() != process {
            // The handler forked, and this is the child: what is left in the line is the parent's.
            return result;
        }
        release(line, locked(py, &line.queue));
        result?;
    }
}

fn release(line: &Line, mut queue: MutexGuard<'_, Queue>) {
    queue.busy -= 1;
    drop(queue);
    line.idle.notify_all();
}

fn hand_over(py: Python<'_>, record: Record, task: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    let level = match record.level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG | Level::TRACE => 10,
    };
    let (name, logger) = (intern!(py, "komopay"), logger(py)?);
    if !logger.call_method1(intern!(py, "isEnabledFor"), (level,))?.is_truthy()? {
        return Ok(());
    }
    let arguments = (name, level, record.file, record.line, record.text(), PyTuple::empty(py), py.None());
    let made = logger.call_method1(intern!(py, "makeRecord"), arguments)?;
    for (field, value) in record.fields {
        match value {
            Value::Text(text) => made.setattr(field, text)?,
            Value::Number(number) => made.setattr(field, number)?,
            Value::Flag(flag) => made.setattr(field, flag)?,
        }
    }
    // Since Python 3.12, a record knows its task; the loop calls us outside of it.
    let task_name = intern!(py, "taskName");
    if let Some(task) = task.filter(|task| !task.is_none())
        && made.hasattr(task_name)?
    {
        made.setattr(task_name, task.call_method0(intern!(py, "get_name"))?)?;
    }
    logger.call_method1(intern!(py, "handle"), (made,)).map(drop)
}

/// The logger `komopay`. It is asked for once: that takes a lock of Python's, which a fork that Python is not told of
/// may copy while another thread has it.
fn logger(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = LOGGER.get_or_try_init(py, || {
        let logging = py.import("logging")?;
        if !WAS_THERE_FIRST.load(Ordering::Relaxed) {
            // Its own end is to come after ours, which has things to log.
            process::end_first(py)?;
        }
        Ok::<_, PyErr>(logging.call_method1("getLogger", ("komopay",))?.unbind())
    })?;
    Ok(logger.bind(py))
}
