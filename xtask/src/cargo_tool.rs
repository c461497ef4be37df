//! Tools of cargo's that most systems have no package of: each is built once, into the cache.

use crate::command::Program;
use crate::failure::Outcome;
use crate::files::remove_folder;
use crate::workspace::Workspace;

/// The program of this crate, in this version, so that a newer one is a decision and no surprise.
pub(crate) fn cargo_tool(workspace: &Workspace, name: &str, version: &str) -> Outcome<Program> {
    let root = workspace.cache().join(format!("{name}-{version}"));
    let program = root.join("bin").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        let install = Program::cargo(workspace).args("install --locked --debug --version").arg(version).arg("--root");
        let install = install.arg(&root).arg(name).env("CARGO_TARGET_DIR", workspace.folder(name));
        install.env("CARGO_PROFILE_DEV_DEBUG", "false").run()?;
        // What it was built from is as large as all of ours.
        remove_folder(&workspace.folder(name))?;
    }
    Ok(Program::new(workspace, program))
}
