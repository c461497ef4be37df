//! What a create of a sweep may end as: the ledger decides.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use komopay_sandbox::{LedgerEntry, LedgerKind, Sandbox};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::canary;

const MONEY: (&str, &str) = ("10000", "IDR");

/// The executions, by payout.
pub(super) type Executed = BTreeMap<String, Vec<LedgerEntry>>;

/// The executions of one payout.
pub(super) fn of<'a>(executed: &'a Executed, id: &str) -> &'a [LedgerEntry] {
    executed.get(id).map(Vec::as_slice).unwrap_or_default()
}

/// The executions, once nothing is pending any more.
pub(super) async fn executed(sandbox: &Sandbox, patience: Duration) -> Result<Executed, String> {
    let idle = timeout(patience, sandbox.idle()).await;
    idle.map_err(|_| format!("the platform is still busy after {patience:?}"))?;
    let mut executed = Executed::new();
    for entry in sandbox.ledger() {
        if entry.kind == LedgerKind::Executed {
            executed.entry(entry.payout_id.clone()).or_default().push(entry);
        }
    }
    Ok(executed)
}

/// The one request of all sweeps.
pub(super) fn request() -> Value {
    json!({
        "money": {"amount": MONEY.0, "currency": MONEY.1},
        "method": {
            "type": "bank_transfer", "operator_code": "BNK_000", "email_address": "customer@test.com",
            "account": {"name": "Test account", "number": canary::ACCOUNT},
        },
        "callback_url": "https://callback.example.com",
    })
}

/// How a create ended, if the ledger allows it. `may_be_taken` if the network may have used its id up for it.
pub(super) fn by_ledger(
    id: &str,
    answer: &Value,
    executed: &[LedgerEntry],
    may_be_taken: bool,
) -> Result<String, String> {
    let problem = |problem: &str| Err(format!("{problem}: {}, with {} in the ledger", result(answer), show(executed)));
    if canary::is_in(&answer.to_string()) {
        return problem("the answer shows a canary");
    }
    if answer.get("ok").is_some() {
        return accepted(id, answer, executed);
    }
    let error = &answer["error"];
    match (error["kind"].as_str(), error["money_may_have_moved"].as_bool()) {
        (Some("outcome_unknown"), Some(true)) if executed.len() <= 1 => Ok("outcome_unknown".to_owned()),
        // It is honest, and the call that resumes it tells whose payout it is.
        (Some("duplicate_payout"), Some(true)) if may_be_taken && executed.len() == 1 => {
            Ok("duplicate_payout".to_owned())
        }
        (Some(kind), Some(false)) if executed.is_empty() => Ok(kind.to_owned()),
        (Some(_), Some(false)) => problem("it was executed, and is said not to be"),
        _ => problem("a create may not end so"),
    }
}

/// How a create ended in the end, if it had to be resumed and was accepted then.
pub(super) fn resumed(
    id: &str,
    ending: String,
    answer: Option<&Value>,
    executed: &[LedgerEntry],
) -> Result<String, String> {
    let Some(answer) = answer else { return Ok(ending) };
    match accepted(id, answer, executed) {
        Ok(then) => Ok(format!("{ending} then {then}")),
        Err(problem) => Err(format!("{ending}, then with resume: {problem}")),
    }
}

/// How a create was accepted, if it was, and was executed once.
fn accepted(id: &str, answer: &Value, executed: &[LedgerEntry]) -> Result<String, String> {
    let ok = &answer["ok"];
    let is_ours = |entry: &LedgerEntry| (&*entry.amount.to_string(), &*entry.currency) == MONEY;
    let is_right = ok["payout_id"] == id && ok["money"] == request()["money"];
    match (ok["recovered"].as_bool(), executed) {
        (Some(recovered), [entry]) if is_right && is_ours(entry) => {
            Ok(if recovered { "recovered" } else { "accepted" }.to_owned())
        }
        _ => Err(format!("not accepted and executed once: {}, with {} in the ledger", result(answer), show(executed))),
    }
}

/// What matters of an answer.
pub(super) fn result(answer: &Value) -> String {
    let members = |of: &str, names: &[&str]| {
        let members: Vec<_> = names.iter().map(|name| format!("{name} {}", answer[of][*name])).collect();
        members.join(", ")
    };
    if answer.get("ok").is_some() {
        return members("ok", &["payout_id", "money", "recovered"]);
    }
    match answer.get("error") {
        Some(_) => members("error", &["kind", "money_may_have_moved", "message"]),
        None => answer.to_string(),
    }
}

pub(super) fn show(list: &[impl fmt::Display]) -> String {
    let lines: Vec<_> = list.iter().map(ToString::to_string).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join(" and ") }
}
