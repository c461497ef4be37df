//! Reading the scenarios: definitions are put in their places, and what nobody could play is refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use komopay_sandbox::{Effect, Fault, On, Operation, When};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::matching;

/// A file whose definitions hold in every file. It has no scenarios.
const COMMON: &str = "common";

type Definitions = BTreeMap<String, Value>;

/// The scenarios of one file.
#[derive(Debug)]
pub struct Topic {
    /// The file's name without its end.
    pub name: String,
    /// In the order of the file.
    pub scenarios: Vec<Scenario>,
}

/// What happens, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// A sentence.
    pub name: String,
    /// The platform that it is played on.
    #[serde(default)]
    pub(super) sandbox: Platform,
    pub(super) steps: Vec<Step>,
    /// Every request that the platform read, in order; `...` at the end of one: once or more often.
    #[serde(default)]
    pub(super) wire: Vec<String>,
    /// Every line of the ledger.
    #[serde(default)]
    pub(super) ledger: Vec<String>,
}

/// Settings of the sandbox.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Platform {
    pub(super) processing_ms: u64,
    pub(super) locked_tokens_may_not_read: bool,
    /// Requests break the contract on purpose, so they are not held against it.
    pub(super) wrong_requests: bool,
}

/// One step, and what its answer must be.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub(super) struct Step {
    /// Still with `${...}` in it.
    pub(super) action: Value,
    pub(super) expect: Value,
    /// The name under which the text of its answer is kept.
    pub(super) keep: Option<String>,
}

/// What a step does.
pub(super) enum Action {
    /// The runner is told this.
    Told(Told),
    /// The conductor does it itself.
    Own(Own),
}

/// What a runner is told. The fields are there to be checked; the runner gets the JSON as it is.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
#[expect(dead_code, reason = "a step with another field, or without one of these, is refused")]
pub(super) enum Told {
    Open { client: String, settings: Map<String, Value> },
    Call { client: String, operation: String, arguments: Map<String, Value> },
    Start { call: String, client: String, operation: String, arguments: Map<String, Value> },
    Cancel { call: String },
    Finish { call: String },
    Close { client: String },
    Make { value: Map<String, Value> },
    Equal { left: Map<String, Value>, right: Map<String, Value> },
    Show { value: Map<String, Value> },
    Fingerprint { request: Map<String, Value>, key: String },
    MatchesFingerprint { request: Map<String, Value>, key: String, stored: String },
    Kinds {},
}

const TOLD: [&str; 12] = [
    "open",
    "call",
    "start",
    "cancel",
    "finish",
    "close",
    "make",
    "equal",
    "show",
    "fingerprint",
    "matches_fingerprint",
    "kinds",
];

/// What the conductor does without the runner.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Own {
    /// Breaks something.
    Inject { fault: Fault },
    /// Answers a call with exactly this: JSON, or a text that goes out as it is.
    Answer {
        operation: Operation,
        payout_id: Option<String>,
        #[serde(default = "first")]
        on: On,
        status: u16,
        #[serde(default)]
        headers: BTreeMap<String, String>,
        #[serde(default)]
        body: Value,
        /// Whether the call executes first.
        #[serde(default)]
        execute: bool,
        /// Whether it strays: the call executes, and its own answer comes behind this one.
        #[serde(default)]
        stray: bool,
    },
    /// Breaks nothing any more.
    ClearFaults {},
    /// Waits until the platform has read this request, as `wire` writes it, so many times.
    AwaitCall {
        request: String,
        #[serde(default = "once")]
        times: usize,
    },
    /// Waits until nothing is pending on the platform.
    Idle {},
    /// Looks what the ledger holds now.
    Ledger { is: Vec<String> },
    /// Switches the merchant on or off.
    MerchantActive { active: bool },
    /// Keeps a token as somebody else's server would issue it. Without operations it allows everything.
    Token {
        #[serde(default)]
        operations: Vec<String>,
        money: Option<(String, String)>,
        #[serde(default = "ten_minutes")]
        validity_secs: u64,
    },
    /// Gives a payout a final status, its first or a corrected one.
    ChangeStatus { payout_id: String, status: String, failure: Option<String> },
    /// Nobody listens any more.
    StopSandbox {},
}

fn first() -> On {
    On::Nth(1)
}

fn once() -> usize {
    1
}

fn ten_minutes() -> u64 {
    600
}

impl Step {
    /// What it does, once nothing in it has to be filled in any more.
    pub(super) fn parse(action: &Value) -> Result<Action, String> {
        let word = action["do"].as_str().ok_or("a step without `do`")?;
        let problem = |error: serde_json::Error| format!("{word}: {error}");
        if TOLD.contains(&word) {
            Told::deserialize(action).map(Action::Told).map_err(problem)
        } else {
            Own::deserialize(action).map(Action::Own).map_err(problem)
        }
    }

    /// What it is called in a report.
    pub(super) fn name(&self) -> String {
        let word = |key: &str| self.action[key].as_str();
        [word("do"), word("operation")].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl TryFrom<Map<String, Value>> for Step {
    type Error = String;

    fn try_from(mut step: Map<String, Value>) -> Result<Self, String> {
        let keep = match step.remove("keep") {
            Some(Value::String(name)) => Some(name),
            Some(other) => return Err(format!("keep: {other} is not a name")),
            None => None,
        };
        let expect = step.remove("expect");
        let action = Value::Object(step);
        check_names(&action, false)?;
        let expect = match (Self::parse(&action)?, expect) {
            (Action::Told(_), Some(expect)) => expect,
            (Action::Told(Told::Open { .. } | Told::Start { .. } | Told::Cancel { .. } | Told::Close { .. }), None) => {
                json!({"ok": null})
            }
            (Action::Told(_), None) => return Err(format!("{}: what is expected?", action["do"])),
            (Action::Own(_), None) => Value::Null,
            (Action::Own(_), Some(_)) => return Err(format!("{}: nobody answers it", action["do"])),
        };
        check_names(&expect, true)?;
        Ok(Self { action, expect, keep })
    }
}

impl Own {
    /// The fault that this step injects, if it injects one.
    pub(super) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Inject { fault } => Some(fault.clone()),
            Self::Answer { operation, payout_id, on, status, headers, body, execute, stray } => {
                let body = match body {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    json => json.to_string(),
                };
                let when = When { operation: *operation, payout_id: payout_id.clone(), on: *on };
                let (status, headers, execute) = (*status, headers.clone(), *execute);
                let effect = if *stray {
                    Effect::StrayAnswer { status, headers, body, execute_after_ms: None }
                } else {
                    Effect::Answer { status, headers, body, execute }
                };
                Some(Fault::new(when, effect))
            }
            _ => None,
        }
    }
}

/// Reads all scenarios of a folder.
///
/// # Errors
/// What is wrong, naming the file and the scenario.
pub fn load(folder: &Path) -> Result<Vec<Topic>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut files: Vec<_> = std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    files.retain(|file| file.path().extension().is_some_and(|end| end == "json"));
    files.sort_by_key(std::fs::DirEntry::file_name);
    let mut common = Definitions::new();
    let mut read = Vec::new();
    for file in files {
        let path = file.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file: File = from_text(&text).map_err(|error| format!("{name}.json: {error}"))?;
        if name == COMMON {
            common = file.define;
        } else {
            read.push((name, file));
        }
    }
    let mut names = BTreeSet::new();
    let mut topics = Vec::new();
    for (name, File { define, scenarios }) in read {
        let mut definitions = common.clone();
        definitions.extend(define);
        let scenarios: Vec<Scenario> = scenarios
            .into_iter()
            .map(|scenario| {
                let called = scenario["name"].as_str().unwrap_or("a scenario without a name").to_owned();
                let scenario = expand(&scenario, &definitions, 0).and_then(from_value::<Scenario>);
                let scenario = scenario.map_err(|error| format!("{name}.json: {called}: {error}"))?;
                if names.insert(scenario.name.clone()) {
                    Ok(scenario)
                } else {
                    Err(format!("{name}.json: {called}: there is another one of this name"))
                }
            })
            .collect::<Result<_, String>>()?;
        topics.push(Topic { name, scenarios });
    }
    Ok(topics)
}

/// A file: scenarios, with definitions or without.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    define: Definitions,
    #[serde(default)]
    scenarios: Vec<Value>,
}

fn from_text(text: &str) -> Result<File, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match file {
        Value::Array(scenarios) => Ok(File { define: Definitions::new(), scenarios }),
        file => from_value(file),
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Puts definitions in their places: `"$name"`, and `"$like": "name"` with other members over it. In a list,
/// `{"each": [...], "step": ...}` is one entry for each, with `"$it"` in its place.
fn expand(value: &Value, definitions: &Definitions, depth: usize) -> Result<Value, String> {
    if depth > 100 {
        return Err("a definition that holds itself".to_owned());
    }
    let expand = |value: &Value| expand(value, definitions, depth + 1);
    match value {
        Value::String(text) => match text.strip_prefix('$').and_then(|name| definitions.get(name)) {
            Some(definition) => expand(definition),
            None => Ok(value.clone()),
        },
        Value::Array(entries) => {
            let mut all = Vec::new();
            for entry in entries {
                match (entry.get("each").and_then(Value::as_array), entry.get("step")) {
                    (Some(each), Some(step)) => {
                        for it in each {
                            let mut definitions = definitions.clone();
                            definitions.insert("it".to_owned(), expand(it)?);
                            all.push(self::expand(step, &definitions, depth + 1)?);
                        }
                    }
                    _ => all.push(expand(entry)?),
                }
            }
            Ok(all.into())
        }
        Value::Object(members) => {
            let mut all = match members.get("$like").map(Value::as_str) {
                None => Map::new(),
                Some(name) => match name.and_then(|name| definitions.get(name)).map(expand).transpose()? {
                    Some(Value::Object(members)) => members,
                    _ => return Err(format!("$like: {} is not an object that is defined", members["$like"])),
                },
            };
            for (name, member) in members.iter().filter(|(name, _)| *name != "$like") {
                all.insert(name.clone(), expand(member)?);
            }
            Ok(Value::Object(all))
        }
        _ => Ok(value.clone()),
    }
}

/// A text that begins with `$` is something to fill in, or, where an answer is expected, a matcher.
fn check_names(value: &Value, expected: bool) -> Result<(), String> {
    match value {
        Value::String(text) if text.starts_with('$') && !text.starts_with("${") => {
            let problem = if expected { matching::mistake(text) } else { Some(format!("{text} is not defined")) };
            problem.map_or(Ok(()), Err)
        }
        Value::Array(entries) => entries.iter().try_for_each(|entry| check_names(entry, expected)),
        Value::Object(members) => members.values().try_for_each(|member| check_names(member, expected)),
        _ => Ok(()),
    }
}

/// Fills in what was kept, in place of `${name}`.
pub(super) fn fill(value: &Value, kept: &BTreeMap<String, String>) -> Result<Value, String> {
    match value {
        Value::String(text) if text.contains("${") => {
            let filled =
                kept.iter().fold(text.clone(), |text, (name, kept)| text.replace(&format!("${{{name}}}"), kept));
            if filled.contains("${") { Err(format!("{filled}: nothing was kept for it")) } else { Ok(filled.into()) }
        }
        Value::Array(entries) => entries.iter().map(|entry| fill(entry, kept)).collect(),
        Value::Object(members) => {
            let filled = members.iter().map(|(name, member)| Ok((name.clone(), fill(member, kept)?)));
            filled.collect::<Result<Map<_, _>, String>>().map(Value::Object)
        }
        _ => Ok(value.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions() -> Definitions {
        let all = json!({"a": {"x": 1, "y": "$b"}, "b": [2], "loop": "$loop"});
        all.as_object().unwrap().clone().into_iter().collect()
    }

    fn scenario(steps: &Value) -> Result<Scenario, String> {
        from_value(json!({"name": "a", "steps": steps}))
    }

    #[test]
    fn definitions_are_put_in_their_places() {
        let value = json!({"one": "$a", "other": {"$like": "a", "x": 3}, "same": "$any"});
        let expected = json!({"one": {"x": 1, "y": [2]}, "other": {"x": 3, "y": [2]}, "same": "$any"});
        assert_eq!(expand(&value, &definitions(), 0).unwrap(), expected);
        let value = json!([{"each": [1, "$b"], "step": {"x": "$it"}}, 3]);
        assert_eq!(expand(&value, &definitions(), 0).unwrap(), json!([{"x": 1}, {"x": [2]}, 3]));
        assert!(expand(&json!("$loop"), &definitions(), 0).is_err());
        assert!(expand(&json!({"$like": "b"}), &definitions(), 0).is_err());
    }

    #[test]
    fn a_step_that_nobody_could_play_is_refused() {
        for (step, problem) in [
            (json!({"do": "dance"}), "unknown variant"),
            (json!({"client": "main"}), "without `do`"),
            (json!({"do": "cancel"}), "missing field `call`"),
            (json!({"do": "cancel", "call": "a", "more": 1}), "unknown field `more`"),
            (json!({"do": "kinds"}), "what is expected"),
            (json!({"do": "idle", "expect": {"ok": null}}), "nobody answers"),
            (json!({"do": "kinds", "expect": "$nothing"}), "neither defined nor a matcher"),
            (json!({"do": "close", "client": "$nobody"}), "is not defined"),
            (json!({"do": "close", "client": "a", "keep": 1}), "is not a name"),
        ] {
            let error = scenario(&json!([step])).unwrap_err();
            assert!(error.contains(problem), "{step}: {error}");
        }
    }

    #[test]
    fn what_was_kept_is_filled_in_and_what_was_not_is_refused() {
        let kept = BTreeMap::from([("token".to_owned(), "abc".to_owned())]);
        assert_eq!(fill(&json!({"a": ["x${token}y"]}), &kept).unwrap(), json!({"a": ["xabcy"]}));
        assert!(fill(&json!("${other}"), &kept).is_err());
    }
}
