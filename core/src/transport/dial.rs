//! How a connection is opened: to the platform or through a proxy, with TLS where the base URL says so.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::resolver::{BoxError, Resolver};

/// After so much silence the system asks a peer whether it is still there, and so often again. Three times without an
/// answer, or so long without one to what was sent, and the connection is broken: it may be kept for as long as a call.
const PROBED_AFTER: Duration = Duration::from_secs(15);
const PROBES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// What bytes go over: TCP, or TLS to a proxy.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// What opens connections: TLS over a way.
pub(super) type Dialer = HttpsConnector<Way>;

/// Opens connections by this resolver, through this proxy if there is one.
pub(super) fn dialer(resolver: Resolver, proxy: Option<&Intercept>, tls: Arc<rustls::ClientConfig>) -> Dialer {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(PROBED_AFTER));
    tcp.set_keepalive_interval(Some(PROBED_AFTER));
    tcp.set_keepalive_retries(Some(PROBES));
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    let way = match proxy {
        None => Way::Direct(tcp),
        Some(proxy) => {
            let tunnel = Tunnel::new(proxy.uri().clone(), HttpsConnector::from((tcp, Arc::clone(&tls))));
            Way::Through(Box::new(match proxy.basic_auth() {
                Some(credentials) => tunnel.with_auth(credentials.clone()),
                None => tunnel,
            }))
        }
    };
    HttpsConnector::from((way, tls))
}

/// How far bytes go without our own TLS: to the platform, or through a proxy's tunnel.
#[derive(Clone)]
pub(super) enum Way {
    Direct(HttpConnector<Resolver>),
    Through(Box<Tunnel<HttpsConnector<HttpConnector<Resolver>>>>),
}

impl Service<Uri> for Way {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(tcp) => tcp.poll_ready(context).map_err(Into::into),
            Self::Through(tunnel) => tunnel.poll_ready(context).map_err(Into::into),
        }
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self {
            Self::Direct(tcp) => {
                let connecting = tcp.call(to);
                Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) })
            }
            Self::Through(tunnel) => {
                let connecting = tunnel.call(to);
                Box::pin(async move { Ok(connecting.await?) })
            }
        }
    }
}
