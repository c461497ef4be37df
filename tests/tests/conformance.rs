//! The conductor of the conformance suite: what it must call red, it calls red.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use komopay_tests::conformance::{Conductor, Scenario, Topic, load};
use komopay_tests::{canary, conformance};
use serde_json::{Value, json};

const RUNNER: &str = env!("CARGO_BIN_EXE_conformance-rust");
const PATIENCE: Duration = Duration::from_secs(60);

fn vectors() -> Vec<Topic> {
    load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")).unwrap()
}

fn conductor(command: &[&str], patience: Duration) -> Conductor {
    Conductor::new(command.iter().map(Into::into).collect(), patience)
}

/// A payout of 10000 IDR that is made, with other expectations.
fn scenario(change: impl FnOnce(&mut Value)) -> Scenario {
    let mut scenario = json!({
        "name": "a_create_is_accepted",
        "steps": [
            {"do": "open", "client": "main", "settings":
                {"base_url": "${base_url}", "merchant_code": "${merchant_code}", "secret": "${secret}"}},
            {"do": "call", "client": "main", "operation": "create_payout",
             "arguments": {"payout_id": "A-1", "resume": false, "request": {
                "money": {"amount": "10000", "currency": "IDR"},
                "method": {"type": "bank_transfer", "operator_code": "BNK_000",
                           "account": {"name": "Siti", "number": "${account}"}}}},
             "expect": {"ok": {
                "payout_id": "A-1", "payment_id": "$text", "reference": "$text",
                "money": {"amount": "10000", "currency": "IDR"}, "method_code": "BANK_TRANSFER", "segment_code": null,
                "exchanged_to_currency": null, "recovered": false, "payout": null, "raw": "$text",
                "attempts": "$any"}}},
        ],
        "wire": ["POST /auth-tokens", "POST /payouts/A-1"],
        "ledger": ["executed A-1 10000 IDR", "booked A-1 10000 IDR"],
    });
    change(&mut scenario);
    serde_json::from_value(scenario).unwrap()
}

async fn found(change: impl FnOnce(&mut Value)) -> String {
    let mut conductor = conductor(&[RUNNER], PATIENCE);
    let found = conductor.play(&scenario(change)).await.join("\n");
    conductor.end().await.unwrap();
    found
}

/// What is found by a runner that is this shell script.
async fn found_of(script: &str, patience: Duration) -> String {
    let found = conductor(&["sh", "-c", script], patience).play(&scenario(|_| {})).await.join("\n");
    canary::check(&found);
    found
}

fn create(scenario: &mut Value) -> &mut Value {
    &mut scenario["steps"][1]
}

#[tokio::test]
async fn what_is_as_expected_is_green() {
    assert_eq!(found(|_| {}).await, "");
}

#[tokio::test]
async fn another_wire_is_red() {
    assert!(found(|s| s["wire"] = json!(["POST /auth-tokens"])).await.contains("wire:"));
    assert!(found(|s| s["wire"] = json!(["POST /payouts/A-1", "POST /auth-tokens"])).await.contains("wire:"));
}

#[tokio::test]
async fn another_ledger_is_red() {
    let red = found(|s| s["ledger"][0] = json!("executed A-1 10001 IDR")).await;
    assert!(red.contains("ledger:") && red.contains("executed A-1 10000 IDR"), "{red}");
}

#[tokio::test]
async fn a_field_that_is_missing_or_too_many_or_different_is_red() {
    let red = found(|s| create(s)["expect"]["ok"]["more"] = Value::Null).await;
    assert_eq!(red, "step 2 (call create_payout): ok.more: is missing, expected null");
    let red = found(|s| drop(create(s)["expect"]["ok"].as_object_mut().unwrap().remove("recovered"))).await;
    assert_eq!(red, "step 2 (call create_payout): ok.recovered: is not expected, got false");
    let red = found(|s| create(s)["expect"]["ok"]["money"]["amount"] = json!("10000.0")).await;
    assert_eq!(red, "step 2 (call create_payout): ok.money.amount: expected \"10000.0\", got \"10000\"");
}

#[tokio::test]
async fn a_step_that_the_runner_cannot_do_is_red() {
    let red = found(|s| create(s)["arguments"]["more"] = json!(1)).await;
    assert!(red.contains("broken: is not expected, got \"create_payout takes no more\""), "{red}");
    // Whatever is expected.
    for expected in [json!({"...": true}), json!({"broken": "$text"})] {
        let broken = |s: &mut Value| {
            s["steps"] = json!([{"do": "make", "value": {"is": "moon"}, "expect": expected}]);
            s["wire"] = json!([]);
            s["ledger"] = json!([]);
        };
        let red = found(broken).await;
        assert!(red.contains("nothing may expect this: {\"broken\""), "{red}");
    }
}

#[tokio::test]
async fn a_request_that_breaks_the_contract_is_red() {
    let validate_off = |s: &mut Value| {
        s["steps"][0]["settings"]["validate"] = json!(false);
        create(s)["arguments"]["request"]["callback_url"] = json!("x".repeat(1001));
    };
    assert!(found(validate_off).await.contains("POST /payouts/A-1 breaks the contract"));
}

#[tokio::test]
async fn what_is_waited_for_in_vain_is_red() {
    let mut conductor = conductor(&[RUNNER], Duration::from_millis(200));
    let never = scenario(|s| s["steps"] = json!([{"do": "await_call", "request": "GET /never"}]));
    assert!(conductor.play(&never).await.join("").contains("was waited for in vain"));
}

#[tokio::test]
async fn a_runner_that_hangs_is_killed_and_its_scenario_is_red() {
    let red = found_of("exec sleep 600", Duration::from_millis(500)).await;
    assert!(red.contains("step 1 (open): the runner hung"), "{red}");
}

#[tokio::test]
async fn a_runner_that_dies_is_red_with_its_last_words_and_is_started_anew() {
    let red = found_of("echo no memory >&2; exit 3", PATIENCE).await;
    assert!(red.contains("the runner died (exit status: 3)") && red.contains("no memory"), "{red}");
    // It dies where a file is not there yet, and answers a little when it is.
    let mark = std::env::temp_dir().join(format!("komopay-conformance-{}", std::process::id()));
    let script = format!("test -e {0} || {{ touch {0}; exit 3; }}; exec {RUNNER}", mark.display());
    let mut conductor = conductor(&["sh", "-c", &script], PATIENCE);
    assert!(conductor.play(&scenario(|_| {})).await.join("").contains("the runner died"));
    let second = conductor.play(&scenario(|_| {})).await;
    std::fs::remove_file(mark).unwrap();
    assert!(second.is_empty(), "{second:?}");
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_red() {
    assert!(found_of("read line; echo hello", PATIENCE).await.contains("is not JSON"));
}

#[tokio::test]
async fn a_canary_in_an_answer_or_beside_it_is_red() {
    let answering = |answer: &str| format!("while read line; do echo '{answer}'; done");
    let red = found_of(&answering(&format!(r#"{{"ok": "{}"}}"#, canary::SECRET)), PATIENCE).await;
    assert!(red.contains("the answer shows a canary"), "{red}");
    let beside = format!("echo {} >&2; {}", canary::ACCOUNT, answering(r#"{"ok": null}"#));
    assert!(found_of(&beside, PATIENCE).await.contains("1 lines of the runner's standard error show a canary"));
}

#[tokio::test]
async fn a_runner_that_goes_on_after_its_input_ended_is_a_fault() {
    let mut conductor = conductor(&["sh", "-c", "read line; echo '{}'; exec sleep 600"], Duration::from_secs(3));
    conductor.play(&scenario(|s| s["steps"] = json!([s["steps"][0]]))).await;
    assert!(conductor.end().await.unwrap_err().contains("did not end"));
}

#[test]
fn there_are_scenarios_enough_and_each_says_what_it_expects() {
    let topics = vectors();
    let names: BTreeSet<&str> = topics.iter().flat_map(|topic| &topic.scenarios).map(|s| s.name.as_str()).collect();
    assert!(names.len() >= 120, "{} scenarios", names.len());
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_its_scenario() {
    let folder = std::env::temp_dir().join(format!("komopay-vectors-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let refused = |text: &str| {
        std::fs::write(folder.join("odd.json"), text).unwrap();
        conformance::load(&folder).unwrap_err()
    };
    let error = refused(r#"[{"name": "an_odd_one", "steps": [], "wires": []}]"#);
    assert!(error.starts_with("odd.json: an_odd_one: unknown field `wires`"), "{error}");
    assert!(
        refused(r#"[{"name": "a", "steps": []}, {"name": "a", "steps": []}]"#).contains("another one of this name")
    );
    assert!(refused("[").starts_with("odd.json:"));
    std::fs::remove_dir_all(folder).unwrap();
}
