//! https, with faults below it.

use std::sync::Arc;

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{documented_create, host, ledger, request};
use crate::start::start;

/// Sends a documented create of `A` over TLS and returns what came back.
async fn create(sandbox: &Sandbox, certificate: CertificateDer<'static>) -> Vec<u8> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(host(sandbox)).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let token = sandbox.issue_token(&[], None, 600);
    let bytes = request("POST", "/payouts/A", Some(&token), &documented_create().to_string());
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    // A cut connection has no proper end of TLS, which is an error after the bytes.
    let _ = stream.read_to_end(&mut raw).await;
    raw
}

#[tokio::test]
async fn it_serves_https_and_cuts_there_too() {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let sandbox = start(Sandbox::builder().tls(&key.cert.pem(), &key.signing_key.serialize_pem())).await;
    assert!(sandbox.base_url().starts_with("https://127.0.0.1:"));
    sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), Effect::CutAnswer { at_byte: 12 }));
    assert_eq!(create(&sandbox, key.cert.der().clone()).await, b"HTTP/1.1 201");
    assert!(create(&sandbox, key.cert.der().clone()).await.starts_with(b"HTTP/1.1 409 "));
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
}

#[tokio::test]
async fn a_bad_certificate_is_told_at_the_start() {
    let error = Sandbox::builder().tls("nonsense", "nonsense").start().await.err().unwrap();
    assert!(error.to_string().starts_with("cannot serve https: "), "{error}");
}
