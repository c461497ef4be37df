//! The conformance suite: the same scenarios on the runner of each language, and the table of them all.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway;
use crate::tally::Tally;
use crate::test;
use crate::workspace::Workspace;

/// The reports of the runners that have played so far.
#[derive(Default)]
pub(crate) struct Conformance(RefCell<Vec<PathBuf>>);

/// The runners that there are.
const RUNNERS: [&str; 6] = ["rust", "python", "python-async", "kotlin", "kotlin-blocking", "swift"];

impl Conformance {
    /// Plays every scenario on one of [`RUNNERS`]. Its name is its column in the table.
    pub(crate) fn play(&self, workspace: &Workspace, name: &str, runner: &Program, tally: &mut Tally) -> Outcome {
        let folder = workspace.folder("conformance");
        fs::create_dir_all(&folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))?;
        let report = folder.join(format!("{name}.json"));
        test::remove(&report)?;
        let play = conductor(workspace)?.args("play --report").arg(&report).arg("--").followed_by(runner);
        self.0.borrow_mut().push(report);
        test::tests(workspace, play, tally)
    }

    /// Whether there is anything to show.
    pub(crate) fn has_played(&self) -> bool {
        !self.0.borrow().is_empty()
    }

    /// The runners that did not play.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let played = self.0.borrow();
        RUNNERS
            .into_iter()
            .filter(|name| !played.iter().any(|report| report.file_stem() == Some(name.as_ref())))
            .collect()
    }

    /// Shows how every scenario ended with each runner that played. One that is not green everywhere is a failure.
    pub(crate) fn table(&self, workspace: &Workspace) -> Outcome {
        if self.0.borrow().is_empty() {
            println!("   no runner played");
            return Ok(());
        }
        self.0.borrow().iter().fold(conductor(workspace)?.arg("table"), Program::arg).run()
    }
}

fn conductor(workspace: &Workspace) -> Outcome<Program> {
    Ok(Program::new(workspace, gateway::build_program(workspace, "conformance")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_no_report_did_not_play() {
        let reports = RUNNERS.iter().skip(2).map(|name| PathBuf::from(format!("conformance/{name}.json"))).collect();
        assert_eq!(Conformance(RefCell::new(reports)).missing(), ["rust", "python"]);
    }
}
