//! Who may do what: tokens for others, ready and provided tokens, the check of the credentials, and the merchant's own
//! limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use komopay_core::{
    AccessScope, Client, Credentials, Error, ErrorKind, Money, PaymentOptionFilter, PayoutMethod, PayoutRequest,
    TokenProvider,
};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, http};
use komopay_tests::{
    break_nth, canary, client, config, executed, id, request, sandbox, shown, start, start_for_wrong_requests,
};
use serde_json::{Value, json};

const TEN_MINUTES: Duration = Duration::from_secs(600);

fn idr(amount: &str) -> Money {
    Money::new(amount, "IDR").unwrap()
}

fn operations(operations: &[&str], money: Option<Money>) -> AccessScope {
    let operations = operations.iter().map(|operation| (*operation).to_owned()).collect();
    AccessScope::Operations { operations, money }
}

/// A client that holds nothing but a token of this scope, issued by the merchant's own client.
async fn holder(sandbox: &Sandbox, scope: &AccessScope) -> Client {
    let token = client(sandbox).issue_token(scope, TEN_MINUTES).await.unwrap();
    with(sandbox, Credentials::token(token.expose()))
}

fn with(sandbox: &Sandbox, credentials: Credentials) -> Client {
    let mut config = config(sandbox.base_url());
    config.credentials = credentials;
    Client::new(config).unwrap()
}

fn of(money: &str) -> PayoutRequest {
    let mut request = request();
    request.money = idr(money);
    request
}

/// How many merchant calls there were, tokens aside.
fn calls(sandbox: &Sandbox) -> u64 {
    let operations = Operation::ALL.into_iter().filter(|operation| *operation != Operation::IssueToken);
    operations.map(|operation| sandbox.calls(operation)).sum()
}

fn refused_locally(error: &Error) {
    shown(error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::PermissionDenied, None), "{error}");
    assert!(error.message().contains("nothing was sent") && error.attempts().is_empty(), "{error}");
}

#[tokio::test]
async fn a_token_for_someone_else_asks_for_exactly_its_scope() {
    let peer = Peer::start(|_, _| http("200 OK", "", r#"{"token":"opaque-token"}"#)).await;
    let client = Client::new(config(&peer.base_url())).unwrap();
    let payout = AccessScope::Payout { id: id("P"), money: Money::new("42.05", "USD").unwrap() };
    for (scope, validity, expected) in [
        (
            payout,
            60,
            json!({"operations": ["POST /payouts/P", "GET /payouts/P"],
                   "money": {"amount": 42.05, "currencyCode": "USD"}}),
        ),
        (AccessScope::Read { id: id("P") }, 600, json!({"operations": ["GET /payouts/P"]})),
        (
            operations(&["GET /balances", "GET /segments"], None),
            3600,
            json!({"operations": ["GET /balances", "GET /segments"]}),
        ),
        (
            operations(&["POST /payouts/Q"], Some(idr("7"))),
            600,
            json!({"operations": ["POST /payouts/Q"], "money": {"amount": 7, "currencyCode": "IDR"}}),
        ),
    ] {
        let token = client.issue_token(&scope, Duration::from_secs(validity)).await.unwrap();
        assert_eq!((token.expose(), token.expires_at), ("opaque-token", None));
        let sent = peer.recorded().pop().unwrap();
        assert_eq!((sent.line.as_str(), sent.header("authorization")), ("POST /auth-tokens HTTP/1.1", None));
        let mut expected = expected;
        expected["merchantCode"] = json!(canary::MERCHANT);
        expected["secret"] = json!(canary::SECRET);
        expected["validitySecs"] = json!(validity);
        assert_eq!(serde_json::from_slice::<Value>(&sent.body).unwrap(), expected);
    }
    // Each is issued anew: one that was handed over is never handed over again.
    client.issue_token(&AccessScope::Read { id: id("P") }, TEN_MINUTES).await.unwrap();
    assert_eq!(peer.recorded().len(), 5);
}

#[tokio::test]
async fn a_token_for_a_payout_makes_and_follows_that_payout_of_that_money_and_does_nothing_else() {
    let sandbox = sandbox().await;
    let app = holder(&sandbox, &AccessScope::Payout { id: id("APP"), money: idr("10000") }).await;
    let issued = sandbox.calls(Operation::IssueToken);

    // Other money is for the platform to refuse: a token does not say what it is locked to.
    let error = app.create_payout(&id("APP"), &of("10001"), false).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::PermissionDenied, Some(403)));
    let before = calls(&sandbox);
    refused_locally(&app.create_payout(&id("OTHER"), &of("10000"), false).await.unwrap_err());
    refused_locally(&app.get_payout(&id("OTHER")).await.unwrap_err());
    refused_locally(&app.wait_for_payout(&id("OTHER"), Duration::from_secs(1)).await.unwrap_err());
    refused_locally(&app.balances(&[]).await.unwrap_err());
    refused_locally(&app.check_credentials().await.unwrap_err());
    assert_eq!(calls(&sandbox), before);

    app.create_payout(&id("APP"), &of("10000.00"), false).await.unwrap();
    app.wait_for_payout(&id("APP"), Duration::from_secs(10)).await.unwrap();
    assert_eq!(executed(&sandbox, &id("APP")).await.len(), 1);
    assert_eq!(sandbox.calls(Operation::IssueToken), issued, "a ready token is never renewed");
}

#[tokio::test]
async fn a_token_to_read_reads_that_payout_and_makes_none() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap();
    let reader = holder(&sandbox, &AccessScope::Read { id: id("P") }).await;
    reader.get_payout(&id("P")).await.unwrap();
    let error = reader.create_payout(&id("P"), &request(), false).await.unwrap_err();
    refused_locally(&error);
    assert_eq!((error.payout_id(), error.money_may_have_moved()), (Some(&id("P")), false));

    // A resuming call reads first, so what was made is found; what was not stays unknown, since nothing can be sent.
    assert!(reader.create_payout(&id("P"), &request(), true).await.unwrap().recovered);
    let reader = holder(&sandbox, &AccessScope::Read { id: id("NONE") }).await;
    let error = reader.create_payout(&id("NONE"), &request(), true).await.unwrap_err();
    assert_eq!((error.kind(), error.cause().unwrap().kind()), (ErrorKind::OutcomeUnknown, ErrorKind::PermissionDenied));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_token_for_a_list_of_operations_allows_each_of_them() {
    let sandbox = sandbox().await;
    let holder = holder(&sandbox, &operations(&["GET /balances", "GET /payment-options"], None)).await;
    holder.balances(&["IDR".to_owned()]).await.unwrap();
    holder.payment_options(&PaymentOptionFilter::default()).await.unwrap();
    let before = calls(&sandbox);
    refused_locally(&holder.currencies().await.unwrap_err());
    refused_locally(&holder.payout_options(&idr("10000"), None, None).await.unwrap_err());
    assert_eq!(calls(&sandbox), before);
}

#[tokio::test]
async fn a_token_says_when_it_ends_and_never_shows_itself() {
    let sandbox = sandbox().await;
    let scope = AccessScope::Read { id: id("P") };
    for seconds in [60, 3600] {
        let token = client(&sandbox).issue_token(&scope, Duration::from_secs(seconds)).await.unwrap();
        let ends = SystemTime::from(token.expires_at.unwrap()).duration_since(SystemTime::now()).unwrap();
        assert!((seconds - 5..=seconds).contains(&(ends.as_secs() + 1)), "{ends:?}");
        let shown = format!("{token:?} {token:#?}");
        canary::check(&shown);
        assert!(!shown.contains(token.expose()) && shown.contains("expires_at"), "{shown}");
    }
}

#[tokio::test]
async fn a_scope_or_validity_that_the_contract_does_not_have_is_refused_before_anything_is_sent() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let read = AccessScope::Read { id: id("P") };
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    for (scope, validity, field) in [
        (operations(&[], None), minute, "scope.operations"),
        (operations(&["GET /balances", "HEAD /balances"], None), minute, "scope.operations"),
        (operations(&["GET balances"], None), minute, "scope.operations"),
        (operations(&["GET /balances"], Some(idr("0"))), minute, "money.amount"),
        (AccessScope::Payout { id: id("P"), money: idr("42.05") }, minute, "money.amount"),
        (read.clone(), Duration::from_millis(59_999), "validity"),
        (read, hour + Duration::from_secs(1), "validity"),
    ] {
        let error = client.issue_token(&scope, validity).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some(field)), "{scope:?}");
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
}

#[tokio::test]
async fn whoever_has_no_secret_issues_no_token() {
    let sandbox = sandbox().await;
    let scope = AccessScope::Read { id: id("P") };
    let provider = TokenProvider::new(|| async { Ok("opaque-token".to_owned()) });
    for credentials in [Credentials::token("opaque-token"), Credentials::Provider(provider)] {
        let error = with(&sandbox, credentials).issue_token(&scope, TEN_MINUTES).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("credentials")));
    }
    let wrong = with(&sandbox, Credentials::merchant(sandbox.merchant_code(), "canary-secret-b5c1f0-wrong"));
    let error = wrong.issue_token(&scope, TEN_MINUTES).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Authentication, Some(403)));

    let before = sandbox.calls(Operation::IssueToken);
    let error = client(&sandbox).issue_token(&operations(&["GET /nowhere"], None), TEN_MINUTES).await.unwrap_err();
    assert_eq!((error.kind(), error.reasons()[0].code.as_str()), (ErrorKind::Rejected, "OPERATION_INVALID"));
    assert_eq!(sandbox.calls(Operation::IssueToken) - before, 1);
}

#[tokio::test]
async fn issuing_is_tried_again_where_that_helps_and_a_closed_client_issues_none() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let scope = AccessScope::Read { id: id("P") };
    break_nth(&sandbox, Operation::IssueToken, 1, Effect::Status { status: 503 });
    client.issue_token(&scope, TEN_MINUTES).await.unwrap();
    assert_eq!(sandbox.calls(Operation::IssueToken), 2);
    sandbox.inject(Fault::new(When::always(Operation::IssueToken), Effect::Status { status: 503 }));
    let error = client.issue_token(&scope, TEN_MINUTES).await.unwrap_err();
    assert_eq!((error.kind(), sandbox.calls(Operation::IssueToken)), (ErrorKind::Unavailable, 6));
    client.close().await;
    assert_eq!(client.issue_token(&scope, TEN_MINUTES).await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_token_that_cannot_be_read_or_may_hold_a_pattern_is_left_to_the_platform() {
    let peer = Peer::start(|_, _| http("200 OK", "", r#"{"data":[]}"#)).await;
    // {"operations":["GET /.*"]} and {"sub":"M"}, as the payloads of a JWT.
    for token in ["opaque-token", "a.b.c", "h.eyJvcGVyYXRpb25zIjpbIkdFVCAvLioiXX0.s", "h.eyJzdWIiOiJNIn0.s"] {
        let mut config = config(&peer.base_url());
        config.credentials = Credentials::token(token);
        Client::new(config).unwrap().balances(&[]).await.unwrap();
    }
    assert_eq!(peer.recorded().len(), 4);
}

/// A provider of the sandbox's own tokens that counts how often it was asked.
fn provider(sandbox: &Sandbox) -> (Credentials, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, token) = (Arc::clone(&asked), sandbox.issue_token(&[], None, 600));
    let provider = TokenProvider::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let token = token.clone();
        async move {
            tokio::task::yield_now().await;
            Ok(token)
        }
    });
    (Credentials::Provider(provider), asked)
}

#[tokio::test]
async fn a_token_provider_is_asked_once_for_many_callers_and_again_after_a_401() {
    let sandbox = sandbox().await;
    let (credentials, asked) = provider(&sandbox);
    let mut config = config(sandbox.base_url());
    config.credentials = credentials;
    config.total_timeout = Duration::from_secs(60);
    config.attempt_timeout = Duration::from_secs(30);
    let client = Client::new(config).unwrap();
    let results = join_all((0..100).map(|_| client.currencies())).await;
    assert!(results.iter().all(Result::is_ok));
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one token serves every call");

    break_nth(&sandbox, Operation::GetPayout, 1, Effect::Unauthorized);
    client.get_payout(&id("P")).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);

    // A create whose token is refused gets another one, too, and is made once.
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Unauthorized);
    client.create_payout(&id("Q"), &request(), false).await.unwrap();
    assert_eq!((asked.load(Ordering::SeqCst), executed(&sandbox, &id("Q")).await.len()), (3, 1));

    // Refused again at once, there is no point in a third one.
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::Unauthorized));
    assert_eq!(client.get_payout(&id("P")).await.unwrap_err().kind(), ErrorKind::Authentication);
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_token_provider_that_fails_is_asked_again_and_then_unavailable() {
    let sandbox = sandbox().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let failing = |token: Result<&'static str, &'static str>| {
        let asked = Arc::clone(&asked);
        with(
            &sandbox,
            Credentials::Provider(TokenProvider::new(move || {
                asked.fetch_add(1, Ordering::SeqCst);
                async move { token.map(str::to_owned).map_err(str::to_owned) }
            })),
        )
    };
    for (token, text) in
        [(Err("my server is down"), "my server is down"), (Ok(""), "not a token"), (Ok("to\nken"), "not a token")]
    {
        asked.store(0, Ordering::SeqCst);
        let error = failing(token).get_payout(&id("P")).await.unwrap_err();
        assert_eq!((error.kind(), error.retryable()), (ErrorKind::Unavailable, true));
        assert!(error.message().contains(text), "{error}");
        assert_eq!(asked.load(Ordering::SeqCst), 4, "as often as any read is tried");
    }
    // Nothing was sent, and the error says so.
    let error = failing(Err("down")).create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::Unavailable, false));
    assert_eq!(calls(&sandbox), 0);
}

#[tokio::test]
async fn a_token_provider_that_hangs_holds_no_call_longer_than_its_deadline() {
    let sandbox = sandbox().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let hanging = TokenProvider::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending()
    });
    let mut config = config(sandbox.base_url());
    config.credentials = Credentials::Provider(hanging);
    config.total_timeout = Duration::from_millis(600);
    config.attempt_timeout = Duration::from_millis(100);
    let client = Client::new(config).unwrap();
    let started = Instant::now();
    let read = client.get_payout(&id("P")).await.unwrap_err();
    let create = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    for error in [read, create] {
        let timely = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::TimedOut);
        assert!(timely && error.retryable() && !error.money_may_have_moved(), "{error:?}");
    }
    assert!(asked.load(Ordering::SeqCst) >= 2, "one that hung is given up, and asked again");
    assert_eq!(calls(&sandbox), 0);
}

#[tokio::test]
async fn a_provided_token_that_does_not_allow_a_call_is_refused_locally() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&["GET /balances"], None, 600);
    let provider = TokenProvider::new(move || {
        let token = token.clone();
        async move { Ok(token) }
    });
    let client = with(&sandbox, Credentials::Provider(provider));
    client.balances(&[]).await.unwrap();
    let before = calls(&sandbox);
    refused_locally(&client.get_payout(&id("P")).await.unwrap_err());
    refused_locally(&client.create_payout(&id("P"), &request(), false).await.unwrap_err());
    assert_eq!(calls(&sandbox), before);
}

#[tokio::test]
async fn a_provider_is_asked_again_when_its_last_token_was_for_another_payout() {
    let sandbox = sandbox().await;
    let tokens = ["A", "B"].map(|id| sandbox.issue_token(&[&format!("GET /payouts/{id}")], None, 600));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let provider = TokenProvider::new(move || {
        let token = tokens[count.fetch_add(1, Ordering::SeqCst)].clone();
        async move { Ok(token) }
    });
    let client = with(&sandbox, Credentials::Provider(provider));
    for id_of in ["A", "A", "B", "B"] {
        assert_eq!(client.get_payout(&id(id_of)).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn the_check_of_the_credentials_proves_host_secret_and_merchant_and_moves_nothing() {
    let sandbox = sandbox().await;
    assert_eq!(client(&sandbox).check_credentials().await.unwrap().name, "Sandbox shop");
    assert_eq!((sandbox.ledger().len(), calls(&sandbox)), (0, 1));

    let wrong = with(&sandbox, Credentials::merchant(sandbox.merchant_code(), "canary-secret-b5c1f0-wrong"));
    let error = wrong.check_credentials().await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Authentication, Some(403)));
    let nobody = with(&sandbox, Credentials::merchant("NOBODY", canary::SECRET));
    let error = nobody.check_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.reasons()[0].code.as_str()), (ErrorKind::Rejected, "MERCHANT_NOT_FOUND"));

    let inactive = start(Sandbox::builder().merchant_active(false)).await;
    let error = client(&inactive).check_credentials().await.unwrap_err();
    assert_eq!((error.kind(), error.reasons()[0].code.as_str()), (ErrorKind::Rejected, "MERCHANT_INACTIVE"));
}

#[tokio::test]
async fn the_check_of_the_credentials_finds_a_clock_that_is_more_than_five_minutes_off() {
    let info = include_str!("../contract/examples/merchant-info.response.200.json");
    for (off, is_wrong) in [(0, false), (-240, false), (240, false), (-360, true), (360, true), (86_400, true)] {
        let date = http_date(off);
        let peer = Peer::start(move |_, _| http("200 OK", &format!("Date: {date}\r\n"), info)).await;
        let mut config = config(&peer.base_url());
        config.credentials = Credentials::token("opaque-token");
        match Client::new(config).unwrap().check_credentials().await {
            Ok(_) => assert!(!is_wrong, "{off}"),
            Err(error) => {
                assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("clock")), "{off}");
                assert!(is_wrong, "{off}: {error}");
            }
        }
    }
    // A platform that does not say when it answered proves nothing.
    for date in ["", "Date: today\r\n"] {
        let peer = Peer::start(move |_, _| http("200 OK", date, info)).await;
        let mut config = config(&peer.base_url());
        config.credentials = Credentials::token("opaque-token");
        Client::new(config).unwrap().check_credentials().await.unwrap();
    }
}

/// The time so many seconds from now, as a header has it.
fn http_date(seconds: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let at = now.as_secs().checked_add_signed(seconds).unwrap();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at))
}

#[tokio::test]
async fn nothing_above_a_ceiling_is_sent_even_where_checking_is_off() {
    let sandbox = sandbox().await;
    for validate in [true, false] {
        let mut config = config(sandbox.base_url());
        config.max_amount = vec![idr("10000"), Money::new("5", "USD").unwrap()];
        config.validate = validate;
        let client = Client::new(config).unwrap();
        let before = sandbox.calls(Operation::IssueToken);
        let error = client.create_payout(&id("TOO-MUCH"), &of("10001"), false).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")));
        assert!(error.message().contains("max_amount") && !error.money_may_have_moved(), "{error}");
        assert_eq!(sandbox.calls(Operation::IssueToken), before);
        // The ceiling itself is fine, and a currency without one has none.
        client.create_payout(&id(&format!("MOST-{validate}")), &of("10000.0"), false).await.unwrap();
        let mut other = request();
        other.money = Money::new("900", "ZAR").unwrap();
        if let PayoutMethod::BankTransfer(bank) = &mut other.method {
            bank.account.account_type = Some("savings".to_owned());
        }
        client.create_payout(&id(&format!("OTHER-{validate}")), &other, false).await.unwrap();
    }
}

/// A client that is set to this mode. The sandbox's payouts are of test data.
fn of_world(sandbox: &Sandbox, is_test: bool) -> Client {
    let mut config = config(sandbox.base_url());
    (config.is_test, config.loopback_is_live) = (Some(is_test), !is_test);
    Client::new(config).unwrap()
}

#[tokio::test]
async fn a_payout_of_the_other_mode_is_a_configuration_error_that_carries_it() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap();
    let (test, live) = (of_world(&sandbox, true), of_world(&sandbox, false));
    assert_eq!(test.get_payout(&id("P")).await.unwrap().is_test, Some(true));
    test.wait_for_payout(&id("P"), Duration::from_secs(10)).await.unwrap();
    for error in [
        live.get_payout(&id("P")).await.unwrap_err(),
        live.wait_for_payout(&id("P"), Duration::from_secs(10)).await.unwrap_err(),
    ] {
        shown(&error);
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("is_test")));
        assert_eq!((error.payout_id(), error.payout().unwrap().is_test), (Some(&id("P")), Some(true)));
    }
}

#[tokio::test]
async fn a_create_never_takes_a_payout_of_the_other_mode_for_its_own() {
    let sandbox = sandbox().await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    let accepted = of_world(&sandbox, true).create_payout(&id("SAME"), &request(), false).await.unwrap();
    assert!(accepted.recovered);

    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    let error = of_world(&sandbox, false).create_payout(&id("OTHER"), &request(), false).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::DuplicatePayout, true));
    assert_eq!(error.payout().unwrap().is_test, Some(true));
    let error = of_world(&sandbox, false).create_payout(&id("SAME"), &request(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicatePayout);
}

#[tokio::test]
async fn what_breaks_the_contract_is_refused_before_anything_is_sent_unless_checking_is_off() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    let checking = client(&sandbox);
    let mut config = config(sandbox.base_url());
    config.validate = false;
    let unchecking = Client::new(config).unwrap();
    let bank = |change: fn(&mut komopay_core::BankTransfer)| {
        let mut request = request();
        if let PayoutMethod::BankTransfer(bank) = &mut request.method {
            change(bank);
        }
        request
    };
    for (n, (request, field)) in [
        (bank(|b| b.account.name = "R2D2".to_owned()), "method.account.name"),
        (bank(|b| b.operator_code = "a b".to_owned()), "method.operator_code"),
        (bank(|b| b.account.bank_city = Some(String::new())), "method.account.bank_city"),
        (of("0"), "money.amount"),
    ]
    .into_iter()
    .enumerate()
    {
        let before = (sandbox.calls(Operation::IssueToken), calls(&sandbox));
        let error = checking.create_payout(&id("WRONG"), &request, false).await.unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some(field)));
        assert_eq!((sandbox.calls(Operation::IssueToken), calls(&sandbox)), before);

        let error = unchecking.create_payout(&id(&format!("WRONG-{n}")), &request, false).await.unwrap_err();
        shown(&error);
        // A token for no money is refused before the create is.
        let kind = if field == "money.amount" { ErrorKind::Authentication } else { ErrorKind::InvalidRequest };
        assert_eq!((error.kind(), error.http_status()), (kind, Some(400)), "{field}");
    }
    assert_eq!(sandbox.ledger().len(), 0);
}

#[tokio::test]
async fn a_retry_after_of_any_length_ends_a_call_and_breaks_nothing() {
    let header = format!("Retry-After: {}\r\n", u64::MAX);
    let peer = Peer::start(move |_, _| http("503 Service Unavailable", &header, "")).await;
    let mut config = config(&peer.base_url());
    // Long, so that no pause but the one asked for ends a call.
    config.total_timeout = Duration::from_secs(60);
    config.attempt_timeout = Duration::from_secs(30);
    config.connect_timeout = Duration::from_secs(30);
    config.backoff_base = Duration::from_secs(3600);
    config.backoff_cap = Duration::from_secs(3600);
    let merchant = Client::new(config.clone()).unwrap();
    let error = merchant.issue_token(&AccessScope::Read { id: id("P") }, TEN_MINUTES).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unavailable, Some(Duration::from_hours(365 * 24))));
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config.clone()).unwrap();
    let error = client.get_payout(&id("P")).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Unavailable, Some(Duration::from_hours(365 * 24))));
    let error = client.wait_for_payout(&id("P"), Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFinal);
    config.backoff_base = Duration::from_millis(2);
    config.backoff_cap = Duration::from_millis(50);
    let client = Client::new(config).unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
}
