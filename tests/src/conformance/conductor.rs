//! Plays scenarios: starts the sandbox, tells the runner, does the steps between, and judges what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use komopay_sandbox::Sandbox;
use komopay_sandbox::magic::Outcome;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::matching::differences;
use super::runner::Runner;
use super::scenario::{Action, Own, Scenario, Step, Told, fill};
use super::witness::Witness;
use crate::canary;

/// Plays one scenario after the other on one runner, which is started anew after it hung or died.
pub struct Conductor {
    command: Vec<OsString>,
    /// For how long a step may take.
    pub(super) patience: Duration,
    pub(super) runner: Option<Runner>,
    /// What the bytes follow from that a sweep draws.
    pub(super) seed: u64,
}

/// What one scenario is played on.
struct Stage {
    sandbox: Sandbox,
    witness: Witness,
    kept: BTreeMap<String, String>,
    /// The clients that are open.
    clients: BTreeSet<String>,
    /// For the files of this scenario, as long as it is played.
    _folder: TempDir,
}

impl Conductor {
    /// A conductor of the runner that this command starts.
    #[must_use]
    pub fn new(command: Vec<OsString>, patience: Duration) -> Self {
        Self { command, patience, runner: None, seed: 1 }
    }

    /// The same, with a seed of its own for what sweeps draw.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Plays a scenario. What was not as expected is told; if there is nothing to tell, it is green.
    pub async fn play(&mut self, scenario: &Scenario) -> Vec<String> {
        let mut stage = match Stage::start(scenario).await {
            Ok(stage) => stage,
            Err(problem) => return vec![problem],
        };
        let mut found = match self.steps(&mut stage, scenario).await {
            Ok(found) => found,
            Err(problem) => {
                // Whatever it still does, it does not do it to the next scenario.
                self.runner = None;
                return vec![canary::hide(&problem)];
            }
        };
        if timeout(self.patience, stage.sandbox.idle()).await.is_err() {
            found.push(format!("the platform is still busy after {:?}", self.patience));
        }
        found.extend(stage.judge(scenario));
        found.extend(self.judge_aside());
        stage.sandbox.stop().await;
        found.iter().map(|difference| canary::hide(difference)).collect()
    }

    /// Ends the runner, by ending its input.
    ///
    /// # Errors
    /// How it did not end as it should.
    pub async fn end(mut self) -> Result<(), String> {
        match self.runner.take() {
            Some(runner) => runner.end(self.patience).await,
            None => Ok(()),
        }
    }

    /// Plays all steps, and closes the clients that are open then. An error is what made going on impossible.
    async fn steps(&mut self, stage: &mut Stage, scenario: &Scenario) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        for (index, step) in scenario.steps.iter().enumerate() {
            let place = format!("step {} ({})", index + 1, step.name());
            let differences = self.step(stage, step).await.map_err(|problem| format!("{place}: {problem}"))?;
            found.extend(differences.into_iter().map(|difference| format!("{place}: {difference}")));
        }
        for client in std::mem::take(&mut stage.clients) {
            let answer = self.tell(&json!({"do": "close", "client": client})).await;
            let answer = answer.map_err(|problem| format!("closing {client} at the end: {problem}"))?;
            found.extend(differences(&json!({"ok": null}), &answer));
        }
        Ok(found)
    }

    /// What the runner wrote beside its answers since this was last asked.
    pub(super) fn judge_aside(&self) -> Option<String> {
        let canaries = self.runner.as_ref().map(Runner::canaries).unwrap_or_default();
        (canaries > 0).then(|| format!("{canaries} lines of the runner's standard error show a canary"))
    }

    async fn step(&mut self, stage: &mut Stage, step: &Step) -> Result<Vec<String>, String> {
        let action = fill(&step.action, &stage.kept)?;
        match Step::parse(&action)? {
            Action::Own(own) => {
                let done = timeout(self.patience, stage.perform(own, step.keep.as_deref())).await;
                done.map_err(|_| format!("was waited for in vain, for {:?}", self.patience))
            }
            Action::Told(told) => {
                let answer = self.tell(&action).await?;
                let mut found = differences(&fill(&step.expect, &stage.kept)?, &without_label(&told, &answer));
                if found.is_empty() && answer.get("broken").is_some() {
                    found.push(format!("nothing may expect this: {answer}"));
                }
                if canary::is_in(&may_not_show_canaries(&told, &answer).to_string()) {
                    found.push("the answer shows a canary".to_owned());
                }
                match told {
                    Told::Open { client, .. } if answer.get("ok").is_some() => drop(stage.clients.insert(client)),
                    Told::Close { client } => drop(stage.clients.remove(&client)),
                    _ => {}
                }
                if let Some(name) = &step.keep {
                    match answer["ok"].as_str().or(answer["ok"]["token"].as_str()) {
                        Some(text) => drop(stage.kept.insert(name.clone(), text.to_owned())),
                        None => found.push(format!("there is no text to keep as {name}")),
                    }
                }
                Ok(found)
            }
        }
    }

    pub(super) async fn tell(&mut self, told: &Value) -> Result<Value, String> {
        let runner = match &mut self.runner {
            Some(runner) => runner,
            none => none.insert(Runner::start(&self.command)?),
        };
        runner.tell(told, self.patience).await
    }
}

/// Where files lie that runners read, too: one that runs in another system sees the build folder of ours, and not our
/// folder for temporary files.
pub(super) fn shared_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

impl Stage {
    async fn start(scenario: &Scenario) -> Result<Self, String> {
        let settings = &scenario.sandbox;
        let witness = Witness::new(!settings.wrong_requests);
        let sandbox = Sandbox::builder()
            .merchant(canary::MERCHANT, canary::SECRET)
            .processing_time(Duration::from_millis(settings.processing_ms))
            .locked_tokens_may_read(!settings.locked_tokens_may_not_read)
            .observer({
                let witness = witness.clone();
                move |exchange| witness.see(exchange)
            });
        let sandbox = sandbox.start().await.map_err(|error| format!("no sandbox: {error}"))?;
        let folder = tempfile::tempdir_in(shared_folder()).map_err(|error| format!("no folder: {error}"))?;
        let known = [
            ("base_url", sandbox.base_url()),
            ("merchant_code", sandbox.merchant_code()),
            ("secret", sandbox.secret()),
            ("account", canary::ACCOUNT),
            ("folder", folder.path().to_str().ok_or("a folder that is no text")?),
        ];
        let kept = known.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        Ok(Self { sandbox, witness, kept, clients: BTreeSet::new(), _folder: folder })
    }

    /// Does a step of the conductor's own, and tells what is not as it should be.
    async fn perform(&mut self, own: Own, keep: Option<&str>) -> Vec<String> {
        let sandbox = &self.sandbox;
        if let Some(fault) = own.fault() {
            sandbox.inject(fault);
            return Vec::new();
        }
        match own {
            Own::Inject { .. } | Own::Answer { .. } => {}
            Own::ClearFaults {} => sandbox.clear_faults(),
            Own::AwaitCall { request, times } => self.witness.has_seen(&request, times).await,
            Own::Idle {} => sandbox.idle().await,
            Own::Ledger { is } => return self.judge_ledger(&is).into_iter().collect(),
            Own::MerchantActive { active } => sandbox.set_merchant_active(active),
            Own::ChangeStatus { payout_id, status, failure } => {
                let outcome = Outcome::named(&status, failure.as_deref());
                let changed = outcome
                    .and_then(|outcome| sandbox.change_status(&payout_id, outcome).map_err(|error| error.to_string()));
                return changed.err().into_iter().collect();
            }
            Own::StopSandbox {} => sandbox.stop().await,
            Own::Token { operations, money, validity_secs } => {
                let operations: Vec<&str> = operations.iter().map(String::as_str).collect();
                let money = money.as_ref().map(|(amount, currency)| (amount.as_str(), currency.as_str()));
                let token = sandbox.issue_token(&operations, money, validity_secs);
                self.kept.insert(keep.unwrap_or("token").to_owned(), token);
            }
        }
        Vec::new()
    }

    /// What was on the wire, what the ledger holds, and whether both sides kept to the contract.
    fn judge(&self, scenario: &Scenario) -> Vec<String> {
        let mut found = Vec::new();
        let wire = self.witness.wire();
        if !is_wire(&scenario.wire, &wire) {
            found.push(lists_differ("wire", &scenario.wire, &wire));
        }
        found.extend(self.judge_ledger(&scenario.ledger));
        found.extend(self.witness.violations());
        found
    }

    fn judge_ledger(&self, expected: &[String]) -> Option<String> {
        let lines = self.sandbox.ledger().into_iter();
        let ledger: Vec<String> = lines
            .map(|entry| format!("{} {} {} {}", entry.kind, entry.payout_id, entry.amount, entry.currency))
            .collect();
        (expected != ledger).then(|| lists_differ("ledger", expected, &ledger))
    }
}

/// The type that a made value may still carry says nothing that was not said to the runner.
fn without_label(told: &Told, answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let (Told::Make { .. }, Some(Value::Object(made))) = (told, answer.get_mut("ok")) {
        made.remove("is");
    }
    answer
}

/// The answer without the token that was asked for and without the value that was to be made.
fn may_not_show_canaries(told: &Told, answer: &Value) -> Value {
    let mut answer = answer.clone();
    match (told, answer.get_mut("ok")) {
        (Told::Make { .. }, Some(made)) => *made = Value::Null,
        (Told::Call { operation, .. }, Some(Value::Object(token))) if operation == "issue_token" => {
            token.remove("token");
        }
        _ => {}
    }
    answer
}

/// An expected request that ends with ` ...` stands for one or more of it.
fn is_wire(expected: &[String], got: &[String]) -> bool {
    let Some((first, rest)) = expected.split_first() else { return got.is_empty() };
    match first.strip_suffix(" ...") {
        None => got.first() == Some(first) && is_wire(rest, &got[1..]),
        Some(repeated) => {
            let most = got.iter().take_while(|request| *request == repeated).count();
            (1..=most).any(|count| is_wire(rest, &got[count..]))
        }
    }
}

fn lists_differ(what: &str, expected: &[String], got: &[String]) -> String {
    let lines = |list: &[String]| {
        if list.is_empty() { "nothing".to_owned() } else { format!("\n        {}", list.join("\n        ")) }
    };
    format!("{what}:\n      expected {}\n      got {}", lines(expected), lines(got))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_on_the_wire_may_be_there_once_or_more_often() {
        let is = |expected: &[&str], got: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
            is_wire(&owned(expected), &owned(got))
        };
        assert!(is(&[], &[]) && is(&["A", "B"], &["A", "B"]));
        assert!(is(&["A ...", "B"], &["A", "A", "B"]) && is(&["A ...", "A"], &["A", "A"]));
        assert!(!is(&[], &["A"]) && !is(&["A"], &[]) && !is(&["A", "B"], &["B", "A"]));
        assert!(!is(&["A ..."], &[]) && !is(&["A ...", "B"], &["A"]) && !is(&["A ...", "A"], &["A"]));
    }
}
