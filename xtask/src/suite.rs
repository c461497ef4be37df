//! A test program: what counts as its success.

use std::sync::{Mutex, PoisonError};

use crate::canary::Canaries;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Held while tests run: those of two lanes would take the processors from each other, and what a client of one still
/// asks of a port that was given back would reach a server of the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Runs a test program. No line of its output may show a canary. Where nothing may be skipped, a skipped test is a
/// failure, and so is having none.
pub(crate) fn tests(workspace: &Workspace, program: Program, tally: &mut Tally) -> Outcome {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let canaries = Canaries::read(workspace)?;
    let mut seen = 0;
    program.run_reading(|line| {
        println!("{line}");
        tally.read(line);
        seen += canaries.count_in([line]);
    })?;
    if seen > 0 {
        return Err(Failure::new(format!("{seen} lines of output show a secret or an account number of the tests")));
    }
    if tally.passed == 0 {
        return Err(Failure::new("no test ran"));
    }
    if workspace.ci() && tally.skipped > 0 {
        return Err(Failure::new(format!("{} tests were skipped, and with CI=true none may be", tally.skipped)));
    }
    Ok(())
}

/// How far a proof goes: `short` or `long`.
pub(crate) const FORM: &str = "KOMOPAY_PROOF";
pub(crate) const LONG: &str = "long";

/// Runs a test program that says what it has looked at.
pub(crate) fn proven(program: Program, tally: &mut Tally) -> Outcome {
    program.run_reading(|line| {
        println!("{line}");
        tally.read(line);
    })?;
    if tally.proven.is_empty() { Err(Failure::new("nothing was looked at")) } else { Ok(()) }
}
