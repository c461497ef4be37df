//! The version, which stands in many files and is one: `cargo xtask version X.Y.Z` sets it, `--check` compares.

use std::fs;
use std::path::Path;

use regex::{Captures, Regex};

use crate::changelog;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// Where a version of ours stands, by what stands before it. The first is the one that the others are held against.
const PLACES: [&str; 7] = [
    r#"\[workspace\.package\]\nversion = ""#,
    // What crates of ours say of each other: never a folder that only exists here.
    r#"komopay-[a-z-]+ = \{ path = "[a-z-]+", version = "="#,
    r"<groupId>id\.komopay</groupId>\s*<artifactId>komopay-[a-z-]+</artifactId>\s*<version>",
    r"id\.komopay:komopay-[a-z-]+:",
    r"komopay(?:-testing)?(?:\[[a-z,]+\])?==",
    r"komopay-worker:",
    r#"komopay-sdk(?:\.git)?", (?:from|exact): ""#,
];

/// What holds versions that were, or is written by cargo, or speaks of the places themselves.
const OTHERS: [&str; 3] = ["CHANGELOG.md", "Cargo.lock", "xtask/src/version.rs"];

/// A version as it stands in a file.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    line: usize,
    version: String,
}

/// Whether all places agree, and how many they are.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    let (version, mut places, mut wrong) = (current(workspace)?, 0, Vec::new());
    let pattern = pattern()?;
    for (name, text) in files(workspace)? {
        for Found { line, version: other } in found(&pattern, &text) {
            places += 1;
            if other != version {
                wrong.push(format!("\n  {name}:{line} has {other}"));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::new(format!(
            "Cargo.toml has {version}, and others do not agree: run `cargo xtask version {version}`{}",
            wrong.concat()
        )));
    }
    println!("{version}, in {places} places");
    changelog::entry(workspace, &version).map(drop)
}

/// Writes this version everywhere, and begins its entry in the changelog.
pub(crate) fn set(workspace: &Workspace, version: &str) -> Outcome {
    if !is_version(version) {
        return Err(Failure::new(format!("`{version}` is no version: give three numbers, such as 1.4.0")));
    }
    let pattern = pattern()?;
    for (name, text) in files(workspace)? {
        let changed = pattern.replace_all(&text, |found: &Captures<'_>| format!("{}{version}", &found["before"]));
        if changed != text {
            write(&workspace.root().join(&name), &changed)?;
            println!("   {name}");
        }
    }
    // Nothing else in it changes.
    Program::cargo(workspace).args("update --workspace --offline --quiet").run()?;
    changelog::begin(workspace, version)?;
    println!("It is {version} now. Say in CHANGELOG.md what changed, and let the checks run.");
    Ok(())
}

/// The version that the workspace has.
pub(crate) fn current(workspace: &Workspace) -> Outcome<String> {
    let text = read(&workspace.root().join("Cargo.toml"))?;
    let first = found(&pattern()?, &text).into_iter().next();
    first.map(|found| found.version).ok_or_else(|| Failure::new("Cargo.toml tells no version of the workspace"))
}

fn pattern() -> Outcome<Regex> {
    let all = format!(r"(?<before>{})(?<version>[0-9][0-9A-Za-z.+-]*[0-9A-Za-z])", PLACES.join("|"));
    Regex::new(&all).map_err(Failure::while_doing("the places of the version"))
}

fn found(pattern: &Regex, text: &str) -> Vec<Found> {
    let line = |at| text.get(..at).map_or(0, |before| before.matches('\n').count() + 1);
    let versions = pattern.captures_iter(text).filter_map(|captures| captures.name("version"));
    versions.map(|it| Found { line: line(it.start()), version: it.as_str().to_owned() }).collect()
}

/// Every text that git knows, by its name.
fn files(workspace: &Workspace) -> Outcome<Vec<(String, String)>> {
    let names = Program::new(workspace, "git").args("ls-files").output()?;
    let ours = names.lines().filter(|name| !OTHERS.contains(name));
    // What is no text holds none. One that was just removed is still listed.
    Ok(ours.filter_map(|name| Some((name.to_owned(), fs::read_to_string(workspace.root().join(name)).ok()?))).collect())
}

fn is_version(version: &str) -> bool {
    let is_number = |it: &str| it.parse::<u32>().is_ok_and(|number| number.to_string() == it);
    version.split('.').count() == 3 && version.split('.').all(is_number)
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(Failure::while_doing(format!("cannot read {}", path.display())))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(Failure::while_doing(format!("cannot write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_ours_is_found_wherever_somebody_names_it() {
        let all = "[workspace.package]\nversion = \"0.1.0\"\nkomopay-core = { path = \"core\", version = \"=0.1.0\" }\n\
                   <groupId>id.komopay</groupId>\n  <artifactId>komopay-sdk</artifactId>\n  <version>0.1.0</version>\n\
                   id.komopay:komopay-test:0.1.0\"), pip install \"komopay[testing]==0.1.0\" komopay==0.1.0.\n\
                   example/komopay-worker:0.1.0, \"https://github.com/komopay/komopay-sdk\", from: \"0.1.0\"";
        let found = found(&pattern().unwrap(), all);
        assert_eq!(found.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 3, 6, 7, 7, 7, 8, 8]);
        assert!(found.iter().all(|it| it.version == "0.1.0"), "{found:?}");
    }

    #[test]
    fn a_version_of_others_is_left_alone() {
        for others in [
            "<groupId>io.ktor</groupId><artifactId>ktor</artifactId><version>3.2.3</version>",
            "<groupId>id.komopay</groupId><artifactId>komopay-sdk</artifactId><version>${project.version}</version>",
            "async-trait = \"0.1\"",
            "maturin==1.16.0",
            "komopay>=0.1.0",
        ] {
            assert_eq!(found(&pattern().unwrap(), others), [], "{others}");
        }
    }

    #[test]
    fn a_version_is_three_numbers() {
        assert!(is_version("0.1.0") && is_version("10.20.30"));
        for wrong in ["", "1", "1.0", "v1.0.0", "1.0.0-rc.1", "1.0.0.0", "01.0.0", "+1.0.0", "1..0"] {
            assert!(!is_version(wrong), "{wrong}");
        }
    }
}
