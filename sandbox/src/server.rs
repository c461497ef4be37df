//! Listening, accepting and stopping.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::http::connection::{Control, Socket, Tap};
use crate::platform::gateway::Gateway;

/// How long a graceful stop waits for calls in progress.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Below which path the control API answers.
pub(crate) const CONTROL: &str = "/_sandbox";

/// Whether a path belongs to the control API.
fn is_control(path: &str) -> bool {
    path.strip_prefix(CONTROL).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A listening server.
pub(crate) struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    gateway: Arc<Gateway>,
    router: Router,
    tls: Option<TlsAcceptor>,
    /// Accept nothing more; end connections between two requests.
    closing: CancellationToken,
    connections: Mutex<Vec<Control>>,
    /// Own connections, by their local port, that only find out whether all earlier ones were accepted.
    probes: Mutex<HashMap<u16, oneshot::Sender<()>>>,
}

impl Server {
    pub(crate) fn start(
        gateway: &Arc<Gateway>,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        router: impl FnOnce(Arc<Gateway>, Weak<Self>) -> Router,
    ) -> io::Result<Arc<Self>> {
        let address = listener.local_addr()?;
        Ok(Arc::new_cyclic(|server| {
            let shared = Arc::new(Shared {
                gateway: Arc::clone(gateway),
                router: router(Arc::clone(gateway), server.clone()),
                tls,
                closing: CancellationToken::new(),
                connections: Mutex::default(),
                probes: Mutex::default(),
            });
            let acceptor = tokio::spawn(Arc::clone(&shared).accept(listener));
            Self { shared, address, acceptor: Mutex::new(Some(acceptor)) }
        }))
    }

    /// Resolves when the server accepts nothing more: what waits for something to happen then waits in vain.
    pub(crate) fn closing(&self) -> impl Future<Output = ()> + use<> {
        self.shared.closing.clone().cancelled_owned()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves when nothing is going on: no call, no processing, no late execution, no callback that is due, no bytes
    /// that nobody has read.
    pub(crate) async fn idle(&self) {
        let activity = &self.shared.gateway.activity;
        loop {
            let generation = activity.quiet().await;
            let courier = self.shared.gateway.courier();
            courier.quiet().await;
            self.accept_all().await;
            if self.shared.has_unread_bytes() {
                // They are about to be read, which counts as activity.
                tokio::time::sleep(Duration::from_millis(1)).await;
            } else if activity.still_quiet(generation) && courier.is_quiet() {
                return;
            }
        }
    }

    /// Resolves when nothing is going on and every callback is delivered or given up.
    pub(crate) async fn callbacks_done(&self) {
        loop {
            self.idle().await;
            let courier = self.shared.gateway.courier();
            if courier.is_done() {
                return;
            }
            courier.done().await;
        }
    }

    /// Returns when every connection made before this call has been accepted: the backlog is first in, first out.
    async fn accept_all(&self) {
        let (host, any): (IpAddr, IpAddr) = match self.address.ip() {
            ip if !ip.is_unspecified() => (ip, ip),
            IpAddr::V4(any) => (Ipv4Addr::LOCALHOST.into(), any.into()),
            IpAddr::V6(any) => (Ipv6Addr::LOCALHOST.into(), any.into()),
        };
        // Nobody accepts any more once the server has stopped: then there is nothing to wait for.
        drop(self.probe(SocketAddr::new(host, self.address.port()), SocketAddr::new(any, 0)).await);
    }

    async fn probe(&self, target: SocketAddr, own: SocketAddr) -> io::Result<()> {
        let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(own)?;
        let (accepted, seen) = oneshot::channel();
        lock(&self.shared.probes).insert(socket.local_addr()?.port(), accepted);
        let connection = socket.connect(target).await?;
        tokio::select! {
            _ = seen => {}
            () = self.shared.closing.cancelled() => {}
        }
        drop(connection);
        Ok(())
    }

    /// Accepts nothing more, lets calls in progress end, then ends everything.
    pub(crate) async fn stop(&self) {
        self.shared.closing.cancel();
        let acceptor = lock(&self.acceptor).take();
        if let Some(acceptor) = acceptor {
            // An error would be a panic in the loop, which the stop has nothing to add to.
            drop(acceptor.await);
        }
        self.shared.gateway.abort.cancel();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.closing.cancel();
        self.shared.gateway.abort.cancel();
    }
}

impl Shared {
    async fn accept(self: Arc<Self>, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = self.closing.cancelled() => break,
                accepted = listener.accept() => accepted,
            };
            while tasks.try_join_next().is_some() {}
            let Ok((stream, peer)) = accepted else {
                // Most likely out of file descriptors: give connections time to end.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            if let Some(probe) = lock(&self.probes).remove(&peer.port()) {
                // An error means that the probe has given up.
                let _ = probe.send(());
                continue;
            }
            // Without it a close in the middle of an answer could wait for an acknowledgement. It cannot fail on a
            // socket that was just accepted, or if it does, the first read says so.
            drop(stream.set_nodelay(true));
            let socket = Arc::new(stream);
            let control = Control::new(&socket);
            {
                let mut connections = lock(&self.connections);
                connections.retain(|connection| !connection.is_gone());
                connections.push(control.clone());
            }
            let shared = Arc::clone(&self);
            tasks.spawn(async move {
                let abort = shared.gateway.abort.clone();
                abort.run_until_cancelled(shared.serve(socket, control)).await
            });
        }
        drop(listener);
        let all_ended = async { while tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(STOP_LIMIT, all_ended).await);
    }

    async fn serve(&self, socket: Arc<TcpStream>, control: Control) {
        match &self.tls {
            None => self.serve_http(Socket(socket), control).await,
            Some(tls) => match tls.accept(Socket(socket)).await {
                Ok(stream) => self.serve_http(stream, control).await,
                Err(error) => tracing::info!("TLS handshake failed: {error}"),
            },
        }
    }

    async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S, control: Control) {
        let activity = self.gateway.activity.clone();
        let tap = Tap::new(stream, control.clone(), activity.clone());
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let busy = if is_control(request.uri().path()) {
                // A control call may wait for everything else to be quiet.
                control.release();
                None
            } else {
                Some(activity.enter())
            };
            control.begin();
            request.extensions_mut().insert(control.clone());
            let answer = router.call(request.map(Body::new));
            async move {
                let answer = answer.await;
                drop(busy);
                answer
            }
        });
        let mut connection = pin!(
            hyper::server::conn::http1::Builder::new()
                // A client that has sent everything may shut down its sending side and still wants its answer.
                .half_close(true)
                .serve_connection(TokioIo::new(tap), service)
        );
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.closing.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!("connection ended: {error}");
        }
    }

    fn has_unread_bytes(&self) -> bool {
        lock(&self.connections).iter().any(Control::has_unread_bytes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
