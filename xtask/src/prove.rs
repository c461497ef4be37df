//! `cargo xtask prove`: that money moves once, by looking at every case there is; and that the tests would
//! see it if not.
//!
//! A proof prints what it looked at; the report at the end says how much that was.

use clap::{Args, ValueEnum};

use crate::command::Program;
use crate::failure::Outcome;
use crate::gateway;
use crate::hosts::{self, Engine};
use crate::kotlin;
use crate::mutations::{self, Choice};
use crate::report::Report;
use crate::setup::{self, Tool};
use crate::suite::{FORM, LONG, proven};
use crate::tally::Tally;
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// What is to be proven.
#[derive(Args)]
pub(crate) struct Wish {
    /// The only proof to make. Without it, all but those of engines and mutations.
    proof: Option<Proof>,
    /// Further: some minutes each, an hour for batches, hours for engines.
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
    /// Three hosts that pay one batch, of which one is cut off from PostgreSQL, from the gateway or from both, or is
    /// paused: by themselves, under Celery and under Temporal. For root on Linux.
    Engines,
    /// Every rule broken on purpose, in a copy of the sources: does a test see it? It takes hours.
    Mutations,
}

/// Makes the proofs until one fails, and prints what they looked at.
pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Outcome {
    if wish.proof == Some(Proof::Mutations) {
        return mutations::run(workspace, &wish.choice);
    }
    let wanted = |this| wish.proof.is_none_or(|only| only == this);
    let form = if wish.long { LONG } else { "short" };
    let report = Report::default();
    let outcome = (|| {
        if wanted(Proof::Model) {
            report.check("model", |tally| {
                // Only what explores is worth optimizing.
                let mut model = Program::cargo(workspace).args("test --locked --lib");
                for name in ["komopay-core", "komopay-batches"] {
                    let optimized = format!("profile.dev.package.{name}.opt-level=3");
                    model = model.args("--package").arg(name).args("--config").arg(optimized);
                }
                proven(model.args("model:: -- --nocapture --test-threads=1").env(FORM, form), tally)
            })?;
        }
        if wanted(Proof::Faults) {
            report.check("faults", |tally| {
                let faults = Program::cargo(workspace)
                    .args("test --locked --package komopay-tests --test faults --test misdelivered");
                proven(faults.args("-- --nocapture").env(FORM, form), tally)
            })?;
        }
        if wanted(Proof::Cuts) {
            report.check("cuts", |tally| {
                let conductor = Program::new(workspace, gateway::build_program(workspace, "conformance")?);
                let runner = gateway::build_program(workspace, "conformance-rust")?;
                proven(conductor.args("play --sweeps --").arg(runner).env(FORM, form), tally)
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
                proven(batches(workspace).args("--skip with_namespaces::").env(FORM, form), tally)
            })?;
        }
        if wish.proof == Some(Proof::Engines) {
            setup::require(workspace, &hosts::NEEDED)?;
            report.check("hosts", |tally| hosts::prove(workspace, Engine::None, form, tally))?;
            let venv = Venv::fresh(workspace, &Python::find()?, "venv-engines")?;
            report.check("Python with engines", |_| venv.install_engines(workspace))?;
            let (celery, temporal) = (Engine::Celery(&venv), Engine::Temporal(&venv));
            report.check("hosts under Celery", |tally| hosts::prove(workspace, celery, form, tally))?;
            report.check("hosts under Temporal", |tally| hosts::prove(workspace, temporal, form, tally))?;
        }
        Ok(())
    })();
    println!("\n{report}");
    outcome
}

/// The proofs of batches.
fn batches(workspace: &Workspace) -> Program {
    Program::cargo(workspace).args("test --locked --package komopay-tests --test batch_proofs -- --nocapture")
}

fn python_processes(workspace: &Workspace, tally: &mut Tally) -> Outcome {
    setup::require(workspace, &setup::PYTHON)?;
    let venv = Venv::fresh(workspace, &Python::find()?, "venv-test")?;
    venv.install_all(workspace)?;
    let pytest = venv.python(workspace).args("-m pytest -p no:cacheprovider bindings-python/tests/process_models");
    proven(pytest.env("KOMOPAY_SANDBOX_BIN", gateway::build(workspace)?), tally)
}

/// The table only: the tests assert what must hold of it.
fn peers(workspace: &Workspace) -> Outcome {
    if !cfg!(target_os = "linux") {
        println!("the memory of a process is read from /proc, so bad peers are measured on Linux only");
        return Ok(());
    }
    Program::new(workspace, gateway::build_program(workspace, "peers")?).run()
}
