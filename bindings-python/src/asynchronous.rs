//! Calls of an event loop: started here, run on the runtime, settled through the loop.
//!
//! A call that is cancelled is dropped, under the core's rules: the caller is released at once, nothing more is sent,
//! what is on the wire is read to its end, and the log says so.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use komopay_bindings_common::Task;
use komopay_bindings_common::log::{Listener, Record};
use komopay_core::{Error, ErrorKind, PayoutId, called_by};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use tokio::runtime::Runtime;

use crate::answer::{Answered, ToPython};
use crate::awaited::Awaited;
use crate::error::{lost, raise, raise_kind};
use crate::live::Live;
use crate::messenger::{self, Message};
use crate::settlement::{Make, Settlement};
use crate::telemetry::Told;
use crate::{logging, process, runtime};

/// Takes a call away: when it returns, nothing of it is sent any more.
type Cancel = Box<dyn FnOnce() + Send>;

/// Who made a call of an event loop: where the log is told of it.
struct Caller {
    event_loop: Py<PyAny>,
    context: Py<PyAny>,
    task: Py<PyAny>,
    told: Told,
}

/// Starts a call for the running loop, which is told of.
pub fn start<T, F>(
    py: Python<'_>,
    runtime: &'static Runtime,
    payout_id: Option<PayoutId>,
    told: Told,
    call: F,
) -> PyResult<Call>
where
    T: ToPython + Send + 'static,
    F: Future<Output = Result<T, Error>> + Send + 'static,
{
    let asyncio = Asyncio::get(py)?;
    let event_loop = asyncio.running_loop.bind(py).call0()?;
    let future = event_loop.call_method0(intern!(py, "create_future"))?;
    let caller = Arc::new(Caller {
        event_loop: event_loop.clone().unbind(),
        context: asyncio.copy_context.call0(py)?,
        task: asyncio.current_task.call0(py)?,
        told: told.clone_ref(py),
    });
    logging::follow_level(py);
    let cancelled = Arc::new(AtomicBool::new(false));
    let awaited = payout_id.clone().map(Awaited::new);
    let mut delivery = Delivery {
        to: Some((event_loop.unbind(), future.clone().unbind())),
        payout_id,
        cancelled: Arc::clone(&cancelled),
    };
    let listener = Listener::waking(|listener| {
        move || {
            if let Some(listener) = listener.upgrade() {
                let caller = Arc::clone(&caller);
                messenger::send(Message::Do(Box::new(move |py| log(py, listener, &caller))));
            }
        }
    });
    let (call, listener) = (called_by(listener.clone(), call), Arc::downgrade(&listener));
    let (task, _) = Task::start(runtime, call, move |result| {
        delivery.send(Box::new(move |py| match result {
            Ok(value) => value.to_python(py),
            Err(error) => Err(raise(py, &error)),
        }));
    });
    let cancel: Cancel = Box::new(move || {
        task.cancel();
    });
    let under_way = Mutex::new(Some(UnderWay { cancel, listener, told, _awaited: awaited }));
    Ok(Call { future: future.unbind(), under_way, cancelled, generation: process::generation() })
}

/// The way back of one call. It is taken even by a call that panics.
struct Delivery {
    to: Option<(Py<PyAny>, Py<PyAny>)>,
    payout_id: Option<PayoutId>,
    cancelled: Arc<AtomicBool>,
}

impl Delivery {
    fn send(&mut self, make: Make) {
        if let Some((event_loop, future)) = self.to.take() {
            let payout_id = self.payout_id.take();
            messenger::send(Message::Settle(Settlement { event_loop, future, payout_id, make }));
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if self.cancelled.load(Ordering::Acquire) {
            return;
        }
        let id = self.payout_id.clone();
        self.send(Box::new(move |py| match id {
            Some(id) => Err(lost(py, &id)),
            None => Err(raise_kind(py, ErrorKind::Internal, "a fault of the komopay SDK: it panicked", None)),
        }));
    }
}

/// Refuses new calls, and waits for the creates on the wire; without `drain` there is nothing to wait for, and no call.
pub fn close(py: Python<'_>, live: &Live, drain: bool) -> PyResult<Answered<()>> {
    if !drain {
        return Ok(Answered::new(py.None()));
    }
    live.note_closed();
    let call = if process::has_ended() {
        closed(py)?
    } else {
        let core = live.core(py)?;
        let close = async move {
            core.close().await;
            Ok(())
        };
        messenger::start(py)?;
        start(py, runtime::threads(py)?, None, Told::nobody(), close)?
    };
    Ok(Answered::new(Py::new(py, call)?.into_any()))
}

/// A close after the end of the interpreter, which has closed everything.
fn closed(py: Python<'_>) -> PyResult<Call> {
    let event_loop = Asyncio::get(py)?.running_loop.bind(py).call0()?;
    let future = event_loop.call_method0(intern!(py, "create_future"))?;
    future.call_method1(intern!(py, "set_result"), (py.None(),))?;
    Ok(Call {
        future: future.unbind(),
        under_way: Mutex::new(None),
        cancelled: Arc::default(),
        generation: process::generation(),
    })
}

/// A call that was started.
#[pyclass(frozen, name = "_Call", module = "komopay._native")]
pub struct Call {
    /// The loop's future of its result.
    #[pyo3(get)]
    future: Py<PyAny>,
    under_way: Mutex<Option<UnderWay>>,
    cancelled: Arc<AtomicBool>,
    generation: u64,
}

/// What a caller has of its call until it leaves.
struct UnderWay {
    cancel: Cancel,
    /// The call has it, and the caller's context with it, until it ends: from here, no garbage collector could see it.
    listener: Weak<Listener>,
    told: Told,
    /// Somebody waits for it, if it is a create.
    _awaited: Option<Awaited>,
}

#[pymethods]
impl Call {
    /// Nobody waits for it any more. After its end this does nothing.
    fn cancel(&self, py: Python<'_>) -> PyResult<()> {
        let (records, listener, told) = self.take_away();
        logging::tell(py, records, None)?;
        listener.map_or(Ok(()), |listener| told.tell(py, &listener))
    }
}

impl Call {
    /// What the log still has to say of it.
    fn take_away(&self) -> (Vec<Record>, Option<Arc<Listener>>, Told) {
        self.cancelled.store(true, Ordering::Release);
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(UnderWay { cancel, listener, told, _awaited }) = under_way else {
            return (Vec::new(), None, Told::nobody());
        };
        if self.generation != process::generation() {
            // In a forked child the call is the parent's.
            std::mem::forget((cancel, listener, told));
            return (Vec::new(), None, Told::nobody());
        }
        let listener = listener.upgrade();
        cancel();
        (listener.as_ref().map(|listener| listener.end()).unwrap_or_default(), listener, told)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        logging::disown(self.take_away().0);
    }
}

/// Takes records of the log to who made the call: in its loop's thread and in its context.
fn log(py: Python<'_>, listener: Arc<Listener>, caller: &Caller) {
    let told = || -> PyResult<()> {
        let (task, told) = (caller.task.clone_ref(py), caller.told.clone_ref(py));
        let records = Bound::new(py, Records { listener, task, told })?;
        let context = PyDict::new(py);
        context.set_item(intern!(py, "context"), caller.context.bind(py))?;
        let event_loop = caller.event_loop.bind(py);
        event_loop.call_method(intern!(py, "call_soon_threadsafe"), (records,), Some(&context)).map(drop)
    };
    // A closed loop takes nothing; then they are dropped, and are nobody's.
    let _ = told();
}

/// Records of a call, for its loop.
#[pyclass(frozen, name = "_Records", module = "komopay._native")]
pub struct Records {
    listener: Arc<Listener>,
    task: Py<PyAny>,
    told: Told,
}

#[pymethods]
impl Records {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let told = logging::tell(py, self.listener.take(), Some(self.task.bind(py)));
        let told = told.and_then(|()| self.told.tell(py, &self.listener));
        process::leave();
        told
    }
}

impl Drop for Records {
    /// With something in it, if the loop was closed before it came to it.
    fn drop(&mut self) {
        logging::disown(self.listener.take());
    }
}

/// Loads what calls of an event loop need of Python.
pub fn load(py: Python<'_>) -> PyResult<()> {
    Asyncio::get(py).map(drop)
}

/// What is asked of Python's own modules for each call.
struct Asyncio {
    running_loop: Py<PyAny>,
    current_task: Py<PyAny>,
    copy_context: Py<PyAny>,
}

impl Asyncio {
    fn get(py: Python<'_>) -> PyResult<&Self> {
        static ASYNCIO: PyOnceLock<Asyncio> = PyOnceLock::new();
        ASYNCIO.get_or_try_init(py, || {
            let asyncio = py.import("asyncio")?;
            Ok::<_, PyErr>(Self {
                running_loop: asyncio.getattr("get_running_loop")?.unbind(),
                current_task: asyncio.getattr("current_task")?.unbind(),
                copy_context: py.import("contextvars")?.getattr("copy_context")?.unbind(),
            })
        })
    }
}
