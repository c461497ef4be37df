//! What was made: each package with its size, what it holds, and its sum.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::newcomer::Arrival;
use crate::tools::Python;
use crate::version;
use crate::workspace::Workspace;

/// The sums, as `sha256sum --check` reads them.
const SUMS: &str = "SHA256SUMS";
/// The table for people.
const LISTING: &str = "LISTING.md";

/// What `contents.py` tells of a package.
#[derive(Deserialize)]
struct Contents {
    sha256: String,
    bytes: u64,
    files: usize,
    unpacked: u64,
    largest: String,
    largest_bytes: u64,
}

/// Writes the sums beside the packages.
pub(super) fn sums(workspace: &Workspace, folder: &Path, packages: &[PathBuf]) -> Outcome {
    let lines = listed(workspace, folder, packages)?.into_iter().map(|(name, it)| format!("{}  {name}\n", it.sha256));
    write(&folder.join(SUMS), &lines.collect::<String>())
}

/// Writes the listing beside the packages, and prints it.
pub(super) fn write_all(workspace: &Workspace, folder: &Path, packages: &[PathBuf], arrivals: &[Arrival]) -> Outcome {
    let commit = Program::new(workspace, "git").args("describe --always --dirty").output()?;
    let mut text = format!("# KomoPay {}, at {}\n\n", version::current(workspace)?, commit.trim());
    text += "| package | MB | unpacked | files | the largest of them |\n|---|--:|--:|--:|---|\n";
    for (name, it) in listed(workspace, folder, packages)? {
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {} | `{}`, {} |",
            megabytes(it.bytes),
            megabytes(it.unpacked),
            it.files,
            it.largest.rsplit('/').next().unwrap_or_default(),
            megabytes(it.largest_bytes)
        );
    }
    if !arrivals.is_empty() {
        text += "\n| a newcomer in | with | s |\n|---|---|--:|\n";
    }
    for it in arrivals {
        let _ = writeln!(text, "| {} | {} | {:.1} |", it.place, it.with, it.time.as_secs_f64());
    }
    for it in arrivals {
        let _ = write!(text, "\n## {}\n\n```console\n{}```\n", it.place, it.transcript);
    }
    write(&folder.join(LISTING), &text)?;
    println!("\n{}", text.split("\n## ").next().unwrap_or_default());
    println!("They are in {}, with {SUMS} and {LISTING}.", folder.display());
    Ok(())
}

/// Each package by its place in the folder, in order.
fn listed(workspace: &Workspace, folder: &Path, packages: &[PathBuf]) -> Outcome<Vec<(String, Contents)>> {
    let ask = Program::new(workspace, Python::find()?.program()).arg("xtask/src/release/contents.py");
    let json = packages.iter().fold(ask, Program::arg).output()?;
    let contents: Vec<Contents> = serde_json::from_str(&json).map_err(Failure::while_doing("contents.py"))?;
    let name = |package: &PathBuf| package.strip_prefix(folder).unwrap_or(package).display().to_string();
    let mut listed: Vec<_> = packages.iter().map(name).zip(contents).collect();
    listed.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(listed)
}

/// In millions of bytes.
fn megabytes(bytes: u64) -> String {
    let thousands = bytes.div_ceil(1000);
    format!("{}.{:03}", thousands / 1000, thousands % 1000)
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(Failure::while_doing(format!("cannot write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_in_millions_of_bytes() {
        assert_eq!(megabytes(3_560_001), "3.561");
        assert_eq!(megabytes(42), "0.001");
        assert_eq!(megabytes(0), "0.000");
    }
}
