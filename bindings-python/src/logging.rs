//! The core's log, taken to Python's `logging` under `komopay`.
//!
//! Not `pyo3-log`: it calls Python wherever an event happens, which here is on the runtime's threads and inside the
//! core's locks, so that a slow handler, or a thread that keeps the GIL, would hold up payouts. Here an event is put
//! into a queue; one thread of its own, which carries no call, hands the queue to Python.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

use crate::process::{self, Own, detached, generation, locked};

/// How many events may wait for Python; what comes on top is dropped.
const CAPACITY: usize = 10_000;

/// How long a flush waits for an event that another thread is handing over.
const PATIENCE: Duration = Duration::from_secs(1);

struct Event {
    level: log::Level,
    logger: String,
    text: String,
    file: Option<String>,
    line: u32,
}

struct Queue {
    events: VecDeque<Event>,
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

/// Where `log` records go.
struct Bridge;

impl Log for Bridge {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Other crates' events may hold anything, headers too.
        metadata.target() == "komopay" || metadata.target().starts_with("komopay::")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let event = Event {
            level: record.level(),
            logger: record.target().replace("::", "."),
            text: record.args().to_string(),
            file: record.file().map(str::to_owned),
            line: record.line().unwrap_or_default(),
        };
        let line = LINE.get();
        let mut queue = line.queue();
        if queue.has_ended || queue.events.len() >= CAPACITY {
            return;
        }
        queue.events.push_back(event);
        if !queue.has_thread {
            // If no thread can be had, the next flush hands it over.
            queue.has_thread = std::thread::Builder::new().name("komopay-log".to_owned()).spawn(run).is_ok();
        }
        line.filled.notify_one();
    }

    fn flush(&self) {}
}

/// Sends the core's events here.
pub fn start(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // Importing logging takes most of the time that importing this package would, so it waits for the first call.
    let modules = module.py().import("sys")?.getattr("modules")?;
    WAS_THERE_FIRST.store(modules.contains("logging")?, Ordering::Relaxed);
    // In a module that is loaded a second time, it is set already.
    let _ = log::set_logger(&Bridge);
    log::set_max_level(LevelFilter::Warn);
    Ok(())
}

/// Takes over the level that Python's `komopay` logger has now, so that events nobody wants cost nothing.
pub fn follow_level(py: Python<'_>) {
    let level = logging(py)
        .and_then(|logging| logging.call_method1(intern!(py, "getLogger"), (intern!(py, "komopay"),)))
        .and_then(|logger| logger.call_method0(intern!(py, "getEffectiveLevel"))?.extract::<i64>());
    log::set_max_level(match level {
        Ok(..=10) => LevelFilter::Debug,
        Ok(..=20) => LevelFilter::Info,
        Ok(..=30) | Err(_) => LevelFilter::Warn,
        Ok(..=40) => LevelFilter::Error,
        Ok(_) => LevelFilter::Off,
    });
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
        let result = hand_over(py, event);
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

fn hand_over(py: Python<'_>, event: Event) -> PyResult<()> {
    let level = match event.level {
        log::Level::Error => 40,
        log::Level::Warn => 30,
        log::Level::Info => 20,
        log::Level::Debug | log::Level::Trace => 10,
    };
    let logger = logging(py)?.call_method1("getLogger", (&event.logger,))?;
    if !logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
        return Ok(());
    }
    let file = event.file.as_deref().unwrap_or("(unknown file)");
    let arguments = (&event.logger, level, file, event.line, event.text, PyTuple::empty(py), py.None());
    let record = logger.call_method1("makeRecord", arguments)?;
    logger.call_method1("handle", (record,)).map(drop)
}

fn logging(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOGGING: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module = LOGGING.get_or_try_init(py, || {
        let logging = py.import("logging")?;
        if !WAS_THERE_FIRST.load(Ordering::Relaxed) {
            // Its own end is to come after ours, which has things to log.
            process::end_first(py)?;
        }
        Ok::<_, PyErr>(logging.unbind())
    })?;
    Ok(module.bind(py).as_any())
}
