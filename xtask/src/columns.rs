//! Lines that a reader sees whole: at most 120 columns, comments and documents too.

use std::fs;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const MOST: usize = 120;

/// What people write here and read line by line, by how its name ends.
const TEXT: [&str; 16] = [
    "rs",
    "md",
    "py",
    "html",
    "css",
    "js",
    "pyi",
    "kt",
    "java",
    "swift",
    "toml",
    "yml",
    "yaml",
    "sh",
    ".ci/run",
    "Dockerfile",
];

/// What others wrote, or a tool: the contract as it came, licences, the stub of Python's native module.
const OTHERS: [&str; 3] = ["tests/contract/", "licenses/", "_native.pyi"];

/// Fails with every line that is longer.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let files = Program::new(workspace, "git").args("ls-files").output()?;
    let is_left_out = |name: &str| OTHERS.iter().any(|others| name.contains(others));
    let (mut seen, mut long) = (0, Vec::new());
    for name in files.lines().filter(|name| TEXT.iter().any(|end| name.ends_with(end)) && !is_left_out(name)) {
        let path = workspace.root().join(name);
        let text = fs::read_to_string(&path).map_err(Failure::while_doing(format!("cannot read {name}")))?;
        seen += 1;
        long.extend(too_long(&text).map(|line| format!("\n  {name}:{line}")));
    }
    println!("{seen} files");
    if long.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("longer than {MOST} columns:{}", long.concat())))
}

/// The numbers of the lines that are too long. A row of a table cannot be broken.
fn too_long(text: &str) -> impl Iterator<Item = usize> {
    let is_row = |line: &str| line.trim_start_matches([' ', '/', '!', '#', '*']).starts_with('|');
    let lines = text.lines().enumerate();
    lines.filter(move |(_, line)| line.chars().count() > MOST && !is_row(line)).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_too_long_from_121_characters_on_but_for_rows_of_tables() {
        let (whole, long) = ("ä".repeat(120), "a".repeat(121));
        let text = format!("{whole}\n{long}\n    // {long}\n| {long} |\n//! | {long} |\n");
        assert_eq!(too_long(&text).collect::<Vec<_>>(), [2, 3]);
    }
}
