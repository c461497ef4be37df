//! A proxy as HTTP clients know them: it opens a tunnel to the target when it is asked to, or refuses.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// On a port of its own.
pub struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts. It opens so many tunnels to `target`, whatever it was asked for, and then answers with the status line.
    pub async fn start(target: SocketAddr, tunnels: usize, then: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), target, tunnels, then));
            }
        });
        Self { address, asked }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://user:proxy-canary@{}", self.address)
    }

    /// The heads of what it was asked, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A connection that breaks by itself is one that a side has left.
async fn serve(
    mut client: TcpStream,
    log: Arc<Mutex<Vec<String>>>,
    target: SocketAddr,
    tunnels: usize,
    then: &str,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    let number = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        log.push(String::from_utf8_lossy(&head).into_owned());
        log.len()
    };
    if number > tunnels {
        return client.write_all(format!("HTTP/1.1 {then}\r\nContent-Length: 0\r\n\r\n").as_bytes()).await;
    }
    let mut server = TcpStream::connect(target).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}
