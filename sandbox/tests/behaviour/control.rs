//! The control API.

use komopay_sandbox::{Operation, Sandbox};
use serde_json::{Value, json};

use crate::client::{Reply, bank_transfer, call, create, documented_create, get, ledger};
use crate::start::{start, start_for_wrong_requests};

async fn controlled() -> Sandbox {
    start(Sandbox::builder().control(true)).await
}

async fn inject(sandbox: &Sandbox, faults: &Value) -> Reply {
    call(sandbox, "POST", "/_sandbox/faults", &faults.to_string()).await
}

fn fault(effect: &Value) -> Value {
    json!({"when": {"operation": "create_payout", "on": {"nth": 1}}, "effect": effect})
}

#[tokio::test]
async fn it_is_off_unless_enabled() {
    let sandbox = start_for_wrong_requests(Sandbox::builder()).await;
    for (method, path) in [("GET", "health"), ("GET", "ledger"), ("POST", "faults"), ("POST", "reset")] {
        assert_eq!(call(&sandbox, method, &format!("/_sandbox/{path}"), "").await.status(), 404);
    }
}

#[tokio::test]
async fn it_shows_ledger_balances_and_calls() {
    let sandbox = controlled().await;
    assert_eq!(call(&sandbox, "GET", "/_sandbox/health", "").await.json(), json!({"status": "ok"}));
    create(&sandbox, "A", &bank_transfer("778899001122")).await;
    assert_eq!(call(&sandbox, "GET", "/_sandbox/idle", "").await.json(), json!({"idle": true}));

    let ledger = call(&sandbox, "GET", "/_sandbox/ledger", "").await;
    let lines = ledger.json();
    assert_eq!(lines.as_array().unwrap().len(), 2);
    assert_eq!(lines[0]["kind"], "executed");
    assert_eq!(lines[0]["amount"], "10000");
    assert_eq!(lines[1]["kind"], "booked");
    assert!(!ledger.body().contains("778899001122"));

    let calls = call(&sandbox, "GET", "/_sandbox/calls", "").await.json();
    assert_eq!((&calls["issue_token"], &calls["create_payout"]), (&json!(0), &json!(1)));
    assert_eq!(calls.as_object().unwrap().len(), Operation::ALL.len());
    let balances = call(&sandbox, "GET", "/_sandbox/balances", "").await.json();
    assert_eq!(balances["IDR"], json!({"balance": "999990000", "available": "999990000", "pending_payout": "0"}));
}

#[tokio::test]
async fn it_injects_and_clears_faults() {
    let sandbox = controlled().await;
    let reply =
        inject(&sandbox, &json!([fault(&json!({"type": "not_found"})), fault(&json!({"type": "forbidden"}))])).await;
    assert_eq!((reply.status(), reply.json()), (201, json!({"active": 2})));
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 404);

    let lag = json!({"when": {"operation": "get_payout", "payout_id": "A", "on": "always"}, "effect": {"type": "bad_request"}});
    assert_eq!(inject(&sandbox, &lag).await.status(), 201);
    assert_eq!(get(&sandbox, "A").await.status(), 400);
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/faults", "").await.status(), 204);
    assert_eq!(get(&sandbox, "A").await.status(), 410);
}

#[tokio::test]
async fn it_refuses_faults_that_make_no_sense() {
    let sandbox = controlled().await;
    for faults in [
        json!({}),
        fault(&json!({"type": "no_such_effect"})),
        fault(&json!({"type": "delay"})),
        fault(&json!({"type": "delay", "ms": 1, "seconds": 1})),
        fault(&json!({"type": "status", "status": 100})),
        fault(&json!({"type": "stray_answer", "status": 100})),
        fault(&json!({"type": "stray_answer"})),
        fault(&json!({"type": "previous_answer", "status": 400})),
        json!({"when": {"operation": "create_payout", "on": {"nth": 0}}, "effect": {"type": "not_found"}}),
        json!({"when": {"operation": "create_payout", "on": {"rate": 1.5}}, "effect": {"type": "not_found"}}),
        json!({"when": {"operation": "drop_tables", "on": "always"}, "effect": {"type": "not_found"}}),
    ] {
        assert_eq!(inject(&sandbox, &faults).await.status(), 400, "{faults}");
    }
}

#[tokio::test]
async fn it_switches_the_merchant_and_resets_everything() {
    let sandbox = controlled().await;
    create(&sandbox, "A", &documented_create()).await;
    let reply = call(&sandbox, "POST", "/_sandbox/merchant", r#"{"active": false}"#).await;
    assert_eq!(reply.json(), json!({"active": false}));
    assert_eq!(get(&sandbox, "A").await.codes(), ["MERCHANT_INACTIVE"]);
    inject(&sandbox, &fault(&json!({"type": "not_found"}))).await;

    assert_eq!(call(&sandbox, "POST", "/_sandbox/reset", "").await.status(), 204);
    assert!(sandbox.ledger().is_empty());
    assert_eq!(sandbox.calls(Operation::CreatePayout), 0);
    assert_eq!(sandbox.balance("IDR").unwrap().balance.to_string(), "1000000000");
    assert_eq!(create(&sandbox, "A", &documented_create()).await.status(), 201);
}

#[tokio::test]
async fn a_payout_from_before_a_reset_settles_nothing_after_it() {
    let processing = std::time::Duration::from_millis(50);
    let sandbox = start(Sandbox::builder().control(true).processing_time(processing)).await;
    create(&sandbox, "A", &documented_create()).await;
    call(&sandbox, "POST", "/_sandbox/reset", "").await;
    create(&sandbox, "A", &documented_create()).await;
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
    assert_eq!(sandbox.balance("IDR").unwrap().pending_payout.to_string(), "0");
}
