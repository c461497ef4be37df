//! The core's client behind a Python one: made anew in a forked child, and seen to its end with the interpreter.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use komopay_bindings_common::Clients;
use komopay_bindings_common::clients::{GRACE, Noted};
use komopay_core::{Client, Config, ErrorKind, PayoutId, PayoutRequest};
use pyo3::prelude::*;

use crate::awaited::left_behind;
use crate::error::{raise, raise_kind};
use crate::process::{self, Own, detached};
use crate::{awaited, logging, runtime, wait};

/// How long the end of the interpreter waits for the callers of creates that have ended to hear of them.
const HEARING: Duration = Duration::from_secs(1);

/// In a forked child, the parent's creates are the parent's.
static CLIENTS: Own<Clients> = Own::new(Clients::new(), Clients::new);

/// The settings of a client, and the core's client made from them in this process.
pub struct Live {
    config: Config,
    is_closed: AtomicBool,
    /// It is locked with the GIL only, so no other thread has the lock when the process forks.
    core: Mutex<Core>,
}

/// The core's client, of the process that made it.
struct Core {
    generation: u64,
    client: Arc<Noted>,
}

impl Live {
    /// A client with these settings.
    pub fn new(py: Python<'_>, config: Config) -> PyResult<Arc<Self>> {
        refuse_after_end(py)?;
        let core = Mutex::new(Core::new(py, &config)?);
        Ok(Arc::new(Self { config, is_closed: AtomicBool::new(false), core }))
    }

    /// The core's client of this process. In a forked child, the first call makes it.
    pub fn core(&self, py: Python<'_>) -> PyResult<Client> {
        refuse_after_end(py)?;
        if let Some(client) = self.lock().of_this_process() {
            return Ok(client);
        }
        let fresh = Core::new(py, &self.config)?;
        if self.is_closed.load(Ordering::Relaxed) {
            fresh.client.refuse_calls();
        }
        let mut core = self.lock();
        if let Some(client) = core.of_this_process() {
            // Another thread was faster.
            return Ok(client);
        }
        let client = Client::clone(&fresh.client);
        *core = fresh;
        Ok(client)
    }

    /// After the end of the interpreter: whether this client remembers that a create of this id ended as unknown.
    pub fn is_unsettled(&self, id: &PayoutId, request: &PayoutRequest) -> bool {
        let Some(client) = self.lock().of_this_process().filter(|_| process::has_ended()) else { return false };
        // Closed, it sends nothing and answers at once.
        client.refuse_calls();
        let create = pin!(client.create_payout(id, request, false));
        let answer = create.poll(&mut Context::from_waker(Waker::noop()));
        matches!(answer, Poll::Ready(Err(error)) if error.kind() == ErrorKind::OutcomeUnknown)
    }

    /// Notes that the client is closed, also for children.
    pub fn note_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody would hear of a call that is made after the end, and no log could name its id.
fn refuse_after_end(py: Python<'_>) -> PyResult<()> {
    if !process::has_ended() {
        return Ok(());
    }
    Err(raise_kind(py, ErrorKind::Closed, "the interpreter is ending, and with it all clients were closed", None))
}

impl Core {
    fn new(py: Python<'_>, config: &Config) -> PyResult<Self> {
        let generation = process::generation();
        // The certificates of the system are read here.
        let config = config.clone();
        let client = logging::heard(py, || Client::new(config))?.map_err(|error| raise(py, &error))?;
        Ok(Self { generation, client: Arc::new(CLIENTS.get().note(client)) })
    }

    fn of_this_process(&self) -> Option<Client> {
        (self.generation == process::generation()).then(|| Client::clone(&self.client))
    }
}

impl Drop for Core {
    /// To drop the parent's in a forked child would reach for the parent's locks, threads and connections.
    fn drop(&mut self) {
        if self.generation != process::generation() {
            std::mem::forget(Arc::clone(&self.client));
        }
    }
}

/// Before the interpreter ends: gives the creates on the wire a short time, and names those that did not end in it.
pub fn end(py: Python<'_>) {
    let ending = CLIENTS.get().end();
    let Some(closing) = runtime::start(ending.clone().close()) else { return };
    // A second Ctrl-C ends the waiting; what it interrupts is said below.
    let _ = wait::wait_briefly(py, &closing, GRACE);
    let under_way = ending.creates_under_way();
    for id in unheard(py, &under_way) {
        left_behind(&id, "the interpreter ends before anybody has heard how this create ended");
    }
    for id in &under_way {
        left_behind(id, "the interpreter ends before this create has");
    }
}

/// The creates that have ended and whose callers do not come for the result.
fn unheard(py: Python<'_>, under_way: &BTreeSet<PayoutId>) -> BTreeSet<PayoutId> {
    let start = Instant::now();
    loop {
        let unheard: BTreeSet<PayoutId> = awaited::ids().into_iter().filter(|id| !under_way.contains(id)).collect();
        if unheard.is_empty() || start.elapsed() > HEARING {
            return unheard;
        }
        detached(py, || std::thread::sleep(Duration::from_millis(1)));
    }
}
