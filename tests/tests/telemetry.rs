//! What calls tell of themselves: every call, every request of it, and nothing that is secret or personal.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use komopay_core::{CallEnded, CallEvent, CallOutcome, Client, ErrorKind, Telemetry};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::{canary, config, id, request, sandbox};

/// Keeps what it hears.
#[derive(Default)]
struct Heard(Mutex<Vec<CallEvent>>);

impl Telemetry for Heard {
    fn hear(&self, event: &CallEvent) {
        canary::check(&format!("{event:?}"));
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Heard {
    /// Each event in a word or two, and none of them left.
    fn take(&self) -> Vec<String> {
        let words = |event: CallEvent| match event {
            CallEvent::Started(started) => format!("{} starts", started.operation),
            CallEvent::Attempted(request) => {
                let how = request.attempt.http_status.map(|status| status.to_string());
                let how = how.or_else(|| request.error.map(|kind| kind.to_string())).unwrap();
                format!("{}. {} {how}, resent {}", request.number, request.attempt.operation, request.resend_count)
            }
            CallEvent::Ended(CallEnded { started, attempts, retries, outcome, .. }) => {
                format!("{} {outcome}, {attempts} requests, {retries} of them again", started.operation)
            }
        };
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(words).collect()
    }
}

fn listened(sandbox: &Sandbox) -> (Client, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let mut config = config(sandbox.base_url());
    config.telemetry = Some(heard.clone());
    (Client::new(config).unwrap(), heard)
}

#[tokio::test]
async fn a_call_tells_how_it_began_each_request_and_how_it_ended() {
    let sandbox = sandbox().await;
    let (client, heard) = listened(&sandbox);
    let accepted = client.create_payout(&id("P"), &request(), false).await.unwrap();
    let told = [
        "create_payout starts",
        "1. POST /auth-tokens 200, resent 0",
        "2. POST /payouts/P 201, resent 0",
        "create_payout done, 2 requests, 0 of them again",
    ];
    assert_eq!(heard.take(), told);
    let operations: Vec<_> = accepted.attempts.iter().map(|attempt| attempt.operation.as_str()).collect();
    assert_eq!(operations, ["POST /auth-tokens", "POST /payouts/P"]);

    sandbox.inject(Fault::new(When::nth(Operation::GetPayout, 1), Effect::Status { status: 503 }));
    let payout = client.get_payout(&id("P")).await.unwrap();
    let told = [
        "get_payout starts",
        "1. GET /payouts/P 503, resent 0",
        "2. GET /payouts/P 200, resent 1",
        "get_payout done, 2 requests, 1 of them again",
    ];
    assert_eq!((heard.take(), payout.attempts.len()), (told.map(str::to_owned).into(), 2));
    assert_eq!(payout, client.get_payout(&id("P")).await.unwrap(), "what it took to read it is no part of it");
    heard.take();

    let error = client.get_payout(&id("NONE")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(heard.take().last().unwrap(), "get_payout not_found, 3 requests, 1 of them again");
}

#[tokio::test]
async fn each_request_tells_where_it_was_sent() {
    let sandbox = sandbox().await;
    let (client, heard) = listened(&sandbox);
    client.balances(&["IDR".to_owned()]).await.unwrap();
    let told = std::mem::take(&mut *heard.0.lock().unwrap());
    let urls: Vec<_> = told
        .iter()
        .filter_map(|event| match event {
            CallEvent::Attempted(request) => Some(request.url.as_str()),
            CallEvent::Started(_) | CallEvent::Ended(_) => None,
        })
        .collect();
    let base = sandbox.base_url();
    assert_eq!(urls, [format!("{base}/auth-tokens"), format!("{base}/balances")]);
}

#[tokio::test]
async fn a_lost_answer_shows_as_an_attempt_without_one_and_the_read_that_found_the_payout() {
    let sandbox = sandbox().await;
    let (client, heard) = listened(&sandbox);
    sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), Effect::ExecuteThenClose));
    let accepted = client.create_payout(&id("P"), &request(), false).await.unwrap();
    let told = heard.take();
    assert!(told.iter().any(|event| event == "2. POST /payouts/P unavailable, resent 0"), "{told:?}");
    assert!(told.iter().any(|event| event.contains("GET /payouts/P 200")), "{told:?}");
    assert!(told.last().unwrap().starts_with("create_payout recovered"), "{told:?}");
    assert!(accepted.attempts.len() >= 3 && accepted.payout.unwrap().attempts.len() >= 3);
}

#[tokio::test]
async fn a_caller_that_leaves_and_one_that_is_held_back_are_told_of() {
    let sandbox = sandbox().await;
    let heard = Arc::new(Heard::default());
    let mut config = config(sandbox.base_url());
    config.telemetry = Some(heard.clone());
    config.requests_per_second = Some(4.0);
    let client = Client::new(config).unwrap();
    for _ in 0..4 {
        client.currencies().await.unwrap();
    }
    let throttled = heard.0.lock().unwrap().iter().any(|event| match event {
        CallEvent::Ended(ended) => ended.throttled > Duration::ZERO && ended.throttled <= ended.duration,
        _ => false,
    });
    assert!(throttled);
    heard.take();
    drop(tokio::time::timeout(Duration::ZERO, client.segments()).await);
    assert_eq!(heard.take(), ["segments starts", "segments abandoned, 0 requests, 0 of them again"]);

    client.create_payout(&id("P"), &request(), false).await.unwrap();
    heard.take();
    let ids = [id("P")];
    let mut waits = client.wait_for_payouts(&ids, Duration::from_secs(9), 100.0).unwrap();
    while waits.next().await.is_some() {}
    let told = heard.take();
    assert_eq!(told[0], "wait_for_payouts starts");
    assert_eq!(told.last().unwrap().split(',').next(), Some("wait_for_payouts done"));
    let outcomes = [CallOutcome::Done, CallOutcome::Recovered, CallOutcome::Abandoned].map(CallOutcome::as_str);
    assert_eq!(outcomes, ["done", "recovered", "abandoned"]);
}
