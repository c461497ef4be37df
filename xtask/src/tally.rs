//! How many tests a test program ran, and what they looked at, read from what it prints.

use std::collections::BTreeMap;

/// Tests by how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Not run, or not held to their result: skipped, ignored, deselected, expected to fail.
    pub(crate) skipped: u64,
    /// How many cases of which kind were looked at, and were as they must be.
    pub(crate) proven: BTreeMap<String, u64>,
    /// The tests that failed, by their names, and why where their program says so in that line.
    pub(crate) red: Vec<String>,
}

impl Tally {
    /// Adds the counts of a line: a summary of cargo's, pytest's or Maven's, the end of a test of `XCTest`'s, or what a
    /// test says of itself: `proven: 27704 pairs of faults`.
    pub(crate) fn read(&mut self, line: &str) {
        self.red.extend(red(line).map(str::to_owned));
        if let Some((number, cases)) = line.strip_prefix("proven: ").and_then(|proof| proof.split_once(' ')) {
            *self.proven.entry(cases.to_owned()).or_default() += number.parse().unwrap_or(0);
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            // test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
            self.add(counts.split_once(". ").map_or(counts, |(_, rest)| rest).split("; "));
        } else if let Some(counts) = pytest_counts(line) {
            self.add(counts.split(", "));
        } else if let Some(counted) = surefire_counts(line) {
            self.merge(&counted);
        } else if let Some(end) = xctest_end(line) {
            self.add(std::iter::once(format!("1 {end}").as_str()));
        }
    }

    /// Adds all that another one counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        for (cases, number) in &other.proven {
            *self.proven.entry(cases.clone()).or_default() += number;
        }
        self.red.extend_from_slice(&other.red);
    }

    fn add<'a>(&mut self, counts: impl Iterator<Item = &'a str>) {
        for count in counts {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u64>), words.next()) else { continue };
            match word {
                "passed" => self.passed += number,
                "failed" | "error" | "errors" => self.failed += number,
                "skipped" | "ignored" | "filtered" | "deselected" | "xfailed" | "xpassed" => self.skipped += number,
                _ => {}
            }
        }
    }
}

/// The name of a test that failed: cargo's, pytest's with what it found, the conductor's, `XCTest`'s.
fn red(line: &str) -> Option<&str> {
    let cargo = || line.strip_prefix("test ")?.strip_suffix(" ... FAILED");
    let pytest = || line.strip_prefix("FAILED ").or(line.strip_prefix("ERROR "));
    let xctest = || Some(line.strip_prefix("Test Case '")?.split_once("' failed (")?.0);
    cargo().or_else(pytest).or_else(|| line.strip_prefix("RED ")).or_else(xctest)
}

/// `11 passed, 2 skipped` of `==== 11 passed, 2 skipped in 3.21s ====`, with or without the frame.
fn pytest_counts(line: &str) -> Option<&str> {
    let (counts, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    let seconds = time.split_whitespace().next()?.strip_suffix('s')?;
    (seconds.parse::<f64>().is_ok() && counts.starts_with(|c: char| c.is_ascii_digit())).then_some(counts)
}

/// Of `[INFO] Tests run: 12, Failures: 0, Errors: 0, Skipped: 0`, the sum of all classes, whose own lines go on.
fn surefire_counts(line: &str) -> Option<Tally> {
    let (_, counts) = line.split_once("] Tests run: ")?;
    let mut numbers = counts.split(", ").map(|count| count.rsplit(' ').next()?.parse::<u64>().ok());
    let (run, failures, errors, skipped) = (numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()??);
    let failed = failures + errors;
    numbers.next().is_none().then(|| Tally {
        passed: run.saturating_sub(failed + skipped),
        failed,
        skipped,
        ..Tally::default()
    })
}

/// `passed` of `Test Case 'MoneyTests.testAFloatIsRefused' passed (0.01 seconds)`.
fn xctest_end(line: &str) -> Option<&str> {
    let (_, end) = line.strip_prefix("Test Case '")?.split_once("' ")?;
    let (end, time) = end.split_once(' ')?;
    time.ends_with("seconds)").then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(text: &str) -> (u64, u64, u64) {
        let mut tally = Tally::default();
        text.lines().for_each(|line| tally.read(line));
        (tally.passed, tally.failed, tally.skipped)
    }

    #[test]
    fn cargos_programs_are_added_up() {
        let text = "running 3 tests\n\
            test money::tests::a_float_is_refused ... ok\n\
            test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
            test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s";
        assert_eq!(tally(text), (15, 4, 3));
    }

    #[test]
    fn pytests_summary_is_read_with_and_without_its_frame() {
        assert_eq!(
            tally("=== 1 failed, 11 passed, 2 skipped, 1 xfailed, 3 warnings in 65.02s (0:01:05) ==="),
            (11, 1, 3)
        );
        assert_eq!(tally("7 passed, 1 deselected, 2 errors in 0.12s"), (7, 2, 1));
    }

    #[test]
    fn of_mavens_lines_only_the_sum_is_read() {
        let text = "\
            [INFO] Tests run: 6, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.7 s -- in id.komopay.PayoutTest\n\
            [INFO] Tests run: 37, Failures: 0, Errors: 0, Skipped: 0";
        assert_eq!(tally(text), (37, 0, 0));
        assert_eq!(tally("[ERROR] Tests run: 10, Failures: 1, Errors: 2, Skipped: 3"), (4, 3, 3));
    }

    #[test]
    fn xctests_tests_are_counted_one_by_one() {
        let text = "Test Case 'MoneyTests.testA' started at 2026-11-23 08:01:01.972\n\
            Test Case 'MoneyTests.testA' passed (0.01 seconds)\n\
            Test Case 'MoneyTests.testB' failed (1.5 seconds)\n\
            Test Case 'MoneyTests.testC' skipped (0.0 seconds)\n\
            Test Suite 'MoneyTests' failed at 2026-11-23 08:01:02.972\n\
            \t Executed 3 tests, with 1 test skipped and 1 failure (0 unexpected) in 1.51 (1.51) seconds";
        assert_eq!(tally(text), (1, 1, 1));
    }

    #[test]
    fn what_a_test_proves_is_added_up_by_its_kind() {
        let mut tally = Tally::default();
        for line in ["proven: 12 pairs of faults", "proven: 3 process models", "proven: 30 pairs of faults"] {
            tally.read(line);
        }
        let proven = [("pairs of faults".to_owned(), 42), ("process models".to_owned(), 3)];
        assert_eq!(tally.proven, proven.into());
    }

    #[test]
    fn a_test_that_fails_is_named() {
        let mut tally = Tally::default();
        for line in [
            "test answers::a_read ... FAILED",
            "test answers::a_call ... ok",
            "FAILED tests/test_x.py::test_y[1] - assert 1 == 2",
            "RED a_create_that_is_left (python)",
            "Test Case 'MoneyTests.testB' failed (1.5 seconds)",
        ] {
            tally.read(line);
        }
        let names = [
            "answers::a_read",
            "tests/test_x.py::test_y[1] - assert 1 == 2",
            "a_create_that_is_left (python)",
            "MoneyTests.testB",
        ];
        assert_eq!(tally.red, names);
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(tally("5 passed in the last round\npaid 3 failed in 2 hours\nno tests ran in 0.01s"), (0, 0, 0));
    }
}
