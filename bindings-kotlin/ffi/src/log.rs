//! The core's log, for the log of the application.
//!
//! What is said of a call waits in its [`Cancellation`](crate::runtime::Cancellation) until the front takes it, on its
//! caller's thread and in its context. What is nobody's is put into a queue, and a thread of its own, which carries no
//! call, hands it over: a slow logger holds up its own caller at most.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, Once, PoisonError};
use std::time::Duration;

use komopay_bindings_common::log::{self, Record, Value, overhear};
use tracing::Level;
use tracing::level_filters::LevelFilter;

/// How many records may wait for the logger; what comes on top is dropped.
const CAPACITY: usize = 10_000;

/// How long the end of the process waits for the logger.
const PATIENCE: Duration = Duration::from_secs(1);

/// How much a record of the log matters.
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

/// One record of the log. It holds no secret, no token and no account number.
#[derive(Clone, Debug, uniffi::Record)]
pub struct LogRecord {
    /// How much it matters.
    pub level: LogLevel,
    /// What has happened, with all its facts.
    pub text: String,
    /// Of which payout.
    pub payout_id: Option<String>,
    /// The kind of an error, such as `timed_out`.
    pub kind: Option<String>,
    /// What the platform answered.
    pub http_status: Option<i32>,
    /// Which attempt of a call, from 1.
    pub attempt: Option<i32>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i64>,
    /// The platform's id of the request, if its answer told one.
    pub request_id: Option<String>,
}

/// Takes the records of the log. The fronts have their own, in their own words.
#[uniffi::export(with_foreign)]
pub trait NativeLogger: Send + Sync {
    /// One record that is no caller's: on a thread of this SDK, or on the one that makes a client.
    fn log(&self, record: LogRecord);

    /// The call of this number has records to take. It is said on a thread of this SDK.
    fn wake(&self, call: i64);
}

/// Where the log goes from now on: up to this level.
#[uniffi::export]
fn set_logger(logger: Arc<dyn NativeLogger>, level: LogLevel) {
    static LISTENING: Once = Once::new();
    *LOGGER.lock().unwrap_or_else(PoisonError::into_inner) = Some(logger);
    LISTENING.call_once(|| log::start(|record| drop(QUEUE.0.try_send(Entry::Record(record)))));
    log::listen_up_to(level.into());
}

/// Waits until all that was logged before has been handed over, for at most [`PATIENCE`].
#[uniffi::export]
fn flush_log() {
    if logger().is_none() {
        return;
    }
    let (reached, wait) = sync_channel(1);
    if QUEUE.0.try_send(Entry::Mark(reached)).is_ok() {
        // A logger that hangs has had its time.
        let _ = wait.recv_timeout(PATIENCE);
    }
}

/// Runs what is no call, and hands over what the log says of it, on this thread.
pub(crate) fn heard<T>(work: impl FnOnce() -> T) -> T {
    let (result, records) = overhear(work);
    if let (false, Some(logger)) = (records.is_empty(), logger()) {
        for record in records {
            logger.log(record.into());
        }
    }
    result
}

/// Lets the front know that there are records of this call.
pub(crate) fn wake(call: i64) {
    // Where the line is full, the call's end takes them.
    drop(QUEUE.0.try_send(Entry::Wake(call)));
}

static LOGGER: Mutex<Option<Arc<dyn NativeLogger>>> = Mutex::new(None);

fn logger() -> Option<Arc<dyn NativeLogger>> {
    LOGGER.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

static QUEUE: LazyLock<Queue> = LazyLock::new(|| {
    let (sender, entries) = sync_channel(CAPACITY);
    // Without a thread the queue fills up, and the log ends there.
    drop(std::thread::Builder::new().name("komopay-log".to_owned()).spawn(move || hand_over(&entries)));
    Queue(sender)
});

struct Queue(SyncSender<Entry>);

enum Entry {
    Record(Record),
    Wake(i64),
    /// Told when all before it has been handed over.
    Mark(SyncSender<()>),
}

fn hand_over(entries: &Receiver<Entry>) {
    for entry in entries {
        match entry {
            Entry::Record(record) => {
                if let Some(logger) = logger() {
                    logger.log(record.into());
                }
            }
            Entry::Wake(call) => {
                if let Some(logger) = logger() {
                    logger.wake(call);
                }
            }
            // Who waited may have gone.
            Entry::Mark(reached) => drop(reached.try_send(())),
        }
    }
}

impl From<Record> for LogRecord {
    fn from(record: Record) -> Self {
        let text = |name| record.field(name).map(Value::to_string);
        let number = |name| match record.field(name) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        };
        Self {
            level: record.level.into(),
            text: record.text(),
            payout_id: text("payout_id"),
            kind: text("kind"),
            http_status: number("http_status").and_then(|number| number.try_into().ok()),
            attempt: number("attempt").and_then(|number| number.try_into().ok()),
            duration_ms: number("duration_ms"),
            request_id: text("request_id"),
        }
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::ERROR => Self::Error,
            Level::WARN => Self::Warn,
            Level::INFO => Self::Info,
            Level::DEBUG => Self::Debug,
            Level::TRACE => Self::Trace,
        }
    }
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}
