//! Every rule broken on purpose, one at a time: a test that cannot fail proves nothing.
//!
//! In the files that hold rules, cargo-mutants breaks all that it knows how to: `.cargo/mutants.toml` says which files,
//! and who judges. What it cannot express is in `tests/mutations.json`, with the tests that should see it. The sources
//! are copied first, and only the copy is ever changed. What does not build was not caught by anybody.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::Value;

use crate::cargo_tool::cargo_tool;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// For how long one suite may run while nothing is broken.
const PATIENCE: Duration = Duration::from_mins(30);

/// For how long it may run with a fault, when this is how long it took without one. A rule that is broken may well make
/// a test wait for ever.
fn patience(sound: Duration) -> Duration {
    Duration::from_mins(1) + 4 * sound
}

/// Which mutations, and which tests.
#[derive(Args)]
pub(crate) struct Choice {
    /// Only the mutations whose fault or file contains this text, or whose description by cargo-mutants matches it. May
    /// be given more than once.
    #[arg(long)]
    only: Vec<String>,
    /// Only these tests, whatever should catch it, such as `core payouts::model`. May be given more than once.
    #[arg(long)]
    by: Vec<String>,
    /// Only those of `tests/mutations.json`, or only those that cargo-mutants makes.
    #[arg(long)]
    made: Option<Made>,
}

/// Who made a mutation.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Made {
    ByHand,
    ByTool,
}

/// The version of cargo-mutants.
const CARGO_MUTANTS: &str = "27.1.0";

/// One line of `tests/mutations.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutation {
    rule: String,
    fault: String,
    file: PathBuf,
    from: String,
    to: String,
    /// Which suites should see it, the fastest first; without it, any.
    #[serde(default)]
    caught_by: Vec<String>,
}

/// What is run where a mutation does not say what should catch it.
const ANY: &[&str] = &[
    "core",
    "tests create",
    "tests read",
    "tests throttle",
    "tests tokens",
    "tests transport",
    "tests wire",
    "tests access",
    "tests properties",
    "tests faults",
    "tests callbacks",
];

/// How a mutation ended.
enum End {
    Caught(String),
    NotCaught,
    DoesNotBuild,
}

/// How the tests of one suite ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tests {
    Passed,
    Failed,
    /// They were ended when the time was over.
    Endless,
}

/// Breaks one rule after the other, and prints who saw it. What nobody sees is a failure.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Outcome {
    if choice.made != Some(Made::ByTool) {
        by_hand(workspace, choice)?;
    }
    if choice.made != Some(Made::ByHand) {
        by_tool(workspace, choice)?;
    }
    Ok(())
}

/// Who judges the mutants of cargo-mutants, the quickest first: each is asked only about what those before it did not
/// see. The models take half a minute, and what goes over sockets has to be linked anew each time.
const ROUNDS: [(&str, &str); 3] = [
    ("", "--lib -- --skip ::model::"),
    ("--cargo-arg=--config --cargo-arg=profile.dev.package.komopay-core.opt-level=1", "--lib ::model::"),
    ("", "--package komopay-tests --test create --test read --test throttle --test callbacks --test log"),
];

/// What each mutant ended as is kept in `xtask/mutants/mutants.out` of the build folder.
fn by_tool(workspace: &Workspace, choice: &Choice) -> Outcome {
    let folder = workspace.folder("mutants");
    let [missed, timed_out, caught] =
        ["missed.txt", "timeout.txt", "caught.txt"].map(|name| folder.join("mutants.out").join(name));
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    for (round, (how, tests)) in ROUNDS.into_iter().enumerate() {
        let mutants = cargo_tool(workspace, "cargo-mutants", CARGO_MUTANTS)?;
        let mutants = mutants.args("mutants --package komopay-core --colors never --no-shuffle --jobs 2").args(how);
        let mutants = if round == 0 { mutants } else { mutants.arg("--iterate") }.arg("--output").arg(&folder);
        let mutants = choice.only.iter().fold(mutants, |mutants, text| mutants.arg("--re").arg(text));
        // In each copy of the sources its own.
        let outcome = mutants.env("CARGO_TARGET_DIR", "target").arg("--").args(tests).run();
        let endless = read(&timed_out);
        if outcome.is_ok() || read(&missed).is_empty() {
            return if endless.is_empty() { outcome } else { Ok(()) };
        }
        // Tests that do not end have seen the fault: the next round need not meet it again.
        fs::write(&caught, read(&caught) + &endless).map_err(Failure::while_doing("cannot note what was caught"))?;
    }
    Err(Failure::new(format!("nobody saw these mutants:\n{}", read(&missed))))
}

fn by_hand(workspace: &Workspace, choice: &Choice) -> Outcome {
    let text = fs::read_to_string(workspace.root().join("tests").join("mutations.json"))
        .map_err(Failure::while_doing("cannot read tests/mutations.json"))?;
    let mut mutations: Vec<Mutation> =
        serde_json::from_str(&text).map_err(Failure::while_doing("tests/mutations.json"))?;
    mutations.retain(|mutation| choice.wants(mutation));
    let sources = Sources::copy(workspace)?;

    // Tests that fail anyway would catch everything.
    let mut suites: Vec<String> = mutations.iter().flat_map(|mutation| choice.suites(mutation)).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut limits = BTreeMap::new();
    for suite in &suites {
        println!("\n== without a fault: {suite}");
        let Some(program) = sources.build(suite)? else {
            return Err(Failure::new(format!("the tests `{suite}` do not build as they are")));
        };
        let started = Instant::now();
        if program.test(PATIENCE)? != Tests::Passed {
            return Err(Failure::new(format!("the tests `{suite}` do not pass as they are")));
        }
        limits.insert(suite.as_str(), patience(started.elapsed()));
    }

    let (mut lines, mut rules) = (Vec::new(), BTreeMap::<String, (u32, u32)>::new());
    for mutation in &mutations {
        println!("\n== rule {}: {}", mutation.rule, mutation.fault);
        let started = Instant::now();
        let end = sources.broken(mutation, || sources.seen_by(&choice.suites(mutation), &limits))?;
        let (word, by) = match &end {
            End::Caught(by) => ("caught", by.as_str()),
            End::NotCaught => ("NOT CAUGHT", "nobody"),
            End::DoesNotBuild => ("DOES NOT BUILD", "nobody"),
        };
        let (rule, fault, time) = (&mutation.rule, &mutation.fault, started.elapsed().as_secs());
        let line = format!("{word:14}  {rule:12}  {fault} (by {by}, {time} s)");
        println!("{line}");
        lines.push(line);
        let (caught, all) = rules.entry(rule.clone()).or_default();
        *caught += u32::from(matches!(end, End::Caught(_)));
        *all += 1;
    }

    println!("\n{}\n", lines.join("\n"));
    for (rule, (caught, all)) in &rules {
        println!("rule {rule:12}  {caught} of {all} caught");
    }
    let (caught, all) = rules.values().fold((0, 0), |sum, rule| (sum.0 + rule.0, sum.1 + rule.1));
    println!("\nmutations: {caught} of {all} caught");
    if caught == all && all > 0 {
        Ok(())
    } else {
        Err(Failure::new(format!("{caught} of {all} mutations were caught")))
    }
}

impl Choice {
    fn wants(&self, mutation: &Mutation) -> bool {
        let (fault, file) = (&mutation.fault, mutation.file.to_string_lossy());
        self.only.is_empty() || self.only.iter().any(|text| fault.contains(text) || file.contains(text))
    }

    fn suites(&self, mutation: &Mutation) -> Vec<String> {
        match (self.by.is_empty(), mutation.caught_by.is_empty()) {
            (false, _) => self.by.clone(),
            (true, false) => mutation.caught_by.clone(),
            (true, true) => ANY.iter().map(|&suite| suite.to_owned()).collect(),
        }
    }
}

/// A copy of the sources, with a build folder of its own.
struct Sources<'a> {
    workspace: &'a Workspace,
    root: PathBuf,
    target: PathBuf,
}

impl<'a> Sources<'a> {
    fn copy(workspace: &'a Workspace) -> Outcome<Self> {
        let folder = workspace.folder("mutations");
        let copy = Self { workspace, root: folder.join("checkout"), target: folder.join("target") };
        let failed = || format!("cannot copy the sources to {}", copy.root.display());
        if copy.root.exists() {
            fs::remove_dir_all(&copy.root).map_err(Failure::while_doing(failed()))?;
        }
        let listed =
            Program::new(workspace, "git").args("ls-files -z --cached --others --exclude-standard").output()?;
        for file in listed.split('\0').filter(|file| !file.is_empty()) {
            let (from, to) = (workspace.root().join(file), copy.root.join(file));
            // A file that is deleted and not yet committed is listed, too.
            if from.is_file() {
                fs::create_dir_all(to.parent().unwrap_or(&copy.root)).map_err(Failure::while_doing(failed()))?;
                fs::copy(&from, &to).map_err(Failure::while_doing(failed()))?;
            }
        }
        Ok(copy)
    }

    /// Does something while the rule is broken, and mends it again.
    fn broken<T>(&self, mutation: &Mutation, act: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let file = self.root.join(&mutation.file);
        let failed = |error| Failure::while_doing(format!("cannot change {}", file.display()))(error);
        let sound = fs::read_to_string(&file).map_err(failed)?;
        if sound.matches(&mutation.from).count() != 1 {
            let (fault, file) = (&mutation.fault, mutation.file.display());
            return Err(Failure::new(format!("`{fault}` does not find its one place in {file}")));
        }
        fs::write(&file, sound.replace(&mutation.from, &mutation.to)).map_err(failed)?;
        let result = act();
        fs::write(&file, sound).map_err(failed)?;
        result
    }

    /// The first suite that sees that something is broken.
    fn seen_by(&self, suites: &[String], limits: &BTreeMap<&str, Duration>) -> Outcome<End> {
        for suite in suites {
            let Some(program) = self.build(suite)? else { return Ok(End::DoesNotBuild) };
            match program.test(limits.get(suite.as_str()).copied().unwrap_or(PATIENCE))? {
                Tests::Passed => {}
                Tests::Failed => return Ok(End::Caught(suite.clone())),
                Tests::Endless => return Ok(End::Caught(format!("{suite}, which does not end"))),
            }
        }
        Ok(End::NotCaught)
    }

    /// Builds a suite: `core` or `core some::module` are unit tests of the core, `tests faults` is
    /// `tests/tests/faults.rs`. Nothing, if it does not build.
    fn build(&self, suite: &str) -> Outcome<Option<TestProgram<'_>>> {
        let (room, name) = suite.split_once(' ').unwrap_or((suite, ""));
        let cargo = Program::cargo(self.workspace).args("test --no-run --quiet --locked --message-format json");
        let (cargo, filter) = match room {
            "core" => (cargo.args("--package komopay-core --lib --features sqlite"), name),
            "tests" => (cargo.args("--package komopay-tests --test").arg(name), ""),
            _ => return Err(Failure::new(format!("no such tests: {suite}"))),
        };
        let mut program = None;
        let built = cargo.inside(&self.root).env("CARGO_TARGET_DIR", &self.target).run_reading(|line| {
            let message: Value = serde_json::from_str(line).unwrap_or_default();
            // The programs that these tests start are built with them, in any order.
            let is_test = message.pointer("/profile/test").and_then(Value::as_bool) == Some(true);
            if let Some(executable) = message.get("executable").and_then(Value::as_str).filter(|_| is_test) {
                program = Some(PathBuf::from(executable));
            }
        });
        if built.is_err() {
            return Ok(None);
        }
        let program = program.ok_or_else(|| Failure::new(format!("cargo built no program for `{suite}`")))?;
        let room = self.root.join(room);
        Ok(Some(TestProgram { workspace: self.workspace, program, room, filter: filter.to_owned() }))
    }
}

/// A test program that is built.
struct TestProgram<'a> {
    workspace: &'a Workspace,
    program: PathBuf,
    /// Where cargo would run it.
    room: PathBuf,
    filter: String,
}

impl TestProgram<'_> {
    /// Runs its tests, for as long as there is patience.
    fn test(&self, patience: Duration) -> Outcome<Tests> {
        let program = Program::new(self.workspace, &self.program).args(&self.filter).inside(&self.room);
        let failed = || format!("cannot run {}", Path::new(&self.program).display());
        let mut command = program.into_command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(Failure::while_doing(failed()))?;
        let mut stdout = child.stdout.take();
        // Read to its end, so that the program never blocks on a full pipe.
        let said = thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(stdout) = &mut stdout {
                let _ = stdout.read_to_end(&mut said);
            }
            String::from_utf8_lossy(&said).into_owned()
        });
        let Some(success) = wait(&mut child, patience).map_err(Failure::while_doing(failed()))? else {
            return Ok(Tests::Endless);
        };
        let mut tally = Tally::default();
        said.join().unwrap_or_default().lines().for_each(|line| tally.read(line));
        match (success, tally.passed + tally.failed) {
            (true, 0) => Err(Failure::new(format!("`{}` has no such test: {}", self.program.display(), self.filter))),
            (true, _) => Ok(Tests::Passed),
            // Even if it says nothing: a process that ends itself is no passed test.
            (false, _) => Ok(Tests::Failed),
        }
    }
}

/// Waits for a process, and ends it when the time is over. Tells whether it succeeded, if it ended by itself.
fn wait(child: &mut Child, patience: Duration) -> std::io::Result<Option<bool>> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        thread::sleep(Duration::from_millis(50));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mutation_is_understood_and_names_tests_that_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join("tests/mutations.json")).unwrap();
        let mutations: Vec<Mutation> = serde_json::from_str(&text).unwrap();
        let named = mutations.iter().flat_map(|mutation| mutation.caught_by.iter().map(String::as_str));
        for suite in named.chain(ANY.iter().copied()) {
            let file = match suite.split_once(' ') {
                Some(("tests", name)) => root.join("tests/tests").join(name),
                Some(("core", module)) => root.join("core/src").join(module.replace("::", "/")),
                _ => continue,
            };
            assert!(file.with_extension("rs").is_file() || file.join("main.rs").is_file(), "{suite}");
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_millis(100)).unwrap(), None);
        let mut child = std::process::Command::new("sleep").arg("0").spawn().unwrap();
        assert_eq!(wait(&mut child, Duration::from_secs(30)).unwrap(), Some(true));
    }
}
