//! Peers that misbehave, proxies, and certificates: every answer is bounded, and nothing is repeated or followed.

use std::io::Write;
use std::time::Duration;

use komopay_core::{Client, Config, Credentials, Error, ErrorKind};
use komopay_sandbox::{Operation, Sandbox};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{client, config, id, request, sandbox, shown, start};

fn ready(base_url: &str) -> Config {
    let mut config = config(base_url);
    config.credentials = Credentials::token("opaque-token");
    config
}

/// What a create and a read come back as, from a peer that answers everything with these bytes.
async fn against(answer: Vec<u8>) -> (Error, Error, Vec<String>) {
    let peer = Peer::start(move |_, _| answer.clone()).await;
    let mut config = ready(&peer.base_url());
    config.total_timeout = Duration::from_secs(2);
    config.attempt_timeout = Duration::from_secs(1);
    config.settle_window = Duration::from_millis(200);
    let client = Client::new(config).unwrap();
    let create = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    let read = client.get_payout(&id("P")).await.unwrap_err();
    shown(&create);
    shown(&read);
    (create, read, peer.recorded().into_iter().map(|recorded| recorded.line).collect())
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let (create, read, _) = against(http("201 Created", "", &"x".repeat(3 * 1024 * 1024))).await;
    assert_eq!(create.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(read.kind(), ErrorKind::UnexpectedResponse);
    assert!(read.message().contains("1048576 bytes"), "{read}");
}

#[tokio::test]
async fn a_compressed_answer_is_refused() {
    // It would be believed, were it not for the header.
    let body = r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},
        "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}"#;
    let (create, read, _) = against(http("201 Created", "Content-Encoding: gzip\r\n", body)).await;
    assert_eq!(create.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(read.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn a_redirect_is_never_followed() {
    let elsewhere = Peer::start(|_, _| http("201 Created", "", "{}")).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("Location: {}/payouts/P\r\n", elsewhere.base_url());
        let (create, read, lines) = against(http(status, &location, "")).await;
        assert_eq!(create.kind(), ErrorKind::OutcomeUnknown, "{status}");
        assert_eq!(read.kind(), ErrorKind::UnexpectedResponse, "{status}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("POST")).count(), 1, "{status}");
    }
    assert!(elsewhere.recorded().is_empty());
}

#[tokio::test]
async fn what_is_no_http_leaves_the_create_open() {
    for answer in [b"SSH-2.0-OpenSSH\r\n\r\n".to_vec(), b"HTTP/1.1 201".to_vec(), Vec::new(), vec![0; 100]] {
        let (create, read, _) = against(answer).await;
        assert_eq!(create.kind(), ErrorKind::OutcomeUnknown);
        assert_eq!(read.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn an_endless_header_is_not_read_to_its_end() {
    let endless = format!("HTTP/1.1 201 Created\r\nX: {}", "x".repeat(4 * 1024 * 1024));
    let (create, read, _) = against(endless.into_bytes()).await;
    assert_eq!(create.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(read.kind(), ErrorKind::Unavailable);
}

/// The believed refusals are 400, 401, 403, 409, 429 and a 406 that is an array of codes: nothing else.
#[tokio::test]
async fn any_other_status_leaves_the_create_open() {
    let others =
        [202, 204, 301, 304, 402, 404, 405, 406, 408, 410, 412, 413, 415, 418, 422, 451, 500, 502, 503, 504, 520, 599];
    let answers = others.map(|status| async move {
        let (create, ..) = against(http(&format!("{status} Odd"), "", "")).await;
        assert_eq!(create.kind(), ErrorKind::OutcomeUnknown, "{status}");
    });
    futures_util::future::join_all(answers).await;
}

#[tokio::test]
async fn a_201_with_other_money_or_another_id_is_not_believed() {
    let money = r#"{"paymentRequested":{"money":{"amount":10001,"currencyCode":"IDR"}},
        "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}"#;
    let method = money.replace("10001", "10000").replace("BANK", "WALLET");
    let other = money.replace("10001", "10000").replace(r#""P""#, r#""Q""#);
    for body in [money, &method, &other] {
        let (create, ..) = against(http("201 Created", "", body)).await;
        assert_eq!(create.kind(), ErrorKind::OutcomeUnknown, "{body}");
    }
}

/// Found payouts that differ in one thing each are never taken for ours.
#[tokio::test]
async fn a_found_payout_is_ours_only_if_everything_agrees() {
    let detail = |money: &str, more: &str, method: &str, created: &str| {
        format!(
            r#"{{"paymentRequested":{{"money":{{"amount":{money},"currencyCode":"IDR"}}{more}}},
                "process":{{"status":"PROCESSING","createdAt":"{created}","isTest":true}},
                "paymentMethodResponse":{{"paymentMethodCode":"{method}","idPayout":"P"}}}}"#
        )
    };
    let date = "Date: Mon, 23 Nov 2026 12:00:00 GMT\r\n";
    let now = "2026-11-23T12:00:00Z";
    let ours = detail("10000.00", "", "BANK_TRANSFER", now);
    let cases = [
        ("ours", ours.clone(), true),
        ("money", detail("10001", "", "BANK_TRANSFER", now), false),
        ("segment", detail("10000", r#","segmentCode":"VIP""#, "BANK_TRANSFER", now), false),
        ("exchange", detail("10000", r#","exchangedToCurrency":"USD""#, "BANK_TRANSFER", now), false),
        ("method", detail("10000", "", "WALLET_TRANSFER", now), false),
        ("just young enough", detail("10000", "", "BANK_TRANSFER", "2026-11-23T11:55:01Z"), true),
        ("too old", detail("10000", "", "BANK_TRANSFER", "2026-11-23T11:50:00Z"), false),
    ];
    for (what, found, is_ours) in cases {
        let peer =
            Peer::start(
                move |_, request| {
                    if request.line.starts_with("POST") { Vec::new() } else { http("200 OK", date, &found) }
                },
            )
            .await;
        let client = Client::new(ready(&peer.base_url())).unwrap();
        let result = client.create_payout(&id("P"), &request(), false).await;
        match result {
            Ok(accepted) => assert!(is_ours && accepted.recovered, "{what}"),
            Err(error) => {
                assert!(!is_ours, "{what}: {error}");
                assert_eq!((error.kind(), error.payout().is_some()), (ErrorKind::DuplicatePayout, true), "{what}");
            }
        }
    }
    // A resuming call may find a payout of any age, even when it shows up only after a POST of its own.
    let old = ours.replace(now, "2020-01-01T00:00:00Z");
    let peer = Peer::start(move |n, request| match (n, request.line.starts_with("POST")) {
        (0, _) => http("410 Gone", "", ""),
        (_, true) => Vec::new(),
        _ => http("200 OK", date, &old),
    })
    .await;
    let client = Client::new(ready(&peer.base_url())).unwrap();
    assert!(client.create_payout(&id("P"), &request(), true).await.unwrap().recovered);
}

#[test]
fn the_environments_proxy_is_never_used_for_loopback() {
    let program = std::env::current_exe().unwrap();
    let child = std::process::Command::new(program)
        .args(["--exact", "reads_from_a_sandbox", "--nocapture"])
        .env("http_proxy", "http://127.0.0.1:9")
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[tokio::test]
async fn reads_from_a_sandbox() {
    let sandbox = sandbox().await;
    let client = Client::new(config(sandbox.base_url())).unwrap();
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
}

/// A sandbox with a certificate for loopback, and the certificate.
async fn over_tls() -> (Sandbox, String) {
    let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    (start(Sandbox::builder().tls(&certificate, &key)).await, certificate)
}

fn file(name: &str, text: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("komopay-{}-{name}", std::process::id()));
    std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    path
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_a_configuration_error_and_is_not_retried() {
    let (sandbox, _) = over_tls().await;
    assert!(sandbox.base_url().starts_with("https://"));
    let client = Client::new(config(sandbox.base_url())).unwrap();
    for error in [
        client.create_payout(&id("P"), &request(), false).await.unwrap_err(),
        client.get_payout(&id("P")).await.unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::Configuration, false), "{error}");
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);

    // With a ready token it is the create's own connection that is refused.
    let client = Client::new(ready(sandbox.base_url())).unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::Configuration, 1));
}

#[tokio::test]
async fn an_extra_certificate_authority_is_trusted_from_a_file() {
    let (sandbox, certificate) = over_tls().await;
    let mut config = config(sandbox.base_url());
    config.ca_file = Some(file("ca.pem", &certificate));
    let client = Client::new(config).unwrap();
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    client.wait_for_payout(&id("P"), Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn a_ca_file_that_cannot_be_used_is_a_configuration_error() {
    for path in [file("empty.pem", ""), file("junk.pem", "no certificate"), "/no/such/file.pem".into()] {
        let mut config = config("https://127.0.0.1:9");
        config.ca_file = Some(path);
        let error = Client::new(config).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("ca_file")));
    }
}

#[test]
fn a_call_outside_a_runtime_is_an_error_and_no_panic() {
    let client = Client::new(config("http://127.0.0.1:9")).unwrap();
    let error = futures_util::FutureExt::now_or_never(client.get_payout(&id("P"))).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// A connection lives on the runtime that it was opened on, which nobody may drive any more.
#[test]
fn a_client_that_was_used_on_another_runtime_calls_over_connections_of_this_one() {
    let sandbox = komopay_tests::runtime().block_on(sandbox());
    let client = client(&sandbox);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let runtimes: Vec<_> = std::iter::repeat_with(runtime).take(10).collect();
    // More than are remembered, and each twice: none of them is driven while the others call.
    for (number, runtime) in runtimes.iter().chain(&runtimes).enumerate() {
        let id = id(&format!("P-{number}"));
        let accepted = runtime.block_on(client.create_payout(&id, &request(), false)).unwrap();
        assert!(!accepted.recovered);
        assert_eq!(runtime.block_on(client.get_payout(&id)).unwrap().payout_id, id);
    }
    // Each payout: a token, a create and a read, and nothing twice.
    let operations = [Operation::IssueToken, Operation::CreatePayout, Operation::GetPayout];
    let calls = operations.map(|operation| sandbox.calls(operation));
    assert_eq!(calls, [20, 20, 20]);
}
