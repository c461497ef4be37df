//! A gateway that is down, and many callers of one client: how many requests a second does it get?
//!
//! Each caller makes creates, one after the other, with the default settings. Built with the feature `unthrottled`, the
//! client has neither retry budget nor breaker: that is the figure to compare with.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::ValueEnum;
use komopay_core::{Client, Config, Credentials, PayoutId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::create::request;
use crate::serve::request_length;

/// How the gateway is down.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Outage {
    /// Nobody listens. What is counted are all failed connections of this machine (Linux): let nothing else run.
    Refused,
    /// It answers 503 to everything, so that no token is issued.
    Unavailable,
    /// The same, and the callers have a ready token: every create that is sent stays open, and is settled by reading.
    UnavailableToCreates,
}

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// What the gateway saw: all requests, and the reads among them.
#[derive(Default)]
struct Seen {
    requests: AtomicU64,
    reads: AtomicU64,
}

pub(crate) fn run(outage: Outage, callers: usize, seconds: usize) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let seen = Arc::new(Seen::default());
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let url = format!("http://{}", socket.local_addr()?);
        // Nobody else gets the port of one that does not listen.
        let _port = match outage {
            Outage::Refused => Some(socket),
            Outage::Unavailable | Outage::UnavailableToCreates => {
                tokio::spawn(refuse(socket.listen(1024)?, Arc::clone(&seen)));
                None
            }
        };
        let credentials = match outage {
            Outage::UnavailableToCreates => Credentials::token("ready-token"),
            _ => Credentials::merchant("CODE", "secret"),
        };
        let client = Client::new(Config::new(url, credentials))?;
        let count = || match outage {
            Outage::Refused => failed_connections(),
            _ => Ok(seen.requests.load(Ordering::Relaxed)),
        };
        let mut before = count()?;
        let calls: Vec<_> = (0..callers).map(|caller| tokio::spawn(call(client.clone(), caller))).collect();
        let mut per_second = Vec::new();
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.tick().await;
        for _ in 0..seconds {
            tick.tick().await;
            let now = count()?;
            per_second.push(now - before);
            before = now;
        }
        calls.iter().for_each(tokio::task::JoinHandle::abort);
        let reads = seen.reads.load(Ordering::Relaxed);
        println!("{}", serde_json::json!({"per_second": per_second, "reads": reads}));
        Ok(())
    })
}

async fn call(client: Client, caller: usize) {
    for n in 0.. {
        let (Ok(id), Ok(request)) = (PayoutId::new(format!("{caller}-{n}")), request()) else { return };
        // It fails: that is what is measured.
        let _ = client.create_payout(&id, &request, false).await;
    }
}

async fn refuse(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        let seen = Arc::clone(&seen);
        // A connection that breaks is the client's business.
        tokio::spawn(async move { answer(stream, &seen).await.ok() });
    }
}

async fn answer(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        match request_length(&buffer) {
            Some(length) if buffer.len() >= length => {
                seen.requests.fetch_add(1, Ordering::Relaxed);
                if buffer.starts_with(b"GET ") {
                    seen.reads.fetch_add(1, Ordering::Relaxed);
                }
                buffer.drain(..length);
                stream.write_all(UNAVAILABLE).await?;
            }
            _ => {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// How many connections of this machine were refused so far.
fn failed_connections() -> Result<u64, Box<dyn Error>> {
    let text = std::fs::read_to_string("/proc/net/snmp")?;
    let mut lines = text.lines().filter(|line| line.starts_with("Tcp:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let failed = names.split_whitespace().zip(values.split_whitespace()).find(|(name, _)| *name == "AttemptFails");
    Ok(failed.ok_or("this system does not count failed connections")?.1.parse()?)
}
