//! `cargo xtask prove`: that money moves once, by looking at every case there is; and that the tests would
//! see it if not.
//!
//! A proof prints what it looked at; the report at the end says how much that was.

use clap::{Args, ValueEnum};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway;
use crate::kotlin;
use crate::mutations::{self, Choice};
use crate::report::Report;
use crate::setup::{self, Tool};
use crate::tally::Tally;
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// What is to be proven.
#[derive(Args)]
pub(crate) struct Wish {
    /// The only proof to make. Without it, all that take no hours.
    proof: Option<Proof>,
    /// As far as there is time for, some minutes.
    #[arg(long)]
    long: bool,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// The outcome rules, in every state that callers, network and platform can come to, those of callbacks, and the
    /// fence of batches.
    Model,
    /// Every fault at each attempt, and every pair of them: the gateway's ledger decides.
    Faults,
    /// A create that is cut, stalled, repeated or corrupted at every byte of its request and of its answer.
    Cuts,
    /// Peers that misbehave, in numbers: what a call ends as, when, and the memory that it takes.
    Peers,
    /// Creates in processes that fork, nest, are interrupted, shut down and killed, in Python and on the JVM.
    Processes,
    /// Batches whose workers are killed and stopped, with clocks that are off, servers that go down, and rules that are
    /// broken: the gateway's ledger decides.
    Batches,
    /// Every rule broken on purpose, in a copy of the sources: does a test see it? It takes hours.
    Mutations,
}

/// Makes the proofs until one fails, and prints what they looked at.
pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Outcome {
    if wish.proof == Some(Proof::Mutations) {
        return mutations::run(workspace, &wish.choice);
    }
    let wanted = |this| wish.proof.is_none_or(|only| only == this);
    let form = if wish.long { "long" } else { "short" };
    let mut report = Report::default();
    let outcome = (|| {
        if wanted(Proof::Model) {
            report.check("model", |tally| {
                // Only what explores is worth optimizing.
                let mut model = Program::cargo(workspace).args("test --locked --lib");
                for name in ["komopay-core", "komopay-batches"] {
                    let optimized = format!("profile.dev.package.{name}.opt-level=3");
                    model = model.args("--package").arg(name).args("--config").arg(optimized);
                }
                prove(model.args("model:: -- --nocapture --test-threads=1").env(FORM, form), tally)
            })?;
        }
        if wanted(Proof::Faults) {
            report.check("faults", |tally| {
                let faults = Program::cargo(workspace)
                    .args("test --locked --package komopay-tests --test faults --test misdelivered");
                prove(faults.args("-- --nocapture").env(FORM, form), tally)
            })?;
        }
        if wanted(Proof::Cuts) {
            report.check("cuts", |tally| {
                let conductor = Program::new(workspace, gateway::build_program(workspace, "conformance")?);
                let runner = gateway::build_program(workspace, "conformance-rust")?;
                prove(conductor.args("play --sweeps --").arg(runner).env(FORM, form), tally)
            })?;
        }
        if wanted(Proof::Peers) {
            report.check("peers", |_| peers(workspace))?;
        }
        if wanted(Proof::Processes) {
            report.check("Python processes", |tally| python_processes(workspace, tally))?;
            report.check("JVM processes", |tally| kotlin::processes(workspace, tally))?;
        }
        if wanted(Proof::Batches) {
            report.check("batches", |tally| {
                setup::require(workspace, &[Tool::Postgres, Tool::Faketime])?;
                let batches =
                    Program::cargo(workspace).args("test --locked --package komopay-tests --test batch_proofs");
                prove(batches.args("-- --nocapture").env(FORM, form), tally)
            })?;
        }
        Ok(())
    })();
    println!("\n{report}");
    outcome
}

/// How far the tests go: `short` or `long`.
const FORM: &str = "KOMOPAY_PROOF";

fn python_processes(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    setup::require(workspace, &setup::PYTHON)?;
    let venv = Venv::fresh(workspace, &Python::find()?, "venv-test")?;
    venv.install_all(workspace)?;
    let pytest = venv.python(workspace).args("-m pytest -p no:cacheprovider bindings-python/tests/process_models");
    prove(pytest.env("KOMOPAY_SANDBOX_BIN", gateway::build(workspace)?), tally)
}

fn prove(program: Program, tally: &mut Tally) -> Outcome {
    program.run_reading(|line| {
        println!("{line}");
        tally.read(line);
    })?;
    if tally.proven.is_empty() { Err(Failure::new("nothing was looked at")) } else { Ok(()) }
}

/// The table only: the tests assert what must hold of it.
fn peers(workspace: &Workspace) -> Outcome {
    if !cfg!(target_os = "linux") {
        println!("the memory of a process is read from /proc, so bad peers are measured on Linux only");
        return Ok(());
    }
    Program::new(workspace, gateway::build_program(workspace, "peers")?).run()
}
