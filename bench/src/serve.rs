//! The least that an HTTP server can do: read a request to its end, send the same bytes back each time.
//!
//! It answers from its own thread without parsing JSON, so that what is measured is the client.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;

use crate::{batch, tls};

/// The answer to whoever asks for a token.
pub(crate) const TOKEN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{\"token\":\"issued-for-one\"}";

/// The documented answer to a create of this id.
pub(crate) fn acceptance(id: &str) -> String {
    let body = format!(
        r#"{{"paymentRequested": {{"money": {{"amount": 10000, "currencyCode": "IDR"}}}},
            "paymentMethodResponse": {{"paymentMethodCode": "BANK_TRANSFER", "idPayout": "{id}"}}}}"#
    );
    let length = body.len();
    format!("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// How the server answers.
#[derive(Args)]
pub(crate) struct Manner {
    /// How long after its request each answer comes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Answer all that a batch asks: tokens with an end, what is offered, balances, payouts.
    #[arg(long)]
    batch: bool,
    /// Close each connection behind its first answer.
    #[arg(long)]
    close: bool,
    /// Speak TLS, and write the certificate of the authority to this file, as PEM.
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
}

pub(crate) fn run(manner: Manner) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let acceptor = manner.tls.as_deref().map(tls::acceptor).transpose()?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(([127, 0, 0, 1], 0).into())?;
        // A thousand may come at once, and none shall have to knock again.
        let listener = socket.listen(4096)?;
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        println!("komopay-bench serves on {scheme}://{}", listener.local_addr()?);
        let manner = Arc::new(manner);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (manner, acceptor) = (Arc::clone(&manner), acceptor.clone());
            // A connection that breaks is the client's business.
            tokio::spawn(async move {
                match acceptor {
                    None => serve(stream, &manner).await.ok(),
                    Some(acceptor) => serve(acceptor.accept(stream).await.ok()?, &manner).await.ok(),
                }
            });
        }
    })
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, manner: &Manner) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        match request_length(&buffer) {
            Some(length) if buffer.len() >= length => {
                let answer = match payout_id(&buffer).unwrap_or_default() {
                    _ if manner.batch => batch::answer(&buffer),
                    "auth-tokens" => TOKEN.to_owned(),
                    id => acceptance(id),
                };
                buffer.drain(..length);
                if manner.delay_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(manner.delay_ms)).await;
                }
                if manner.close {
                    let answer = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                    stream.write_all(answer.as_bytes()).await?;
                    return stream.shutdown().await;
                }
                stream.write_all(answer.as_bytes()).await?;
            }
            _ => {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// The id at the end of the path of the request at the start of these bytes.
pub(crate) fn payout_id(bytes: &[u8]) -> Option<&str> {
    let line = std::str::from_utf8(bytes.split(|byte| *byte == b'\r').next()?).ok()?;
    line.split(' ').nth(1)?.rsplit('/').next()
}

/// How long the request at the start of these bytes is, once its head is there.
pub(crate) fn request_length(bytes: &[u8]) -> Option<usize> {
    let head_length = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(bytes.get(..head_length)?).ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head_length + length.unwrap_or(0))
}
