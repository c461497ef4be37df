//! Running a program: it is printed, it runs in the checkout, and a bad end is a [`Failure`] with its exit code.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// A program with its arguments, to be run in the checkout.
pub(crate) struct Program {
    command: Command,
    /// As it is printed.
    line: String,
}

impl Program {
    pub(crate) fn new(workspace: &Workspace, program: impl AsRef<OsStr>) -> Self {
        let program = program.as_ref();
        let mut command = Command::new(program);
        command.current_dir(workspace.root()).env("CARGO_TARGET_DIR", workspace.target());
        // `cargo run` describes the package xtask to xtask; passed on, it makes build scripts think that they changed.
        // KOMOPAY_* may hold somebody's real merchant; PYTHON* may lead to another komopay than the one built here.
        // It also leads loaders of libraries to what was built here last, where JNA would find that before the jar's.
        let foreign = ["CARGO_PKG_", "CARGO_MANIFEST_", "KOMOPAY_", "PYTHON", "LD_LIBRARY_PATH", "DYLD_FALLBACK"];
        for (name, _) in env::vars_os() {
            if name.to_str().is_some_and(|name| foreign.iter().any(|prefix| name.starts_with(prefix))) {
                command.env_remove(name);
            }
        }
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        let line = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
        Self { command, line }
    }

    /// The cargo that runs this task.
    pub(crate) fn cargo(workspace: &Workspace) -> Self {
        let mut program = Self::new(workspace, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        "cargo".clone_into(&mut program.line);
        program
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        let arg = arg.as_ref();
        self.line.push(' ');
        let text = arg.to_string_lossy();
        let quote = if text.contains(char::is_whitespace) { "\"" } else { "" };
        self.line.extend([quote, &text, quote]);
        self.command.arg(arg);
        self
    }

    /// Arguments without spaces in them, as one would type them.
    pub(crate) fn args(self, words: &str) -> Self {
        words.split_whitespace().fold(self, Self::arg)
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Another program, with its arguments and variables, as the last arguments.
    pub(crate) fn followed_by(mut self, other: &Self) -> Self {
        for (name, value) in other.command.get_envs() {
            if let Some(value) = value {
                self.command.env(name, value);
            }
        }
        other.command.get_args().fold(self.arg(other.command.get_program()), Self::arg)
    }

    /// Runs it in another folder, for a program that leaves files where it runs.
    pub(crate) fn inside(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end, its output going where ours goes.
    pub(crate) fn run(mut self) -> Outcome {
        self.print();
        let status = self.command.stdin(Stdio::null()).status().map_err(self.not_started())?;
        self.judge(status)
    }

    /// Runs it to its end, and gives each line of its standard output to `read` as it comes.
    pub(crate) fn run_reading(mut self, mut read: impl FnMut(&str)) -> Outcome {
        self.print();
        let mut child = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(self.not_started())?;
        if let Some(stdout) = child.stdout.take() {
            for line in BufReader::new(stdout).split(b'\n') {
                let line = line.map_err(Failure::while_doing(format!("cannot read what `{}` says", self.line)))?;
                read(String::from_utf8_lossy(&line).trim_end_matches('\r'));
            }
        }
        let status = child.wait().map_err(self.not_started())?;
        self.judge(status)
    }

    /// Runs it quietly and gives its standard output. Its standard error is in the failure.
    pub(crate) fn output(mut self) -> Outcome<String> {
        let output = self.command.stdin(Stdio::null()).output().map_err(self.not_started())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::new(format!("`{}` ended with {}\n{}", self.line, output.status, said.trim_end())));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Prints it and hands it over, to be started by the caller.
    pub(crate) fn into_command(self) -> Command {
        self.print();
        self.command
    }

    fn print(&self) {
        println!("   $ {}", self.line);
    }

    fn not_started(&self) -> impl FnOnce(std::io::Error) -> Failure + use<> {
        Failure::while_doing(format!("cannot run `{}`", self.line))
    }

    fn judge(&self, status: ExitStatus) -> Outcome {
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("`{}` ended with {status}", self.line)))
    }
}
