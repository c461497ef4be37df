//! Names for plain http: at every connect, only addresses of this machine are let through.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

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

/// Looks names up, as the operating system does, and drops what is not this machine: `localhost` and the names below it
/// are names like others, which a hosts file, a search domain or a name server may send anywhere.
pub(super) struct LoopbackOnly<L>(pub L);

/// Asks the operating system.
pub(super) async fn system(name: String) -> io::Result<Vec<SocketAddr>> {
    // The port is put in by who connects.
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl<L, F> Resolve for LoopbackOnly<L>
where
    L: Fn(String) -> F + Send + Sync,
    F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
{
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        let found = (self.0)(name.clone());
        Box::pin(async move {
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                found.await?.into_iter().partition(|address| is_loopback_address(address.ip()));
            if here.is_empty() && !elsewhere.is_empty() {
                let addresses = elsewhere.iter().map(SocketAddr::ip).collect();
                return Err(Elsewhere { name, addresses }.into());
            }
            Ok(Box::new(here.into_iter()) as Addrs)
        })
    }
}
