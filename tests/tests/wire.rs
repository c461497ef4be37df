//! What is on the wire, byte by byte, and what comes back from the documented answers.

use std::time::Duration;

use komopay_core::{Client, Config, Credentials, ErrorKind, Money, PayoutStatus};
use komopay_tests::peer::{PREFIX, Peer, http};
use komopay_tests::{canary, config, id, request};
use serde_json::{Value, json};

const DOCUMENTED_REQUEST: &str = include_str!("../contract/documented/create.request.json");
const DOCUMENTED_TOKEN: &str = include_str!("../contract/documented/token.jwt");
const CREATED: &str = include_str!("../contract/documented/create.response.json");
const STATUS: &str = include_str!("../contract/documented/status.response.json");

/// Answers as KomoPay documents it.
async fn documented() -> Peer {
    Peer::start(|_, request| match request.line.split(' ').next() {
        Some("POST") if request.line.contains("auth-tokens") => {
            http("200 OK", "", &json!({"token": DOCUMENTED_TOKEN.trim()}).to_string())
        }
        Some("POST") => http("201 Created", "Content-Type: application/json\r\n", CREATED),
        _ => http("200 OK", "Content-Type: application/json\r\n", STATUS),
    })
    .await
}

fn with_token(peer: &Peer) -> Config {
    let mut config = config(&peer.base_url());
    config.credentials = Credentials::token(DOCUMENTED_TOKEN.trim());
    config
}

/// The documented request, but to the documented account: nothing else may differ.
fn documented_request() -> komopay_core::PayoutRequest {
    let mut request = request();
    if let komopay_core::PayoutMethod::BankTransfer(bank) = &mut request.method {
        bank.account.number = "11223344".to_owned();
    }
    request
}

#[tokio::test]
async fn the_documented_create_leaves_as_documented_and_its_answer_is_typed() {
    let peer = documented().await;
    let client = Client::new(with_token(&peer)).unwrap();
    let accepted = client.create_payout(&id("TST-223344"), &documented_request(), false).await.unwrap();
    assert_eq!(accepted.money, Money::new("10000", "IDR").unwrap());
    assert_eq!(accepted.payout_id, id("TST-223344"));
    assert!(!accepted.recovered);

    let sent = &peer.recorded()[0];
    assert_eq!(sent.line, "POST /payouts/TST-223344 HTTP/1.1");
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    assert_eq!(body, serde_json::from_str::<Value>(DOCUMENTED_REQUEST).unwrap());
    assert_eq!(
        sent.header_names(),
        ["accept", "authorization", "content-length", "content-type", "host", "user-agent", "x-api-version"]
    );
    assert_eq!(sent.header("accept"), Some("application/json"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.header("x-api-version"), Some("2"));
    assert_eq!(sent.header("authorization"), Some(format!("Bearer {}", DOCUMENTED_TOKEN.trim()).as_str()));
    assert_eq!(sent.header("user-agent"), Some(concat!("komopay-rust/", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn the_documented_read_leaves_as_documented_and_its_answer_is_typed() {
    let peer = documented().await;
    // The documented status is about another id than the one that the documented token is for.
    let mut config = with_token(&peer);
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config).unwrap();
    let payout = client.get_payout(&id("TST-112233")).await.unwrap();
    assert_eq!(payout.status, PayoutStatus::Success);
    assert_eq!(payout.money, Money::new("42.05", "USD").unwrap());
    assert_eq!(payout.fee, Some(Money::new("0.1", "USD").unwrap()));
    assert_eq!(payout.created_at.unwrap().to_string(), "2021-05-19T10:57:28.313Z");

    let sent = &peer.recorded()[0];
    assert_eq!(sent.line, "GET /payouts/TST-112233 HTTP/1.1");
    assert_eq!(sent.header_names(), ["accept", "authorization", "host", "user-agent", "x-api-version"]);
    assert!(sent.body.is_empty());
}

#[tokio::test]
async fn the_token_call_asks_for_exactly_what_the_create_needs() {
    let peer = documented().await;
    let client = Client::new(config(&peer.base_url())).unwrap();
    client.create_payout(&id("TST-223344"), &documented_request(), false).await.unwrap();
    let sent = &peer.recorded()[0];
    assert_eq!(sent.line, "POST /auth-tokens HTTP/1.1");
    assert_eq!(
        sent.header_names(),
        ["accept", "content-length", "content-type", "host", "user-agent", "x-api-version"]
    );
    let body: Value = serde_json::from_slice(&sent.body).unwrap();
    let expected = json!({
        "merchantCode": canary::MERCHANT,
        "secret": canary::SECRET,
        "validitySecs": 600,
        "operations": ["POST /payouts/TST-223344", "GET /payouts/TST-223344"],
        "money": {"amount": 10000, "currencyCode": "IDR"},
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_customer_id_is_sent_on_the_create_only_and_a_prefix_is_kept() {
    let peer = documented().await;
    let mut config = config(&format!("{}{PREFIX}/", peer.base_url()));
    config.customer_id = Some("C-77".to_owned());
    let client = Client::new(config).unwrap();
    client.create_payout(&id("TST-223344"), &documented_request(), false).await.unwrap();
    // The documented status is about another id, so this read fails; its request is what counts.
    assert!(client.get_payout(&id("TST-223344")).await.is_err());
    let lines: Vec<_> =
        peer.recorded().iter().map(|r| (r.line.clone(), r.header("id-customer").map(str::to_owned))).collect();
    assert_eq!(
        lines,
        [
            ("POST /brand/v1/auth-tokens HTTP/1.1".to_owned(), None),
            ("POST /brand/v1/payouts/TST-223344 HTTP/1.1".to_owned(), Some("C-77".to_owned())),
            ("GET /brand/v1/payouts/TST-223344 HTTP/1.1".to_owned(), None),
        ]
    );
}

#[tokio::test]
async fn exact_amounts_are_json_numbers_on_the_wire() {
    let peer = documented().await;
    let mut config = config(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    config.total_timeout = Duration::from_secs(1);
    config.attempt_timeout = Duration::from_millis(500);
    let client = Client::new(config).unwrap();
    for (n, (given, sent)) in [
        ("10000", "10000"),
        ("42.05", "42.05"),
        ("0.1", "0.1"),
        ("42.00", "42.00"),
        ("1E+4", "10000"),
        ("12345678901234567890.12345678", "12345678901234567890.12345678"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut request = documented_request();
        request.money = Money::new(given, "XCOIN").unwrap();
        // The peer echoes other money, so the call cannot end well; it is the request that counts.
        let _ = client.create_payout(&id(&format!("AMOUNT-{n}")), &request, false).await;
        let body = peer
            .recorded()
            .iter()
            .rfind(|r| r.line.contains(&format!("POST /payouts/AMOUNT-{n}")))
            .map(|r| String::from_utf8(r.body.clone()).unwrap())
            .unwrap();
        assert!(body.contains(&format!(r#""amount":{sent},"#)), "{body}");
    }
}

/// What a lax reader of JSON would take for an object with these fields.
#[tokio::test]
async fn the_right_values_in_an_array_are_no_answer() {
    let peer = Peer::start(|_, request| {
        let money = r#"[[10000,"IDR"]]"#;
        match request.line.split(' ').nth(1) {
            Some("/auth-tokens") => http("200 OK", "", r#"["opaque-token"]"#),
            Some("/balances") => http("200 OK", "", r#"[[{"code":"IDR"}]]"#),
            Some("/currencies") => http("200 OK", "", r#"{"data":[["IDR"]]}"#),
            Some("/segments") => http("406 Not Acceptable", "", r#"[["MERCHANT_INACTIVE"]]"#),
            _ if request.line.starts_with("POST") => {
                http("201 Created", "", &format!(r#"[{money},["BANK_TRANSFER","P"]]"#))
            }
            _ => http("200 OK", "", &format!(r#"[{money},["BANK_TRANSFER","P"],["SUCCESS"]]"#)),
        }
    })
    .await;
    let mut config = config(&peer.base_url());
    config.total_timeout = Duration::from_secs(1);
    config.attempt_timeout = Duration::from_millis(500);
    config.settle_window = Duration::from_millis(200);
    let kind = |error: komopay_core::Error| error.kind();
    assert_eq!(
        kind(Client::new(config.clone()).unwrap().get_payout(&id("P")).await.unwrap_err()),
        ErrorKind::UnexpectedResponse,
        "no token"
    );
    assert_eq!(peer.recorded().len(), 1);
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config).unwrap();
    assert_eq!(kind(client.get_payout(&id("P")).await.unwrap_err()), ErrorKind::UnexpectedResponse);
    assert_eq!(kind(client.create_payout(&id("P"), &request(), false).await.unwrap_err()), ErrorKind::OutcomeUnknown);
    assert_eq!(kind(client.balances(&[]).await.unwrap_err()), ErrorKind::UnexpectedResponse);
    assert_eq!(kind(client.currencies().await.unwrap_err()), ErrorKind::UnexpectedResponse);
    assert_eq!(kind(client.segments().await.unwrap_err()), ErrorKind::UnexpectedResponse);
}
