//! The program that measures, and how figures are told.

use std::path::PathBuf;

use crate::command::Program;
use crate::failure::Outcome;
use crate::workspace::Workspace;

/// Builds the measuring program with these features.
pub(super) fn build(workspace: &Workspace, features: &str) -> Outcome<PathBuf> {
    let cargo = Program::cargo(workspace).args("build --locked --release --package komopay-bench --features");
    cargo.arg(features).run()?;
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
