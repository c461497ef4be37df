//! The least that an HTTP server can do: read a request to its end, send the same bytes back each time.
//!
//! It answers from its own thread without parsing JSON, so that what is measured is the client.

use std::error::Error;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The documented answer to a create of this id.
pub(crate) fn acceptance(id: &str) -> String {
    let body = format!(
        r#"{{"paymentRequested": {{"money": {{"amount": 10000, "currencyCode": "IDR"}}}},
            "paymentMethodResponse": {{"paymentMethodCode": "BANK_TRANSFER", "idPayout": "{id}"}}}}"#
    );
    let length = body.len();
    format!("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Answers each request this long after it came.
pub(crate) fn run(delay: Duration) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("komopay-bench serves on http://{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A connection that breaks is the client's business.
            tokio::spawn(async move { serve(stream, delay).await.ok() });
        }
    })
}

async fn serve(mut stream: TcpStream, delay: Duration) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        match request_length(&buffer) {
            Some(length) if buffer.len() >= length => {
                let answer = acceptance(payout_id(&buffer).unwrap_or_default());
                buffer.drain(..length);
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
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
