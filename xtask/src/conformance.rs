//! The conformance suite: the same scenarios on the runner of each language, and the table of them all.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway;
use crate::tally::Tally;
use crate::workspace::Workspace;
use crate::{files, suite};

/// The suite, as far as it was played.
pub(crate) struct Conformance {
    /// Whether creates are cut at every byte in every language.
    long: bool,
    /// The reports of the runners that have played so far.
    reports: Mutex<Vec<PathBuf>>,
}

/// The runners that there are.
const RUNNERS: [&str; 6] = ["rust", "python", "python-async", "kotlin", "kotlin-blocking", "swift"];

/// Each runner but the first cuts creates at one byte in so many, each at others: together at every byte once more.
/// What is decided there is the core's, and the same in all of them.
const STRIDE: usize = RUNNERS.len() - 1;

/// Which bytes a runner takes: its stride, and its seed.
fn share(name: &str, long: bool) -> (usize, usize) {
    match RUNNERS.iter().position(|runner| *runner == name) {
        Some(place) if place > 0 && !long => (STRIDE, place),
        _ => (1, 1),
    }
}

impl Conformance {
    pub(crate) fn new(long: bool) -> Self {
        Self { long, reports: Mutex::default() }
    }

    fn reports(&self) -> MutexGuard<'_, Vec<PathBuf>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Plays every scenario on one of [`RUNNERS`]. Its name is its column in the table.
    pub(crate) fn play(&self, workspace: &Workspace, name: &str, runner: &Program, tally: &mut Tally) -> Outcome {
        let folder = workspace.folder("conformance");
        fs::create_dir_all(&folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))?;
        let report = folder.join(format!("{name}.json"));
        files::remove(&report)?;
        let (stride, seed) = share(name, self.long);
        let play = conductor(workspace)?.args(&format!("play --stride {stride} --seed {seed} --report")).arg(&report);
        let play = play.arg("--").followed_by(runner);
        self.reports().push(report);
        suite::tests(workspace, play, tally)
    }

    /// Whether there is anything to show.
    pub(crate) fn has_played(&self) -> bool {
        !self.reports().is_empty()
    }

    /// The runners that did not play.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let played = self.reports();
        RUNNERS
            .into_iter()
            .filter(|name| !played.iter().any(|report| report.file_stem() == Some(name.as_ref())))
            .collect()
    }

    /// Shows how every scenario ended with each runner that played. One that is not green everywhere is a failure.
    pub(crate) fn table(&self, workspace: &Workspace) -> Outcome {
        if self.reports().is_empty() {
            println!("   no runner played");
            return Ok(());
        }
        self.reports().iter().fold(conductor(workspace)?.arg("table"), Program::arg).run()
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
        let conformance = Conformance { long: false, reports: Mutex::new(reports) };
        assert_eq!(conformance.missing(), ["rust", "python"]);
    }

    #[test]
    fn all_runners_but_the_first_share_the_bytes() {
        assert_eq!(share("rust", false), (1, 1));
        let shares: Vec<_> = RUNNERS.iter().skip(1).map(|name| share(name, false)).collect();
        assert_eq!(shares, (1..=STRIDE).map(|seed| (STRIDE, seed)).collect::<Vec<_>>());
        assert!(RUNNERS.iter().all(|name| share(name, true).0 == 1));
    }
}
