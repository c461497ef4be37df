//! A build folder that several checkouts use, one after the other.

use std::fs;

use serde_json::Value;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// Cargo tells files by their times and by their paths inside a checkout. In a build folder that another checkout
/// used last, it would take what was built from there as built from here.
pub(crate) fn forget_others(workspace: &Workspace) -> Outcome {
    let record = workspace.folder("checkout");
    let here = workspace.root().to_string_lossy();
    if fs::read_to_string(&record).is_ok_and(|last| last == here) {
        return Ok(());
    }
    let mut clean = Program::cargo(workspace).args("clean --quiet --locked");
    for name in crates(workspace)?.iter().filter(|name| *name != env!("CARGO_PKG_NAME")) {
        clean = clean.arg("--package").arg(name);
    }
    clean.run()?;
    fs::write(&record, here.as_bytes()).map_err(Failure::while_doing(format!("cannot write {}", record.display())))
}

/// The names of the checkout's own crates.
fn crates(workspace: &Workspace) -> Outcome<Vec<String>> {
    let json = Program::cargo(workspace).args("metadata --no-deps --locked --format-version 1").output()?;
    let metadata: Value = serde_json::from_str(&json).map_err(Failure::while_doing("cargo metadata"))?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let names = packages.into_iter().flatten().filter_map(|package| Some(package.get("name")?.as_str()?.to_owned()));
    Ok(names.collect())
}
