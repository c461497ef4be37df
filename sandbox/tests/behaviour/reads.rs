//! What a GET shows, how payouts end, and how balances move.

use std::time::Duration;

use komopay_sandbox::magic::{MAGIC_NUMBERS, Outcome};
use komopay_sandbox::{Balance, LedgerKind, Sandbox};
use serde_json::json;

use crate::client::{bank_transfer, create, documented_create, get, ledger};
use crate::start::{sandbox, start};

/// Balance, available and pending, as text.
fn idr(sandbox: &Sandbox) -> [String; 3] {
    let Balance { balance, available, pending_payout, .. } = sandbox.balance("IDR").unwrap();
    [balance, available, pending_payout].map(|amount| amount.to_string())
}

#[tokio::test]
async fn an_unknown_payout_is_410() {
    let sandbox = sandbox().await;
    let reply = get(&sandbox, "A").await;
    assert_eq!((reply.status(), reply.description().as_str()), (410, "no such payout"));
}

#[tokio::test]
async fn a_payout_in_processing_holds_its_money() {
    let sandbox = start(Sandbox::builder().balance("IDR", "50000")).await;
    assert_eq!(create(&sandbox, "A", &bank_transfer("9000000099")).await.status(), 201);
    sandbox.idle().await;
    let detail = get(&sandbox, "A").await.json();
    assert_eq!(detail["process"]["status"], "PROCESSING");
    assert_eq!(detail["process"]["processorStatus"], "ACCEPTED");
    assert_eq!(detail["process"]["isTest"], true);
    assert!(detail["process"].get("processedAt").is_none());
    assert_eq!(detail["fee"], json!({"amount": 100, "currencyCode": "IDR"}));
    assert_eq!(idr(&sandbox), ["50000", "40000", "10000"]);
    assert_eq!(ledger(&sandbox).await, ["executed A"]);
}

#[tokio::test]
async fn pending_money_cannot_be_spent_twice() {
    let sandbox = start(Sandbox::builder().balance("IDR", "15000")).await;
    assert_eq!(create(&sandbox, "A", &bank_transfer("9000000099")).await.status(), 201);
    assert_eq!(create(&sandbox, "B", &documented_create()).await.codes(), ["BALANCE_INSUFFICIENT"]);
}

#[tokio::test]
async fn success_books_the_money() {
    let sandbox = start(Sandbox::builder().balance("IDR", "50000")).await;
    create(&sandbox, "A", &documented_create()).await;
    let detail = get(&sandbox, "A").await.json();
    assert_eq!(detail["process"]["status"], "SUCCESS");
    for name in ["createdAt", "processedAt"] {
        let at = detail["process"][name].as_str().unwrap();
        assert!(at.len() == "2025-01-01T00:00:00.000Z".len() && at.ends_with('Z'), "{at}");
    }
    assert_eq!(idr(&sandbox), ["40000", "40000", "0"]);
}

#[tokio::test]
async fn every_magic_number_ends_as_the_table_says() {
    let sandbox = sandbox().await;
    let before = idr(&sandbox);
    for (digits, outcome) in MAGIC_NUMBERS {
        assert_eq!(create(&sandbox, digits, &bank_transfer(digits)).await.status(), 201);
        let process = get(&sandbox, digits).await.json()["process"].clone();
        assert_eq!(process["status"], outcome.status());
        let reason = &process["failureReasons"];
        assert_eq!(reason["failureReasonCode"].as_str(), outcome.failure_reason(), "{digits}");
        assert_eq!(reason["failedAt"].as_str(), outcome.failure_reason().and(process["processedAt"].as_str()));
        let expected = if outcome == Outcome::Processing { LedgerKind::Executed } else { LedgerKind::Released };
        assert_eq!(sandbox.ledger().last().unwrap().kind, expected, "{digits}");
    }
    assert_eq!(idr(&sandbox)[0], before[0]);
    assert_eq!(idr(&sandbox)[2], "10000");
}

#[tokio::test]
async fn magic_numbers_work_with_every_method() {
    let sandbox = sandbox().await;
    let wallet = json!({
        "paymentRequested": {"money": {"amount": 5, "currencyCode": "IDR"}},
        "paymentMethod": {"paymentMethodCode": "WALLET_TRANSFER", "account": {"accountNumber": "9000000031@test"}}
    });
    let crypto = json!({
        "paymentRequested": {"money": {"amount": 5, "currencyCode": "USDT"}},
        "paymentMethod": {
            "paymentMethodCode": "CRYPTO_TRANSFER",
            "paymentOperatorCode": "DEMO_CHAIN",
            "account": {"accountNumber": "T9000000001"}
        }
    });
    create(&sandbox, "W", &wallet).await;
    create(&sandbox, "C", &crypto).await;
    assert_eq!(get(&sandbox, "W").await.json()["process"]["status"], "REFUSED");
    assert_eq!(get(&sandbox, "C").await.json()["process"]["failureReasons"]["failureReasonCode"], "SYSTEM");
}

#[tokio::test]
async fn processing_ends_by_itself_and_idle_waits_for_it() {
    let sandbox = start(Sandbox::builder().processing_time(Duration::from_millis(20))).await;
    create(&sandbox, "A", &documented_create()).await;
    sandbox.idle().await;
    assert_eq!(ledger(&sandbox).await, ["executed A", "booked A"]);
    assert_eq!(get(&sandbox, "A").await.json()["process"]["status"], "SUCCESS");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers() {
    let mut answers = Vec::new();
    for seed in [7, 7, 8] {
        let sandbox = start(Sandbox::builder().seed(seed)).await;
        answers.push(create(&sandbox, "A", &documented_create()).await.body());
    }
    assert_eq!(answers[0], answers[1]);
    assert_ne!(answers[0], answers[2]);
}

#[tokio::test]
async fn a_ledger_line_reads_well_and_gives_no_account_away() {
    let sandbox = sandbox().await;
    create(&sandbox, "A", &bank_transfer("778899001122")).await;
    let line = sandbox.ledger()[0].to_string();
    assert!(line.contains("executed A 10000 IDR payee "), "{line}");
    assert!(!line.contains("778899001122"), "{line}");
}
