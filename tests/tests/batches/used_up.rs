//! An id that the platform takes for used, and shows no payout of.

use komopay_batches::{BatchState, ItemState, Stop};
use komopay_core::{Client, ErrorKind};
use komopay_sandbox::{Effect, Operation, Sandbox};
use komopay_tests::{break_nth, id, request};

use crate::stack::{BUDGET, Stack, counts, file, started, to_the_end};

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_a_refusal_used_up_needs_a_person_and_is_not_sent_for_ever() {
    let stack = Stack::start(Sandbox::builder()).await;
    // Whoever sent it did not live to write the refusal down.
    let refused = Effect::Rejected { code: "INVALID_ACCOUNT_NUMBER".to_owned(), uses_id_up: true };
    break_nth(&stack.sandbox, Operation::CreatePayout, 1, refused);
    let client = Client::new(stack.config()).unwrap();
    let error = client.create_payout(&id("P-1"), &request(), false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);

    let batches = stack.batches().await;
    started(&batches, "B-1", &file(3)).await;
    let status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    assert_eq!(counts(&status)[&ItemState::InDoubt], 1, "{status:?}");
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!(counts(&status)[&ItemState::NeedsPerson], 1, "{status:?}");
    assert_eq!((status.state, counts(&status)[&ItemState::Succeeded]), (BatchState::Following, 2), "{status:?}");
    // Once for each row, and once by whoever came before; a read decides, not a second create.
    assert!(stack.sandbox.calls(Operation::CreatePayout) <= 5);

    batches.settle("B-1", "E-1", false, "operator", "the back office shows no such payout").await.unwrap();
    batches.retry("B-1", "E-1", "operator", "under a new id").await.unwrap();
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!((status.state, counts(&status)[&ItemState::Succeeded]), (BatchState::Closed, 3), "{status:?}");
    assert_eq!(stack.ledger().values().sum::<usize>(), 3);
}
