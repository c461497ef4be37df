//! Bad peers: whatever answers, a call ends honestly, in bounded memory, and nothing of it goes elsewhere.

use std::io::ErrorKind::WouldBlock;
use std::net::TcpListener as Listener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use komopay_core::{Client, Config, Credentials, ErrorKind};
use komopay_sandbox::{Operation, Sandbox};
use komopay_tests::misbehaving::{Manner, Misbehaving};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{config, executed, id, request, shown, start};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Settings for a call that finds no end but its deadline.
fn hasty(base_url: &str) -> Config {
    let mut config = config(base_url);
    config.total_timeout = Duration::from_secs(2);
    config.attempt_timeout = Duration::from_millis(700);
    config.settle_window = Duration::from_millis(200);
    config
}

/// Calls the peer from a process of its own, whose memory nothing else takes.
#[cfg(target_os = "linux")]
async fn from_a_process(call: &str, url: &str) -> serde_json::Value {
    let program = env!("CARGO_BIN_EXE_peers");
    let output = tokio::process::Command::new(program).args(["call", call, url]).kill_on_drop(true).output();
    serde_json::from_slice(&output.await.unwrap().stdout).unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_misbehaves_gets_no_memory_and_a_create_that_it_read_stays_open() {
    // One that spins without end takes what time the others would need: it comes after them.
    let (spins, others): (Vec<_>, Vec<_>) = Manner::ALL.into_iter().partition(|it| *it == Manner::EndlessInterim);
    for manners in [others, spins] {
        join_all(manners.into_iter().map(meets)).await;
    }
}

#[cfg(target_os = "linux")]
async fn meets(manner: Manner) {
    for (call, kind) in [("create", ErrorKind::OutcomeUnknown), ("read", manner.read_ends_as())] {
        let peer = Misbehaving::start(manner).await.unwrap();
        let told = from_a_process(call, &peer.base_url()).await;
        assert_eq!(told["kind"], kind.to_string(), "{call}, {}: {told}", manner.name());
        assert_eq!(told["money_may_have_moved"], call == "create", "{call}, {}: {told}", manner.name());
        assert!(told["memory_kib"].as_u64().unwrap() < 32 * 1024, "{call}, {}: {told}", manner.name());
        // Much less than it has, though all attempts together: nothing is read to its end, save what only time ends.
        let is_read_on = peer.sent() >= 1 << 29 && manner != Manner::EndlessInterim;
        assert!(!is_read_on, "{call}, {}: {} bytes", manner.name(), peer.sent());
    }
}

#[tokio::test]
async fn a_token_call_that_meets_such_a_peer_says_that_nothing_was_sent() {
    // One that spins without end takes the one thread that all of these share.
    let manners = Manner::ALL.into_iter().filter(|manner| *manner != Manner::EndlessInterim);
    join_all(manners.map(|manner| async move {
        let peer = Misbehaving::start(manner).await.unwrap();
        let client = Client::new(hasty(&peer.base_url())).unwrap();
        let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
        shown(&error);
        assert!(!error.money_may_have_moved(), "{}: {error}", manner.name());
        let sent = |operation: &str| error.attempts().iter().any(|attempt| attempt.operation == operation);
        assert!(sent("POST /auth-tokens") && !sent("POST /payouts/P"), "{}: {:?}", manner.name(), error.attempts());
        let kinds = [ErrorKind::TimedOut, ErrorKind::Unavailable, ErrorKind::UnexpectedResponse];
        assert!(kinds.contains(&error.kind()), "{}: {error}", manner.name());
    }))
    .await;
}

#[tokio::test]
async fn neither_token_nor_body_follows_a_redirect_to_another_host() {
    // Who connects is in its queue, whether it accepts or not.
    let elsewhere = Listener::bind("127.0.0.2:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let location = format!("Location: http://{}/payouts/P\r\n", elsewhere.local_addr().unwrap());
    let statuses = ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"];
    join_all(statuses.map(|status| (status, &location)).map(|(status, location)| async move {
        for credentials in [Credentials::token("opaque-token"), config("http://127.0.0.1:9").credentials] {
            let has_token = matches!(credentials, Credentials::Token(_));
            let answer = http(status, location, "");
            let peer = Peer::start(move |_, _| answer.clone()).await;
            let mut config = config(&peer.base_url());
            config.credentials = credentials;
            let client = Client::new(config.clone()).unwrap();
            let read = client.get_payout(&id("P")).await.unwrap_err();
            if has_token {
                // It is read until its deadline; the attempts have time all the same.
                (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(9), Duration::from_secs(4));
                config.backoff_cap = Duration::from_secs(1);
            }
            let client = Client::new(config).unwrap();
            let create = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
            let kind = if has_token { ErrorKind::OutcomeUnknown } else { ErrorKind::UnexpectedResponse };
            assert_eq!((create.kind(), read.kind()), (kind, ErrorKind::UnexpectedResponse), "{status}");
            let posts = peer.recorded().iter().filter(|request| request.line.starts_with("POST /payouts")).count();
            assert_eq!(posts, usize::from(has_token), "{status}");
        }
    }))
    .await;
    let connection = elsewhere.accept().map(drop);
    assert_eq!(connection.unwrap_err().kind(), WouldBlock, "another host was connected to");
}

/// A certificate authority: its certificate as PEM, and what signs.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(parameters, key))
}

/// A gateway with a certificate for this host, from one year to the other, signed by the authority or by itself.
async fn gateway(host: &str, years: (i32, i32), by: Option<&Issuer<'static, KeyPair>>) -> Sandbox {
    let mut parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
    (parameters.not_before, parameters.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(authority) => parameters.signed_by(&key, authority).unwrap(),
        None => parameters.self_signed(&key).unwrap(),
    };
    start(Sandbox::builder().tls(&certificate.pem(), &key.serialize_pem())).await
}

/// A file with this text, which stays until the system forgets it.
fn file(text: &str) -> PathBuf {
    static FILES: AtomicUsize = AtomicUsize::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("komopay-peers-{}-{number}.pem", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn a_private_authority_from_a_file_is_trusted_and_no_other() {
    let (private, ours) = authority();
    let (_, theirs) = authority();
    let good = (2020, 2090);
    let cases = [
        ("ours", gateway("127.0.0.1", good, Some(&ours)).await, true),
        ("another authority's", gateway("127.0.0.1", good, Some(&theirs)).await, false),
        ("self-signed", gateway("127.0.0.1", good, None).await, false),
        ("expired", gateway("127.0.0.1", (2020, 2021), Some(&ours)).await, false),
        ("not yet valid", gateway("127.0.0.1", (2089, 2090), Some(&ours)).await, false),
        ("of another host", gateway("gateway.example", good, Some(&ours)).await, false),
    ];
    let path = file(&private);
    for (what, gateway, is_trusted) in cases {
        for credentials in [None, Some(gateway.issue_token(&[], None, 600))] {
            let mut config = config(gateway.base_url());
            config.ca_file = Some(path.clone());
            let name = if credentials.is_some() { "READY" } else { "SECRET" };
            config.credentials = credentials.map_or(config.credentials, Credentials::token);
            let client = Client::new(config).unwrap();
            let create = client.create_payout(&id(name), &request(), false).await;
            let read = client.get_payout(&id(name)).await;
            if is_trusted {
                assert!(create.is_ok() && read.is_ok(), "{what}: {create:?}, {read:?}");
                continue;
            }
            for error in [create.unwrap_err(), read.unwrap_err()] {
                shown(&error);
                let is = (error.kind(), error.retryable(), error.money_may_have_moved());
                assert_eq!(is, (ErrorKind::Configuration, false, false), "{what}: {error}");
            }
        }
        let paid = executed(&gateway, &id("READY")).await.len() + executed(&gateway, &id("SECRET")).await.len();
        let calls = [Operation::IssueToken, Operation::CreatePayout, Operation::GetPayout].map(|it| gateway.calls(it));
        assert_eq!((paid, calls != [0; 3]), if is_trusted { (2, true) } else { (0, false) }, "{what}");
    }
}

/// A server that knows TLS up to this version only, as far as a client can tell: it answers the first message so.
async fn of_the_past(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut head = [0; 5];
                stream.read_exact(&mut head).await?;
                let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
                stream.read_exact(&mut hello).await?;
                stream.write_all(&answer).await?;
                stream.shutdown().await
            });
        }
    });
    format!("https://{address}")
}

/// A record of TLS 1.0, of this type.
fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap().to_be_bytes();
    [&[kind, 3, 1, length[0], length[1]], body].concat()
}

/// The hello of a server that chooses this minor version: RFC 2246 and RFC 4346, 7.4.1.3.
fn hello(minor: u8) -> Vec<u8> {
    // The random bytes, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
    let body = [&[3, minor][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    record(22, &[&[2, 0, 0, u8::try_from(body.len()).unwrap()], &*body].concat())
}

#[tokio::test]
async fn an_old_version_of_tls_is_no_connection() {
    let versions = [
        ("it refuses ours: protocol_version", record(21, &[2, 70])),
        ("it chooses TLS 1.1", hello(2)),
        ("it chooses TLS 1.0", hello(1)),
        ("it chooses SSL 3", hello(0)),
    ];
    join_all(versions.map(|(what, answer)| async move {
        for credentials in [None, Some(Credentials::token("opaque-token"))] {
            // No connection is made: the create ends when no time is left for another attempt.
            let mut config = config(&of_the_past(answer.clone()).await);
            (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(9), Duration::from_secs(4));
            config.backoff_cap = Duration::from_secs(1);
            config.ca_file = Some(file(&authority().0));
            config.credentials = credentials.unwrap_or(config.credentials);
            let client = Client::new(config).unwrap();
            for error in [
                client.create_payout(&id("P"), &request(), false).await.unwrap_err(),
                client.get_payout(&id("P")).await.unwrap_err(),
            ] {
                shown(&error);
                let is = (error.kind(), error.money_may_have_moved());
                assert_eq!(is, (ErrorKind::Unavailable, false), "{what}: {error}");
            }
        }
    }))
    .await;
}
