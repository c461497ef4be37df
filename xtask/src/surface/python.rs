//! What users of the Python package see: its stubs, which the type checks hold against the package itself.

use super::names::{Names, snake_case};
use crate::command::Program;
use crate::failure::Outcome;
use crate::tools::Python;
use crate::workspace::Workspace;

pub(super) fn names(workspace: &Workspace) -> Outcome<Names> {
    let printed = Program::new(workspace, Python::find()?.program())
        .args("xtask/src/surface/python.py bindings-python/python/komopay")
        .output()?;
    let names = printed.lines().filter_map(|line| line.split_once('.'));
    Ok(names.map(|(owner, member)| format!("{owner}.{}", snake_case(member))).collect())
}
