//! The crates, as they would be uploaded.

use std::path::{Path, PathBuf};

use super::gate::PUBLISHED;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;
use crate::{files, version};

/// Packs each, and builds it from what was packed, as the upload would. Their commit is told in them: so there must be
/// one.
pub(super) fn package(workspace: &Workspace, into: &Path) -> Outcome<Vec<PathBuf>> {
    let packed = workspace.target().join("package");
    files::remove_folder(&packed)?;
    let cargo = Program::cargo(workspace).args("package --locked");
    PUBLISHED.iter().fold(cargo, |cargo, name| cargo.arg("--package").arg(name)).run()?;
    let version = version::current(workspace)?;
    let take = |name: &&str| {
        let file = format!("{name}-{version}.crate");
        let copied = std::fs::copy(packed.join(&file), into.join(&file));
        copied.map_err(Failure::while_doing(format!("cannot copy {file}")))?;
        Ok(into.join(file))
    };
    PUBLISHED.iter().map(take).collect()
}
