//! Where contestants run: what was built, and the servers that they call.

use std::path::{Path, PathBuf};

use super::server::Server;
use crate::command::Program;
use crate::failure::Outcome;
use crate::setup::{self, Tool};
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;
use crate::{kotlin, swift, tools};

pub(super) struct Place<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) program: PathBuf,
    pub(super) venv: Venv,
    pub(super) wheel: PathBuf,
    pub(super) jvm: kotlin::Contestants<'a>,
    pub(super) swift: Option<swift::Contestants<'a>>,
}

impl<'a> Place<'a> {
    /// Builds it all as it would be published, and installs the peers.
    pub(super) fn build(workspace: &'a Workspace) -> Outcome<Self> {
        setup::require(workspace, &[Tool::Compiler, Tool::Python])?;
        let venv = Venv::fresh(workspace, &tools::Python::find()?, "venv-bench")?;
        venv.install_builder(workspace)?;
        let wheel = venv.install_wheel(workspace, Profile::Release)?;
        venv.install(workspace, Path::new("bench/requirements.txt"))?;
        let jvm = kotlin::Contestants::build(workspace)?;
        let swift = swift::Contestants::build(workspace)?;
        Ok(Self { workspace, program: build(workspace, "")?, venv, wheel, jvm, swift })
    }

    pub(super) fn serve(&self, words: &str) -> Outcome<Server> {
        Server::start(self.on_one_processor(&self.rust().arg("serve").args(words)))
    }

    /// A server that speaks TLS.
    pub(super) fn serve_tls(&self) -> Outcome<Server> {
        Server::start(self.on_one_processor(&self.rust().args("serve --tls").arg(self.ca_file())))
    }

    /// A program on the first processor, where the system can be told so. A caller and a server with a processor each
    /// wake it from its sleep with every request and every answer, which in a virtual machine costs more than the call.
    pub(super) fn on_one_processor(&self, program: &Program) -> Program {
        let first = if cfg!(target_os = "linux") { "taskset --cpu-list 0" } else { "env" };
        let (command, words) = first.split_once(' ').unwrap_or((first, ""));
        Program::new(self.workspace, command).args(words).followed_by(program)
    }

    /// Whom contestants that speak TLS trust.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.workspace.folder("bench-authority.pem")
    }

    pub(super) fn rust(&self) -> Program {
        Program::new(self.workspace, &self.program)
    }

    pub(super) fn python(&self) -> Program {
        self.venv.python(self.workspace)
    }
}

/// Builds the measuring program with these features, which only a core with debug assertions has.
pub(super) fn build(workspace: &Workspace, features: &str) -> Outcome<PathBuf> {
    let cargo = Program::cargo(workspace).args("build --locked --release --package komopay-bench --features");
    let checked = format!("profile.release.package.komopay-core.debug-assertions={}", !features.is_empty());
    cargo.arg(features).arg("--config").arg(checked).run()?;
    Ok(workspace.target().join("release").join(format!("komopay-bench{}", std::env::consts::EXE_SUFFIX)))
}
