//! Something on the way to the platform that takes no long headers.

use std::sync::{Arc, Mutex};

use komopay_batches::{BatchState, ItemState, Stop};
use komopay_sandbox::{Effect, Exchange, Fault, Operation, Sandbox, When};

use crate::stack::{BUDGET, Stack, counts, file, started, to_the_end};

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_whose_token_is_too_long_is_halved_and_its_items_go_back_through_a_read() {
    // For how many creates each token was asked for.
    let sizes: Arc<Mutex<Vec<usize>>> = Arc::default();
    let asked = Arc::clone(&sizes);
    let observer = move |exchange: &Exchange<'_>| {
        let body = String::from_utf8_lossy(exchange.body);
        let creates = body.matches("POST /payouts/P-").count();
        if exchange.uri.path() == "/auth-tokens" && exchange.answer.is_none() && creates > 0 {
            asked.lock().unwrap().push(creates);
        }
    };
    let stack = Stack::start(Sandbox::builder().observer(observer)).await;
    let batches = stack.batches().await;
    started(&batches, "B-1", &file(32)).await;
    let headers = [("Content-Type".to_owned(), "text/html".to_owned())].into();
    let refused = Effect::Answer { status: 431, headers, body: "<html>too large</html>".to_owned(), execute: false };
    stack.sandbox.inject(Fault::new(When::always(Operation::CreatePayout), refused));

    let status = batches.drive("B-1", BUDGET, &Stop::default()).await.unwrap();
    assert_eq!(status.state, BatchState::Running, "{status:?}");
    let doubted = counts(&status).get(&ItemState::InDoubt).copied().unwrap_or_default();
    assert!(doubted > 0, "a page of a proxy is no refusal: {status:?}");
    assert_eq!(counts(&status).get(&ItemState::Rejected), None, "{status:?}");

    stack.sandbox.clear_faults();
    let status = to_the_end(&stack, &batches, "B-1").await;
    assert_eq!((status.state, counts(&status)[&ItemState::Succeeded]), (BatchState::Closed, 32), "{status:?}");
    assert!(stack.ledger().values().all(|times| *times == 1));
    assert!(stack.sandbox.calls(Operation::GetPayout) >= doubted, "each is read before it is sent again");
    let sizes = sizes.lock().unwrap();
    assert_eq!((sizes[0], sizes[1]), (32, 16), "{sizes:?}");
}
