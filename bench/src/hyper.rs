//! The limit: hyper by hand, with the very bytes of a create, and nothing read from the answer but its end.

use std::error::Error;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::load::Load;
use crate::stretch::Stretch;
use crate::tls;

/// What the core sends.
const BODY: &[u8] = concat!(
    r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},"#,
    r#""paymentMethod":{"paymentMethodCode":"BANK_TRANSFER","account":{"accountName":"Test account","#,
    r#""accountNumber":"11223344"},"paymentOperatorCode":"BNK_000","emailAddress":"customer@test.com"}}"#,
)
.as_bytes();

type Sender = SendRequest<Full<Bytes>>;

pub(crate) fn run(load: &Load) -> Result<(), Box<dyn Error>> {
    load.runtime()?.block_on(async {
        let uri: Uri = load.url.parse()?;
        let mut senders = try_join_all((0..load.in_flight).map(|_| connect(&uri, load))).await?;
        call(&mut senders, &uri, load.warm_up()).await?;
        let stretch = Stretch::begin();
        call(&mut senders, &uri, load.calls).await?;
        println!("{}", stretch.end(load.calls));
        Ok(())
    })
}

async fn connect(uri: &Uri, load: &Load) -> Result<Sender, Box<dyn Error>> {
    let address = uri.authority().ok_or("a URL without a host")?.as_str();
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    match &load.ca_file {
        Some(ca_file) => {
            let name = uri.host().ok_or("a URL without a host")?.to_owned().try_into()?;
            keep(tls::connector(ca_file)?.connect(name, stream).await?).await
        }
        None => keep(stream).await,
    }
}

async fn keep(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Sender, Box<dyn Error>> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

/// Makes so many calls, one at a time over each connection.
async fn call(senders: &mut [Sender], uri: &Uri, calls: usize) -> Result<(), Box<dyn Error>> {
    let begun = AtomicUsize::new(0);
    let begun = &begun;
    try_join_all(senders.iter_mut().map(|sender| async move {
        while begun.fetch_add(1, Ordering::Relaxed) < calls {
            let request = Request::builder()
                .method(Method::POST)
                .uri("/payouts/call-1000")
                .header("Host", uri.authority().map_or("", |authority| authority.as_str()))
                .header("Accept", "application/json")
                .header("Content-Type", "application/json")
                .header("X-API-Version", "2")
                .header("Authorization", "Bearer ready-token")
                .body(Full::new(Bytes::from_static(BODY)))?;
            sender.ready().await?;
            let answer = sender.send_request(request).await?;
            if answer.status() != StatusCode::CREATED {
                return Err(format!("answered {}", answer.status()).into());
            }
            let mut body = pin!(answer.into_body());
            while let Some(frame) = body.frame().await {
                frame?;
            }
        }
        Ok::<_, Box<dyn Error>>(())
    }))
    .await?;
    Ok(())
}
