//! Peers that misbehave: they answer without end, byte by byte, or with what was not asked for.
//!
//! What a client of ours makes of each stands beside it. It has read the request when it begins to misbehave, so that a
//! create that it was sent may have been executed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use komopay_core::ErrorKind;
use tokio::io::{self, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::peer;

/// An acceptance that would be believed, were it not for the way in which it comes.
const ACCEPTANCE: &str = r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},
    "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}"#;
const GIBIBYTE: u64 = 1 << 30;

/// How a peer answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A body of 1 GiB, which is announced.
    Huge,
    /// A body of 1 GiB, in chunks.
    HugeInChunks,
    /// One header that does not end.
    EndlessHeader,
    /// Headers that do not end.
    EndlessHeaders,
    /// "Go on" without end, and no answer after it.
    EndlessInterim,
    /// The head at once, the body one byte at a time.
    DrippingBody,
    /// The head one byte at a time.
    DrippingHead,
    /// A body that is said to be compressed.
    Compressed,
    /// Nothing at all.
    Silent,
}

impl Manner {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Huge,
        Self::HugeInChunks,
        Self::EndlessHeader,
        Self::EndlessHeaders,
        Self::EndlessInterim,
        Self::DrippingBody,
        Self::DrippingHead,
        Self::Compressed,
        Self::Silent,
    ];

    /// What it is called in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Huge => "an answer of 1 GiB",
            Self::HugeInChunks => "1 GiB in chunks",
            Self::EndlessHeader => "an endless header",
            Self::EndlessHeaders => "endless headers",
            Self::EndlessInterim => "endless 100 Continue",
            Self::DrippingBody => "a body byte by byte",
            Self::DrippingHead => "a head byte by byte",
            Self::Compressed => "a compressed answer",
            Self::Silent => "no answer",
        }
    }

    /// The error of a read. A create always ends as `outcome_unknown`.
    #[must_use]
    pub fn read_ends_as(self) -> ErrorKind {
        match self {
            Self::Huge | Self::HugeInChunks | Self::Compressed => ErrorKind::UnexpectedResponse,
            Self::EndlessHeader | Self::EndlessHeaders => ErrorKind::Unavailable,
            Self::EndlessInterim | Self::DrippingBody | Self::DrippingHead | Self::Silent => ErrorKind::TimedOut,
        }
    }

    /// Answers so until the client leaves.
    async fn answer(self, stream: &mut TcpStream, sent: &AtomicU64) -> io::Result<()> {
        let mut out = Counted { stream, sent };
        let block = "x".repeat(64 * 1024);
        match self {
            Self::Huge => {
                out.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {GIBIBYTE}\r\n\r\n")).await?;
                out.send_often(&block, GIBIBYTE).await
            }
            Self::HugeInChunks => {
                out.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await?;
                out.send_often(&format!("{:x}\r\n{block}\r\n", block.len()), GIBIBYTE).await
            }
            Self::EndlessHeader => {
                out.send("HTTP/1.1 200 OK\r\nX: ").await?;
                out.send_often(&block, GIBIBYTE).await
            }
            Self::EndlessHeaders => {
                out.send("HTTP/1.1 200 OK\r\n").await?;
                out.send_often(&format!("X: {}\r\n", "x".repeat(100)).repeat(100), GIBIBYTE).await
            }
            Self::EndlessInterim => out.send_often(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(100), u64::MAX).await,
            Self::DrippingBody => {
                out.send(&format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", ACCEPTANCE.len())).await?;
                out.drip(ACCEPTANCE).await
            }
            Self::DrippingHead => {
                out.drip(&format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n{ACCEPTANCE}", "x".repeat(1000))).await
            }
            Self::Compressed => {
                let length = ACCEPTANCE.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
                out.send(&(head + ACCEPTANCE)).await
            }
            Self::Silent => Ok(()),
        }?;
        // It goes on until the client has left.
        io::copy(out.stream, &mut io::sink()).await.map(drop)
    }
}

/// A stream whose bytes are counted.
struct Counted<'a> {
    stream: &'a mut TcpStream,
    sent: &'a AtomicU64,
}

impl Counted<'_> {
    async fn send(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.sent.fetch_add(text.len() as u64, Ordering::SeqCst);
        Ok(())
    }

    /// Sends the text again and again, until there were so many bytes.
    async fn send_often(&mut self, text: &str, bytes: u64) -> io::Result<()> {
        for _ in 0..bytes.div_ceil(text.len() as u64) {
            self.send(text).await?;
        }
        Ok(())
    }

    async fn drip(&mut self, text: &str) -> io::Result<()> {
        for at in 0..text.len() {
            self.send(&text[at..=at]).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

/// A peer that misbehaves.
pub struct Misbehaving {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Misbehaving {
    /// Starts on a free port.
    ///
    /// # Errors
    /// There is none.
    pub async fn start(manner: Manner) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let sent = Arc::<AtomicU64>::default();
        let shared = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let sent = Arc::clone(&shared);
                tokio::spawn(async move {
                    if peer::read(&mut stream).await.is_some() {
                        // The client leaves in the middle: that is what is hoped for.
                        let _ = manner.answer(&mut stream, &sent).await;
                    }
                });
            }
        });
        Ok(Self { address, sent })
    }

    /// Where it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many bytes it could send so far, what the system holds for the client included.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }
}
