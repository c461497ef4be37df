//! The connections of one client: a pool of its own for each runtime that its calls are made on.
//!
//! A connection lives on the runtime that it was opened on. Over one of another, a call would wait for whoever drives
//! that one, which may be nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::{Handle, Id};

use super::connection::Connector;
use super::gate::GatedBody;

/// How many runtimes are remembered: one that was not used for longest is forgotten, with its idle connections.
const RUNTIMES: usize = 8;

/// Shorter than common servers keep a connection: a create on a dying one is an open attempt.
const KEPT_FOR: Duration = Duration::from_secs(20);

/// Sends requests over connections of its own.
pub(super) type Http = Client<Connector, GatedBody>;

/// The connections of one runtime.
pub(super) struct Pool {
    /// Keeps what is idle for the next request.
    pub kept: Http,
    /// Opens a connection for each request, and keeps none.
    pub single: Http,
}

/// A pool for each runtime.
pub(super) struct Pools {
    connector: Connector,
    /// How many idle connections each keeps.
    idle: usize,
    /// What was used last comes first.
    by_runtime: Mutex<VecDeque<(Id, Arc<Pool>)>>,
}

impl Pools {
    /// Pools of connections that are opened so. None is opened yet.
    pub fn new(connector: Connector, idle: usize) -> Self {
        Self { connector, idle, by_runtime: Mutex::default() }
    }

    /// The connections of the runtime that this runs on.
    pub fn here(&self) -> Arc<Pool> {
        let runtime = Handle::current().id();
        let mut pools = self.lock();
        let known = pools.iter().position(|(of, _)| *of == runtime).and_then(|at| pools.remove(at));
        let new = || (runtime, Arc::new(Pool { kept: self.client(self.idle), single: self.client(0) }));
        let (_, pool) = pools.push_front_mut(known.unwrap_or_else(new));
        let pool = Arc::clone(pool);
        let forgotten = if pools.len() > RUNTIMES { pools.pop_back() } else { None };
        drop(pools);
        // Not under the lock: its connections are closed here.
        drop(forgotten);
        pool
    }

    /// HTTP/1.1, and no request repeated that may have been sent.
    fn client(&self, idle: usize) -> Http {
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(KEPT_FOR)
            // Head and body in one write.
            .http1_writev(false)
            .build(self.connector.clone())
    }

    /// What a panic elsewhere left of it is as good as any.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Id, Arc<Pool>)>> {
        self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
