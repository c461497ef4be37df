//! The report of `cargo xtask test`: each check with its time, and one plain line at the end.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};
use crate::setup::{Missing, Tool};
use crate::tally::Tally;

/// The checks made so far, by several threads.
#[derive(Default)]
pub(crate) struct Report(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    checks: Vec<Check>,
    notes: Vec<String>,
    not_run: Vec<String>,
}

struct Check {
    name: &'static str,
    time: Duration,
    tally: Tally,
}

impl Report {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one check and writes it down. It counts as the tests that it tallies, or as one.
    pub(crate) fn check(&self, name: &'static str, check: impl FnOnce(&mut Tally) -> Outcome) -> Outcome {
        println!("\n== {name}");
        let start = Instant::now();
        let mut tally = Tally::default();
        let outcome = check(&mut tally);
        match outcome {
            Ok(()) if tally == Tally::default() => tally.passed = 1,
            Ok(()) => {}
            Err(_) => tally.failed = tally.failed.max(1),
        }
        self.lines().checks.push(Check { name, time: start.elapsed(), tally });
        outcome.map_err(|failure| Failure::new(format!("{name}: {failure}")))
    }

    /// Makes one check, if what it needs is there.
    pub(crate) fn check_with(
        &self,
        missing: &Missing,
        needed: &[Tool],
        name: &'static str,
        check: impl FnOnce(&mut Tally) -> Outcome,
    ) -> Outcome {
        match missing.of(needed) {
            None => self.check(name, check),
            Some(why) => {
                self.not_run(name, &why);
                Ok(())
            }
        }
    }

    /// Something that was not run, and why: to read at the end, too.
    pub(crate) fn not_run(&self, what: &str, why: &str) {
        let line = format!("NOT RUN: {what}: {why}");
        println!("\n{line}");
        self.lines().not_run.push(line);
    }

    /// How much was not run.
    pub(crate) fn count_not_run(&self) -> usize {
        self.lines().not_run.len()
    }

    /// Something to read at the end, too.
    pub(crate) fn note(&self, note: String) {
        self.lines().notes.push(note);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        let width = lines.checks.iter().map(|check| check.name.chars().count()).max().unwrap_or_default();
        writeln!(f, "{:width$}  {:>8}  {:>6}  {:>6}  {:>7}", "check", "time", "passed", "failed", "skipped")?;
        let mut sum = Tally::default();
        for Check { name, time, tally } in &lines.checks {
            let Tally { passed, failed, skipped, .. } = tally;
            writeln!(f, "{name:width$}  {:>6.1} s  {passed:>6}  {failed:>6}  {skipped:>7}", time.as_secs_f64())?;
            sum.merge(tally);
        }
        for (cases, number) in &sum.proven {
            write!(f, "\nproven: {number} {cases}")?;
        }
        if !sum.proven.is_empty() {
            writeln!(f)?;
        }
        for name in &sum.red {
            write!(f, "\nfailed: {name}")?;
        }
        for note in lines.notes.iter().chain(&lines.not_run) {
            write!(f, "\n{note}")?;
        }
        let Tally { passed, failed, mut skipped, .. } = sum;
        skipped += lines.not_run.len() as u64;
        write!(f, "\n{passed} passed, {failed} failed")?;
        if skipped > 0 {
            write!(f, ", {skipped} skipped")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last_line(report: &Report) -> String {
        report.to_string().lines().last().unwrap().to_owned()
    }

    #[test]
    fn a_check_counts_as_its_tests_or_as_one() {
        let report = Report::default();
        report.check("format", |_| Ok(())).unwrap();
        report
            .check("tests", |tally| {
                tally.passed = 41;
                Ok(())
            })
            .unwrap();
        assert_eq!(last_line(&report), "42 passed, 0 failed");
    }

    #[test]
    fn what_was_noted_is_read_at_the_end() {
        let report = Report::default();
        report.note("SKIPPED: all of it".to_owned());
        assert!(report.to_string().ends_with("\nSKIPPED: all of it\n0 passed, 0 failed"));
    }

    #[test]
    fn what_was_not_run_is_read_at_the_end_and_counted() {
        let report = Report::default();
        report.check("format", |_| Ok(())).unwrap();
        report.not_run("Kotlin", "Maven is missing");
        assert!(report.to_string().ends_with("\nNOT RUN: Kotlin: Maven is missing\n1 passed, 0 failed, 1 skipped"));
    }

    #[test]
    fn a_failed_check_is_never_a_pass() {
        let report = Report::default();
        let failure = report.check("lints", |_| Err(Failure::new("`cargo clippy` ended badly"))).unwrap_err();
        assert_eq!(failure.to_string(), "lints: `cargo clippy` ended badly");
        assert_eq!(last_line(&report), "0 passed, 1 failed");
    }
}
