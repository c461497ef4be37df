//! `cargo xtask guards`: what a call costs in instructions and in waits, against what was agreed on in
//! `bench/guards.json`. Unlike times, neither depends on what else the machine does.

mod agreed;
mod cost;

use std::path::{Path, PathBuf};

use crate::bench::Server;
use crate::command::Program;
use crate::failure::Outcome;
use crate::gateway;
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;

use self::agreed::Agreed;
use self::cost::{Cost, Measured};

/// An answer always finds its call waiting: whether it had to wait is no draw.
const SERVER: &str = "serve --delay-ms 2";

/// What is counted of one way that calls take.
struct Guard {
    name: &'static str,
    cost: Cost,
    /// The words that make the calls, behind the program.
    words: &'static str,
    /// Whether the words need a server's URL.
    served: bool,
    /// How many calls make a figure.
    calls: u32,
}

const fn guard(name: &'static str, cost: Cost, words: &'static str, served: bool, calls: u32) -> Guard {
    Guard { name, cost, words, served, calls }
}

const CREATE: Guard = guard("core: create, 1 caller", Cost::Instructions, "create --warm-up 20", true, 200);

const CORE: &[Guard] = &[
    CREATE,
    guard("core: create, 64 in flight", Cost::Instructions, "create --warm-up 128 --in-flight 64", true, 1280),
    guard("core: callback read", Cost::Instructions, "callbacks --genuine", false, 1000),
    guard("core: money parse", Cost::Instructions, "money", false, 10_000),
];

/// Of asyncio with one call at a time, too: how many answers a turn of the loop finds is a draw.
const PYTHON: &[Guard] = &[
    guard("Python sync: create", Cost::Instructions, "komopay --warm-up 20", true, 300),
    guard("Python async: create", Cost::Instructions, "komopay_async --warm-up 20", true, 300),
    guard("Python sync: create", Cost::Waits, "komopay --warm-up 100", true, 1000),
    guard("Python async: create", Cost::Waits, "komopay_async --warm-up 100", true, 1000),
];

/// Measures all, and compares it or agrees on it.
pub(crate) fn run(workspace: &Workspace, accept: bool) -> Outcome {
    setup::require(workspace, &[Tool::Compiler, Tool::Python, Tool::Valgrind])?;
    let mut measured = measure_core(workspace)?;
    measured.extend(measure_python(workspace)?);
    let mut agreed = Agreed::read(workspace)?;
    if accept {
        agreed.accept(&measured);
        return agreed.write(workspace);
    }
    agreed.compare(&measured)
}

/// Compares what the core's calls cost.
pub(crate) fn core(workspace: &Workspace) -> Outcome {
    Agreed::read(workspace)?.compare(&measure_core(workspace)?)
}

/// Compares what Python's calls cost.
pub(crate) fn python(workspace: &Workspace) -> Outcome {
    Agreed::read(workspace)?.compare(&measure_python(workspace)?)
}

/// The instructions that a create of one caller costs in this build of the measuring program; none, where they cannot
/// be counted.
pub(crate) fn create(workspace: &Workspace, program: &Path) -> Outcome<Option<f64>> {
    if !cfg!(target_os = "linux") || !setup::provide(workspace, &[Tool::Valgrind]).is_empty() {
        return Ok(None);
    }
    let server = Server::start(Program::new(workspace, program).args(SERVER))?;
    Ok(Some(CREATE.measure(workspace, &|| Program::new(workspace, program), &server)?.per_call))
}

fn measure_core(workspace: &Workspace) -> Outcome<Vec<Measured>> {
    let program = build(workspace)?;
    let server = Server::start(Program::new(workspace, &program).args(SERVER))?;
    let contestant = || Program::new(workspace, &program);
    CORE.iter().map(|guard| guard.measure(workspace, &contestant, &server)).collect()
}

fn measure_python(workspace: &Workspace) -> Outcome<Vec<Measured>> {
    let venv = Venv::fresh(workspace, &Python::find()?, "venv-guards")?;
    venv.install_builder(workspace)?;
    venv.install_wheel(workspace, Profile::Guarded)?;
    // Of the server nothing is counted: the build that is there anyway is good enough.
    let server = gateway::build_program(workspace, "komopay-bench")?;
    let server = Server::start(Program::new(workspace, server).args(SERVER))?;
    // Else the order in sets and dictionaries would be a draw.
    let contestant = || venv.python(workspace).arg("bench/contestants.py").env("PYTHONHASHSEED", "0");
    PYTHON.iter().map(|guard| guard.measure(workspace, &contestant, &server)).collect()
}

fn build(workspace: &Workspace) -> Outcome<PathBuf> {
    Program::cargo(workspace).args("build --locked --profile guarded --package komopay-bench").run()?;
    Ok(workspace.target().join("guarded").join("komopay-bench"))
}

impl Guard {
    fn measure(&self, workspace: &Workspace, contestant: &dyn Fn() -> Program, server: &Server) -> Outcome<Measured> {
        let program = |calls: u32| {
            let program = contestant().args(self.words).arg("--calls").arg(calls.to_string());
            if self.served { program.arg("--url").arg(server.url()) } else { program }
        };
        let per_call = self.cost.per_call(workspace, self.calls, &program)?;
        let name = format!("{}: {}", self.name, self.cost.unit());
        println!("   {name:60} {per_call:>12.2}");
        Ok(Measured { name, per_call })
    }
}
