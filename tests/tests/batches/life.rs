//! From a file to the last status.

use komopay_batches::{BatchSettings, BatchState, ItemState, NewBatch, Stop};
use komopay_sandbox::{Operation, Sandbox};

use crate::stack::{BUDGET, Stack, counts, file, plan, rows, started, to_the_end};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_paid_row_by_row_exactly_once() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    started(&batches, "B-1", &file(100)).await;
    let tokens = stack.sandbox.calls(Operation::IssueToken);
    let status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    assert_eq!(counts(&status)[&ItemState::Accepted], 100, "{status:?}");
    assert_eq!(status.state, BatchState::Following);
    assert_eq!(stack.sandbox.calls(Operation::IssueToken) - tokens, 4, "one for 32 payouts");
    assert_eq!(stack.sandbox.calls(Operation::CreatePayout), 100);
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!((status.state, counts(&status)[&ItemState::Succeeded]), (BatchState::Closed, 100), "{status:?}");
    let ledger = stack.ledger();
    assert_eq!((ledger.len(), ledger.values().sum::<usize>()), (100, 100));
    let calls = [Operation::CreatePayout, Operation::GetPayout].map(|operation| stack.sandbox.calls(operation));
    let calls = calls.iter().sum::<u64>() + stack.sandbox.calls(Operation::IssueToken) - tokens;
    assert!(calls <= 210, "{calls} calls for 100 payouts to their end");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_again_is_no_new_payout_and_a_changed_row_stops_that_row_only() {
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    started(&batches, "B-1", &file(20)).await;
    to_the_end(&stack, &batches, "B-1").await;
    let again = plan(&batches, "B-1", &file(20)).await;
    assert_eq!((again.state, again.inserted, again.plan.bad_rows), (BatchState::Closed, 0, 0), "{:?}", again.plan);
    let changed = plan(&batches, "B-1", &file(20).replace("10007", "20007")).await;
    assert_eq!((changed.inserted, changed.changed, changed.plan.bad_rows), (0, 0, 1));
    assert_eq!(changed.plan.row_problems[0].row, 9);
    assert_eq!(stack.ledger().values().sum::<usize>(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_rows_are_paid_once_each() {
    const ROWS: usize = 20_000;
    let stack = Stack::start(Sandbox::builder()).await;
    let batches = stack.batches().await;
    let settings = BatchSettings { concurrency: 64, ..BatchSettings::default() };
    let new = NewBatch { settings, ..NewBatch::new("B-1", "maker") };
    let planned = batches.plan(new, rows("B-1", &file(ROWS))).await.unwrap();
    batches.approve("B-1", "approver", &planned.digest.unwrap(), None).await.unwrap();
    batches.start("B-1", "operator", None).await.unwrap();
    // However long it takes: calls that are driven again go on.
    let mut status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    while status.count(ItemState::Accepted) < ROWS as u64 {
        status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    }
    let ledger = stack.ledger();
    assert_eq!((ledger.len(), ledger.values().sum::<usize>()), (ROWS, ROWS));
    let calls = stack.sandbox.calls(Operation::CreatePayout) + stack.sandbox.calls(Operation::IssueToken);
    assert!(calls <= ROWS as u64 * 105 / 100, "{calls} calls for {ROWS} payouts");
}
