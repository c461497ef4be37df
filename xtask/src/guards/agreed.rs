//! The costs that were agreed on, in `bench/guards.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cost::Measured;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const FILE: &str = "bench/guards.json";
/// Of a guard that is new.
const TOLERANCE: f64 = 0.03;

/// What a call may cost.
#[derive(Serialize, Deserialize)]
struct Limit {
    per_call: f64,
    /// By what part of it a call may cost more.
    tolerance: f64,
}

/// All costs that were agreed on, by their names.
#[derive(Serialize, Deserialize)]
pub(super) struct Agreed(BTreeMap<String, Limit>);

impl Agreed {
    pub(super) fn read(workspace: &Workspace) -> Outcome<Self> {
        let text = fs::read_to_string(path(workspace)).map_err(Failure::while_doing(format!("cannot read {FILE}")))?;
        serde_json::from_str(&text).map_err(Failure::while_doing(format!("cannot read {FILE}")))
    }

    pub(super) fn write(&self, workspace: &Workspace) -> Outcome {
        let text = serde_json::to_string_pretty(self).map_err(Failure::while_doing(format!("cannot write {FILE}")))?;
        let written = fs::write(path(workspace), text + "\n");
        written.map_err(Failure::while_doing(format!("cannot write {FILE}")))?;
        println!("{FILE} has what was measured");
        Ok(())
    }

    /// Agrees on what was measured, and keeps the tolerances. What is measured no more goes.
    pub(super) fn accept(&mut self, measured: &[Measured]) {
        let mut old = std::mem::take(&mut self.0);
        self.0 = measured
            .iter()
            .map(|Measured { name, per_call }| {
                let tolerance = old.remove(name).map_or(TOLERANCE, |limit| limit.tolerance);
                (name.clone(), Limit { per_call: (per_call * 100.0).round() / 100.0, tolerance })
            })
            .collect();
    }

    /// Fails with all that rose beyond its tolerance; tells what fell as far.
    pub(super) fn compare(&self, measured: &[Measured]) -> Outcome {
        let mut rose = Vec::new();
        for Measured { name, per_call } in measured {
            let Some(Limit { per_call: agreed, tolerance }) = self.0.get(name) else {
                rose.push(format!("\n  {name}: {per_call:.2} a call, and nothing is agreed on"));
                continue;
            };
            let change = format!("{name}: {agreed:.2} a call were agreed on, and it is {per_call:.2}");
            if *per_call > agreed * (1.0 + tolerance) {
                rose.push(format!("\n  {change}, {:.1} % more", (per_call / agreed - 1.0) * 100.0));
            } else if *per_call < agreed * (1.0 - tolerance) {
                println!("FELL: {change}. Hold it there: `cargo xtask guards --accept`");
            }
        }
        if rose.is_empty() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "a call costs more than was agreed on in {FILE}:{}\nMake it cheaper, or say in the commit what it is for, \
             after `cargo xtask guards --accept`",
            rose.concat()
        )))
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.root().join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(per_call: f64) -> [Measured; 1] {
        [Measured { name: "parse: instructions".to_owned(), per_call }]
    }

    fn agreed() -> Agreed {
        serde_json::from_str(r#"{"parse: instructions": {"per_call": 1000, "tolerance": 0.05}}"#).unwrap()
    }

    #[test]
    fn only_what_rose_beyond_its_tolerance_is_a_failure() {
        for fine in [1.0, 1000.0, 1049.0] {
            assert_eq!(agreed().compare(&measured(fine)), Ok(()), "{fine}");
        }
        let failure = agreed().compare(&measured(1051.0)).unwrap_err().to_string();
        assert!(failure.contains("parse: instructions: 1000.00 a call were agreed on, and it is 1051.00, 5.1 % more"));
        assert!(failure.contains("cargo xtask guards --accept"));
    }

    #[test]
    fn what_nobody_agreed_on_is_a_failure() {
        let new = [Measured { name: "print: waits".to_owned(), per_call: 0.5 }];
        assert!(agreed().compare(&new).unwrap_err().to_string().contains("print: waits: 0.50 a call"));
    }

    #[test]
    fn what_is_accepted_holds_from_then_on_with_its_tolerance() {
        let mut agreed = agreed();
        agreed.accept(&measured(2000.004));
        assert_eq!(agreed.compare(&measured(2099.0)), Ok(()));
        assert!(agreed.compare(&measured(2101.0)).is_err());
        assert!(serde_json::to_string(&agreed).unwrap().contains(r#""per_call":2000.0,"tolerance":0.05"#));
    }
}
