//! Waiting for many payouts: each is told as it ends, with few requests for all.

use std::collections::BTreeMap;
use std::time::Duration;

use komopay_core::{ErrorKind, PayoutId, PayoutStatus, PayoutWaits};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_tests::{client, config, id, request, sandbox, start};

const TIMEOUT: Duration = Duration::from_secs(30);

async fn ended(mut waits: PayoutWaits) -> BTreeMap<PayoutId, Result<PayoutStatus, ErrorKind>> {
    let mut ended = BTreeMap::new();
    while let Some(waited) = waits.next().await {
        let result = waited.result.map(|payout| payout.status).map_err(|error| error.kind());
        assert!(ended.insert(waited.payout_id, result).is_none(), "each is told once");
    }
    assert!(waits.next().await.is_none());
    ended
}

#[tokio::test]
async fn each_is_told_once_as_it_ends_and_one_token_does_for_many() {
    let sandbox = sandbox().await;
    let maker = client(&sandbox);
    let ids: Vec<_> = (0..40).map(|number| id(&format!("P-{number}"))).collect();
    for id in &ids {
        maker.create_payout(id, &request(), false).await.unwrap();
    }
    // Another process, which has none of the tokens.
    let follower = client(&sandbox);
    let before = (sandbox.calls(Operation::IssueToken), sandbox.calls(Operation::GetPayout));
    let twice: Vec<_> = ids.iter().chain(&ids).cloned().collect();
    let ended = ended(follower.wait_for_payouts(&twice, TIMEOUT, 10_000.0).unwrap()).await;
    assert_eq!(ended.len(), 40);
    assert!(ended.values().all(|result| *result == Ok(PayoutStatus::Success)), "{ended:?}");
    assert_eq!(sandbox.calls(Operation::IssueToken) - before.0, 2);
    assert_eq!(sandbox.calls(Operation::GetPayout) - before.1, 40);
}

#[tokio::test]
async fn what_goes_wrong_with_one_is_told_of_that_one() {
    let sandbox = start(Sandbox::builder()).await;
    let client = client(&sandbox);
    let mut open = request();
    if let komopay_core::PayoutMethod::BankTransfer(bank) = &mut open.method {
        bank.account.number = "9000000099".to_owned();
    }
    client.create_payout(&id("OPEN"), &open, false).await.unwrap();
    client.create_payout(&id("DONE"), &request(), false).await.unwrap();
    let ids = ["OPEN", "NONE", "DONE"].map(id);
    let mut waits = client.wait_for_payouts(&ids, Duration::from_secs(2), PayoutWaits::READS_PER_SECOND).unwrap();
    let first = waits.next().await.unwrap();
    assert_eq!(first.payout_id, id("DONE"), "what is final is told at once");
    assert!(!first.result.unwrap().attempts.is_empty());
    let rest = ended(waits).await;
    assert_eq!(rest[&id("OPEN")], Err(ErrorKind::NotFinal));
    assert_eq!(rest[&id("NONE")], Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn an_outage_is_waited_out_and_a_closed_client_ends_every_wait() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let ids = ["A", "B", "C"].map(id);
    for id in &ids {
        client.create_payout(id, &request(), false).await.unwrap();
    }
    for n in 1..=4 {
        sandbox.inject(Fault::new(When::nth(Operation::GetPayout, n), Effect::Status { status: 503 }));
    }
    let told = ended(client.wait_for_payouts(&ids, TIMEOUT, 1000.0).unwrap()).await;
    assert!(told.values().all(|result| *result == Ok(PayoutStatus::Success)), "{told:?}");

    let waits = client.wait_for_payouts(&ids, TIMEOUT, 1000.0).unwrap();
    client.close().await;
    let told = ended(waits).await;
    assert!(told.values().all(|result| *result == Err(ErrorKind::Closed)), "{told:?}");
    assert_eq!(client.wait_for_payouts(&ids, TIMEOUT, 1000.0).unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_rate_that_cannot_be_is_refused_and_a_slow_one_ends_with_the_time() {
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = client.wait_for_payouts(&[id("P")], TIMEOUT, rate).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("reads_per_second")));
    }
    assert!(ended(client.wait_for_payouts(&[], TIMEOUT, 1.0).unwrap()).await.is_empty());
    let ids = ["A", "B"].map(id);
    for id in &ids {
        client.create_payout(id, &request(), false).await.unwrap();
    }
    let told = ended(client.wait_for_payouts(&ids, Duration::from_millis(500), 0.01).unwrap()).await;
    assert_eq!(told[&id("A")], Ok(PayoutStatus::Success));
    assert_eq!(told[&id("B")], Err(ErrorKind::NotFinal), "its turn did not come");
}

#[tokio::test]
async fn a_ready_token_is_used_for_each_alone() {
    let sandbox = sandbox().await;
    let maker = client(&sandbox);
    let ids = ["A", "B"].map(id);
    for id in &ids {
        maker.create_payout(id, &request(), false).await.unwrap();
    }
    let mut config = config(sandbox.base_url());
    config.credentials = komopay_core::Credentials::token(sandbox.issue_token(&["GET /payouts/A"], None, 600));
    let client = komopay_core::Client::new(config).unwrap();
    let told = ended(client.wait_for_payouts(&ids, TIMEOUT, 1000.0).unwrap()).await;
    assert_eq!(told[&id("A")], Ok(PayoutStatus::Success));
    assert_eq!(told[&id("B")], Err(ErrorKind::PermissionDenied));
}
