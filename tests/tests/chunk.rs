//! Creates under a chunk's token, over real sockets: one token for all of them, an end that the platform enforces, and
//! what is found by reading.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use komopay_core::{ChunkToken, Client, Config, Credentials, ErrorKind, Found, Money, PayoutId, TokenProvider};
use komopay_sandbox::{Effect, Exchange, Fault, LedgerKind, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{break_nth, client, config, executed, hasty, id, request, sandbox, shown, start};
use tokio::time::Instant;

const VALIDITY: Duration = Duration::from_secs(60);

fn ids(count: usize) -> Vec<PayoutId> {
    (0..count).map(|number| id(&format!("P-{number}"))).collect()
}

async fn token(client: &Client, ids: &[PayoutId]) -> ChunkToken {
    client.chunk_token(ids, VALIDITY).await.unwrap()
}

/// A client whose attempts take as long as its tokens live, so that under them none starts.
fn too_late(sandbox: &Sandbox) -> Client {
    let mut config = config(sandbox.base_url());
    (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(120), VALIDITY);
    Client::new(config).unwrap()
}

/// The executed creates of all ids.
async fn all_executed(sandbox: &Sandbox) -> usize {
    sandbox.idle().await;
    sandbox.ledger().iter().filter(|entry| entry.kind == LedgerKind::Executed).count()
}

/// A page of a proxy that takes no long header.
fn proxy(status: u16) -> Effect {
    let headers = [("Content-Type".to_owned(), "text/html".to_owned())].into();
    Effect::Answer { status, headers, body: "<html>too large</html>".to_owned(), execute: false }
}

#[tokio::test]
async fn a_whole_chunk_is_sent_under_one_token_that_allows_exactly_its_creates() {
    let asked: Arc<Mutex<Vec<serde_json::Value>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let observer = move |exchange: &Exchange<'_>| {
        if exchange.uri.path() == "/auth-tokens" && exchange.answer.is_none() {
            seen.lock().unwrap().push(serde_json::from_slice(exchange.body).unwrap());
        }
    };
    let sandbox = start(Sandbox::builder().observer(observer)).await;
    let (client, ids) = (client(&sandbox), ids(32));
    let before = Instant::now();
    let token = token(&client, &ids).await;
    let after = Instant::now();
    assert_eq!(token.life(), VALIDITY);
    assert!(token.ends() >= before + VALIDITY && token.ends() <= after + VALIDITY);
    let results = join_all(ids.iter().map(|id| {
        let (client, token) = (client.clone(), token.clone());
        async move { client.create_payout_under(&token, id, &request()).await }
    }));
    for result in results.await {
        assert!(!result.unwrap().recovered);
    }
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    let [asked] = &asked[..] else { panic!("{} token calls", asked.len()) };
    let operations: Vec<String> = ids.iter().map(|id| format!("POST /payouts/{id}")).collect();
    assert_eq!(asked["operations"], serde_json::json!(operations));
    assert_eq!((asked["validitySecs"].as_u64(), asked.get("money")), (Some(60), None));
    assert_eq!((sandbox.calls(Operation::CreatePayout), sandbox.calls(Operation::GetPayout)), (32, 0));
    assert_eq!(all_executed(&sandbox).await, 32);
}

#[tokio::test]
async fn what_one_token_cannot_cover_and_who_has_none_is_refused_before_anything_is_sent() {
    let sandbox = sandbox().await;
    let merchant = client(&sandbox);
    let refused = async |client: &Client, ids: &[PayoutId], validity| {
        let error = client.chunk_token(ids, Duration::from_secs(validity)).await.unwrap_err();
        shown(&error);
        (error.kind(), error.field().unwrap().to_owned())
    };
    let (invalid, configuration) = (ErrorKind::InvalidRequest, ErrorKind::Configuration);
    assert_eq!(refused(&merchant, &ids(33), 60).await, (invalid, "ids".to_owned()));
    assert_eq!(refused(&merchant, &[], 60).await, (invalid, "ids".to_owned()));
    assert_eq!(refused(&merchant, &ids(1), 59).await, (invalid, "validity".to_owned()));
    let provider = TokenProvider::new(|| async { Ok::<_, String>("token".into()) });
    for credentials in [Credentials::token("token"), Credentials::Provider(provider)] {
        let other = Client::new(Config { credentials, ..config(sandbox.base_url()) }).unwrap();
        assert_eq!(refused(&other, &ids(1), 60).await, (configuration, "credentials".to_owned()));
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);

    // Nor is a token used for another payout, or by another client.
    let token = token(&merchant, &ids(1)).await;
    let another = merchant.create_payout_under(&token, &id("Q"), &request()).await.unwrap_err();
    let elsewhere = client(&sandbox).create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    for error in [another, elsewhere] {
        assert_eq!((error.kind(), error.field()), (invalid, Some("token")), "{}", shown(&error));
    }
    assert_eq!(sandbox.calls(Operation::CreatePayout), 0);
    assert_eq!(all_executed(&sandbox).await, 0);
}

#[tokio::test]
async fn a_token_whose_end_is_not_known_is_thrown_away() {
    let of = |payload: &str| format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload));
    let now = 1_800_000_000;
    let jwts = [
        ("opaque".to_owned(), false),
        (of(&format!(r#"{{"exp":{}}}"#, now + 60)), false),
        (of(&format!(r#"{{"iat":{now},"exp":{}}}"#, now + 61)), false),
        (of(&format!(r#"{{"iat":{now},"exp":{}}}"#, now + 60)), true),
    ];
    for (jwt, is_fence) in jwts {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let answer = format!(r#"{{"token":"{jwt}"}}"#);
        let peer = Peer::start(move |_, _| {
            counted.fetch_add(1, Ordering::Relaxed);
            http("200 OK", "", &answer)
        })
        .await;
        let client = Client::new(hasty(&peer.base_url())).unwrap();
        match client.chunk_token(&ids(1), VALIDITY).await {
            Ok(token) => {
                assert!(is_fence && !format!("{token:?}").contains(&jwt));
                assert_eq!(token.expires_at().as_second(), now + 60);
            }
            Err(error) => {
                assert_eq!((error.kind(), is_fence), (ErrorKind::UnexpectedResponse, false));
                assert!(!shown(&error).contains(&jwt));
            }
        }
        assert_eq!(calls.load(Ordering::Relaxed), 1, "another one would be no better");
    }
}

#[tokio::test]
async fn after_the_end_nothing_is_sent_and_that_no_money_moved_is_told_at_once() {
    let sandbox = sandbox().await;
    let client = too_late(&sandbox);
    let token = token(&client, &ids(1)).await;
    let started = Instant::now();
    let error = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10), "at once");
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::TimedOut, true), "{}", shown(&error));
    assert!(!error.money_may_have_moved() && error.attempts().is_empty());
    assert_eq!((sandbox.calls(Operation::CreatePayout), sandbox.calls(Operation::GetPayout)), (0, 0));
    assert_eq!(all_executed(&sandbox).await, 0);
}

#[tokio::test]
async fn what_is_in_doubt_when_the_end_comes_is_read_and_never_sent_again() {
    let sandbox = sandbox().await;
    let client = too_late(&sandbox);
    let token = token(&client, &ids(1)).await;
    // An ordinary create of this id ended as unknown: what follows under the token starts by reading.
    let impatient = client.within(Duration::from_secs(1)).unwrap();
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), Effect::CloseAfterReading));
    let error = impatient.create_payout(&id("P-0"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    sandbox.clear_faults();
    let sent = sandbox.calls(Operation::CreatePayout);
    let error = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    assert_eq!((error.kind(), error.token_too_long()), (ErrorKind::OutcomeUnknown, false), "{}", shown(&error));
    assert_eq!(sandbox.calls(Operation::CreatePayout), sent);
    assert!(sandbox.calls(Operation::GetPayout) > 0);
    assert_eq!(all_executed(&sandbox).await, 0);
}

#[tokio::test]
async fn a_token_that_the_platform_has_ended_is_told_as_not_executed_and_not_renewed() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let token = token(&client, &ids(1)).await;
    // A machine that slept: by its own clock, the token has most of its life left.
    sandbox.advance(VALIDITY);
    let error = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Authentication, Some(401)), "{}", shown(&error));
    assert!(!error.money_may_have_moved());
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
    assert_eq!(all_executed(&sandbox).await, 0);
    // The next worker's token does it.
    let next = self::token(&client, &ids(1)).await;
    client.create_payout_under(&next, &id("P-0"), &request()).await.unwrap();
    assert_eq!(executed(&sandbox, &id("P-0")).await.len(), 1);
}

#[tokio::test]
async fn a_token_that_ends_between_an_open_attempt_and_its_repeat_leaves_it_to_the_reads() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let token = token(&client, &ids(1)).await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::CloseAfterReading);
    break_nth(&sandbox, Operation::CreatePayout, 2, Effect::Unauthorized);
    let error = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::OutcomeUnknown, Some(401)), "{}", shown(&error));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 2, "none under a token that was refused");
    assert_eq!(all_executed(&sandbox).await, 0);
}

#[tokio::test]
async fn a_payout_that_an_older_worker_made_is_found_and_another_is_told() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("P-0"), &request(), false).await.unwrap();
    let mut other = request();
    other.money = Money::new("20000", "IDR").unwrap();
    client(&sandbox).create_payout(&id("P-1"), &other, false).await.unwrap();
    // Long ago: its age does not count.
    sandbox.advance(Duration::from_secs(3600));
    let client = client(&sandbox);
    let (token, reads) = (token(&client, &ids(2)).await, sandbox.calls(Operation::GetPayout));
    let accepted = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap();
    assert!(accepted.recovered && accepted.payout.is_some());
    let operations: Vec<_> = accepted.attempts.iter().map(|attempt| attempt.operation.as_str()).collect();
    assert_eq!(operations, ["POST /payouts/P-0", "POST /auth-tokens", "GET /payouts/P-0"], "it does not read first");
    let error = client.create_payout_under(&token, &id("P-1"), &request()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicatePayout, "{}", shown(&error));
    assert_eq!(error.payout().unwrap().money, other.money);
    assert_eq!(sandbox.calls(Operation::GetPayout), reads + 2);
    assert_eq!(all_executed(&sandbox).await, 2);
}

#[tokio::test]
async fn a_lost_answer_is_found_by_a_read_with_a_token_that_allows_reading_only() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let observer = move |exchange: &Exchange<'_>| {
        if exchange.uri.path() == "/auth-tokens" && exchange.answer.is_none() {
            let body: serde_json::Value = serde_json::from_slice(exchange.body).unwrap();
            seen.lock().unwrap().push(body["operations"].to_string());
        }
    };
    let sandbox = start(Sandbox::builder().observer(observer)).await;
    let client = client(&sandbox);
    let token = token(&client, &ids(1)).await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    let accepted = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap();
    assert!(accepted.recovered);
    assert_eq!(*asked.lock().unwrap(), [r#"["POST /payouts/P-0"]"#, r#"["GET /payouts/P-0"]"#]);
    assert_eq!(executed(&sandbox, &id("P-0")).await.len(), 1);

    // A lost request is repeated, under the same token.
    let sandbox = komopay_tests::sandbox().await;
    let client = komopay_tests::client(&sandbox);
    let token = self::token(&client, &ids(1)).await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::CloseAfterReading);
    assert!(!client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap().recovered);
    assert_eq!(sandbox.calls(Operation::IssueToken), 2, "one for the chunk, and one to read with");
    assert_eq!(executed(&sandbox, &id("P-0")).await.len(), 1);
}

#[tokio::test]
async fn a_proxy_that_takes_no_long_token_proves_nothing_and_is_named() {
    for status in [431, 400] {
        let sandbox = sandbox().await;
        let client = client(&sandbox);
        let token = token(&client, &ids(1)).await;
        sandbox.inject(Fault::new(When::always(Operation::CreatePayout), proxy(status)));
        // What went wrong later is not what it is about.
        break_nth(&sandbox, Operation::GetPayout, 1, Effect::Status { status: 503 });
        let error = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
        let told = (error.kind(), error.token_too_long(), error.http_status());
        assert_eq!(told, (ErrorKind::OutcomeUnknown, true, Some(status)), "{}", shown(&error));
        assert_eq!(sandbox.calls(Operation::CreatePayout), 1, "another would meet the same");
        assert!(sandbox.calls(Operation::GetPayout) > 1);
        assert_eq!(all_executed(&sandbox).await, 0);
    }
    // A 400 of the platform is a refusal, as ever; and without a chunk's token, a page is one, too.
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let token = token(&client, &ids(1)).await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::BadRequest);
    let refused = client.create_payout_under(&token, &id("P-0"), &request()).await.unwrap_err();
    break_nth(&sandbox, Operation::CreatePayout, 1, proxy(400));
    let plain = client.create_payout(&id("P-1"), &request(), false).await.unwrap_err();
    for error in [refused, plain] {
        let told = (error.kind(), error.token_too_long());
        assert_eq!(told, (ErrorKind::InvalidRequest, false), "{}", shown(&error));
    }
    assert_eq!(all_executed(&sandbox).await, 0);
}

#[tokio::test]
async fn equal_calls_under_one_token_are_one_create_and_others_wait_for_it() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let (first, second) = (token(&client, &ids(1)).await, token(&client, &ids(1)).await);
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Delay { ms: 100 });
    let (id, request) = (id("P-0"), request());
    let (one, same, other, plain) = tokio::join!(
        client.create_payout_under(&first, &id, &request),
        client.create_payout_under(&first, &id, &request),
        client.create_payout_under(&second, &id, &request),
        client.create_payout(&id, &request, false),
    );
    assert!(!one.unwrap().recovered && !same.unwrap().recovered);
    // It takes what the other one was told.
    assert!(!other.unwrap().recovered);
    // It would not believe everything that a call under a token does, so it asks for itself.
    assert_eq!(plain.unwrap_err().kind(), ErrorKind::DuplicatePayout);
    assert_eq!(sandbox.calls(Operation::CreatePayout), 2);
    assert_eq!(executed(&sandbox, &id).await.len(), 1);
}

#[tokio::test]
async fn whether_a_payment_was_made_is_asked_over_a_connection_of_its_own() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let before = jiff::Timestamp::now();
    sandbox.advance(Duration::from_secs(3600));
    match client.find_payout(&id("P-0"), &request()).await.unwrap() {
        Found::NotThere { date: Some(date) } => assert!(date.duration_since(before).as_secs() >= 3595, "{date}"),
        found => panic!("{found:?}"),
    }
    client.create_payout(&id("P-0"), &request(), false).await.unwrap();
    sandbox.advance(Duration::from_secs(3600));
    let client = komopay_tests::client(&sandbox);
    // One try fails, and the next one tells.
    break_nth(&sandbox, Operation::GetPayout, 1, Effect::Status { status: 503 });
    match client.find_payout(&id("P-0"), &request()).await.unwrap() {
        Found::Made(accepted) => {
            assert!(accepted.recovered && accepted.payout.is_some());
            assert_eq!(accepted.attempts.iter().filter(|attempt| attempt.operation.starts_with("GET")).count(), 2);
        }
        found => panic!("{found:?}"),
    }
    // Over a kept connection, another exchange's "not there" would be believed.
    let headers = std::collections::BTreeMap::new();
    let stray = Effect::StrayAnswer { status: 410, headers, body: "{}".to_owned(), execute_after_ms: None };
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), stray));
    client.balances(&[]).await.unwrap();
    assert!(matches!(client.find_payout(&id("P-0"), &request()).await.unwrap(), Found::Made(_)));
    sandbox.clear_faults();
    let mut other = request();
    other.money = Money::new("20000", "IDR").unwrap();
    match client.find_payout(&id("P-0"), &other).await.unwrap() {
        Found::Other(payout) => assert_eq!(payout.money, request().money),
        found => panic!("{found:?}"),
    }
    // What is no answer of the platform's is none here.
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::NotFound));
    assert_eq!(client.find_payout(&id("P-0"), &request()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(executed(&sandbox, &id("P-0")).await.len(), 1);
}

#[tokio::test]
async fn another_mode_is_another_payment_and_what_decides_must_be_readable() {
    let found = |created: &str, test: &str| {
        format!(
            r#"{{"paymentRequested":{{"money":{{"amount":10000,"currencyCode":"IDR"}}}},
            "process":{{"status":"SUCCESS","createdAt":{created},"isTest":{test}}},
            "paymentMethodResponse":{{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}}}"#
        )
    };
    for (created, test, expected) in [
        (r#""2001-01-01T00:00:00Z""#, "true", "made"),
        (r#""on Monday""#, "true", "made"),
        (r#""2001-01-01T00:00:00Z""#, "false", "other"),
        (r#""2001-01-01T00:00:00Z""#, r#""yes""#, "unexpected_response"),
    ] {
        let body = found(created, test);
        let peer = Peer::start(move |_, _| http("200 OK", "", &body)).await;
        let mut config = hasty(&peer.base_url());
        (config.credentials, config.is_test) = (Credentials::token("opaque-token"), Some(true));
        let found = Client::new(config).unwrap().find_payout(&id("P"), &request()).await;
        let found = match &found {
            Ok(Found::Made(_)) => "made",
            Ok(Found::Other(_)) => "other",
            Ok(Found::NotThere { .. }) => "not there",
            Err(error) => error.kind().as_str(),
        };
        assert_eq!(found, expected, "{created} {test}");
    }
}
