//! The JVM's own way across the border, beside `UniFFI`'s, which goes by JNA and costs 20 to 160 microseconds: see
//! docs/adr/0024.
//!
//! What crosses is the same: `UniFFI`'s records, as bytes. An answer begins with a byte of [`Status`]. Kotlin's half is
//! `Border.kt`; `build.rs` writes the operations for both.
//!
//! Unsafe is what the JVM prescribes: an exported symbol, the table of functions that it is given, and a thread that
//! becomes a daemon of it. No pointer comes from Kotlin: clients and calls are known by numbers.

#![allow(unsafe_code, reason = "the JVM's interface is one of C: see above")]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::{Future, pending};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use jni::errors::ThrowRuntimeExAndDefault;
use jni::objects::{JByteArray, JClass, JString};
use jni::refs::Global;
use jni::sys::{JNI_VERSION_1_4, JavaVMAttachArgs, jboolean, jint, jlong};
use jni::{Env, EnvUnowned, JValue, JavaVM, NativeMethod, jni_sig, jni_str, native_method};
use komopay_bindings_common::log::{Listener, Record};
use komopay_bindings_common::{Driver, Task, has_little_stack};
use komopay_core::{PayoutId, called_by};
use tokio::runtime::Runtime;
use uniffi::{Lift, Lower};

use crate::UniFfiTag;
use crate::client::{Cancel, NativeClient};
use crate::error::{CallFailure, Failure};
use crate::log::{self, LogRecord};
use crate::runtime::{self, Cancellation, RUNTIME};

include!(concat!(env!("OUT_DIR"), "/operations.rs"));

/// How long a waiting thread stays here before it looks whether it was interrupted. An answer does not wait for it.
const SLICE: Duration = Duration::from_millis(50);

/// What the first byte of an answer says.
#[repr(u8)]
enum Status {
    /// The result follows.
    Done,
    /// A `Failure` follows.
    Failed,
    /// The number of a call follows, to go on with.
    UnderWay,
    /// A fault of this library: what came of the call is not known here.
    Fault,
}

/// Added to a status if there are records of the log behind all else.
const WITH_RECORDS: u8 = 0x80;

/// An operation, up to the bytes of its answer.
type Answer = Pin<Box<dyn Future<Output = Vec<u8>> + Send>>;

/// Why Kotlin gets an exception of Java instead of an answer.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Jni(#[from] jni::errors::Error),
    #[error("{0}")]
    Ours(String),
}

/// What has crossed is not what was agreed on.
impl From<uniffi::deps::anyhow::Error> for Fault {
    fn from(error: uniffi::deps::anyhow::Error) -> Self {
        Self::Ours(error.to_string())
    }
}

/// The functions of `id.komopay.ffi.Border`.
const METHODS: [NativeMethod<'static>; 7] = [
    native_method! { static fn now(operation: jint, client: jlong, arguments: jbyte[]) -> jbyte[] },
    native_method! { static fn run(operation: jint, client: jlong, arguments: jbyte[], listens: jboolean) -> jbyte[] },
    native_method! { static fn go_on(call: jlong) -> jbyte[] },
    native_method! { static fn leave(call: jlong, payout_id: JString) -> jbyte[] },
    native_method! {
        static fn start(operation: jint, client: jlong, arguments: jbyte[], call: jlong, listens: jboolean) -> jbyte[]
    },
    native_method! { static fn cancel(call: jlong, payout_id: JString) -> jbyte[] },
    native_method! { static fn records(call: jlong) -> jbyte[] },
];

/// Gives the class its functions. JNA calls this, with the environment of the calling thread: so they are those of the
/// very library that JNA has loaded, of which the JVM would load no file twice.
///
/// The class is `id.komopay.ffi.Border`. What is thrown is there when JNA is back in the JVM.
#[unsafe(no_mangle)]
pub extern "system" fn komopay_border<'caller>(mut env: EnvUnowned<'caller>, class: JClass<'caller>) {
    // SAFETY: the functions take the class and what their signatures say; the macro has made both of one text.
    env.with_env(|env| unsafe { env.register_native_methods(class, &METHODS) }).resolve::<ThrowRuntimeExAndDefault>();
}

type Returned<'local> = Result<JByteArray<'local>, Fault>;

/// What waits for nothing.
fn now<'local>(
    env: &mut Env<'local>,
    _: JClass<'local>,
    operation: jint,
    client: jlong,
    arguments: JByteArray<'local>,
) -> Returned<'local> {
    let arguments = env.convert_byte_array(&arguments)?;
    let answer = done(operation, client, &mut arguments.get(1..).unwrap_or_default())?;
    Ok(env.byte_array_from_slice(&answer)?)
}

/// A call on its caller's own thread, to its end or for a slice.
fn run<'local>(
    env: &mut Env<'local>,
    _: JClass<'local>,
    operation: jint,
    client: jlong,
    arguments: JByteArray<'local>,
    listens: jboolean,
) -> Returned<'local> {
    let arguments = Arguments::read(env, operation, client, arguments)?;
    let listener = listens.then(Listener::new);
    // To poll the call takes some stack, too.
    let answer = if has_little_stack() {
        match RUNTIME.threads() {
            Ok(runtime) => Waited::elsewhere(runtime, arguments.begin_later(env)?, listener).wait(),
            Err(error) => not_started(arguments.begin(env, Cancellation::without_threads(&error))?),
        }
    } else {
        match RUNTIME.driver() {
            Ok(driver) => Waited::here(driver, arguments.begin(env, Cancellation::for_caller())?, listener).wait(),
            Err(error) => not_started(arguments.begin(env, Cancellation::without_threads(&error))?),
        }
    };
    Ok(env.byte_array_from_slice(&answer)?)
}

/// Another slice of a call that was under way.
fn go_on<'local>(env: &mut Env<'local>, _: JClass<'local>, call: jlong) -> Returned<'local> {
    let waited = lock(&WAITED).remove(&call).ok_or_else(|| unknown(call))?;
    Ok(env.byte_array_from_slice(&waited.wait())?)
}

/// The caller of a call that was under way has left: nothing more is sent. What was on its way to this caller is named
/// in the log if it was a create, of this id. The last records of it are returned.
fn leave<'local>(
    env: &mut Env<'local>,
    _: JClass<'local>,
    call: jlong,
    payout_id: JString<'local>,
) -> Returned<'local> {
    let waited = lock(&WAITED).remove(&call);
    let listener = waited.and_then(|Waited { answer, task, listener, .. }| {
        drop(answer);
        if task.is_some_and(|task| task.cancel()) {
            log_unheard(&payout_id);
        }
        listener
    });
    last_records(env, listener)
}

/// A call on the runtime's threads, which give its answer to `Border.completed`. Nothing is returned if it was begun.
fn start<'local>(
    env: &mut Env<'local>,
    class: JClass<'local>,
    operation: jint,
    client: jlong,
    arguments: JByteArray<'local>,
    call: jlong,
    listens: jboolean,
) -> Returned<'local> {
    let arguments = Arguments::read(env, operation, client, arguments)?;
    let runtime = match RUNTIME.threads() {
        Ok(runtime) => runtime,
        Err(error) => {
            let answer = not_started(arguments.begin(env, Cancellation::without_threads(&error))?);
            return Ok(env.byte_array_from_slice(&answer)?);
        }
    };
    let listener = listens.then(|| Listener::waking(|_| move || log::wake(call)));
    let caller = Caller { vm: env.get_java_vm()?, class: env.new_global_ref(class)?, call };
    let answer = heard(listener.clone(), arguments.begin_later(env)?);
    let mut started = lock(&STARTED);
    // Whoever ends it at once waits for the lock.
    let (task, _) = Task::start(runtime, answer, move |answer| caller.hear(answer));
    started.insert(call, Started { task, listener });
    Ok(JByteArray::null())
}

/// The caller of a call that was started has left: as [`leave`], with the id of a create that was begun.
fn cancel<'local>(
    env: &mut Env<'local>,
    _: JClass<'local>,
    call: jlong,
    payout_id: JString<'local>,
) -> Returned<'local> {
    let started = lock(&STARTED).remove(&call);
    if started.as_ref().is_none_or(|started| started.task.cancel()) {
        log_unheard(&payout_id);
    }
    last_records(env, started.and_then(|started| started.listener))
}

/// What the log has said of a call that was started, since this was asked last.
fn records<'local>(env: &mut Env<'local>, _: JClass<'local>, call: jlong) -> Returned<'local> {
    let listener = lock(&STARTED).get(&call).and_then(|started| started.listener.clone());
    Ok(env.byte_array_from_slice(&with_records(listener.map(|listener| listener.take()), vec![Status::Done as u8]))?)
}

fn last_records<'local>(env: &mut Env<'local>, listener: Option<Arc<Listener>>) -> Returned<'local> {
    Ok(env.byte_array_from_slice(&with_records(listener.map(|listener| listener.end()), vec![Status::Done as u8]))?)
}

fn log_unheard(payout_id: &JString<'_>) {
    if !payout_id.is_null()
        && let Ok(id) = PayoutId::new(payout_id.to_string())
    {
        runtime::log_unheard(&id);
    }
}

/// An operation and its arguments, as they came.
struct Arguments<'local> {
    operation: jint,
    client: jlong,
    bytes: Vec<u8>,
    of_kotlin: JByteArray<'local>,
}

impl<'local> Arguments<'local> {
    fn read(
        env: &Env<'local>,
        operation: jint,
        client: jlong,
        of_kotlin: JByteArray<'local>,
    ) -> jni::errors::Result<Self> {
        Ok(Self { operation, client, bytes: env.convert_byte_array(&of_kotlin)?, of_kotlin })
    }

    /// Sets Kotlin's mark: from here on, the core has begun.
    fn mark(&self, env: &Env<'_>) -> jni::errors::Result<()> {
        self.of_kotlin.set_region(env, 0, &[1])
    }

    fn begin(&self, env: &Env<'_>, cancel: Arc<Cancellation>) -> Result<Answer, Fault> {
        let answer = begun(self.operation, self.client, &mut self.after_mark(), Some(cancel))?;
        self.mark(env)?;
        Ok(answer)
    }

    /// The same on the thread that polls: this one may have no room.
    fn begin_later(self, env: &Env<'_>) -> Result<Answer, Fault> {
        found(self.client)?;
        self.mark(env)?;
        let Self { operation, client, bytes, .. } = self;
        Ok(Box::pin(async move {
            let mut arguments = bytes.get(1..).unwrap_or_default();
            match begun(operation, client, &mut arguments, Some(Cancellation::for_caller())) {
                Ok(answer) => answer.await,
                Err(_) => vec![Status::Fault as u8],
            }
        }))
    }

    fn after_mark(&self) -> &[u8] {
        self.bytes.get(1..).unwrap_or_default()
    }
}

/// A call whose caller's thread comes here for each slice of it.
struct Waited {
    answer: Answer,
    driver: Driver,
    listener: Option<Arc<Listener>>,
    /// What runs the call, where the caller's thread does not.
    task: Option<Task<Answer>>,
}

static WAITED: Mutex<Numbered<Waited>> = Mutex::new(Numbered::new());

impl Waited {
    fn here(driver: Driver, answer: Answer, listener: Option<Arc<Listener>>) -> Self {
        Self { answer: heard(listener.clone(), answer), driver, listener, task: None }
    }

    fn elsewhere(runtime: &'static Runtime, answer: Answer, listener: Option<Arc<Listener>>) -> Self {
        let (task, ended) = Task::start(runtime, heard(listener.clone(), answer), |answer| answer);
        let answer = async { ended.await.ok().flatten().unwrap_or_else(|| vec![Status::Fault as u8]) };
        Self { answer: Box::pin(answer), driver: Driver::Threads(runtime), listener, task: Some(task) }
    }

    /// To the end of the call, to the end of a slice, or to where there are records.
    fn wait(mut self) -> Vec<u8> {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let listener = self.listener.clone();
        let slice = async {
            let filled = async {
                match &listener {
                    Some(listener) => listener.filled().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                answer = self.answer.as_mut() => Some(answer),
                () = filled => None,
                () = tokio::time::sleep(SLICE) => None,
            }
        };
        if let Some(answer) = self.driver.run(slice) {
            return with_records(listener.map(|listener| listener.end()), answer);
        }
        let call = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&WAITED).insert(call, self);
        let under_way = [&[Status::UnderWay as u8], call.to_be_bytes().as_slice()].concat();
        with_records(listener.map(|listener| listener.take()), under_way)
    }
}

/// A call on the runtime's threads.
struct Started {
    task: Task<Answer>,
    listener: Option<Arc<Listener>>,
}

static STARTED: Mutex<Numbered<Started>> = Mutex::new(Numbered::new());

type Numbered<T> = BTreeMap<i64, T>;

fn lock<T>(calls: &Mutex<T>) -> MutexGuard<'_, T> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who waits in Kotlin for a call that was started.
struct Caller {
    vm: JavaVM,
    class: Global<JClass<'static>>,
    call: i64,
}

impl Caller {
    fn hear(self, answer: Vec<u8>) {
        let Self { vm, class, call } = self;
        let listener = lock(&STARTED).remove(&call).and_then(|started| started.listener);
        let answer = with_records(listener.map(|listener| listener.end()), answer);
        stay_attached(&vm);
        let completed = vm.attach_current_thread(|env| {
            let answer = env.byte_array_from_slice(&answer)?;
            let arguments = [JValue::Long(call), JValue::Object(&answer)];
            env.call_static_method(&class, jni_str!("completed"), jni_sig!("(J[B)V"), &arguments)?;
            jni::errors::Result::Ok(())
        });
        if let Err(error) = completed {
            tracing::warn!(target: "komopay", "a caller was not told of the end of its call: {error}");
        }
    }
}

/// Makes this thread one of the JVM's for good, and one that the JVM's end does not wait for. To come and go for each
/// call costs more, and the `jni` crate knows no daemons.
fn stay_attached(vm: &JavaVM) {
    if matches!(vm.is_thread_attached(), Ok(false)) {
        let mut arguments =
            JavaVMAttachArgs { version: JNI_VERSION_1_4, name: c"komopay".as_ptr().cast_mut(), group: null_mut() };
        let (raw, mut env) = (vm.get_raw(), null_mut());
        // SAFETY: the JVM is alive, since one of its calls is answered, and reads the arguments only.
        unsafe { ((**raw).v1_4.AttachCurrentThreadAsDaemon)(raw, &raw mut env, (&raw mut arguments).cast()) };
        // Where it cannot be had, the next attempt to attach says so.
    }
}

/// The answer of a call for which there are no threads: it says that itself.
fn not_started(answer: Answer) -> Vec<u8> {
    answer.now_or_never().unwrap_or_else(|| vec![Status::Fault as u8])
}

fn heard(listener: Option<Arc<Listener>>, answer: Answer) -> Answer {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    // The core's own are known for what they are before.
    let answer = answer.map(|answer| answer.unwrap_or_else(|_| vec![Status::Fault as u8]));
    match listener {
        Some(listener) => Box::pin(called_by(listener, answer)),
        None => Box::pin(answer),
    }
}

/// An answer, and behind it what the log has said before if it has said anything.
fn with_records(records: Option<Vec<Record>>, mut answer: Vec<u8>) -> Vec<u8> {
    let records = records.unwrap_or_default();
    if let (false, Some(status)) = (records.is_empty(), answer.first_mut()) {
        *status |= WITH_RECORDS;
        let records: Vec<_> = records.into_iter().map(LogRecord::from).collect();
        <Vec<LogRecord> as Lower<UniFfiTag>>::write(records, &mut answer);
    }
    answer
}

fn read<T: Lift<UniFfiTag>>(arguments: &mut &[u8]) -> Result<T, Fault> {
    Ok(T::try_read(arguments)?)
}

/// What Kotlin reads of a result.
fn answer<T: Lower<UniFfiTag>>(result: Result<T, CallFailure>) -> Vec<u8> {
    written(result, T::write)
}

/// The same, if there is nothing to read.
fn nothing(result: Result<(), CallFailure>) -> Vec<u8> {
    written(result, |(), _| {})
}

fn written<T>(result: Result<T, CallFailure>, write: impl FnOnce(T, &mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    match result {
        Ok(value) => {
            bytes.push(Status::Done as u8);
            write(value, &mut bytes);
        }
        Err(CallFailure::Failed { failure }) => {
            bytes.push(Status::Failed as u8);
            <Failure as Lower<UniFfiTag>>::write(*failure, &mut bytes);
        }
        // Nobody cancels it that way.
        Err(CallFailure::Cancelled) => bytes.push(Status::Fault as u8),
    }
    bytes
}

/// The clients that Kotlin knows by a number. `UniFFI` keeps them alive, and a call while it runs.
static CLIENTS: Mutex<Numbered<Weak<NativeClient>>> = Mutex::new(Numbered::new());

#[uniffi::export]
impl NativeClient {
    /// The number by which the JVM's own border knows this client.
    pub fn number(self: Arc<Self>) -> i64 {
        static NEXT: AtomicI64 = AtomicI64::new(0);
        let mut clients = lock(&CLIENTS);
        // Not each time: where each call has options of its own, most of them wait for the collector.
        if clients.len().is_power_of_two() {
            clients.retain(|_, client| client.strong_count() > 0);
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        clients.insert(number, Arc::downgrade(&self));
        number
    }
}

fn found(client: i64) -> Result<Arc<NativeClient>, Fault> {
    let found = lock(&CLIENTS).get(&client).and_then(Weak::upgrade);
    found.ok_or_else(|| unknown(client))
}

fn unknown(number: impl Display) -> Fault {
    Fault::Ours(format!("the border knows no {number}"))
}
