//! Creates seen from their callers: joining, leaving, closing, resuming, and what single faults come back as.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use komopay_core::{Client, Credentials, ErrorKind, Money, PayoutStatus};
use komopay_sandbox::{Effect, Fault, LedgerKind, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, Recorded, http};
use komopay_tests::{break_nth, canary, client, config, executed, hasty, id, request, sandbox, shown};

/// Waits until the sandbox has seen this many calls.
async fn seen(sandbox: &Sandbox, operation: Operation, calls: u64) {
    while sandbox.calls(operation) < calls {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_payout_goes_from_accepted_to_success_and_is_booked() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let accepted = client.create_payout(&id("P"), &request(), false).await.unwrap();
    assert_eq!((accepted.recovered, accepted.payout), (false, None));
    let payout = client.wait_for_payout(&id("P"), Duration::from_secs(10)).await.unwrap();
    assert_eq!(payout.status, PayoutStatus::Success);
    assert_eq!(payout.payment_id, accepted.payment_id);
    sandbox.idle().await;
    let kinds: Vec<_> = sandbox.ledger().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [LedgerKind::Executed, LedgerKind::Booked]);
}

#[tokio::test]
async fn a_lost_answer_is_settled_by_reading_the_same_id() {
    let sandbox = sandbox().await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    let accepted = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap();
    assert!(accepted.recovered);
    assert_eq!(accepted.payout.unwrap().payout_id, id("P"));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
}

#[tokio::test]
async fn a_lost_request_is_repeated_with_the_same_id() {
    let sandbox = sandbox().await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::CloseAfterReading);
    let accepted = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap();
    assert!(!accepted.recovered);
    assert_eq!((sandbox.calls(Operation::CreatePayout), sandbox.calls(Operation::GetPayout)), (2, 1));
}

#[tokio::test]
async fn equal_calls_at_the_same_time_are_one_create() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let request = request();
    let results = futures_util::future::join_all(
        (0..100).map(|_| async { client.create_payout(&id("P"), &request, false).await }),
    )
    .await;
    assert!(results.iter().all(|result| result.as_ref().is_ok_and(|accepted| !accepted.recovered)));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_different_request_under_an_id_in_flight_is_a_duplicate_before_anything_is_sent() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Delay { ms: 200 });
    let (first, mut other) = (request(), request());
    other.money = Money::new("20000", "IDR").unwrap();
    let id = id("P");
    let (first, other) = tokio::join!(client.create_payout(&id, &first, false), async {
        seen(&sandbox, Operation::CreatePayout, 1).await;
        client.create_payout(&id, &other, false).await
    });
    first.unwrap();
    let error = other.unwrap_err();
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::DuplicatePayout, 0));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_resuming_call_waits_for_the_one_in_flight_and_finds_its_payout() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Delay { ms: 100 });
    let (id, request) = (id("P"), request());
    let (first, resumed) = tokio::join!(client.create_payout(&id, &request, false), async {
        seen(&sandbox, Operation::CreatePayout, 1).await;
        client.create_payout(&id, &request, true).await
    });
    assert!(!first.unwrap().recovered);
    resumed.unwrap();
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_is_released_at_once_and_the_create_on_the_wire_is_read_to_its_end() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Delay { ms: 200 });
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.create_payout(&id("P"), &request(), false).await }
    });
    seen(&sandbox, Operation::CreatePayout, 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert_eq!(sandbox.ledger().len(), 0, "released before the gateway answered");
    // Closing waits for the create on the wire; a connection cut with the caller would show as a repeat.
    client.close().await;
    let lines = sandbox.ledger();
    assert!(lines.iter().any(|line| line.kind == LedgerKind::Executed), "closing waited for the answer");
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
    assert_eq!((sandbox.calls(Operation::CreatePayout), sandbox.calls(Operation::GetPayout)), (1, 0));
}

#[tokio::test]
async fn a_create_that_ends_just_as_its_caller_leaves_is_named_in_the_log() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let (late, request) = (id("ENDED-AS-ITS-CALLER-LEFT"), request());
    let mut call = Box::pin(client.create_payout(&late, &request, false));
    let begun = tokio::time::timeout(Duration::ZERO, &mut call).await;
    assert!(begun.is_err(), "it waits for the answer");
    // Its end is there to be heard, and its caller does not listen.
    while !client.creates_under_way().is_empty() {
        tokio::task::yield_now().await;
    }
    drop(call);
    assert!(canary::warned(&[late.as_str(), "ended just as its caller left", "resume"]));
}

#[tokio::test]
async fn after_its_caller_left_no_further_post_starts_and_what_was_sent_is_read() {
    let sandbox = sandbox().await;
    let client = Client::new(hasty(sandbox.base_url())).unwrap();
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), Effect::Delay { ms: 1000 }));
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.create_payout(&id("P"), &request(), false).await }
    });
    seen(&sandbox, Operation::CreatePayout, 1).await;
    call.abort();
    client.close().await;
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1, "410 says it did not execute, and still no POST starts");
    assert!(sandbox.calls(Operation::GetPayout) >= 1);
}

#[tokio::test]
async fn a_caller_that_comes_back_after_leaving_gets_the_same_payout() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Delay { ms: 100 });
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.create_payout(&id("P"), &request(), false).await }
    });
    seen(&sandbox, Operation::CreatePayout, 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    client.create_payout(&id("P"), &request(), true).await.unwrap();
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_closed_client_refuses_every_call() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    client.close().await;
    client.close().await;
    for error in [
        client.create_payout(&id("P"), &request(), false).await.unwrap_err(),
        client.get_payout(&id("P")).await.unwrap_err(),
        client.wait_for_payout(&id("P"), Duration::from_secs(1)).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed);
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);
}

#[tokio::test]
async fn closing_ends_a_create_that_was_not_sent() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.total_timeout = Duration::from_secs(3600);
    config.backoff_base = Duration::from_secs(600);
    config.backoff_cap = Duration::from_secs(600);
    let client = Client::new(config).unwrap();
    sandbox.inject(Fault::new(When::always(Operation::IssueToken), Effect::Status { status: 503 }));
    let (id, request) = (id("P"), request());
    let (call, ()) = tokio::join!(client.create_payout(&id, &request, false), async {
        seen(&sandbox, Operation::IssueToken, 1).await;
        client.close().await;
    });
    assert_eq!(call.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_used_id_is_a_duplicate_that_carries_what_is_there() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::DuplicatePayout, Some(409)));
    assert!(error.money_may_have_moved());
    assert_eq!(error.payout().unwrap().money, request().money);

    // Resuming proves id, money and method, and accepts; other money is a duplicate.
    assert!(client.create_payout(&id("P"), &request(), true).await.unwrap().recovered);
    let mut other = request();
    other.money = Money::new("10001", "IDR").unwrap();
    let error = client.create_payout(&id("P"), &other, true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DuplicatePayout);
    assert_eq!(error.payout().unwrap().money, request().money);
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
}

#[tokio::test]
async fn a_refusal_tells_its_codes() {
    let sandbox = sandbox().await;
    let mut too_much = request();
    too_much.money = Money::new("999999999999", "IDR").unwrap();
    let error = client(&sandbox).create_payout(&id("P"), &too_much, false).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Rejected, Some(406)));
    assert_eq!(error.reasons()[0].code, "BALANCE_INSUFFICIENT");
    let operations: Vec<_> = error.attempts().iter().map(|attempt| attempt.operation.as_str()).collect();
    // The token call has used the connection, so the refusal needs a second witness.
    assert_eq!(operations, ["POST /auth-tokens", "POST /payouts/P", "GET /payouts/P"]);
    assert_eq!(error.payout_id(), Some(&id("P")));
}

#[tokio::test]
async fn over_a_connection_of_its_own_a_refusal_needs_no_second_witness() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.connection_per_create = true;
    let client = Client::new(config).unwrap();
    let mut too_much = request();
    too_much.money = Money::new("999999999999", "IDR").unwrap();
    for n in 0..3 {
        let error = client.create_payout(&id(&format!("P-{n}")), &too_much, false).await.unwrap_err();
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::Rejected, Some(406)));
    }
    assert_eq!((sandbox.calls(Operation::CreatePayout), sandbox.calls(Operation::GetPayout)), (3, 0));
}

#[tokio::test]
async fn too_many_decimals_are_refused_before_anything_is_sent_unless_checking_is_off() {
    let sandbox = sandbox().await;
    let mut cents = request();
    cents.money = Money::new("42.05", "IDR").unwrap();
    let error = client(&sandbox).create_payout(&id("P"), &cents, false).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")));
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);

    let mut config = config(sandbox.base_url());
    config.validate = false;
    let error = Client::new(config).unwrap().create_payout(&id("P"), &cents, false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(error.field(), Some("paymentRequested.money.amount"));
}

#[tokio::test]
async fn without_a_gateway_the_error_says_that_nothing_was_sent() {
    // Port 9 of loopback: nothing listens there.
    let client = Client::new(hasty("http://127.0.0.1:9")).unwrap();
    let error = client.create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.retryable(), error.money_may_have_moved()), (ErrorKind::Unavailable, true, false));
    let error = client.get_payout(&id("P")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_unknown_outcome_names_the_id_and_its_cause_and_what_to_do() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), Effect::CloseAfterReading));
    // A read that is told to come back after the deadline ends the call at once.
    break_nth(&sandbox, Operation::GetPayout, 1, Effect::Status { status: 503 });
    break_nth(&sandbox, Operation::GetPayout, 2, Effect::RateLimited { retry_after_secs: Some(3600) });
    let error = client(&sandbox).create_payout(&id("P-9"), &request(), false).await.unwrap_err();
    let text = shown(&error);
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert!(error.retryable() && error.money_may_have_moved());
    assert!(text.contains("P-9") && text.contains("same id") && text.contains("resume"), "{text}");
    assert_eq!(error.cause().unwrap().kind(), ErrorKind::RateLimited);
    assert_eq!(error.http_status(), Some(429));
    assert_eq!((error.attempts().len(), error.retry_after()), (4, Some(Duration::from_secs(3600))));
}

#[tokio::test]
async fn texts_that_echo_the_account_number_are_scrubbed() {
    let sandbox = sandbox().await;
    for status in [400, 403, 406] {
        break_nth(&sandbox, Operation::CreatePayout, 1, Effect::EchoAccount { status });
        let error = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap_err();
        let text = shown(&error);
        assert!(text.contains("[hidden]"), "{status}: {text}");
    }
}

#[tokio::test]
async fn a_429_with_retry_after_beyond_the_deadline_ends_the_call_at_once() {
    let sandbox = sandbox().await;
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::RateLimited { retry_after_secs: Some(3600) });
    let error = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, Some(Duration::from_secs(3600))));
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_token_that_does_not_allow_the_create_is_a_refusal() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.credentials = Credentials::token(sandbox.issue_token(&["GET /payouts/P"], None, 600));
    let error = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::PermissionDenied, None), "found locally");
    assert_eq!((executed(&sandbox, &id("P")).await.len(), sandbox.calls(Operation::CreatePayout)), (0, 0));

    // What the token does not say, the platform does.
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::Forbidden);
    let error = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::PermissionDenied, Some(403)));
}

#[tokio::test]
async fn a_resumed_call_that_is_refused_here_still_finds_what_was_made() {
    let sandbox = sandbox().await;
    client(&sandbox).create_payout(&id("MADE"), &request(), false).await.unwrap();
    let mut config = config(sandbox.base_url());
    config.max_amount = vec![Money::new("9999", "IDR").unwrap()];
    let client = Client::new(config).unwrap();
    let posts = sandbox.calls(Operation::CreatePayout);
    assert!(client.create_payout(&id("MADE"), &request(), true).await.unwrap().recovered);
    // What is nowhere when the settle window is over was not made: then the refusal is the answer.
    let error = client.create_payout(&id("NEVER"), &request(), true).await.unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")));
    assert!(sandbox.calls(Operation::GetPayout) > 2);
    // Where no read can tell, it is not known.
    sandbox
        .inject(Fault::new(When::always(Operation::GetPayout), Effect::RateLimited { retry_after_secs: Some(3600) }));
    let error = client.create_payout(&id("NEVER"), &request(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(sandbox.calls(Operation::CreatePayout), posts);
}

#[tokio::test]
async fn a_call_after_one_that_its_caller_left_goes_on_where_that_one_ended() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    // The first attempt executes long after its caller left and its call ended as unknown; the second is refused.
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteAfterClose { ms: 600 });
    break_nth(&sandbox, Operation::CreatePayout, 2, Effect::Forbidden);
    break_nth(&sandbox, Operation::GetPayout, 1, Effect::RateLimited { retry_after_secs: Some(3600) });
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.create_payout(&id("P"), &request(), false).await }
    });
    seen(&sandbox, Operation::CreatePayout, 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let accepted = client.create_payout(&id("P"), &request(), false).await.unwrap();
    assert!(accepted.recovered, "a refusal of the second attempt says nothing about the first");
    assert_eq!(executed(&sandbox, &id("P")).await.len(), 1);
}

#[tokio::test]
async fn a_caller_that_leaves_while_connecting_is_not_paid_for_later() {
    // It accepts connections, and never says a word of TLS.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&format!("https://{}", silent.local_addr().unwrap()));
    config.credentials = Credentials::token("opaque-token");
    let client = Client::new(config).unwrap();
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.create_payout(&id("P"), &request(), false).await }
    });
    let connection = silent.accept().await.unwrap();
    call.abort();
    // Far less than the connection may take: nothing was sent, so there is nothing to wait for.
    tokio::time::timeout(Duration::from_secs(10), client.close()).await.unwrap();
    drop(connection);
}

#[tokio::test]
async fn a_read_that_echoes_the_payee_while_settling_is_scrubbed() {
    let text = format!(r#"{{"description":"payout to {} is odd"}}"#, canary::ACCOUNT);
    let peer =
        Peer::start(
            move |_, request| {
                if request.line.starts_with("POST") { Vec::new() } else { http("400 Bad Request", "", &text) }
            },
        )
        .await;
    let mut config = hasty(&peer.base_url());
    config.credentials = Credentials::token("opaque-token");
    let error = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    assert!(shown(&error).contains("payout to [hidden] is odd"));
}

#[tokio::test]
async fn an_unknown_outcome_tells_what_a_read_was_answered_and_not_that_the_last_one_was_not() {
    let other = r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},
        "process":{"status":"SUCCESS","createdAt":"2025-01-01T00:00:00Z","isTest":true},
        "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"OTHER"}}"#;
    let peer = Peer::start(move |n, request| match (n, request.line.starts_with("POST")) {
        (_, true) => Vec::new(),
        (1, false) => http("200 OK", "", other),
        _ => http("503 Service Unavailable", "", ""),
    })
    .await;
    let mut config = hasty(&peer.base_url());
    (config.total_timeout, config.attempt_timeout) = (Duration::from_millis(900), Duration::from_millis(300));
    config.credentials = Credentials::token("opaque-token");
    let error = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await.unwrap_err();
    let cause = error.cause().unwrap();
    assert_eq!((error.kind(), cause.kind()), (ErrorKind::OutcomeUnknown, ErrorKind::UnexpectedResponse), "{error:?}");
    assert!(shown(&error).contains("it is about another payout"), "{error:?}");
    assert!(peer.recorded().len() > 2, "others were answered with 503");
}

#[tokio::test]
async fn a_payout_older_than_the_call_is_ours_only_to_a_resumed_one_and_what_cannot_be_read_proves_nothing() {
    // Whose clock says how old it is: the platform's own.
    const DATE: &str = "Date: Sun, 29 Nov 2026 12:00:00 GMT\r\n";
    for (created, resume, expected) in [
        (r#""2025-01-01T00:00:00Z""#, true, None),
        (r#""2025-01-01T00:00:00Z""#, false, Some(ErrorKind::DuplicatePayout)),
        (r#""on Monday""#, false, Some(ErrorKind::OutcomeUnknown)),
    ] {
        let found = format!(
            r#"{{"paymentRequested":{{"money":{{"amount":10000,"currencyCode":"IDR"}}}},
            "process":{{"status":"SUCCESS","createdAt":{created},"isTest":true}},
            "paymentMethodResponse":{{"paymentMethodCode":"BANK_TRANSFER","idPayout":"P"}}}}"#
        );
        // Nothing is there before a create was sent, which a resumed call asks first.
        let sent = AtomicBool::new(false);
        let answer = move |_, request: &Recorded| match request.line.starts_with("POST") {
            true => {
                sent.store(true, Ordering::Relaxed);
                Vec::new()
            }
            false if sent.load(Ordering::Relaxed) => http("200 OK", DATE, &found),
            false => http("410 Gone", DATE, ""),
        };
        let peer = Peer::start(answer).await;
        let mut config = hasty(&peer.base_url());
        (config.total_timeout, config.attempt_timeout) = (Duration::from_millis(900), Duration::from_millis(300));
        config.credentials = Credentials::token("opaque-token");
        let result = Client::new(config).unwrap().create_payout(&id("P"), &request(), resume).await;
        assert_eq!(result.err().map(|error| error.kind()), expected, "{created}, resumed: {resume}");
    }
}
