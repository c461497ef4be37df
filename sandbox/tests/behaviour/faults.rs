//! Each fault: what the client sees, and what the ledger says.

use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{
    End, Reply, bank_transfer, call, create, documented_create, exchange, get, host, ledger, read_to_end, request,
};
use crate::contract::{body, path};
use crate::start::{sandbox, start, start_for_wrong_requests};

const EXECUTED: [&str; 2] = ["executed A", "booked A"];
const NOTHING: [&str; 0] = [];

/// A sandbox whose first create of `A` meets this fault, and what the client saw.
async fn first_create_meets(effect: Effect) -> (Sandbox, Reply) {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), effect));
    let reply = create(&sandbox, "A", &documented_create()).await;
    (sandbox, reply)
}

#[tokio::test]
async fn a_delay_answers_as_always() {
    let (sandbox, reply) = first_create_meets(Effect::Delay { ms: 5 }).await;
    assert_eq!(reply.status(), 201);
    assert_eq!(ledger(&sandbox).await, EXECUTED);
}

#[tokio::test]
async fn a_delayed_create_executes_even_if_the_client_has_left() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), Effect::Delay { ms: 20 }));
    let token = sandbox.issue_token(&[], None, 600);
    let body = documented_create().to_string();
    let mut stream = TcpStream::connect(host(&sandbox)).await.unwrap();
    stream.write_all(request("POST", "/payouts/A", Some(&token), &body).as_bytes()).await.unwrap();
    drop(stream);
    assert_eq!(ledger(&sandbox).await, EXECUTED);
}

#[tokio::test]
async fn closing_before_reading_resets_the_connection() {
    let (sandbox, reply) = first_create_meets(Effect::CloseBeforeReading).await;
    assert_eq!((reply.raw.len(), reply.end), (0, End::Reset));
    assert_eq!(ledger(&sandbox).await, NOTHING);
    assert_eq!(sandbox.calls(Operation::CreatePayout), 1);
}

#[tokio::test]
async fn closing_after_reading_executes_nothing() {
    let (sandbox, reply) = first_create_meets(Effect::CloseAfterReading).await;
    assert_eq!((reply.raw.len(), reply.end), (0, End::Closed));
    assert_eq!(ledger(&sandbox).await, NOTHING);
}

#[tokio::test]
async fn execute_then_close_has_executed_when_the_close_is_seen() {
    let (sandbox, reply) = first_create_meets(Effect::ExecuteThenClose).await;
    assert_eq!(sandbox.ledger().len(), 2, "without waiting for anything");
    assert_eq!((reply.raw.len(), reply.end), (0, End::Closed));
    assert_eq!(ledger(&sandbox).await, EXECUTED);
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 409);
}

#[tokio::test]
async fn execute_after_close_executes_late() {
    let (sandbox, reply) = first_create_meets(Effect::ExecuteAfterClose { ms: 3_600_000 }).await;
    assert_eq!((reply.raw.len(), reply.end), (0, End::Closed));
    assert!(sandbox.ledger().is_empty());
    assert_eq!(get(&sandbox, "A").await.status(), 410);

    let (sandbox, reply) = first_create_meets(Effect::ExecuteAfterClose { ms: 1 }).await;
    assert_eq!((reply.raw.len(), reply.end), (0, End::Closed));
    assert_eq!(ledger(&sandbox).await, EXECUTED);
}

#[tokio::test]
async fn execute_then_status_answers_with_a_page() {
    for status in [500, 502, 504] {
        let (sandbox, reply) = first_create_meets(Effect::ExecuteThenStatus { status }).await;
        assert_eq!(reply.status(), status);
        assert_eq!(reply.headers()["content-type"], "text/html");
        assert_eq!(ledger(&sandbox).await, EXECUTED);
    }
}

#[tokio::test]
async fn a_cut_answer_ends_at_exactly_that_byte() {
    let (_, whole) = first_create_meets(Effect::CutAnswer { at_byte: u64::MAX }).await;
    assert_eq!(whole.status(), 201);
    for at_byte in [0, 1, 12, 100, whole.raw.len() - 1] {
        let (sandbox, reply) = first_create_meets(Effect::CutAnswer { at_byte: at_byte as u64 }).await;
        assert_eq!((reply.raw.len(), reply.end), (at_byte, End::Closed));
        let shown = at_byte.min(100);
        assert_eq!(reply.raw[..shown], whole.raw[..shown]);
        assert_eq!(ledger(&sandbox).await, EXECUTED);
    }
}

#[tokio::test]
async fn an_answer_shorter_than_the_cut_still_ends_with_a_close() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::nth(Operation::GetPayout, 1), Effect::CutAnswer { at_byte: 100_000 }));
    let token = sandbox.issue_token(&[], None, 600);
    let kept_alive = request("GET", "/payouts/A", Some(&token), "").replace("Connection: close\r\n", "");
    assert_eq!(exchange(&sandbox, kept_alive).await.status(), 410);
}

#[tokio::test]
async fn garbage_claims_to_be_json() {
    for (execute, expected) in [(true, EXECUTED.to_vec()), (false, NOTHING.to_vec())] {
        let (sandbox, reply) = first_create_meets(Effect::Garbage { status: 201, execute }).await;
        assert_eq!(reply.status(), 201);
        assert_eq!(reply.headers()["content-type"], "application/json");
        assert!(serde_json::from_str::<serde_json::Value>(&reply.body()).is_err());
        assert_eq!(ledger(&sandbox).await, expected);
    }
}

#[tokio::test]
async fn a_call_that_is_held_goes_on_when_the_faults_are_cleared() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.inject(Fault::new(When::nth(Operation::GetPayout, 1), Effect::Hold));
    let token = sandbox.issue_token(&[], None, 600);
    let held = exchange(&sandbox, request("GET", "/payouts/A", Some(&token), ""));
    let release = async {
        while sandbox.calls(Operation::GetPayout) == 0 {
            tokio::task::yield_now().await;
        }
        sandbox.clear_faults();
    };
    assert_eq!(tokio::join!(held, release).0.status(), 410);
}

#[tokio::test]
async fn an_answer_of_ones_own_goes_out_as_it_is() {
    for (execute, expected) in [(true, EXECUTED.to_vec()), (false, NOTHING.to_vec())] {
        let headers = [("Retry-After", "7"), ("Content-Type", "text/plain"), ("no header", "x")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let effect = Effect::Answer { status: 418, headers, body: "{\"a\":1}".to_owned(), execute };
        let (sandbox, reply) = first_create_meets(effect).await;
        assert_eq!((reply.status(), reply.body().as_str()), (418, "{\"a\":1}"));
        assert_eq!((&*reply.headers()["retry-after"], &*reply.headers()["content-type"]), ("7", "text/plain"));
        assert_eq!(ledger(&sandbox).await, expected);
    }
}

#[tokio::test]
async fn what_stands_in_the_way_executes_nothing() {
    for (effect, status) in [
        (Effect::Status { status: 503 }, 503),
        (Effect::CaptivePortal, 200),
        (Effect::NotFound, 404),
        (Effect::Unauthorized, 401),
        (Effect::Forbidden, 403),
        (Effect::BadRequest, 400),
        (Effect::Redirect { status: 302, location: None }, 302),
        (Effect::RateLimited { retry_after_secs: None }, 429),
    ] {
        let (sandbox, reply) = first_create_meets(effect.clone()).await;
        assert_eq!(reply.status(), status, "{effect:?}");
        assert_eq!(ledger(&sandbox).await, NOTHING, "{effect:?}");
        let repeat = create(&sandbox, "A", &documented_create()).await;
        assert_eq!(repeat.status(), 201, "{effect:?} is used up and has left the id and the token alone");
    }
}

#[tokio::test]
async fn a_captive_portal_shows_a_page() {
    let (_, reply) = first_create_meets(Effect::CaptivePortal).await;
    assert_eq!(reply.headers()["content-type"], "text/html");
    assert!(reply.body().starts_with("<html>"));
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_path_unless_told_otherwise() {
    let (_, reply) = first_create_meets(Effect::Redirect { status: 307, location: None }).await;
    assert_eq!(reply.headers()["location"], "/payouts/A");
    let elsewhere = Some("https://elsewhere.example/x".to_owned());
    let (_, reply) = first_create_meets(Effect::Redirect { status: 302, location: elsewhere }).await;
    assert_eq!(reply.headers()["location"], "https://elsewhere.example/x");
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back_if_told_to() {
    let (_, reply) = first_create_meets(Effect::RateLimited { retry_after_secs: Some(3) }).await;
    assert_eq!((reply.status(), reply.headers()["retry-after"].as_str()), (429, "3"));
    let (_, reply) = first_create_meets(Effect::RateLimited { retry_after_secs: None }).await;
    assert!(!reply.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn reads_may_lag_behind_the_execution() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::GoneForGet { ms: 3_600_000 }));
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 201);
    assert_eq!(get(&sandbox, "A").await.status(), 410);
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 409);
    sandbox.clear_faults();
    assert_eq!(get(&sandbox, "A").await.status(), 200);
    sandbox.inject(Fault::new(When::always(Operation::GetPayout), Effect::GoneForGet { ms: 0 }));
    assert_eq!(get(&sandbox, "A").await.status(), 200);
}

#[tokio::test]
async fn a_create_may_make_the_reads_of_its_payout_lag() {
    let (sandbox, reply) = first_create_meets(Effect::GoneForGet { ms: 3_600_000 }).await;
    assert_eq!(reply.status(), 201);
    create(&sandbox, "B", &documented_create()).await;
    assert_eq!(get(&sandbox, "A").await.status(), 410);
    assert_eq!(get(&sandbox, "B").await.status(), 200);
}

#[tokio::test]
async fn a_rejection_uses_the_id_up_or_not() {
    for (uses_id_up, then) in [(false, 201), (true, 409)] {
        let rejected = Effect::Rejected { code: "IP_DENIED".to_owned(), uses_id_up };
        let (sandbox, reply) = first_create_meets(rejected).await;
        assert_eq!(reply.codes(), ["IP_DENIED"]);
        assert_eq!(get(&sandbox, "A").await.status(), 410);
        assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), then);
    }
}

#[tokio::test]
async fn an_executed_payout_stays_readable_after_a_rejected_repeat() {
    let sandbox = sandbox().await;
    create(&sandbox, "A", &documented_create()).await;
    let rejected = Effect::Rejected { code: "IP_DENIED".to_owned(), uses_id_up: true };
    sandbox.inject(Fault::new(When::always(Operation::CreatePayout), rejected));
    assert_eq!(create(&sandbox, "A", &documented_create()).await.codes(), ["IP_DENIED"]);
    assert_eq!(get(&sandbox, "A").await.status(), 200);
}

#[tokio::test]
async fn an_echo_gives_away_account_number_token_and_secret() {
    let sandbox = sandbox().await;
    for status in [400, 406, 500] {
        for operation in [Operation::CreatePayout, Operation::IssueToken] {
            sandbox.inject(Fault::new(When::nth(operation, 1), Effect::EchoAccount { status }));
        }
        let token = sandbox.issue_token(&[], None, 600);
        let body = bank_transfer("778899001122").to_string();
        let reply = exchange(&sandbox, request("POST", "/payouts/A", Some(&token), &body)).await;
        assert_eq!(reply.status(), status);
        assert!(reply.body().contains("778899001122") && reply.body().contains(&token), "{}", reply.body());

        let body = r#"{"merchantCode": "SANDBOX_MERCHANT", "secret": "sandbox-secret"}"#;
        let reply = call(&sandbox, "POST", "/auth-tokens", body).await;
        assert!(reply.body().contains("sandbox-secret"), "{}", reply.body());
    }
    assert_eq!(ledger(&sandbox).await, NOTHING);
}

#[tokio::test]
async fn what_fails_its_checks_executes_nothing_under_any_fault() {
    for effect in [
        Effect::ExecuteThenClose,
        Effect::ExecuteAfterClose { ms: 0 },
        Effect::ExecuteThenStatus { status: 500 },
        Effect::Garbage { status: 201, execute: true },
    ] {
        let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
        sandbox.inject(Fault::new(When::always(Operation::CreatePayout), effect));
        exchange(&sandbox, request("POST", "/payouts/A", None, &documented_create().to_string())).await;
        create(&sandbox, "A", &serde_json::json!({})).await;
        assert_eq!(ledger(&sandbox).await, NOTHING);
    }
}

#[tokio::test]
async fn faults_act_on_token_calls_and_reads_too() {
    let sandbox = sandbox().await;
    for operation in [Operation::IssueToken, Operation::GetPayout] {
        let (method, path, body) = (operation.method(), path(operation), body(operation));
        for effect in [Effect::ExecuteAfterClose { ms: 0 }, Effect::CloseAfterReading, Effect::ExecuteThenClose] {
            sandbox.inject(Fault::new(When::nth(operation, 1), effect));
            let reply = call(&sandbox, method.as_str(), &path, &body).await;
            assert_eq!((reply.raw.len(), reply.end), (0, End::Closed));
        }
        sandbox.inject(Fault::new(When::nth(operation, 1), Effect::CloseBeforeReading));
        assert_eq!(call(&sandbox, method.as_str(), &path, &body).await.end, End::Reset);
    }
}

#[tokio::test]
async fn a_fault_may_wait_for_one_payout() {
    let sandbox = sandbox().await;
    sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 2).for_payout("B"), Effect::NotFound));
    let mut statuses = Vec::new();
    for id in ["A", "B", "A", "B", "B"] {
        statuses.push(create(&sandbox, id, &documented_create()).await.status());
    }
    assert_eq!(statuses, [201, 201, 409, 404, 409]);
}

#[tokio::test]
async fn a_rate_repeats_under_its_seed() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let sandbox = start(Sandbox::builder().seed(seed)).await;
        sandbox.inject(Fault::new(When::rate(Operation::GetPayout, 0.5), Effect::NotFound));
        let mut statuses = Vec::new();
        for _ in 0..32 {
            statuses.push(get(&sandbox, "A").await.status());
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&404) && runs[0].contains(&410));
}

#[tokio::test]
async fn a_half_sent_create_executes_nothing() {
    let sandbox = sandbox().await;
    let token = sandbox.issue_token(&[], None, 600);
    let bytes = request("POST", "/payouts/A", Some(&token), &documented_create().to_string());
    let mut stream = TcpStream::connect(host(&sandbox)).await.unwrap();
    stream.write_all(&bytes.as_bytes()[..bytes.len() - 1]).await.unwrap();
    stream.shutdown().await.unwrap();
    let reply = read_to_end(stream).await;
    assert!(reply.raw.is_empty() || reply.status() == 400, "{}", reply.text());
    assert_eq!(ledger(&sandbox).await, NOTHING);
}

#[tokio::test]
async fn faults_work_on_every_operation() {
    for operation in Operation::ALL {
        let sandbox = sandbox().await;
        let (method, path, body) = (operation.method(), path(operation), body(operation));
        create(&sandbox, "A", &documented_create()).await;
        for (effect, status) in [
            (Effect::Status { status: 503 }, Some(503)),
            (Effect::ExecuteThenStatus { status: 504 }, Some(504)),
            (Effect::RateLimited { retry_after_secs: Some(1) }, Some(429)),
            (Effect::Rejected { code: "MERCHANT_INACTIVE".to_owned(), uses_id_up: true }, Some(406)),
            (Effect::CloseAfterReading, None),
            (Effect::ExecuteThenClose, None),
            (Effect::ExecuteAfterClose { ms: 1 }, None),
            (Effect::CloseBeforeReading, None),
        ] {
            sandbox.inject(Fault::new(When::nth(operation, 1), effect.clone()));
            let reply = call(&sandbox, method.as_str(), &path, &body).await;
            match status {
                Some(status) => assert_eq!(reply.status(), status, "{operation} {effect:?}"),
                None => assert!(reply.raw.is_empty(), "{operation} {effect:?}"),
            }
        }
        sandbox.inject(Fault::new(When::nth(operation, 1), Effect::Delay { ms: 1 }));
        let late = call(&sandbox, method.as_str(), &path, &body).await;
        assert_eq!(late.status(), if operation == Operation::CreatePayout { 409 } else { 200 }, "{operation}");
        assert_eq!(ledger(&sandbox).await, EXECUTED, "{operation}");
    }
}
