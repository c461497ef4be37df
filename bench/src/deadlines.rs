//! How far beyond its deadline a create ends, against peers that stall in each phase of it.
//!
//! That it ends at its deadline follows from the rules, where time is an argument; what a machine adds is
//! measured here.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use komopay_core::{Client, Config, Credentials, PayoutId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::create::request;
use crate::serve::{acceptance, payout_id, request_length};

const TOTAL: Duration = Duration::from_millis(300);
const CALLS: usize = 100;
const IN_FLIGHT: usize = 10;

/// Where a create stalls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stall {
    /// No connection is accepted, not even by the system.
    Connect,
    /// The handshake of TLS is never answered.
    Handshake,
    /// The token call is never answered.
    Token,
    /// The create is never answered.
    Attempt,
    /// Its answer comes a byte at a time.
    Body,
    /// The create is lost, and no read is answered.
    Settle,
    /// Everything is 503.
    Storm,
    /// Everything is 429.
    Limited,
    /// Everything is 429, and one shall wait for longer than there is time.
    LimitedForLong,
    /// The create is never answered, and the client is closed meanwhile.
    Close,
}

impl Stall {
    const ALL: [Self; 10] = [
        Self::Connect,
        Self::Handshake,
        Self::Token,
        Self::Attempt,
        Self::Body,
        Self::Settle,
        Self::Storm,
        Self::Limited,
        Self::LimitedForLong,
        Self::Close,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::Handshake => "no TLS handshake",
            Self::Token => "no token",
            Self::Attempt => "no answer",
            Self::Body => "a byte at a time",
            Self::Settle => "lost, and no read",
            Self::Storm => "503 for ever",
            Self::Limited => "429 for ever",
            Self::LimitedForLong => "429, Retry-After: 60",
            Self::Close => "no answer, closed",
        }
    }

    /// What a request is answered, if it is answered at once and whole.
    fn answer(self, request: &[u8]) -> Option<&'static str> {
        match self {
            Self::Storm => Some("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
            Self::Limited => Some("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"),
            Self::LimitedForLong => {
                Some("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")
            }
            // Nothing, and the connection ends.
            Self::Settle if request.starts_with(b"POST") => Some(""),
            _ => None,
        }
    }
}

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{CALLS} creates each, {IN_FLIGHT} in flight, total_timeout {} ms", TOTAL.as_millis());
    println!("{:22} {:>10} {:>18}   ends as", "the peer gives", "median", "worst overshoot");
    for stall in Stall::ALL {
        let (mut times, endings) = runtime.block_on(measure(stall))?;
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let worst = times.last().copied().unwrap_or_default();
        let over = match worst.checked_sub(TOTAL) {
            Some(over) => format!("{:.1} ms", over.as_secs_f64() * 1000.0),
            None => "none".to_owned(),
        };
        println!("{:22} {:>7.1} ms {over:>18}   {endings}", stall.name(), median.as_secs_f64() * 1000.0);
    }
    Ok(())
}

async fn measure(stall: Stall) -> Result<(Vec<Duration>, String), Box<dyn Error>> {
    let (address, _queue) = start(stall).await?;
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let ca_file = std::env::temp_dir().join(format!("komopay-bench-{}.pem", std::process::id()));
    std::fs::write(&ca_file, own.cert.pem())?;
    let secret = Credentials::merchant("MERCHANT", "a-secret-of-nobody");
    let credentials = if stall == Stall::Token { secret } else { Credentials::token("ready-token") };
    let scheme = if stall == Stall::Handshake { "https" } else { "http" };
    let mut config = Config::new(format!("{scheme}://{address}"), credentials);
    config.ca_file = (stall == Stall::Handshake).then(|| ca_file.clone());
    config.total_timeout = TOTAL;
    config.attempt_timeout = TOTAL / 3;
    config.connect_timeout = TOTAL / 3;
    config.settle_window = TOTAL / 6;
    let shared = Client::new(config.clone())?;
    std::fs::remove_file(ca_file)?;
    let calls = (0..CALLS).map(|n| {
        let (shared, config) = (shared.clone(), config.clone());
        async move {
            let id = PayoutId::new(format!("late-{n}"))?;
            let request = request()?;
            // Closing ends all calls of a client.
            let client = if stall == Stall::Close { Client::new(config)? } else { shared };
            let started = Instant::now();
            let result = if stall == Stall::Close {
                let close = async {
                    tokio::time::sleep(TOTAL / 6).await;
                    client.close().await;
                };
                tokio::join!(client.create_payout(&id, &request, false), close).0
            } else {
                client.create_payout(&id, &request, false).await
            };
            let ending = result.map_or_else(|error| error.kind().to_string(), |_| "success".to_owned());
            Ok::<_, Box<dyn Error>>((started.elapsed(), ending))
        }
    });
    let mut calls = futures_util::stream::iter(calls).buffer_unordered(IN_FLIGHT);
    let (mut times, mut endings) = (Vec::new(), Vec::new());
    while let Some(ended) = calls.next().await {
        let (took, ending) = ended?;
        times.push(took);
        if !endings.contains(&ending) {
            endings.push(ending);
        }
    }
    Ok((times, endings.join(", ")))
}

/// A peer that stalls so, and what keeps its queue full if it accepts nobody.
async fn start(stall: Stall) -> Result<(SocketAddr, Vec<TcpStream>), Box<dyn Error>> {
    if stall == Stall::Connect {
        return full().await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A connection that breaks is one that the client has left.
            tokio::spawn(async move { serve(stream, stall).await.ok() });
        }
    });
    Ok((address, Vec::new()))
}

/// An address whose queue is full: the system drops who else wants to connect.
async fn full() -> Result<(SocketAddr, Vec<TcpStream>), Box<dyn Error>> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut queue = Vec::new();
    while let Ok(stream) = tokio::time::timeout(TOTAL, TcpStream::connect(address)).await {
        queue.push(stream?);
    }
    // It is never accepted from, and lives as long as the runtime.
    tokio::spawn(async move {
        std::future::pending::<()>().await;
        drop(listener);
    });
    Ok((address, queue))
}

async fn serve(mut stream: TcpStream, stall: Stall) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        while request_length(&buffer).is_none_or(|length| buffer.len() < length) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        match stall.answer(&buffer) {
            Some("") => return Ok(()),
            Some(answer) => stream.write_all(answer.as_bytes()).await?,
            None if stall == Stall::Body => {
                for byte in acceptance(payout_id(&buffer).unwrap_or_default()).bytes() {
                    stream.write_all(&[byte]).await?;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            None => {}
        }
        buffer.clear();
    }
}
