//! Names, as the operating system looks them up; for plain http, only addresses of this machine are let through at
//! every connect.

use std::error::Error as StdError;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::address::is_loopback_address;

/// A name that leads to no address of this machine. Its text is what the caller reads.
#[derive(Debug, thiserror::Error)]
#[error(
    "base_url: {name} is not this machine but {addresses:?}, and in plain http all could read what is sent there; \
     nothing was sent. Give an https URL, or this machine's own address, such as http://127.0.0.1"
)]
pub(super) struct Elsewhere {
    name: String,
    addresses: Vec<std::net::IpAddr>,
}

/// Why a connection failed, as those who open it tell each other.
pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

type Lookup = dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> + Send + Sync;

/// Looks names up.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Arc<Lookup>,
    loopback_only: bool,
}

impl Resolver {
    /// Looks names up so. With `loopback_only`, what is not this machine is dropped: `localhost` and the names below it
    /// are names like others, which a hosts file, a search domain or a name server may send anywhere.
    pub fn new<F>(lookup: impl Fn(String) -> F + Send + Sync + 'static, loopback_only: bool) -> Self
    where
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        Self { lookup: Arc::new(move |name| Box::pin(lookup(name))), loopback_only }
    }
}

/// Asks the operating system.
pub(super) async fn system(name: String) -> io::Result<Vec<SocketAddr>> {
    // The port is put in by who connects.
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (name, loopback_only) = (name.as_str().to_owned(), self.loopback_only);
        let found = (self.lookup)(name.clone());
        Box::pin(async move {
            let found = found.await?;
            if !loopback_only {
                return Ok(found.into_iter());
            }
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|address| is_loopback_address(address.ip()));
            if here.is_empty() && !elsewhere.is_empty() {
                let addresses = elsewhere.iter().map(SocketAddr::ip).collect();
                return Err(Elsewhere { name, addresses }.into());
            }
            Ok(here.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use komopay_sandbox::Sandbox;

    use super::super::http::{FailureKind, Operation, Transport};
    use super::*;
    use crate::throttle::Throttle;
    use crate::{Config, Credentials};

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    /// A client of this host, for which every name resolves to these addresses.
    fn transport(host: &str, port: u16, addresses: &'static [IpAddr]) -> Transport {
        let mut config = Config::new(format!("http://{host}:{port}"), Credentials::merchant("CODE", "secret"));
        config.connect_timeout = Duration::from_millis(500);
        let base_url = config.check().unwrap();
        let lookup = move |_| async move { Ok(addresses.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()) };
        Transport::with_lookup(&config, &base_url, Throttle::new(&config), lookup).unwrap()
    }

    async fn asked(transport: &Transport) -> Result<u16, (FailureKind, String)> {
        let operation = Operation::post("/auth-tokens", "{}");
        let answer = transport.send(&operation, None, None, Duration::from_secs(5), pending()).await;
        answer.map(|answer| answer.status).map_err(|failure| {
            assert!(!failure.sent, "{}", failure.text);
            (failure.kind, failure.text)
        })
    }

    #[tokio::test]
    async fn a_name_of_this_machine_that_leads_elsewhere_gets_nothing_and_the_error_says_what_to_do() {
        for host in ["localhost", "shop.localhost"] {
            let (kind, text) = asked(&transport(host, 9, &[ELSEWHERE])).await.unwrap_err();
            assert_eq!(kind, FailureKind::Configuration, "{text}");
            for word in ["base_url", host, "192.0.2.1", "https", "127.0.0.1"] {
                assert!(text.contains(word), "{text}");
            }
        }
    }

    #[tokio::test]
    async fn of_several_addresses_only_those_of_this_machine_are_connected_to() {
        let sandbox = Sandbox::builder().start().await.unwrap();
        let port = sandbox.base_url().rsplit(':').next().unwrap().parse().unwrap();
        for addresses in [&[ELSEWHERE, HERE] as &[_], &[HERE, ELSEWHERE], &[HERE]] {
            assert_eq!(asked(&transport("shop.localhost", port, addresses)).await, Ok(400), "{addresses:?}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_a_failure_of_the_network_as_ever() {
        assert_eq!(asked(&transport("localhost", 9, &[])).await.unwrap_err().0, FailureKind::Network);
    }
}
