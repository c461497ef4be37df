//! The core's client behind a Python one: made anew in a forked child, and seen to its end with the interpreter.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use komopay_core::{Client, Config, ErrorKind, PayoutId, PayoutRequest};
use pyo3::prelude::*;

use crate::error::{raise, raise_kind};
use crate::process::{self, Own, detached};
use crate::{awaited, logging, runtime, wait};

/// How long the end of the interpreter waits for creates on the wire.
const GRACE: Duration = Duration::from_secs(5);

/// How long it then waits for their callers to hear of them.
const HEARING: Duration = Duration::from_secs(1);

/// The settings of a client, and the core's client made from them in this process.
pub struct Live {
    /// For [`KNOWN`], where a forked child notes it again.
    itself: Weak<Self>,
    config: Config,
    is_closed: AtomicBool,
    core: Mutex<Core>,
}

struct Core {
    generation: u64,
    client: Client,
}

/// The clients that Python has, and those it dropped while creates of theirs were on the wire.
struct Known {
    clients: Vec<Weak<Live>>,
    orphans: Vec<Client>,
}

impl Known {
    const fn new() -> Mutex<Self> {
        Mutex::new(Self { clients: Vec::new(), orphans: Vec::new() })
    }
}

/// In a forked child, the parent's creates are the parent's.
static KNOWN: Own<Mutex<Known>> = Own::new(Known::new(), Known::new);

/// All locks here are held with the GIL only, so no other thread holds one when the process forks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// A client with these settings.
    pub fn new(py: Python<'_>, config: Config) -> PyResult<Arc<Self>> {
        refuse_after_end(py)?;
        let core = Mutex::new(Core::new(py, &config)?);
        let is_closed = AtomicBool::new(false);
        let live = Arc::new_cyclic(|itself| Self { itself: Weak::clone(itself), config, is_closed, core });
        live.note();
        Ok(live)
    }

    /// Notes this client for the end of this process.
    fn note(&self) {
        let mut known = lock(KNOWN.get());
        known.clients.retain(|client| client.strong_count() > 0);
        known.clients.push(Weak::clone(&self.itself));
    }

    /// The core's client of this process. In a forked child, the first call makes it.
    pub fn core(&self, py: Python<'_>) -> PyResult<Client> {
        refuse_after_end(py)?;
        let own = |core: &Core| (core.generation == process::generation()).then(|| core.client.clone());
        if let Some(client) = own(&lock(&self.core)) {
            return Ok(client);
        }
        let fresh = Core::new(py, &self.config)?;
        if self.is_closed.load(Ordering::Relaxed) {
            fresh.client.refuse_calls();
        }
        let mut core = lock(&self.core);
        if let Some(client) = own(&core) {
            // Another thread was faster.
            return Ok(client);
        }
        let client = fresh.client.clone();
        // To drop the parent's would reach for the parent's threads and connections.
        std::mem::forget(std::mem::replace(&mut *core, fresh));
        drop(core);
        self.note();
        Ok(client)
    }

    /// After the end of the interpreter: whether this client remembers that a create of this id ended as unknown.
    pub fn is_unsettled(&self, id: &PayoutId, request: &PayoutRequest) -> bool {
        let client = lock(&self.core);
        if !process::has_ended() || client.generation != process::generation() {
            return false;
        }
        // Closed, it sends nothing and answers at once.
        client.client.refuse_calls();
        let create = pin!(client.client.create_payout(id, request, false));
        let answer = create.poll(&mut Context::from_waker(Waker::noop()));
        matches!(answer, Poll::Ready(Err(error)) if error.kind() == ErrorKind::OutcomeUnknown)
    }

    /// Notes that the client is closed, also for children.
    pub fn note_closed(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
    }

    pub fn base_url(&self) -> &str {
        &self.config.base_url
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
        Ok(Self { generation, client })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let core = self.core.get_mut().unwrap_or_else(PoisonError::into_inner);
        if core.generation != process::generation() {
            std::mem::forget(core.client.clone());
        } else if !core.client.creates_under_way().is_empty() {
            lock(KNOWN.get()).orphans.push(core.client.clone());
        }
    }
}

/// Before the interpreter ends: gives the creates on the wire a short time, and names those that did not end in it.
pub fn end(py: Python<'_>) {
    if runtime::started().is_none() {
        return;
    }
    let clients: Vec<Client> = {
        let mut known = lock(KNOWN.get());
        let mut clients = std::mem::take(&mut known.orphans);
        let live = known.clients.iter().filter_map(Weak::upgrade);
        clients.extend(live.filter_map(|live| {
            let core = lock(&live.core);
            (core.generation == process::generation()).then(|| core.client.clone())
        }));
        clients
    };
    let closing = clients.clone();
    let close = async move {
        // All are told first; then each is waited for.
        for client in &closing {
            client.refuse_calls();
        }
        for client in &closing {
            client.close().await;
        }
    };
    // A second Ctrl-C ends the waiting; what it interrupts is said below.
    let _ = wait::wait_briefly(py, close, GRACE);
    let under_way: HashSet<PayoutId> = clients.iter().flat_map(Client::creates_under_way).collect();
    for id in unheard(py, &under_way) {
        left_behind(&id, "the interpreter ends before anybody has heard how this create ended");
    }
    for id in &under_way {
        left_behind(id, "the interpreter ends before this create has");
    }
}

/// The creates that have ended and whose callers do not come for the result.
fn unheard(py: Python<'_>, under_way: &HashSet<PayoutId>) -> HashSet<PayoutId> {
    let start = Instant::now();
    loop {
        let unheard: HashSet<PayoutId> = awaited::ids().into_iter().filter(|id| !under_way.contains(id)).collect();
        if unheard.is_empty() || start.elapsed() > HEARING {
            return unheard;
        }
        detached(py, || std::thread::sleep(Duration::from_millis(1)));
    }
}

/// Logs that nobody will hear of this create, and the way on.
pub fn left_behind(id: &PayoutId, why: &str) {
    tracing::warn!(
        target: "komopay",
        payout_id = %id,
        "{why}; it may have been made. To learn its outcome, call create_payout with the same id, the same request and \
         resume=True"
    );
}
