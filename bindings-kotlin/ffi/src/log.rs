//! The core's log, for the log of the application.
//!
//! An event is put into a queue, and a thread of its own, which carries no call, hands it over: a slow logger never holds
//! up a payout.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use ::log::{LevelFilter, Log, Metadata, Record};

/// How many events may wait for the logger; what comes on top is dropped.
const CAPACITY: usize = 10_000;

/// How long the end of the process waits for the logger.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much an event of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something is lost.
    Error,
    /// Somebody should look.
    Warn,
    /// The life of a payout.
    Info,
    /// Each attempt.
    Debug,
    /// Everything.
    Trace,
}

/// Takes the events of the log. The fronts have their own, in their own words.
#[uniffi::export(with_foreign)]
pub trait NativeLogger: Send + Sync {
    /// One event, on a thread of this SDK.
    fn log(&self, level: LogLevel, text: String);
}

/// Where the log goes from now on: up to this level.
#[uniffi::export]
fn set_logger(logger: Arc<dyn NativeLogger>, level: LogLevel) {
    *LOGGER.lock().unwrap_or_else(PoisonError::into_inner) = Some(logger);
    // Where the host process has a log of its own, it stays.
    drop(::log::set_logger(&*QUEUE));
    ::log::set_max_level(level.into());
}

/// Waits until all that was logged before has been handed over, for at most [`PATIENCE`].
#[uniffi::export]
fn flush_log() {
    if LOGGER.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
        return;
    }
    let (reached, wait) = sync_channel(1);
    if QUEUE.0.try_send(Entry::Mark(reached)).is_ok() {
        // A logger that hangs has had its time.
        let _ = wait.recv_timeout(PATIENCE);
    }
}

static LOGGER: Mutex<Option<Arc<dyn NativeLogger>>> = Mutex::new(None);

static QUEUE: LazyLock<Queue> = LazyLock::new(|| {
    let (sender, events) = sync_channel(CAPACITY);
    // Without a thread the queue fills up, and the log ends there.
    drop(std::thread::Builder::new().name("komopay-log".to_owned()).spawn(move || hand_over(&events)));
    Queue(sender)
});

struct Queue(SyncSender<Entry>);

enum Entry {
    Event(LogLevel, String),
    /// Told when all before it has been handed over.
    Mark(SyncSender<()>),
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Other crates' events may hold anything, headers too.
        metadata.target() == "komopay" || metadata.target().starts_with("komopay::")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            drop(self.0.try_send(Entry::Event(record.level().into(), record.args().to_string())));
        }
    }

    fn flush(&self) {}
}

fn hand_over(entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            Entry::Event(level, text) => {
                let logger = LOGGER.lock().unwrap_or_else(PoisonError::into_inner).clone();
                if let Some(logger) = logger {
                    logger.log(level, text);
                }
            }
            // Who waited may have gone.
            Entry::Mark(reached) => drop(reached.try_send(())),
        }
    }
}

impl From<::log::Level> for LogLevel {
    fn from(level: ::log::Level) -> Self {
        match level {
            ::log::Level::Error => Self::Error,
            ::log::Level::Warn => Self::Warn,
            ::log::Level::Info => Self::Info,
            ::log::Level::Debug => Self::Debug,
            ::log::Level::Trace => Self::Trace,
        }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}
