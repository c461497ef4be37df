//! Which connection a request goes over, and whether an answer came over one that had carried nothing before.
//!
//! Nothing in HTTP/1.1 ties an answer to its request but their order on the connection. Where a front end lost count,
//! an answer may belong to an earlier exchange of its connection; the first one over a connection cannot.

use std::any::Any;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Uri;
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use lru::LruCache;
use tower_service::Service;

use super::dial::Dialer;
use super::resolver::BoxError;

/// How many connections that were opened and have not answered yet are remembered. One that is forgotten counts as
/// used.
const REMEMBERED: usize = 4096;

/// For how long a prepared connection is used. Nobody looks at it meanwhile, and a server may close one that stays
/// silent.
const PREPARED_FOR: Duration = Duration::from_secs(2);

/// The connection that a request is to go over.
#[derive(Clone, Default)]
pub(crate) enum Over {
    /// One of the pool, after what may have come over its connections was looked at; or a new one.
    #[default]
    Pool,
    /// One of the pool; where the answer says that nothing is there, which may be another's answer, once more one of
    /// its own.
    Confirmed,
    /// One that nothing else goes over: what was prepared, or a new one.
    Own(Option<Prepared>),
}

/// Both ends of a connection. No two that are open have the same.
type Ends = (SocketAddr, SocketAddr);

/// The connections of one client that have carried nothing yet. Put into its HTTP client as a layer, it sees each one
/// open.
#[derive(Clone)]
pub(super) struct Connections(Arc<Mutex<LruCache<Ends, ()>>>);

impl Connections {
    pub fn new() -> Self {
        // A cache with a limit of its own would hold the memory for all of them from the start.
        Self(Arc::new(Mutex::new(LruCache::unbounded())))
    }

    /// Notes that an answer came, and tells whether it is the first one over its connection.
    pub fn is_first(&self, answer: &http::Extensions) -> bool {
        ends(answer).is_some_and(|ends| self.lock().pop(&ends).is_some())
    }

    fn opened(&self, connection: &impl Connection) {
        let mut told = http::Extensions::new();
        connection.connected().get_extras(&mut told);
        if let Some(ends) = ends(&told) {
            let mut unused = self.lock();
            unused.put(ends, ());
            if unused.len() > REMEMBERED {
                unused.pop_lru();
            }
        }
    }

    /// What a panic elsewhere left of it is as good as any: a connection that is not in it counts as used.
    fn lock(&self) -> MutexGuard<'_, LruCache<Ends, ()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ends(told: &http::Extensions) -> Option<Ends> {
    told.get::<HttpInfo>().map(|info| (info.local_addr(), info.remote_addr()))
}

tokio::task_local! {
    /// What the request of this task keeps its connection in, or takes it from.
    pub(super) static PREPARED: Prepared;
}

/// A connection that was opened before there was a request for it.
#[derive(Clone)]
pub(crate) struct Prepared(Arc<Mutex<Slot>>);

enum Slot {
    /// The next connection that is opened is to be kept here.
    Wanted,
    /// Since then.
    Kept(Box<dyn Any + Send>, Instant),
    Empty,
}

impl Prepared {
    pub(super) fn wanted() -> Self {
        Self(Arc::new(Mutex::new(Slot::Wanted)))
    }

    /// No connection is kept here any more; one that is here stays.
    pub(super) fn settle(&self) {
        let mut slot = self.lock();
        if matches!(*slot, Slot::Wanted) {
            *slot = Slot::Empty;
        }
    }

    fn take<C: 'static>(&self) -> Option<C> {
        let mut slot = self.lock();
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Kept(connection, since) if since.elapsed() < PREPARED_FOR => {
                connection.downcast().ok().map(|connection| *connection)
            }
            Slot::Kept(..) => None,
            other => {
                *slot = other;
                None
            }
        }
    }

    /// Keeps the connection, or gives it back if it is not wanted here.
    fn keep<C: Send + 'static>(&self, connection: C) -> Option<C> {
        let mut slot = self.lock();
        if !matches!(*slot, Slot::Wanted) {
            return Some(connection);
        }
        *slot = Slot::Kept(Box::new(connection), Instant::now());
        None
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the request ends that a connection is prepared by: it sends nothing.
#[derive(Debug, thiserror::Error)]
#[error("the connection is kept for a create")]
struct Kept;

/// No connection came about in the time for one.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct NoConnection(Duration);

/// Opens connections in the time for one, notes each, and hands over what was prepared.
#[derive(Clone)]
pub(super) struct Connector {
    pub dialer: Dialer,
    pub patience: Duration,
    pub connections: Connections,
}

impl Service<Uri> for Connector {
    type Response = <Dialer as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.dialer.poll_ready(context)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let prepared = PREPARED.try_with(Clone::clone).ok();
        if let Some(connection) = prepared.as_ref().and_then(Prepared::take) {
            return Box::pin(std::future::ready(Ok(connection)));
        }
        let (dialing, patience, connections) = (self.dialer.call(to), self.patience, self.connections.clone());
        Box::pin(async move {
            let connected = tokio::time::timeout(patience, dialing).await;
            let connection = connected.map_err(|_| NoConnection(patience))??;
            connections.opened(&connection);
            match prepared {
                Some(prepared) => prepared.keep(connection).ok_or_else(|| Kept.into()),
                None => Ok(connection),
            }
        })
    }
}
