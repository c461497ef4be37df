//! From a file to the last status.

use komopay_batches::{BatchState, ItemState, Stop};
use komopay_sandbox::{Operation, Sandbox};

use crate::stack::{BUDGET, Stack, counts, file, plan, started, to_the_end};

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
