//! Sandboxes whose calls are held against the contract. The first violation ends the whole program.

use komopay_sandbox::{Builder, Sandbox};
use komopay_tests::contract::{judge, judge_answer};

/// A sandbox with the defaults.
pub async fn sandbox() -> Sandbox {
    start(Sandbox::builder()).await
}

/// As [`sandbox`], with settings of its own.
pub async fn start(builder: Builder) -> Sandbox {
    builder.observer(judge).start().await.unwrap()
}

/// As [`start`], for requests that break the contract on purpose. The answers are judged as ever.
pub async fn start_for_wrong_requests(builder: Builder) -> Sandbox {
    builder.observer(judge_answer).start().await.unwrap()
}
