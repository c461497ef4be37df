//! A test program: what counts as its success.

use crate::canary::Canaries;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// Runs a test program. No line of its output may show a canary. Where nothing may be skipped, a skipped test is a
/// failure, and so is having none.
pub(crate) fn tests(workspace: &Workspace, program: Program, tally: &mut Tally) -> Outcome {
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
