//! The core's log, and what a call tells of itself, brought to whoever made the call.
//!
//! An event of the core never runs code of the application: it may happen under a lock, and on a thread that carries
//! every call. It becomes a [`Record`], and is put where its caller finds it: into the [`Listener`] of the call, which
//! the binding empties on the caller's own thread before the call returns. What nobody listens to any more, such as the
//! end of a create whose caller has left, goes to the binding's own thread.
//!
//! Spans are not kept: an event has its facts in its own fields.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use komopay_core::{CallEvent, Telemetry};
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

/// How many records may wait for one caller; what comes on top is dropped.
const CAPACITY: usize = 1_000;

/// One event of the log. It holds no secret, no token and no account number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How much it matters.
    pub level: Level,
    /// What has happened, in a sentence.
    pub message: String,
    /// The facts: such as `payout_id`, `kind`, `http_status`, `attempt`, `duration_ms`, `request_id`.
    pub fields: Vec<(&'static str, Value)>,
    /// Where in the source.
    pub file: &'static str,
    /// Its line there.
    pub line: u32,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A yes or no.
    Flag(bool),
}

impl Record {
    /// The message with its fields, for a log that shows only texts.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for (name, value) in &self.fields {
            let _ = write!(text, " {name}={value}");
        }
        text
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(other, _)| *other == name).map(|(_, value)| value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// The records of one call, and what it tells of itself, on their way to its caller.
pub struct Listener {
    heard: Mutex<Heard>,
    filled: Notify,
    wake: Option<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Heard {
    records: Vec<Record>,
    told: Vec<CallEvent>,
    /// Nobody listens any more.
    is_over: bool,
}

impl Listener {
    /// For a caller that waits for [`Self::filled`].
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { heard: Mutex::default(), filled: Notify::new(), wake: None })
    }

    /// For a caller that has to be woken: `wake` is called when there is something to take, and must not wait.
    pub fn waking<W: Fn() + Send + Sync + 'static>(wake: impl FnOnce(std::sync::Weak<Self>) -> W) -> Arc<Self> {
        Arc::new_cyclic(|itself| {
            let wake = wake(std::sync::Weak::clone(itself));
            Self { heard: Mutex::default(), filled: Notify::new(), wake: Some(Box::new(wake)) }
        })
    }

    /// Until there is something to take.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    /// What has come, in its order.
    pub fn take(&self) -> Vec<Record> {
        std::mem::take(&mut self.lock().records)
    }

    /// What the call has told of itself, in its order; also after the end.
    pub fn take_told(&self) -> Vec<CallEvent> {
        std::mem::take(&mut self.lock().told)
    }

    /// The last that the caller hears: what comes after it is nobody's.
    pub fn end(&self) -> Vec<Record> {
        let mut heard = self.lock();
        heard.is_over = true;
        std::mem::take(&mut heard.records)
    }

    /// Keeps the record for the caller, or gives it back if that does not listen any more.
    fn hear(&self, record: Record) -> Option<Record> {
        let mut heard = self.lock();
        if heard.is_over {
            return Some(record);
        }
        if heard.records.len() < CAPACITY {
            heard.records.push(record);
        }
        let is_first = heard.records.len() == 1 && heard.told.is_empty();
        drop(heard);
        self.wake(is_first);
        None
    }

    /// Keeps what the call tells of itself. What it tells after its caller has gone, nobody hears.
    fn be_told(&self, event: CallEvent) {
        let mut heard = self.lock();
        if heard.is_over || heard.told.len() >= CAPACITY {
            return;
        }
        heard.told.push(event);
        let is_first = heard.told.len() == 1 && heard.records.is_empty();
        drop(heard);
        self.wake(is_first);
    }

    fn wake(&self, is_first: bool) {
        if is_first {
            self.filled.notify_one();
            if let Some(wake) = &self.wake {
                wake();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether anybody wants to be told of calls.
static TELLING: AtomicBool = AtomicBool::new(false);

/// Sets whether anybody wants to be told of the calls that start from now on.
pub fn tell_of_calls(wanted: bool) {
    TELLING.store(wanted, Ordering::Relaxed);
}

/// The telemetry of every client: it puts what a call tells of itself where its caller finds it.
pub struct ToCaller;

impl Telemetry for ToCaller {
    fn is_on(&self) -> bool {
        TELLING.load(Ordering::Relaxed)
    }

    fn hear(&self, event: &CallEvent) {
        if let Some(listener) = listener() {
            listener.be_told(event.clone());
        }
    }
}

/// Who listens to the call that this code runs for.
fn listener() -> Option<Arc<Listener>> {
    komopay_core::caller().and_then(|caller| caller.downcast::<Listener>().ok())
}

thread_local! {
    /// What the log has said on this thread, of no call, since it began to overhear.
    static OVERHEARD: RefCell<Option<Vec<Record>>> = const { RefCell::new(None) };
}

/// Runs what no call is, such as making a client: with what it logged on this thread.
pub fn overhear<T>(work: impl FnOnce() -> T) -> (T, Vec<Record>) {
    let outer = OVERHEARD.replace(Some(Vec::new()));
    let result = work();
    (result, OVERHEARD.replace(outer).unwrap_or_default())
}

/// Keeps the record if this thread overhears, or gives it back.
fn overheard(record: Record) -> Option<Record> {
    let mut record = Some(record);
    // A thread that is ending has nothing of its own any more.
    let _ = OVERHEARD.try_with(|overheard| {
        if let Some(records) = &mut *overheard.borrow_mut() {
            records.extend(record.take());
        }
    });
    record
}

/// Up to which level anybody listens. Until it is said, to nothing.
static LEVEL: AtomicUsize = AtomicUsize::new(0);

/// Sets up to which level anybody listens.
pub fn listen_up_to(level: LevelFilter) {
    let number = match level.into_level() {
        None => 0,
        Some(Level::ERROR) => 1,
        Some(Level::WARN) => 2,
        Some(Level::INFO) => 3,
        Some(Level::DEBUG) => 4,
        Some(Level::TRACE) => 5,
    };
    LEVEL.store(number, Ordering::Relaxed);
}

/// Takes the core's events from now on; `unclaimed` gets what is no caller's, and must not wait. Where the process has
/// a subscriber of its own, that one stays.
pub fn start(unclaimed: fn(Record)) {
    drop(tracing::subscriber::set_global_default(Ears::new(unclaimed)));
}

/// Takes the core's events where it is the subscriber.
pub struct Ears {
    unclaimed: fn(Record),
}

impl Ears {
    /// `unclaimed` gets what is no caller's, and must not wait.
    #[must_use]
    pub fn new(unclaimed: fn(Record)) -> Self {
        Self { unclaimed }
    }

    /// Whether this is an event of the core. Other crates' events may hold anything, headers too.
    fn hears(metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && (metadata.target() == "komopay" || metadata.target().starts_with("komopay::"))
    }
}

impl Subscriber for Ears {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::hears(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let number = match *metadata.level() {
            Level::ERROR => 1,
            Level::WARN => 2,
            Level::INFO => 3,
            Level::DEBUG => 4,
            Level::TRACE => 5,
        };
        number <= LEVEL.load(Ordering::Relaxed) && Self::hears(metadata)
    }

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut record = Record {
            level: *metadata.level(),
            message: String::new(),
            fields: Vec::new(),
            file: metadata.file().unwrap_or("(unknown file)"),
            line: metadata.line().unwrap_or_default(),
        };
        event.record(&mut record);
        let unheard = match listener() {
            Some(listener) => listener.hear(record),
            None => overheard(record),
        };
        if let Some(record) = unheard {
            (self.unclaimed)(record);
        }
    }

    // No span is enabled, so none of these is called.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Record {
    fn note(&mut self, field: &Field, value: Value) {
        self.fields.push((field.name(), value));
    }
}

impl Visit for Record {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" { self.message = text } else { self.note(field, Value::Text(text)) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.note(field, Value::Text(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.note(field, Value::Number(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        let number = i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Number);
        self.note(field, number);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.note(field, Value::Flag(value));
    }
}

#[cfg(test)]
mod tests {
    use komopay_core::called_by;
    use tokio::runtime::Builder;
    use tracing::{debug, info, info_span, warn};

    use super::*;

    static UNCLAIMED: Mutex<Vec<Record>> = Mutex::new(Vec::new());

    /// Runs this on this thread with ears of its own. The level is of all threads.
    fn hearing(work: impl Future<Output = ()>) {
        listen_up_to(LevelFilter::INFO);
        let ears = Ears::new(|record| UNCLAIMED.lock().unwrap().push(record));
        let runtime = Builder::new_current_thread().build().unwrap();
        tracing::subscriber::with_default(ears, || runtime.block_on(work));
    }

    fn texts(records: &[Record]) -> Vec<String> {
        records.iter().map(Record::text).collect()
    }

    #[test]
    fn a_caller_finds_its_records_in_their_order_with_their_facts() {
        let (mine, other) = (Listener::new(), Listener::new());
        hearing(async {
            let call = |of: &'static str| async move {
                let _span = info_span!(target: "komopay", "a span is not kept").entered();
                warn!(target: "komopay", payout_id = %of, attempt = 1_u32, is_test = true, late = u64::MAX, "first");
                debug!(target: "komopay", "nobody wants this");
                warn!(target: "hyper", "nor what others say");
                info!(target: "komopay", kind = "timed_out", wait_ms = -1, "second {}", 2);
            };
            tokio::join!(called_by(mine.clone(), call("A-1")), called_by(other.clone(), call("B-1")));
            mine.filled().await;
        });
        let records = mine.take();
        let first = format!("first payout_id=A-1 attempt=1 is_test=true late={}", u64::MAX);
        assert_eq!(texts(&records), [first, "second 2 kind=timed_out wait_ms=-1".to_owned()]);
        assert_eq!(records[0].field("attempt"), Some(&Value::Number(1)));
        assert_eq!(records[0].field("is_test"), Some(&Value::Flag(true)));
        assert_eq!((records[1].level, records[1].message.as_str()), (Level::INFO, "second 2"));
        assert_eq!(other.take().len(), 2);
        assert_eq!(mine.take(), []);
    }

    #[test]
    fn what_nobody_listens_to_any_more_is_unclaimed() {
        let woken = Arc::new(AtomicUsize::new(0));
        let listener = Listener::waking(|_| {
            let woken = Arc::clone(&woken);
            move || {
                woken.fetch_add(1, Ordering::Relaxed);
            }
        });
        hearing(called_by(listener.clone(), async {
            warn!(target: "komopay", "heard");
            warn!(target: "komopay", "heard, and woken once");
            assert_eq!(texts(&listener.end()), ["heard", "heard, and woken once"]);
            warn!(target: "komopay", "the caller has gone");
        }));
        assert_eq!((woken.load(Ordering::Relaxed), listener.take().len()), (1, 0));
        assert!(texts(&UNCLAIMED.lock().unwrap()).contains(&"the caller has gone".to_owned()));
    }

    #[test]
    fn a_thread_overhears_what_is_no_calls() {
        hearing(async {
            let ((), records) = overhear(|| {
                let ((), inner) = overhear(|| warn!(target: "komopay", "inner"));
                warn!(target: "komopay", "outer");
                assert_eq!(texts(&inner), ["inner"]);
            });
            assert_eq!(texts(&records), ["outer"]);
        });
    }

    #[test]
    fn a_caller_that_never_comes_fills_no_memory() {
        let listener = Listener::new();
        hearing(called_by(listener.clone(), async {
            for number in 0..2 * CAPACITY {
                warn!(target: "komopay", number, "again");
            }
        }));
        assert_eq!(listener.take().len(), CAPACITY);
    }
}
