//! How a cost of calls is counted.

use std::fs;

use crate::bench::Figures;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// What a call costs.
#[derive(Clone, Copy)]
pub(super) enum Cost {
    /// Instructions of the whole process, as Valgrind executes them.
    Instructions,
    /// How often a thread of the process went to wait: voluntary context switches.
    Waits,
}

/// What was counted.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) per_call: f64,
}

impl Cost {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Instructions => "instructions",
            Self::Waits => "waits",
        }
    }

    /// What each of so many calls costs.
    pub(super) fn per_call(self, workspace: &Workspace, calls: u32, program: &dyn Fn(u32) -> Program) -> Outcome<f64> {
        match self {
            // What it costs to start and to end is in both, and drops out.
            Self::Instructions => {
                let (once, twice) =
                    (instructions(workspace, &program(calls))?, instructions(workspace, &program(2 * calls))?);
                Ok((twice - once) / f64::from(calls))
            }
            // A busy machine adds to it, and nothing takes away: the least of some turns.
            Self::Waits => (0..3).try_fold(f64::INFINITY, |least, _| {
                let figures = Figures::of(program(calls))?;
                let waits = figures.waits_per_call();
                Ok(least.min(waits.ok_or_else(|| Failure::new("a contestant did not say how often it waited"))?))
            }),
        }
    }
}

/// All instructions of a program. What they were spent on is left for `callgrind_annotate`.
fn instructions(workspace: &Workspace, program: &Program) -> Outcome<f64> {
    let profile = workspace.folder("callgrind.out");
    let mut option = std::ffi::OsString::from("--callgrind-out-file=");
    option.push(&profile);
    let valgrind = Program::new(workspace, "valgrind").arg("--tool=callgrind").arg(option);
    valgrind.followed_by(program).output()?;
    let text = fs::read_to_string(&profile).map_err(Failure::while_doing("cannot read what Valgrind counted"))?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")?.trim().parse().ok());
    total.ok_or_else(|| Failure::new("Valgrind has counted nothing"))
}
