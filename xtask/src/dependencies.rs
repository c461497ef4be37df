//! What the project is made of: licences, sources and duplicate versions of the crates, how many they are, that no
//! code of ours is unsafe but one file, and that what builds a release is always the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cargo_tool::cargo_tool;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::licenses;
use crate::workspace::Workspace;

/// The lint, in a file that does not allow it.
const UNSAFE: &str = "unsafe_code";

/// The one that does: what the JVM prescribes to whoever it calls, and says so.
const ALLOWED: &str = "bindings-kotlin/ffi/src/jni.rs";

/// The version of cargo-deny that judges.
const DENY: &str = "0.20.2";

/// How many crates each thing that merchants install may hold on this platform, itself and ours included. Whoever needs
/// one more raises the number, and says in the commit what for.
const MOST: [(&str, usize); 3] = [("komopay-core", 112), ("komopay-ffi", 161), ("komopay-python", 214)];

/// The stand-in gateway, which is in nothing that merchants pay with.
const GATEWAY: &str = "komopay-sandbox";

/// Judges the crates by `deny.toml`, and counts them.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    cargo_tool(workspace, "cargo-deny", DENY)?.args("check licenses bans sources").run()?;
    for (name, most) in MOST {
        let tree = Program::cargo(workspace).args("tree --locked --edges normal --prefix none --package").arg(name);
        println!("{name}: {} crates, at most {most}", counted(name, most, &tree.output()?)?);
    }
    licenses::check(workspace)?;
    pinned(workspace)?;
    safe(workspace)
}

/// How many crates a tree holds, if they are not too many, and none is the gateway.
fn counted(name: &str, most: usize, tree: &str) -> Outcome<usize> {
    let crates: BTreeSet<_> = tree.lines().filter_map(name_and_version).collect();
    if crates.iter().any(|(crate_name, _)| *crate_name == GATEWAY) {
        return Err(Failure::new(format!("{name} holds {GATEWAY}, which is for tests alone: see docs/adr/0022")));
    }
    if crates.len() > most {
        return Err(Failure::new(format!(
            "{name} holds {} crates, and {most} were agreed on: do without, or raise the number in \
             xtask/src/dependencies.rs",
            crates.len()
        )));
    }
    Ok(crates.len())
}

/// Whether a crate has a flaw that is known, or was withdrawn. What gates a release: no check of every day, since it
/// may be another answer tomorrow, and the database has to be fetched.
pub(crate) fn advisories(workspace: &Workspace) -> Outcome {
    cargo_tool(workspace, "cargo-deny", DENY)?.args("check advisories").run()
}

/// Each action of others is named by a commit, since a tag can be moved, with its version for who reads it.
fn pinned(workspace: &Workspace) -> Outcome {
    let files = Program::new(workspace, "git").args("ls-files -- .github").output()?;
    let mut actions = 0;
    for name in files.lines() {
        let text = fs::read_to_string(workspace.root().join(name))
            .map_err(Failure::while_doing(format!("cannot read {name}")))?;
        for line in text.lines().filter(|line| line.contains("uses:")) {
            actions += 1;
            if !is_pinned(line) {
                return Err(Failure::new(format!("{name}: `{}` names no commit with its version", line.trim())));
            }
        }
    }
    println!("{actions} actions, each of one commit");
    Ok(())
}

/// `uses: owner/name@<40 hex digits> # v1.2.3`
fn is_pinned(line: &str) -> bool {
    let Some((_, reference)) = line.split_once('@') else { return false };
    let Some((commit, version)) = reference.split_once(" # v") else { return false };
    commit.len() == 40
        && commit.chars().all(|c| c.is_ascii_hexdigit())
        && version.split('.').filter(|number| number.parse::<u32>().is_ok()).count() == 3
}

fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace();
    Some((words.next()?, words.next()?))
}

/// The compiler refuses unsafe code (`unsafe_code = "deny"`), but for what the macros of pyo3 and uniffi write. What is
/// left to see is that every crate says so or takes the workspace's lints, and that no file allows it again.
fn safe(workspace: &Workspace) -> Outcome {
    let files = Program::new(workspace, "git").args("ls-files -- *.rs *Cargo.toml").output()?;
    let (mut crates, mut allowed) = (0, Vec::new());
    for name in files.lines() {
        let text = fs::read_to_string(workspace.root().join(name))
            .map_err(Failure::while_doing(format!("cannot read {name}")))?;
        let safe = if Path::new(name).extension().is_some_and(|kind| kind == "rs") {
            !["allow", "expect", "warn"].iter().any(|level| text.contains(&format!("{level}({UNSAFE}")))
        } else {
            crates += u32::from(text.contains("[package]"));
            text.contains(&format!("{UNSAFE} = \"deny\"\n")) || text.contains("[lints]\nworkspace = true\n")
        };
        if !safe && name != ALLOWED {
            allowed.push(name);
        }
    }
    println!("{crates} crates of ours, {} files that allow unsafe code besides {ALLOWED}", allowed.len());
    if allowed.is_empty() { Ok(()) } else { Err(Failure::new(format!("unsafe code is allowed by {allowed:?}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_counted_once_and_the_gateway_is_none_of_them() {
        let tree = "komopay-python v0.1.0\nlog v0.4.35\nlog v0.4.35 (*)\n";
        assert_eq!(counted("komopay-python", 2, tree).unwrap(), 2);
        assert!(counted("komopay-python", 1, tree).unwrap_err().to_string().contains("holds 2 crates"));
        let tree = format!("{tree}komopay-sandbox v0.1.0\n");
        assert!(counted("komopay-python", 9, &tree).unwrap_err().to_string().contains("holds komopay-sandbox"));
    }

    #[test]
    fn an_action_is_named_by_a_commit_and_its_version() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert!(is_pinned(&format!("      - uses: a/b@{commit} # v1.2.3")));
        for reference in ["v5", "main", commit, &commit[1..], &format!("{commit} # v5"), &format!("{commit} # 1.2.3")] {
            assert!(!is_pinned(&format!("      - uses: a/b@{reference}")), "{reference}");
        }
        assert!(!is_pinned("      - uses: ./.github/own"));
    }
}
