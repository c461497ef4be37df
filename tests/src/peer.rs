//! A raw TCP peer: records the bytes of requests as they come, and answers with bytes of its own.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::contract;

/// A path prefix that a peer's base URL may have.
pub const PREFIX: &str = "/brand/v1";

/// One request as it was on the wire.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The request line.
    pub line: String,
    /// The headers: lower-case name and value, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The names of all headers, sorted.
    #[must_use]
    pub fn header_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

/// A peer that answers every request by a function from the number of the request (from 0).
///
/// The requests are held against the contract; the answers are not, since they are wrong on purpose most of the time.
pub struct Peer {
    address: std::net::SocketAddr,
    recorded: Arc<Mutex<Vec<Recorded>>>,
}

impl Peer {
    /// Starts on a free port. `answer` gives the bytes to send; then the connection is closed.
    pub async fn start(answer: impl Fn(usize, &Recorded) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let (log, answer) = (Arc::clone(&recorded), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self { address, recorded }
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.recorded.lock().unwrap().clone()
    }
}

async fn serve<F: Fn(usize, &Recorded) -> Vec<u8>>(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Recorded>>>,
    answer: Arc<F>,
) {
    let Some(request) = read(&mut stream).await else { return };
    judge(&request);
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let bytes = answer(number, &request);
    // The client may have left, or may refuse to read so much.
    if stream.write_all(&bytes).await.is_ok() {
        let _ = stream.shutdown().await;
    }
}

fn judge(request: &Recorded) {
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // A proxy is sent the whole URL.
    let path = target.strip_prefix("http://").and_then(|rest| rest.find('/').map(|start| &rest[start..]));
    let path = path.unwrap_or(target);
    let target = path.strip_prefix(PREFIX).unwrap_or(path);
    let header = |name: &str| request.header(&name.to_lowercase()).map(str::to_owned);
    contract::judge_request(&contract::Request { method, target, header: &header, body: &request.body });
}

pub(crate) async fn read(stream: &mut TcpStream) -> Option<Recorded> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Recorded { line, headers, body: bytes[head_end + 4..].to_vec() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

/// A whole HTTP answer with this status line's rest, these header lines and this body.
#[must_use]
pub fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}
