//! What it costs that an answer must surely belong to its request: creates over kept connections, of which a refusal
//! needs a read to confirm it, against creates over connections of their own.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use komopay_core::{Client, Config, Credentials, PayoutId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::create::request;
use crate::serve::{TOKEN, acceptance, payout_id, request_length};

const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\n{}";
const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 2\r\n\r\n{}";

/// What the gateway saw.
#[derive(Default)]
struct Seen {
    connections: AtomicU32,
    requests: AtomicU32,
}

/// Prints the median time of a create, and its requests and connections, for each way and each answer.
pub(crate) fn run(calls: u32, round_trip: Duration) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    println!("{calls} creates one after the other, plain TCP, a round trip of {round_trip:?}");
    println!("{:24}  {:8}  {:>10}  {:>8}  {:>11}", "connection", "answer", "median", "requests", "connections");
    runtime.block_on(async {
        for (is_own, connection) in [(false, "kept"), (true, "one for each create")] {
            for (refuses, answer) in [(false, "accepted"), (true, "refused")] {
                let seen = Arc::new(Seen::default());
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                let mut config =
                    Config::new(format!("http://{}", listener.local_addr()?), Credentials::merchant("C", "s"));
                config.connection_per_create = is_own;
                let client = Client::new(config)?;
                let gateway = tokio::spawn(serve(listener, refuses, round_trip, Arc::clone(&seen)));
                let mut times = Vec::new();
                for n in 0..calls {
                    let id = PayoutId::new(format!("P-{n}"))?;
                    let started = Instant::now();
                    let result = client.create_payout(&id, &request()?, false).await;
                    times.push(started.elapsed());
                    if result.is_ok() == refuses {
                        return Err("the gateway's answer was not taken as it was".into());
                    }
                }
                gateway.abort();
                times.sort_unstable();
                let median = times.get(times.len() / 2).copied().unwrap_or_default();
                let each = |count: &AtomicU32| f64::from(count.load(Ordering::Relaxed)) / f64::from(calls);
                let (requests, connections) = (each(&seen.requests), each(&seen.connections));
                println!("{connection:24}  {answer:8}  {median:>10.1?}  {requests:>8.2}  {connections:>11.2}");
            }
        }
        Ok(())
    })
}

async fn serve(listener: TcpListener, refuses: bool, round_trip: Duration, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::Relaxed);
        // A connection that breaks is the client's business.
        let seen = Arc::clone(&seen);
        tokio::spawn(async move { answer(stream, refuses, round_trip, &seen).await.ok() });
    }
}

async fn answer(mut stream: TcpStream, refuses: bool, round_trip: Duration, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // Making the connection takes a round trip, and so does each request.
    let mut handshake = round_trip;
    let mut buffer = Vec::new();
    loop {
        while request_length(&buffer).is_none_or(|length| buffer.len() < length) {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        seen.requests.fetch_add(1, Ordering::Relaxed);
        let text = match payout_id(&buffer).unwrap_or_default() {
            "auth-tokens" => TOKEN.to_owned(),
            _ if buffer.starts_with(b"GET") => GONE.to_owned(),
            _ if refuses => REFUSED.to_owned(),
            id => acceptance(id),
        };
        let wait = round_trip + std::mem::take(&mut handshake);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        stream.write_all(text.as_bytes()).await?;
        buffer.clear();
    }
}
