//! The connections of one client: a pool of its own for each runtime that its calls are made on.
//!
//! A connection lives on the runtime that it was opened on. Over one of another, a call would wait for whoever drives
//! that one, which may be nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::HeaderMap;
use lru::LruCache;
use reqwest::dns::Resolve;
use tokio::runtime::{Handle, Id};

use super::connection::Connections;
use super::http::chain;
use super::proxy::Route;
use crate::error::{Error, ErrorKind, Result};

/// How many runtimes are remembered: one that was not used for longest is forgotten, with its idle connections.
const RUNTIMES: usize = 8;

/// How connections are opened and kept.
pub(super) struct Settings {
    pub headers: HeaderMap,
    pub connect_timeout: Duration,
    /// How many idle connections each runtime keeps.
    pub idle: usize,
    pub tls: rustls::ClientConfig,
    pub route: Route,
    pub resolver: Option<Arc<dyn Resolve>>,
    pub connections: Connections,
}

/// The connections of one runtime.
#[derive(Clone)]
pub(super) struct Pool {
    /// Keeps what is idle for the next request.
    pub kept: reqwest::Client,
    /// Opens a connection for each request, and keeps none.
    pub single: reqwest::Client,
}

/// A pool for each runtime.
pub(super) struct Pools {
    settings: Settings,
    by_runtime: Mutex<Known>,
}

struct Known {
    pools: LruCache<Id, Pool>,
    /// For the first runtime: settings that are no good are refused when the client is made.
    first: Option<Pool>,
}

impl Pools {
    /// No connection is opened yet.
    pub fn new(settings: Settings) -> Result<Self> {
        let first = Some(settings.pool()?);
        Ok(Self { settings, by_runtime: Mutex::new(Known { pools: LruCache::unbounded(), first }) })
    }

    /// The connections of the runtime that this runs on.
    pub fn here(&self) -> Result<Pool> {
        let runtime = Handle::current().id();
        let mut known = self.lock();
        if let Some(pool) = known.pools.get(&runtime) {
            return Ok(pool.clone());
        }
        let pool = match known.first.take() {
            Some(pool) => pool,
            None => self.settings.pool()?,
        };
        known.pools.put(runtime, pool.clone());
        let forgotten = if known.pools.len() > RUNTIMES { known.pools.pop_lru() } else { None };
        drop(known);
        // Not under the lock: its connections are closed here.
        drop(forgotten);
        Ok(pool)
    }

    /// What a panic elsewhere left of it is as good as any.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.by_runtime.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn pool(&self) -> Result<Pool> {
        Ok(Pool { kept: self.client(self.idle)?, single: self.client(0)? })
    }

    /// HTTP/1.1 without compression is how the library is built here; the rest is switched off by name.
    fn client(&self, idle: usize) -> Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .connector_layer(self.connections.clone())
            .default_headers(self.headers.clone())
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .connect_timeout(self.connect_timeout)
            .pool_max_idle_per_host(idle)
            // Shorter than common servers keep a connection: a create on a dying one is an open attempt.
            .pool_idle_timeout(Duration::from_secs(20))
            .tcp_nodelay(true)
            .tls_backend_preconfigured(self.tls.clone());
        builder = match &self.route {
            Route::Direct => builder.no_proxy(),
            Route::System => builder,
            Route::Through(proxy) => builder.proxy(
                reqwest::Proxy::all(proxy.as_str()).map_err(|_| Error::setting("proxy", "is not a URL of a proxy"))?,
            ),
        };
        if let Some(resolver) = &self.resolver {
            builder = builder.dns_resolver(Arc::clone(resolver));
        }
        builder
            .build()
            .map_err(|error| Error::new(ErrorKind::Configuration, format!("the HTTP client: {}", chain(&error))))
    }
}
