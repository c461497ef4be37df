//! Three hosts that pay one batch: by themselves, and under each engine for jobs.

use crate::command::Program;
use crate::failure::Outcome;
use crate::setup::Tool;
use crate::suite::{FORM, LONG, proven};
use crate::tally::Tally;
use crate::venv::Venv;
use crate::workspace::Workspace;

/// What their proof needs of a machine, engines included.
pub(crate) const NEEDED: [Tool; 6] =
    [Tool::Postgres, Tool::Namespaces, Tool::Python, Tool::Redis, Tool::Jdk, Tool::Maven];

/// What runs the workers.
#[derive(Clone, Copy)]
pub(crate) enum Engine<'a> {
    /// `komopay batch work`, by itself.
    None,
    /// Celery, of this environment.
    Celery(&'a Venv),
    /// Temporal, of this environment.
    Temporal(&'a Venv),
}

/// Makes the proof, which goes as far as the form says.
pub(crate) fn prove(workspace: &Workspace, engine: Engine<'_>, form: &str, tally: &mut Tally) -> Outcome {
    let build = Program::cargo(workspace).args("test --locked --workspace --test batch_proofs");
    // Of hundreds of cases, most of the time went to code that is not optimized.
    let build = if form == LONG { build.args("--config profile.dev.opt-level=1") } else { build };
    let build = build.env(FORM, form).args("-- --nocapture");
    let hosts = match engine {
        Engine::None => build.arg("with_namespaces::"),
        Engine::Celery(venv) => of(build, "Celery", venv),
        Engine::Temporal(venv) => of(build, "Temporal", venv),
    };
    proven(hosts, tally)?;
    // What was filtered out is of another proof, and runs there.
    tally.skipped = 0;
    Ok(())
}

/// The same hosts, and not what needs no engine.
fn of(hosts: Program, engine: &str, venv: &Venv) -> Program {
    let hosts = hosts.arg("of_three_hosts").env("KOMOPAY_ENGINE", engine);
    hosts.env("KOMOPAY_ENGINE_PYTHON", venv.interpreter())
}
