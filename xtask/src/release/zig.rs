//! Zig as compiler and linker, which has every libc: no old system is needed to build for one.

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::failure::Outcome;
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

const REQUIREMENTS: &str = "xtask/requirements-release.txt";

/// The oldest glibc that what is released runs on: that of `CentOS` 7, and the oldest that Rust itself runs on.
const GLIBC: &str = "2.17";

/// It, and what uses it.
pub(super) struct Zig(Venv);

impl Zig {
    pub(super) fn install(workspace: &Workspace) -> Outcome<Self> {
        let venv = Venv::fresh(workspace, &Python::find()?, "venv-release")?;
        venv.install(workspace, Path::new(REQUIREMENTS))?;
        Ok(Self(venv))
    }

    /// Where it is installed.
    pub(super) fn venv(&self) -> &Venv {
        &self.0
    }

    /// A program of that, which finds it.
    pub(super) fn run(&self, workspace: &Workspace, name: &str) -> Program {
        self.0.run(workspace, name).env("CARGO_ZIGBUILD_PYTHON_PATH", self.0.interpreter())
    }

    /// Builds the library or program of this name as it is published, for every glibc that is not too old.
    pub(super) fn build(&self, workspace: &Workspace, package: &str, name: &str) -> Outcome<PathBuf> {
        let target = format!("{ARCH}-unknown-linux-gnu");
        let cargo = self.run(workspace, "cargo-zigbuild").args("zigbuild --locked --release --package").arg(package);
        cargo.arg("--target").arg(format!("{target}.{GLIBC}")).run()?;
        Ok(workspace.target().join(target).join("release").join(name))
    }
}
