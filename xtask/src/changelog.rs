//! CHANGELOG.md: an entry for each version, `## [0.1.0] - 2026-12-01`, and one that is not released yet has
//! `unreleased` for a date.

use std::fs;
use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const UNRELEASED: &str = "unreleased";

/// What is told of one version.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    date: String,
}

impl Entry {
    /// Whether it has the day of its release.
    pub(crate) fn is_dated(&self) -> bool {
        let parts: Vec<&str> = self.date.split('-').collect();
        let is_number = |part: &&str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        matches!(&parts[..], [year, month, day] if is_number(year, 4) && is_number(month, 2) && is_number(day, 2))
    }
}

/// The entry of this version, which tells something.
pub(crate) fn entry(workspace: &Workspace, version: &str) -> Outcome<Entry> {
    find(&read(workspace)?, version)
}

/// Begins the entry of this version above those of older ones, if there is none.
pub(crate) fn begin(workspace: &Workspace, version: &str) -> Outcome {
    let text = read(workspace)?;
    match begun(&text, version) {
        Some(text) => {
            println!("   CHANGELOG.md");
            fs::write(path(workspace), text).map_err(Failure::while_doing("cannot write CHANGELOG.md"))
        }
        None => Ok(()),
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.root().join("CHANGELOG.md")
}

fn read(workspace: &Workspace) -> Outcome<String> {
    fs::read_to_string(path(workspace)).map_err(Failure::while_doing("cannot read CHANGELOG.md"))
}

fn find(text: &str, version: &str) -> Outcome<Entry> {
    let heading = format!("## [{version}] - ");
    let mut lines = text.lines().skip_while(|line| !line.starts_with(&heading));
    let Some(date) = lines.next().and_then(|line| line.strip_prefix(&heading)) else {
        return Err(Failure::new(format!(
            "CHANGELOG.md has no entry for {version}: begin one with `{heading}{UNRELEASED}`"
        )));
    };
    let tells = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    if !lines.take_while(|line| !line.starts_with("## ")).any(tells) {
        return Err(Failure::new(format!("the entry for {version} in CHANGELOG.md says nothing: say what changed")));
    }
    Ok(Entry { date: date.trim().to_owned() })
}

fn begun(text: &str, version: &str) -> Option<String> {
    if text.contains(&format!("## [{version}]")) {
        return None;
    }
    let at = text.find("\n## ").map_or(text.len(), |at| at + 1);
    let (before, after) = text.split_at(at);
    Some(format!("{before}## [{version}] - {UNRELEASED}\n\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Changelog\n\n## [0.2.0] - unreleased\n\n### Added\n\n- This.\n\n## [0.1.0] - 2026-12-01\n\nIt.\n";

    #[test]
    fn a_version_without_an_entry_that_tells_something_is_refused() {
        assert!(!find(TEXT, "0.2.0").unwrap().is_dated());
        assert!(find(TEXT, "0.1.0").unwrap().is_dated());
        assert!(find(TEXT, "0.3.0").unwrap_err().to_string().contains("no entry for 0.3.0"));
        let empty = TEXT.replace("- This.\n", "");
        assert!(find(&empty, "0.2.0").unwrap_err().to_string().contains("says nothing"));
    }

    #[test]
    fn an_entry_begins_above_older_ones_and_only_once() {
        let text = begun(TEXT, "0.3.0").unwrap();
        assert!(text.starts_with("# Changelog\n\n## [0.3.0] - unreleased\n\n## [0.2.0]"), "{text}");
        assert_eq!(begun(&text, "0.3.0"), None);
    }
}
