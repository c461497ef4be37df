//! The tokio runtime that the calls of a process run on.

use std::io;
use std::panic::catch_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// The one runtime of a process. It is never dropped; one that could not be started is tried again by the next call.
pub struct SharedRuntime {
    started: Mutex<Option<&'static Runtime>>,
    begin: fn(),
}

impl SharedRuntime {
    /// Not started yet. Each of its threads begins with this.
    #[must_use]
    pub const fn new(begin: fn()) -> Self {
        Self { started: Mutex::new(None), begin }
    }

    /// The runtime, started by the first call.
    ///
    /// # Errors
    /// Why its threads could not be started.
    pub fn get(&self) -> io::Result<&'static Runtime> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        match *started {
            Some(runtime) => Ok(runtime),
            None => Ok(started.insert(Box::leak(Box::new(self.start()?)))),
        }
    }

    /// The runtime, if a call has started it.
    pub fn started(&self) -> Option<&'static Runtime> {
        *self.started.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> io::Result<Runtime> {
        let failed = |why: &dyn std::fmt::Display| {
            io::Error::other(format!("the background threads could not be started: {why}"))
        };
        // Where no thread can be had, tokio panics. So one is tried before; if another is what cannot be had, it does.
        let tried = thread::Builder::new().spawn(|| {}).map_err(|error| failed(&error))?;
        tried.join().map_err(|_| failed(&"a thread panicked"))?;
        let build = || {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2).thread_name("komopay").on_thread_start(self.begin).enable_all().build()
        };
        let runtime = catch_unwind(build).unwrap_or_else(|_| Err(io::Error::other("not all of them could be started")));
        runtime.map_err(|error| failed(&error))
    }
}
