//! `cargo xtask release`: what stands before a release. Publishing is a person's decision.

mod crates;
mod gate;
mod jvm;
mod listing;
mod pom;
mod python;
mod zig;

use std::path::{Path, PathBuf};

use clap::Args;

pub(crate) use self::jvm::REPOSITORY;

use self::zig::Zig;
use crate::debian::Debian;
use crate::failure::{Failure, Outcome};
use crate::setup::{self, Tool};
use crate::workspace::Workspace;
use crate::{files, newcomer};

/// What is wanted of a release.
#[derive(Args)]
#[group(skip)]
pub(crate) struct Wish {
    /// See whether this commit may be released: its version, changelog and tag, and what its crates promise.
    #[arg(long, required_unless_present_any = ["packages", "dry_run"])]
    check: bool,
    /// With what the surface of the crates is compared; else the last version that has a tag.
    #[arg(long, value_name = "COMMIT", requires = "check")]
    baseline: Option<String>,
    /// Build what this machine can of what would be published, on Linux, and list it with sums.
    #[arg(long, conflicts_with = "check")]
    packages: bool,
    /// The same, and let a newcomer begin with it by the READMEs alone, in several Debians: for root.
    #[arg(long, conflicts_with_all = ["check", "packages"])]
    dry_run: bool,
}

pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Outcome {
    if wish.check {
        return gate::check(workspace, wish.baseline.as_deref());
    }
    if !cfg!(target_os = "linux") {
        return Err(Failure::new("the packages of a release are built on Linux: what is for others, CI builds there"));
    }
    setup::require(workspace, &[Tool::Git, Tool::Compiler, Tool::Python, Tool::Jdk, Tool::Maven])?;
    if wish.dry_run && !Debian::may_be_made(workspace) {
        return Err(Failure::new("only root may make the systems for a newcomer: `--packages` goes without them"));
    }
    let folder = workspace.target().join("release-dry-run");
    files::empty_folder(&folder)?;
    let packages = packages(workspace, &folder)?;
    listing::sums(workspace, &folder, &packages)?;
    let arrivals = if wish.dry_run { newcomer::arrive(workspace, &folder)? } else { Vec::new() };
    listing::write_all(workspace, &folder, &packages, &arrivals)
}

/// All that would be published and can be built here.
fn packages(workspace: &Workspace, into: &Path) -> Outcome<Vec<PathBuf>> {
    let crates = crates::package(workspace, into)?;
    let zig = Zig::install(workspace)?;
    let python = python::build(workspace, &zig, into)?;
    let jvm = jvm::stage(workspace, &zig, into)?;
    Ok([crates, python, jvm].concat())
}
