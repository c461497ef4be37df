//! Tokens: one call for many callers, one renewal for many refusals, and no caller that leaves takes it along.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use komopay_core::{Client, Credentials, ErrorKind, TokenProvider, TokenScope};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::peer::{Peer, Recorded, http};
use komopay_tests::{break_nth, client, config, executed, id, request, sandbox, shown, start};

/// A client whose times are long enough for a thousand callers on a busy machine.
fn patient(sandbox: &Sandbox) -> Client {
    let mut config = config(sandbox.base_url());
    config.total_timeout = Duration::from_secs(60);
    config.attempt_timeout = Duration::from_secs(30);
    config.connect_timeout = Duration::from_secs(30);
    Client::new(config).unwrap()
}

#[tokio::test]
async fn a_thousand_callers_make_one_token_call() {
    let sandbox = sandbox().await;
    let client = patient(&sandbox);
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    let fresh = patient(&sandbox);
    let results = join_all((0..1000).map(|_| async { fresh.get_payout(&id("P")).await })).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(sandbox.calls(Operation::IssueToken), 2, "one of the first client, one of a thousand callers");
    assert_eq!(sandbox.calls(Operation::GetPayout), 1000);
}

#[tokio::test]
async fn a_thousand_answers_401_make_one_refresh() {
    let issued = AtomicUsize::new(0);
    let peer = Peer::start(move |n, request| {
        if request.line.contains("auth-tokens") {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return http("200 OK", "", &format!(r#"{{"token":"token-{number}"}}"#));
        }
        match request.header("authorization") {
            // Request 0 asks for the token, request 1 uses it; from then on it is refused.
            Some("Bearer token-1") if n > 1 => http("401 Unauthorized", "", ""),
            _ => http("200 OK", "", include_str!("../contract/documented/status.response.json")),
        }
    })
    .await;
    let mut config = config(&peer.base_url());
    config.total_timeout = Duration::from_secs(60);
    config.attempt_timeout = Duration::from_secs(30);
    config.connect_timeout = Duration::from_secs(30);
    let client = Client::new(config).unwrap();
    client.get_payout(&id("TST-112233")).await.unwrap();
    let results = join_all((0..1000).map(|_| async { client.get_payout(&id("TST-112233")).await })).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 0);
    let count = |wanted: fn(&Recorded) -> bool| peer.recorded().iter().filter(|request| wanted(request)).count();
    assert_eq!(count(|r| r.line.contains("auth-tokens")), 2, "one token call, and one refresh");
    assert_eq!(count(|r| r.header("authorization") == Some("Bearer token-1")), 1001, "a thousand met the refusal");
}

#[tokio::test]
async fn a_leader_that_leaves_does_not_take_the_token_call_along() {
    let sandbox = sandbox().await;
    let client = patient(&sandbox);
    break_nth(&sandbox, Operation::IssueToken, 1, Effect::Delay { ms: 300 });
    let leader = tokio::spawn({
        let client = client.clone();
        async move { client.get_payout(&id("P")).await }
    });
    while sandbox.calls(Operation::IssueToken) == 0 {
        tokio::task::yield_now().await;
    }
    let follower = tokio::spawn(async move { client.get_payout(&id("P")).await });
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    assert_eq!(follower.await.unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sandbox.calls(Operation::IssueToken), 1);
}

#[tokio::test]
async fn each_payout_has_a_token_of_its_own_unless_the_merchant_chooses_otherwise() {
    let sandbox = sandbox().await;
    for (scope, token_calls) in [(TokenScope::Payout, 3), (TokenScope::Everything, 1)] {
        let before = sandbox.calls(Operation::IssueToken);
        let mut config = config(sandbox.base_url());
        config.token_scope = scope;
        let client = Client::new(config).unwrap();
        for n in 0..3 {
            let id = id(&format!("{scope:?}-{n}"));
            client.create_payout(&id, &request(), false).await.unwrap();
            client.get_payout(&id).await.unwrap();
        }
        assert_eq!(sandbox.calls(Operation::IssueToken) - before, token_calls, "{scope:?}");
    }
}

#[tokio::test]
async fn a_refused_token_call_is_not_repeated() {
    for (effect, kind) in [
        (Effect::BadRequest, ErrorKind::Authentication),
        (Effect::Forbidden, ErrorKind::Authentication),
        (Effect::Rejected { code: "MERCHANT_INACTIVE".to_owned(), uses_id_up: false }, ErrorKind::Rejected),
        (Effect::NotFound, ErrorKind::UnexpectedResponse),
        (Effect::CaptivePortal, ErrorKind::UnexpectedResponse),
        (Effect::EchoAccount { status: 403 }, ErrorKind::Authentication),
    ] {
        let sandbox = sandbox().await;
        sandbox.inject(Fault::new(When::always(Operation::IssueToken), effect.clone()));
        let error = client(&sandbox).create_payout(&id("P"), &request(), false).await.unwrap_err();
        shown(&error);
        assert_eq!((error.kind(), sandbox.calls(Operation::IssueToken)), (kind, 1), "{effect:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_an_authentication_error_that_does_not_show_it() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.credentials = Credentials::merchant(sandbox.merchant_code(), "canary-secret-b5c1f0-wrong");
    let error = Client::new(config).unwrap().get_payout(&id("P")).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.http_status()), (ErrorKind::Authentication, Some(403)));
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed_before_its_end() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.token_validity = Duration::from_secs(60);
    let client = Client::new(config).unwrap();
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    // 60 s are renewed 6 s before their end; the clock is stopped only around the jump.
    for (jump, calls) in [(53, 1), (2, 2)] {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(jump)).await;
        tokio::time::resume();
        client.get_payout(&id("P")).await.unwrap();
        assert_eq!(sandbox.calls(Operation::IssueToken), calls, "after {jump} s more");
    }
}

/// What a create ends as whose token is refused from some moment on, by who pays and how often it was executed.
async fn with_faults(
    credentials: Option<Credentials>,
    sandbox: &Sandbox,
    faults: &[(When, Effect)],
) -> (String, usize) {
    let mut config = config(sandbox.base_url());
    // Also where nothing can be settled, it ends soon.
    (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(6), Duration::from_secs(2));
    config.credentials = credentials.unwrap_or(config.credentials);
    for (when, effect) in faults {
        sandbox.inject(Fault::new(when.clone(), effect.clone()));
    }
    let result = Client::new(config).unwrap().create_payout(&id("P"), &request(), false).await;
    let ended = match result {
        Ok(accepted) => if accepted.recovered { "recovered" } else { "accepted" }.to_owned(),
        Err(error) => {
            shown(&error);
            format!("{}, {}", error.kind(), error.money_may_have_moved())
        }
    };
    (ended, executed(sandbox, &id("P")).await.len())
}

/// The faults that make a token end at this moment, as the platform sees it.
fn ends(operation: Operation, on: u64) -> (When, Effect) {
    (When::nth(operation, on), Effect::Unauthorized)
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_call_is_renewed_and_hides_nothing() {
    use Operation::{CreatePayout, GetPayout, IssueToken};
    let lost = (When::nth(CreatePayout, 1), Effect::ExecuteThenClose);
    let never_came = (When::nth(CreatePayout, 1), Effect::CloseAfterReading);
    let no_more = |operation| (When::always(operation), Effect::Unauthorized);
    let no_renewal = (When::nth(IssueToken, 2), Effect::Forbidden);
    let unknown = "outcome_unknown, true";
    // With the secret: what happens, how the call ends, how often it was executed, and how many token calls there were.
    let with_secret = [
        ("between the create and the read", vec![lost.clone(), ends(GetPayout, 1)], "recovered", 1, 2),
        ("before the repeat", vec![never_came.clone(), ends(CreatePayout, 2)], "accepted", 1, 2),
        (
            "after a 429",
            vec![(When::nth(CreatePayout, 1), Effect::RateLimited { retry_after_secs: None }), ends(CreatePayout, 2)],
            "accepted",
            1,
            2,
        ),
        (
            "before the read and before the repeat",
            vec![never_came.clone(), ends(GetPayout, 1), ends(CreatePayout, 2)],
            "accepted",
            1,
            3,
        ),
        ("and none is issued any more", vec![lost.clone(), ends(GetPayout, 1), no_renewal.clone()], unknown, 1, 2),
        ("and none is any good", vec![lost.clone(), no_more(GetPayout)], unknown, 1, 0),
        (
            "and the repeat is never authorized",
            vec![never_came.clone(), ends(CreatePayout, 2), ends(CreatePayout, 3), no_more(CreatePayout)],
            unknown,
            0,
            0,
        ),
    ]
    .map(|(what, faults, ended, times, tokens)| async move {
        let sandbox = sandbox().await;
        let is = with_faults(None, &sandbox, &faults).await;
        assert_eq!(is, (ended.to_owned(), times), "{what}");
        let issued = sandbox.calls(IssueToken);
        assert!(issued == tokens || tokens == 0, "{what}: {issued} token calls");
    });
    // A ready token cannot be renewed. Before anything is open that is an error of the token, and never after it.
    let ready = [
        ("before the create", vec![ends(CreatePayout, 1)], "authentication, false", 0),
        ("between the create and the read", vec![lost, no_more(GetPayout)], unknown, 1),
        ("before the repeat", vec![never_came, no_more(CreatePayout)], unknown, 0),
    ]
    .map(|(what, faults, ended, times)| async move {
        let sandbox = sandbox().await;
        let ready = Credentials::token(sandbox.issue_token(&[], None, 600));
        let is = with_faults(Some(ready), &sandbox, &faults).await;
        assert_eq!((is, sandbox.calls(IssueToken)), ((ended.to_owned(), times), 0), "ready: {what}");
    });
    tokio::join!(join_all(with_secret), join_all(ready));
}

#[tokio::test]
async fn a_provided_token_that_has_ended_is_exchanged_for_the_next_one() {
    let sandbox = sandbox().await;
    // One that ends as it is issued, and one that lives.
    let tokens = [sandbox.issue_token(&[], None, 0), sandbox.issue_token(&[], None, 600)];
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    let mut config = config(sandbox.base_url());
    config.credentials = Credentials::Provider(TokenProvider::new(move || {
        let token = tokens[count.fetch_add(1, Ordering::SeqCst).min(1)].clone();
        async move { Ok(token) }
    }));
    let client = Client::new(config).unwrap();
    // A read takes the first one, so that the create finds it in hand.
    assert_eq!(client.get_payout(&id("P")).await.unwrap_err().kind(), ErrorKind::Authentication);
    assert!(!client.create_payout(&id("P"), &request(), false).await.unwrap().recovered);
    assert_eq!((asked.load(Ordering::SeqCst), executed(&sandbox, &id("P")).await.len()), (2, 1));
}

#[tokio::test]
async fn a_ready_token_is_used_as_it_is_and_its_401_is_final() {
    let sandbox = sandbox().await;
    let operations = ["POST /payouts/P", "GET /payouts/P"];
    let mut config = config(sandbox.base_url());
    config.credentials = Credentials::token(sandbox.issue_token(&operations, Some(("10000", "IDR")), 600));
    let client = Client::new(config).unwrap();
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
    assert_eq!(sandbox.calls(Operation::IssueToken), 0);

    let error = client.get_payout(&id("OTHER")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    break_nth(&sandbox, Operation::GetPayout, 1, Effect::Unauthorized);
    let calls = sandbox.calls(Operation::GetPayout);
    let error = client.get_payout(&id("P")).await.unwrap_err();
    assert_eq!((error.kind(), sandbox.calls(Operation::GetPayout) - calls), (ErrorKind::Authentication, 1));
}

#[tokio::test]
async fn a_locked_token_that_may_not_read_is_exchanged_for_one_that_may() {
    let sandbox = start(Sandbox::builder().locked_tokens_may_read(false)).await;
    let client = client(&sandbox);
    client.create_payout(&id("P"), &request(), false).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
    client.get_payout(&id("P")).await.unwrap();
    assert_eq!(sandbox.calls(Operation::IssueToken), 2);
    // Settling needs it most: the answer is lost, and only a read can tell.
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteThenClose);
    assert!(client.create_payout(&id("LOST"), &request(), false).await.unwrap().recovered);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_thousands_of_payouts_in_flight_gets_one_token() {
    const PAYOUTS: u64 = 3000;
    let builder = Sandbox::builder().balance("IDR", "999999999999");
    let sandbox = start(builder).await;
    let client = patient(&sandbox);
    let ids: Vec<_> = (0..PAYOUTS).map(|n| id(&format!("P-{n}"))).collect();
    // All are created before the first of them is followed.
    for create in [true, false] {
        let mut calls = tokio::task::JoinSet::new();
        for id in ids.clone() {
            let client = client.clone();
            calls.spawn(async move {
                match create {
                    true => client.create_payout(&id, &request(), false).await.map(drop),
                    false => client.wait_for_payout(&id, Duration::from_secs(60)).await.map(drop),
                }
            });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok));
    }
    assert_eq!(sandbox.calls(Operation::IssueToken), PAYOUTS);
}
