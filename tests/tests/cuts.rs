//! The sweeps of creates that are cut, repeated or tampered with: a true runner is green at every byte, and one that
//! lies about the money is red.
#![cfg(unix)]

use std::time::Duration;

use komopay_tests::canary;
use komopay_tests::conformance::{Conductor, Sweep, Swept};

const RUNNER: &str = env!("CARGO_BIN_EXE_conformance-rust");

async fn swept(sweep: Sweep, stride: usize, script: &str) -> Swept {
    let mut conductor = Conductor::new(vec!["sh".into(), "-c".into(), script.into()], Duration::from_secs(60));
    let swept = conductor.sweep(sweep, stride).await;
    canary::check(&format!("{swept} {:?}", swept.found));
    swept
}

/// What is found of a runner whose answers go through this `sed`.
async fn found_if_it_says(sweep: Sweep, stride: usize, change: &str) -> String {
    swept(sweep, stride, &format!("{RUNNER} | sed -u '{change}'")).await.found.join("\n")
}

#[tokio::test]
async fn a_create_that_is_cut_anywhere_is_executed_once() {
    for sweep in [Sweep::Requests, Sweep::Answers] {
        let swept = swept(sweep, 37, RUNNER).await;
        assert!(swept.found.is_empty(), "{}", swept.found.join("\n"));
        assert!(swept.cases > 4 * (swept.bytes / 37) && swept.bytes > 300, "{swept}");
    }
}

#[tokio::test]
async fn a_create_that_is_cut_at_a_boundary_of_tls_is_executed_once() {
    let swept = swept(Sweep::Tls, 5, RUNNER).await;
    assert!(swept.found.is_empty() && swept.cases > 100, "{swept}\n{}", swept.found.join("\n"));
}

#[tokio::test]
async fn a_create_that_the_network_repeats_is_executed_once() {
    let swept = swept(Sweep::Repeats, 5, RUNNER).await;
    assert!(swept.found.is_empty() && swept.cases > 150, "{swept}\n{}", swept.found.join("\n"));
    // A proxy that repeats a create of which it lost the answer uses the id up: so says the call, and resuming
    // recovers. How many end so is a matter of what comes first.
    assert!(swept.endings.contains_key("duplicate_payout then recovered"), "{swept}");
}

#[tokio::test]
async fn a_create_that_is_tampered_with_over_tls_is_executed_once() {
    let swept = swept(Sweep::Tampering, 5, RUNNER).await;
    assert!(swept.found.is_empty() && swept.cases == 85, "{swept}\n{}", swept.found.join("\n"));
}

#[tokio::test]
async fn a_runner_that_believes_what_was_tampered_with_is_red() {
    let red = found_if_it_says(Sweep::Tampering, 1, r#"s/"recovered":true/"recovered":false/"#).await;
    assert!(red.contains("half an answer was believed") && red.contains("act: Flip"), "{red}");
}

#[tokio::test]
async fn a_runner_that_takes_a_repeated_create_for_refused_is_red() {
    let change =
        r#"s/"kind":"duplicate_payout"/"kind":"rejected"/;s/"money_may_have_moved":true/"money_may_have_moved":false/"#;
    let red = found_if_it_says(Sweep::Repeats, 50, change).await;
    assert!(red.contains("act: Retry") && red.contains("it was executed, and is said not to be"), "{red}");
}

#[tokio::test]
async fn a_runner_that_says_that_no_money_moved_is_red() {
    let change = r#"s/"money_may_have_moved":true/"money_may_have_moved":false/"#;
    let red = found_if_it_says(Sweep::Answers, 60, change).await;
    assert!(red.contains("it was executed, and is said not to be"), "{red}");
    assert!(red.contains("way: Answer, at: "), "{red}");
}

#[tokio::test]
async fn a_runner_that_believes_half_an_answer_is_red() {
    let red = found_if_it_says(Sweep::Answers, 60, r#"s/"recovered":true/"recovered":false/"#).await;
    assert!(red.contains("half an answer was believed"), "{red}");
}

#[tokio::test]
async fn a_runner_that_ends_a_create_as_something_else_is_red() {
    let red = found_if_it_says(Sweep::Requests, 400, "s/outcome_unknown/duplicate_payout/").await;
    assert!(red.contains("a create may not end so") && red.contains("no create ended as outcome_unknown"), "{red}");
}

#[tokio::test]
async fn a_runner_that_does_not_resume_is_red() {
    let forgets = format!("sed -u 's/\"resume\":true/\"resume\":false/' | {RUNNER}");
    let red = swept(Sweep::Answers, 60, &forgets).await.found.join("\n");
    assert!(red.contains("outcome_unknown, then with resume: not accepted and executed once"), "{red}");
}

#[tokio::test]
async fn a_runner_that_sends_nothing_is_red() {
    let says_yes = r#"while read -r line; do echo '{"ok": null}'; done"#;
    let red = swept(Sweep::Requests, 400, says_yes).await.found.join("\n");
    assert!(red.contains("a create that is not cut"), "{red}");
}
