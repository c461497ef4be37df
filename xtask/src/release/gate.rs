//! What a commit must be to be released: of one version, with its entry in the changelog and its tag, and without a
//! change of the crates that the version does not admit.

use std::env;

use crate::cargo_tool::cargo_tool;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;
use crate::{changelog, version};

/// The crates that are published.
pub(super) const PUBLISHED: [&str; 2] = ["komopay-core", "komopay-batches"];

/// The version of cargo-semver-checks that compares.
const SEMVER_CHECKS: &str = "0.51.0";

/// Refuses what may not be released.
pub(super) fn check(workspace: &Workspace, baseline: Option<&str>) -> Outcome {
    version::check(workspace)?;
    if let Some(problem) = problem(workspace)? {
        return Err(Failure::new(problem));
    }
    surface(workspace, baseline)
}

/// Why this version is not one to be released.
fn problem(workspace: &Workspace) -> Outcome<Option<String>> {
    let version = version::current(workspace)?;
    if !changelog::entry(workspace, &version)?.is_dated() {
        return Ok(Some(format!("the entry for {version} in CHANGELOG.md has no date: write the day of the release")));
    }
    Ok(wrong_tag(&version, env::var("GITHUB_REF_TYPE").ok().as_deref(), env::var("GITHUB_REF_NAME").ok().as_deref()))
}

/// Why the tag that is built is not this version's. Where none is built there is nothing to say.
fn wrong_tag(version: &str, kind: Option<&str>, name: Option<&str>) -> Option<String> {
    let name = name.filter(|_| kind == Some("tag"))?;
    (name != format!("v{version}")).then(|| format!("the tag is {name}, and the version {version}: they must agree"))
}

/// Compares what the crates promise with the last version that has a tag, or with this commit.
fn surface(workspace: &Workspace, baseline: Option<&str>) -> Outcome {
    let baseline = match baseline {
        Some(baseline) => Some(baseline.to_owned()),
        None => last_tag(workspace)?,
    };
    let Some(baseline) = baseline else {
        println!("No version has a tag yet: there is nothing that the crates could have broken.");
        return Ok(());
    };
    let check = cargo_tool(workspace, "cargo-semver-checks", SEMVER_CHECKS)?.args("semver-checks --baseline-rev");
    PUBLISHED.iter().fold(check.arg(baseline), |check, name| check.arg("--package").arg(name)).run()
}

/// The last version before this commit that has a tag.
fn last_tag(workspace: &Workspace) -> Outcome<Option<String>> {
    let git = |arguments| Program::new(workspace, "git").args(arguments).output();
    if git("rev-parse --is-shallow-repository")?.trim() == "true" {
        return Err(Failure::new(
            "this clone has no history, and so not the last version: git fetch --unshallow --tags",
        ));
    }
    let tags = git("tag --list v* --no-contains HEAD --merged HEAD --sort -version:refname")?;
    Ok(tags.lines().next().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_must_be_that_of_the_version_and_a_branch_may_have_any_name() {
        assert_eq!(wrong_tag("1.2.3", Some("tag"), Some("v1.2.3")), None);
        assert_eq!(wrong_tag("1.2.3", Some("branch"), Some("main")), None);
        assert_eq!(wrong_tag("1.2.3", None, None), None);
        for other in ["v1.2.4", "1.2.3", "v1.2.3-rc.1"] {
            assert!(wrong_tag("1.2.3", Some("tag"), Some(other)).unwrap().contains(other));
        }
    }
}
