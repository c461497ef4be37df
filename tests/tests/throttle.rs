//! The retry budget, the breaker and the merchant's own limits, over real sockets: what they hold back, what it then
//! ends as, and that a read which settles an open create is never held back, nor the token for it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use komopay_core::{AccessScope, Client, Config, Credentials, Error, ErrorKind, PayoutId, TokenScope};
use komopay_sandbox::{Effect, Fault, LedgerKind, Operation, Sandbox, When};
use komopay_tests::{break_nth, canary, config, id, request, sandbox, shown};
use tokio::task::JoinSet;

/// Payout A: its create is executed and the answer lost; the first read of it is refused with 401, so that the second
/// needs a new token.
fn lose_the_answer(sandbox: &Sandbox) {
    let about = |operation, n| When { payout_id: Some("A".to_owned()), ..When::nth(operation, n) };
    sandbox.inject(Fault::new(about(Operation::CreatePayout, 1), Effect::ExecuteThenClose));
    sandbox.inject(Fault::new(about(Operation::GetPayout, 1), Effect::Unauthorized));
}

/// Makes payout A, whose answer is lost. It must be settled within the call, with a token of its own.
async fn settles(sandbox: &Sandbox, client: &Client) {
    let tokens = sandbox.calls(Operation::IssueToken);
    let accepted = client.create_payout(&id("A"), &request(), false).await.unwrap();
    assert!(accepted.recovered);
    let executed = sandbox.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Executed);
    assert_eq!(executed.count(), 1);
    assert!(sandbox.calls(Operation::IssueToken) >= tokens + 2, "the read had to renew its token");
}

/// Reads of other payouts, that go on until they are dropped.
fn read_others(client: &Client, ids: impl Iterator<Item = PayoutId>) -> JoinSet<Option<Error>> {
    let mut reads = JoinSet::new();
    for id in ids {
        let client = client.clone();
        reads.spawn(async move { client.get_payout(&id).await.err() });
    }
    reads
}

/// Waits until the platform has read so many of these calls.
async fn until_calls(sandbox: &Sandbox, operation: Operation, calls: u64) {
    let reached = async {
        while sandbox.calls(operation) < calls {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
    assert!(reached.is_ok(), "{} of {calls} calls came: {operation:?}", sandbox.calls(operation));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_settled_while_the_budget_is_empty() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { read_attempts: 1000, ..config(sandbox.base_url()) }).unwrap();
    let about_b = When { payout_id: Some("B".to_owned()), ..When::always(Operation::GetPayout) };
    sandbox.inject(Fault::new(about_b, Effect::RateLimited { retry_after_secs: None }));
    lose_the_answer(&sandbox);
    // Each asks again and again: 100 repeats at once and 10 a second, so one in line waits longer than a call may take.
    let mut others = read_others(&client, std::iter::repeat_n(id("B"), 500));
    until_calls(&sandbox, Operation::GetPayout, 600).await;
    settles(&sandbox, &client).await;
    assert!(others.try_join_next().is_none(), "the budget was empty all the time");
    assert!(sandbox.calls(Operation::GetPayout) < 500 + 1000, "it held the others back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_is_settled_while_the_breaker_is_open() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.attempt_timeout = Duration::from_secs(4);
    let client = Client::new(config).unwrap();
    // A token for the others, so that no answer to a token call closes the breaker.
    client.get_payout(&id("B")).await.unwrap_err();
    let about = |payout: &str, when| When { payout_id: Some(payout.to_owned()), ..when };
    let settling = 30;
    for n in 1..=settling {
        sandbox.inject(Fault::new(about("A", When::nth(Operation::GetPayout, n)), Effect::Status { status: 503 }));
    }
    sandbox.inject(Fault::new(about("B", When::always(Operation::GetPayout)), Effect::Hold));
    sandbox.inject(Fault::new(about("A", When::nth(Operation::CreatePayout, 1)), Effect::ExecuteThenClose));
    sandbox.inject(Fault::new(about("A", When::nth(Operation::GetPayout, settling + 1)), Effect::Unauthorized));
    let (create, others) = tokio::join!(settles(&sandbox, &client), async {
        // Nobody has answered six times: it is open. Each of these, as a probe, gets no answer for 4 s.
        until_calls(&sandbox, Operation::GetPayout, 1 + 6).await;
        read_others(&client, std::iter::repeat_n(id("B"), 50))
    });
    let () = create;
    assert!(sandbox.calls(Operation::GetPayout) < 1 + settling + 2 + 25, "it held the others back");
    drop(others);
}

#[tokio::test]
async fn a_create_is_settled_while_the_limits_let_nothing_pass() {
    let sandbox = sandbox().await;
    let config = Config { requests_per_second: Some(0.001), max_concurrency: Some(1), ..config(sandbox.base_url()) };
    let client = Client::new(config).unwrap();
    lose_the_answer(&sandbox);
    settles(&sandbox, &client).await;
    // A resumed create begins by reading, which may be all it needs.
    assert!(client.create_payout(&id("A"), &request(), true).await.unwrap().recovered);
    let calls = sandbox.calls(Operation::GetPayout);
    let error = client.wait_for_payout(&id("A"), Duration::from_millis(50)).await.unwrap_err();
    let cause = error.cause().unwrap();
    assert_eq!((error.kind(), cause.kind()), (ErrorKind::NotFinal, ErrorKind::TimedOut), "{error:?}");
    assert!(cause.message().contains("requests_per_second"), "{cause}");
    assert_eq!(sandbox.calls(Operation::GetPayout), calls, "a read that settles nothing waits");
}

#[tokio::test]
async fn a_create_whose_repeat_is_held_back_is_settled_all_the_same() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { requests_per_second: Some(0.001), ..config(sandbox.base_url()) }).unwrap();
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::ExecuteAfterClose { ms: 1000 });
    let accepted = client.create_payout(&id("A"), &request(), false).await.unwrap();
    assert!(accepted.recovered);
    // The first of them says 410, and the repeat waits for a quarter of an hour.
    let reads = sandbox.calls(Operation::GetPayout);
    assert!(reads >= 5, "it is read {reads} times");
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn a_repeat_is_sent_when_its_turn_comes_with_a_new_token_if_the_last_was_refused() {
    for effects in [vec![Effect::Unauthorized], vec![Effect::CloseAfterReading, Effect::Unauthorized]] {
        let sandbox = sandbox().await;
        // Its own reads count: they are soon a second apart.
        let (rate, backoff_cap) = (Some(4.0), Duration::from_secs(5));
        let token_scope = TokenScope::Everything;
        let config = Config { requests_per_second: rate, backoff_cap, token_scope, ..config(sandbox.base_url()) };
        let client = Client::new(config).unwrap();
        // It has a token by now: only one that was not issued for the attempt is renewed.
        client.get_payout(&id("A")).await.unwrap_err();
        let sent = effects.len() as u64 + 1;
        for (n, effect) in (1..).zip(effects) {
            break_nth(&sandbox, Operation::CreatePayout, n, effect);
        }
        let accepted = client.create_payout(&id("A"), &request(), false).await.unwrap();
        assert!(!accepted.recovered);
        let calls = [Operation::CreatePayout, Operation::IssueToken].map(|it| sandbox.calls(it));
        assert_eq!(calls, [sent, 2]);
    }
}

/// In virtual time: each attempt takes all it may.
#[tokio::test(start_paused = true)]
async fn a_create_whose_turn_comes_too_late_for_a_read_after_it_is_not_sent() {
    // It takes connections, and never reads from one.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = config(&format!("http://{}", silent.local_addr().unwrap()));
    config.credentials = Credentials::token("opaque-token");
    (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(100), Duration::from_secs(40));
    (config.read_attempts, config.max_concurrency) = (1, Some(1));
    let client = Client::new(config).unwrap();
    // The turn after these comes when 20 s are left.
    let reads = read_others(&client, [id("B"), id("C")].into_iter());
    tokio::task::yield_now().await;
    let started = tokio::time::Instant::now();
    let error = client.create_payout(&id("A"), &request(), false).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::TimedOut, false), "{error:?}");
    assert!(error.message().contains("not sent") && error.attempts().is_empty(), "{error:?}");
    assert_eq!(started.elapsed().as_secs(), 60, "there is no use in waiting on");
    drop(reads);
}

#[tokio::test]
async fn a_token_for_someone_else_that_is_tried_again_is_ended_by_close() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { requests_per_second: Some(0.001), ..config(sandbox.base_url()) }).unwrap();
    break_nth(&sandbox, Operation::IssueToken, 1, Effect::Status { status: 503 });
    let scope = AccessScope::Read { id: id("A") };
    let (issued, ()) = tokio::join!(client.issue_token(&scope, Duration::from_secs(600)), async {
        until_calls(&sandbox, Operation::IssueToken, 1).await;
        // By now it waits for its turn, or soon will: it ends alike.
        tokio::time::sleep(Duration::from_millis(50)).await;
        client.close().await;
    });
    assert_eq!(issued.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_create_that_is_held_to_its_deadline_was_not_sent_and_says_so() {
    let sandbox = sandbox().await;
    let mut config = config(sandbox.base_url());
    config.total_timeout = Duration::from_secs(1);
    config.attempt_timeout = Duration::from_millis(500);
    let limited = Client::new(Config { requests_per_second: Some(0.001), ..config.clone() }).unwrap();
    limited.get_payout(&id("A")).await.unwrap_err();
    // Two were under way for one turn; what is over is owed.
    let error = limited.create_payout(&id("A"), &request(), false).await.unwrap_err();
    shown(&error);
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::TimedOut, false), "{error:?}");
    assert!(error.message().contains("not sent") && error.attempts().is_empty(), "{error:?}");

    // Nobody answers eight times, and then each probe waits half a second for its answer: the line is 10 s long.
    let broken = Client::new(config).unwrap();
    for n in 1..=8 {
        break_nth(&sandbox, Operation::GetPayout, n, Effect::Status { status: 503 });
    }
    for _ in 0..2 {
        broken.get_payout(&id("B")).await.unwrap_err();
    }
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::Hold));
    let mut line = JoinSet::new();
    for _ in 0..20 {
        let broken = broken.clone();
        line.spawn(async move { broken.wait_for_payout(&id("B"), Duration::from_secs(60)).await.err() });
    }
    until_calls(&sandbox, Operation::GetPayout, 1 + 8 + 1).await;
    let error = broken.create_payout(&id("A"), &request(), false).await.unwrap_err();
    assert_eq!((error.kind(), error.money_may_have_moved()), (ErrorKind::Unavailable, false), "{error:?}");
    assert_eq!(sandbox.calls(Operation::CreatePayout), 0);
    assert!(sandbox.ledger().is_empty());
}

#[tokio::test]
async fn no_more_calls_are_under_way_than_max_concurrency() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { max_concurrency: Some(2), ..config(sandbox.base_url()) }).unwrap();
    client.create_payout(&id("A"), &request(), false).await.unwrap();
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::Hold));
    let reads = read_others(&client, std::iter::repeat_n(id("A"), 20));
    until_calls(&sandbox, Operation::GetPayout, 2).await;
    let error = client.wait_for_payout(&id("A"), Duration::from_millis(100)).await.unwrap_err();
    assert!(error.attempts().is_empty() && error.cause().unwrap().message().contains("max_concurrency"), "{error:?}");
    assert_eq!(sandbox.calls(Operation::GetPayout), 2);
    sandbox.clear_faults();
    assert!(reads.join_all().await.iter().all(Option::is_none), "and all of them get their turn");
}

#[tokio::test]
async fn calls_that_are_not_polled_hold_up_nobody() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { max_concurrency: Some(1), ..config(sandbox.base_url()) }).unwrap();
    let [a, b, c] = ["A", "B", "C"].map(id);
    let (mut sending, mut in_line) = (pin!(client.get_payout(&a)), pin!(client.get_payout(&b)));
    // Each begins, and is not polled any more.
    poll_fn(|context| {
        assert!(sending.as_mut().poll(context).is_pending() && in_line.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    let third = tokio::time::timeout(Duration::from_secs(10), client.get_payout(&c)).await;
    assert_eq!(third.expect("those before it have ended").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(sending.await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(in_line.await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn after_a_429_a_limited_client_keeps_the_rest_that_is_asked_for() {
    let sandbox = sandbox().await;
    let free = Client::new(config(sandbox.base_url())).unwrap();
    free.create_payout(&id("A"), &request(), false).await.unwrap();
    let limited = Client::new(Config { requests_per_second: Some(1000.0), ..config(sandbox.base_url()) }).unwrap();
    for (client, rests) in [(free, false), (limited, true)] {
        break_nth(&sandbox, Operation::GetPayout, 1, Effect::RateLimited { retry_after_secs: Some(3600) });
        let error = client.get_payout(&id("A")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        let timeout = if rests { Duration::from_millis(50) } else { Duration::from_secs(30) };
        let next = client.wait_for_payout(&id("A"), timeout).await;
        assert_eq!(next.as_ref().err().map(Error::kind), rests.then_some(ErrorKind::NotFinal), "{next:?}");
    }
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_can_be_left_and_is_ended_by_close() {
    let sandbox = sandbox().await;
    let client = Client::new(Config { requests_per_second: Some(0.001), ..config(sandbox.base_url()) }).unwrap();
    client.get_payout(&id("A")).await.unwrap_err();
    let (a, r) = (id("A"), request());
    {
        let left = client.create_payout(&a, &r, false);
        assert!(tokio::time::timeout(Duration::from_millis(20), left).await.is_err());
    }
    while !client.creates_under_way().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (create, read, issued, ()) =
        tokio::join!(client.create_payout(&a, &r, false), client.get_payout(&a), client.check_credentials(), async {
            tokio::task::yield_now().await;
            client.close().await;
        });
    for error in [create.unwrap_err(), read.unwrap_err(), issued.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error:?}");
    }
    assert_eq!(sandbox.calls(Operation::CreatePayout), 0);
}

/// Settings for a port that refuses every connection, with the default times.
fn refused() -> (std::net::SocketAddr, Config) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    canary::listen();
    let credentials = Credentials::merchant(canary::MERCHANT, canary::SECRET);
    (address, Config::new(format!("http://{address}"), credentials))
}

/// In virtual time.
#[tokio::test(start_paused = true)]
async fn what_was_never_reached_ends_every_call_after_10_seconds() {
    let (_, config) = refused();
    let client = |change: fn(&mut Config)| {
        let mut config = config.clone();
        change(&mut config);
        Client::new(config).unwrap()
    };
    let patient: fn(&mut Config) = |config| config.read_attempts = 1000;
    let (a, r, hour) = (id("U-CREATE"), request(), Duration::from_hours(1));
    let scope = AccessScope::Read { id: a.clone() };
    for (what, kind, earliest, latest) in [
        ("create", ErrorKind::Unavailable, 9000, 10_000),
        ("resume", ErrorKind::OutcomeUnknown, 9000, 10_000),
        ("read", ErrorKind::Unavailable, 4000, 10_000),
        ("wait", ErrorKind::Unavailable, 4000, 10_000),
        ("token", ErrorKind::Unavailable, 4000, 10_000),
        ("hasty create", ErrorKind::Unavailable, 2000, 4000),
    ] {
        let started = tokio::time::Instant::now();
        let error = match what {
            "create" => client(patient).create_payout(&a, &r, false).await.unwrap_err(),
            "resume" => client(patient).create_payout(&a, &r, true).await.unwrap_err(),
            "read" => client(patient).get_payout(&a).await.unwrap_err(),
            "wait" => client(patient).wait_for_payout(&a, hour).await.unwrap_err(),
            "token" => client(patient).issue_token(&scope, Duration::from_secs(600)).await.map(drop).unwrap_err(),
            _ => {
                let hasty: fn(&mut Config) = |config| {
                    (config.total_timeout, config.attempt_timeout) = (Duration::from_secs(4), Duration::from_secs(1));
                };
                client(hasty).create_payout(&a, &r, false).await.unwrap_err()
            }
        };
        let took = started.elapsed().as_millis();
        assert_eq!(error.kind(), kind, "{what}: {error:?}");
        assert!((earliest..=latest).contains(&took), "{what}: {took} ms");
        let tokens = error.attempts().iter().filter(|attempt| attempt.operation == "POST /auth-tokens");
        assert!(tokens.count() >= 3 && error.attempts().iter().all(|it| it.http_status.is_none()), "{what}: {error:?}");
        shown(&error);
    }
    let said =
        |words: &[&str]| canary::warnings(&[&["payout_id=U-CREATE", "kind=unavailable", "attempt=1"], words].concat());
    assert_eq!(said(&["goes on for up to 10 s"]), 4, "once for each call");
    assert_eq!(said(&["goes on for up to 4 s"]), 1);
}

/// In virtual time, which stands still while the machine looks for the name.
#[tokio::test(start_paused = true)]
async fn a_host_name_that_nobody_knows_is_told_at_once_and_given_up_as_a_refused_port_is() {
    if ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().any(|name| std::env::var_os(name).is_some()) {
        return; // There it is the proxy that looks for the name.
    }
    let (_, config) = refused();
    let config = Config { base_url: "https://gateway.invalid".to_owned(), ..config };
    let started = tokio::time::Instant::now();
    let error = Client::new(config).unwrap().create_payout(&id("U-NAME"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(started.elapsed() <= Duration::from_secs(10), "{:?}", started.elapsed());
    let tokens = error.attempts().iter().filter(|attempt| attempt.operation == "POST /auth-tokens");
    assert!(tokens.count() >= 3 && error.attempts().iter().all(|it| it.http_status.is_none()), "{error:?}");
    let said = canary::warnings(&["payout_id=U-NAME", "kind=unavailable", "attempt=1", "goes on for up to 10 s"]);
    assert_eq!(said, 1);
}

/// In virtual time. They share one breaker, and most of them never get a turn.
#[tokio::test(start_paused = true)]
async fn a_thousand_calls_that_reach_nothing_end_in_time_and_do_not_fill_the_log() {
    let (_, config) = refused();
    let client = Client::new(config).unwrap();
    let started = tokio::time::Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..1000 {
        let client = client.clone();
        calls.spawn(async move { client.create_payout(&id(&format!("MANY-{n}")), &request(), false).await });
    }
    for ended in calls.join_all().await {
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let took = started.elapsed();
    assert!(took <= Duration::from_millis(10_100), "{took:?}");
    let warnings = canary::warnings(&["payout_id=MANY-", "the call goes on"]);
    assert!((1..=20).contains(&warnings), "{warnings} lines");
}

#[tokio::test]
async fn a_platform_that_was_reached_once_is_waited_for() {
    let sandbox = sandbox().await;
    let (_, defaults) = refused();
    let client = Client::new(Config { base_url: sandbox.base_url().to_owned(), ..defaults }).unwrap();
    client.currencies().await.unwrap();
    drop(sandbox);
    // From here on nothing waits for a socket.
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    let error = client.create_payout(&id("A"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(started.elapsed() > Duration::from_secs(60), "{:?}", started.elapsed());
}
