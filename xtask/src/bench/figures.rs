//! The program that measures, and how figures are told.

use std::path::PathBuf;

use serde::Deserialize;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// What a contestant prints of its calls.
#[derive(Deserialize)]
pub(crate) struct Figures {
    calls: u32,
    pub(super) seconds: f64,
    voluntary_switches: u32,
    pub(super) memory_kib: u64,
}

impl Figures {
    /// Runs a contestant, and reads the one line that it prints.
    pub(crate) fn of(contestant: Program) -> Outcome<Self> {
        let line = contestant.output()?;
        serde_json::from_str(line.trim())
            .map_err(|error| Failure::new(format!("a contestant printed no figures ({error}): {line}")))
    }

    pub(super) fn rate(&self) -> f64 {
        f64::from(self.calls) / self.seconds
    }

    /// How often a thread went to wait.
    pub(crate) fn waits_per_call(&self) -> f64 {
        f64::from(self.voluntary_switches) / f64::from(self.calls)
    }
}

/// Builds the measuring program with these features, which only a core with debug assertions has.
pub(super) fn build(workspace: &Workspace, features: &str) -> Outcome<PathBuf> {
    let cargo = Program::cargo(workspace).args("build --locked --release --package komopay-bench --features");
    let checked = format!("profile.release.package.komopay-core.debug-assertions={}", !features.is_empty());
    cargo.arg(features).arg("--config").arg(checked).run()?;
    Ok(workspace.target().join("release").join(format!("komopay-bench{}", std::env::consts::EXE_SUFFIX)))
}

pub(super) fn say(what: &str, holds: bool, found: &str, aim: &str) {
    let verdict = if holds { "holds" } else { "MISSES" };
    println!("{verdict:6}  {what}: {found} ({aim})");
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
