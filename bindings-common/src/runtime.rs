//! The tokio runtimes that the calls of a process run on: one with threads, and one that a waiting caller drives.

use std::future::Future;
use std::io;
use std::panic::catch_unwind;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::driver::{Driver, Place, has_little_stack};

/// The runtimes of a process. They are never dropped; one that could not be started is tried again by the next call.
pub struct SharedRuntime {
    started: Mutex<Started>,
    begin: fn(),
}

struct Started {
    threads: Option<&'static Runtime>,
    place: Option<Arc<Place>>,
}

impl SharedRuntime {
    /// Nothing is started yet. Each thread begins with this.
    #[must_use]
    pub const fn new(begin: fn()) -> Self {
        Self { started: Mutex::new(Started { threads: None, place: None }), begin }
    }

    /// The runtime with threads, started by the first call that needs it.
    ///
    /// # Errors
    /// Why its threads could not be started.
    pub fn threads(&self) -> io::Result<&'static Runtime> {
        let mut started = self.started();
        match started.threads {
            Some(runtime) => Ok(runtime),
            None => Ok(started.threads.insert(Box::leak(Box::new(self.start_threads()?)))),
        }
    }

    /// Who drives a call that this thread waits for: itself, unless another one does that now, or it has little stack.
    ///
    /// # Errors
    /// Why no thread could be started.
    pub fn driver(&self) -> io::Result<Driver> {
        if has_little_stack() {
            return Ok(Driver::Threads(self.threads()?));
        }
        let place = {
            let mut started = self.started();
            if started.place.is_none() {
                started.place = Some(Place::start(self.begin).map_err(|error| not_started(&error))?);
            }
            started.place.clone()
        };
        match place.and_then(|place| place.take()) {
            Some(seat) => Ok(Driver::Caller(seat)),
            None => Ok(Driver::Threads(self.threads()?)),
        }
    }

    /// Starts this, if a call has started a runtime.
    pub fn start(&self, work: impl Future<Output = ()> + Send + 'static) -> Option<Ending> {
        let started = self.started();
        let (threads, place) = (started.threads, started.place.clone());
        drop(started);
        let ending = Ending(Arc::new((Mutex::new(false), Condvar::new())));
        let ended = Arc::clone(&ending.0);
        let work = async move {
            work.await;
            *ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
            ended.1.notify_all();
        };
        match (threads, place) {
            (Some(runtime), _) => drop(runtime.spawn(work)),
            (None, Some(place)) => place.spawn(work),
            (None, None) => return None,
        }
        Some(ending)
    }

    fn started(&self) -> MutexGuard<'_, Started> {
        self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start_threads(&self) -> io::Result<Runtime> {
        // Where no thread can be had, tokio panics. So one is tried before; if another is what cannot be had, it does.
        let tried = thread::Builder::new().spawn(|| {}).map_err(|error| not_started(&error))?;
        tried.join().map_err(|_| not_started(&"a thread panicked"))?;
        let build = || {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2).thread_name("komopay").on_thread_start(self.begin).enable_all().build()
        };
        let runtime = catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("not all of them could be started")));
        runtime.map_err(|error| not_started(&error))
    }
}

fn not_started(why: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("the background threads could not be started: {why}"))
}

/// Work that was started, for a thread that waits for it without a runtime: one that is ending may have none of its own
/// variables left, without which it can wait for no future.
pub struct Ending(Arc<(Mutex<bool>, Condvar)>);

impl Ending {
    /// Waits for at most this long, and tells whether it has ended.
    #[must_use]
    pub fn wait(&self, patience: Duration) -> bool {
        let (has_ended, signal) = &*self.0;
        let waiting = has_ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = signal.wait_timeout_while(waiting, patience, |has_ended| !*has_ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
