//! Every check of the project, in the order in which it fails soonest.

use std::path::Path;
use std::thread;

use clap::ValueEnum;

use crate::canary::Canaries;
use crate::command::Program;
use crate::conformance::Conformance;
use crate::failure::{Failure, Outcome};
use crate::hosts::{self, Engine};
use crate::report::Report;
use crate::setup::{self, Missing, Tool};
use crate::suite::tests;
use crate::surface::{self, Language};
use crate::tally::Tally;
use crate::tools::Python;
use crate::venv::Venv;
use crate::workspace::Workspace;
use crate::{
    checkout, columns, demo, dependencies, docs, files, gateway, guards, kotlin, layers, licenses, packages, stub,
    swift, version, workflows,
};

/// A part of the checks.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Format, lints, tests and documentation of the Rust crates.
    Rust,
    /// The wheel, its tests and types, and the demo.
    Python,
    /// The jar, its tests, and programs that use it as an app and a server would.
    Kotlin,
    /// The Swift package, its tests and types, and the demo.
    Swift,
}

/// Runs the checks until one fails, and reports on those that ran. If `long`, creates are cut at every byte in every
/// language.
pub(crate) fn run(workspace: &Workspace, part: Option<Part>, long: bool) -> Outcome {
    let wanted = |this| part.is_none_or(|only| only == this);
    let parts: [(Part, &[Tool]); 4] = [
        (Part::Rust, &setup::RUST),
        (Part::Python, &setup::PYTHON),
        (Part::Kotlin, &setup::KOTLIN),
        (Part::Swift, &setup::SWIFT),
    ];
    let needed: Vec<Tool> =
        parts.iter().filter(|(part, _)| wanted(*part)).flat_map(|(_, tools)| tools.iter().copied()).collect();
    let missing = &setup::provide(workspace, &needed);
    if let Some(why) = missing.of(&[Tool::Compiler]) {
        return Err(Failure::new(format!("nothing can be built: {why}. {missing}")));
    }
    if !missing.is_empty() {
        println!("\n{missing}\nAll that can be run without it is run.");
    }
    let before = if workspace.ci() { Some(state_of_checkout(workspace)?) } else { None };

    let report = &Report::default();
    let conformance = &Conformance::new(long);
    let check = |workspace: &Workspace, parts: &[Part]| {
        let checked = parts.iter().filter(|part| wanted(**part)).try_for_each(|part| match part {
            Part::Rust => rust(workspace, missing, conformance, report),
            Part::Python => python_package(workspace, missing, conformance, report),
            Part::Kotlin => kotlin::check(workspace, missing, conformance, report),
            Part::Swift => swift::check(workspace, conformance, report),
        });
        checked.inspect_err(|failure| println!("\nfailed: {failure}"))
    };
    let outcome = if workspace.ci() && part.is_none() {
        // While the tests of one half wait for something, the other half builds.
        let beside = workspace.beside()?;
        checkout::forget_others(&beside)?;
        let (own, other) = thread::scope(|scope| {
            let other = scope.spawn(|| check(&beside, &[Part::Python, Part::Kotlin]));
            let own = check(workspace, &[Part::Rust, Part::Swift]);
            (own, other.join().unwrap_or_else(|_| Err(Failure::new("the checks of Python and Kotlin panicked"))))
        });
        own.and(other).and_then(|()| engines(workspace, &beside, missing, report))
    } else {
        let checked = check(workspace, &[Part::Rust, Part::Python, Part::Kotlin, Part::Swift]);
        if part.is_none() { checked.and_then(|()| engines(workspace, workspace, missing, report)) } else { checked }
    };
    let outcome = outcome.and_then(|()| match &before {
        Some(before) => report.check("checkout untouched", |_| untouched(workspace, before)),
        None => Ok(()),
    });
    // Also after a failure: it shows in which language the other scenarios hold.
    let table = if conformance.has_played() {
        let missing = conformance.missing();
        if missing.is_empty() {
            report.check("every scenario in every language", |_| conformance.table(workspace))
        } else {
            report.note(format!("The table of the scenarios does not cover {}.", missing.join(", ")));
            report.check("every scenario where it was played", |_| conformance.table(workspace))
        }
    } else {
        Ok(())
    };
    println!("\n{report}");
    if !missing.is_empty() {
        println!("\n{missing}");
    }
    outcome.and(table)?;
    match report.count_not_run() {
        0 => Ok(()),
        _ if !workspace.ci() => Ok(()),
        number => Err(Failure::new(format!("{number} parts were not run, and with CI=true all must be"))),
    }
}

/// What takes the tests of Rust and the package of Python, which is in this build folder.
fn engines(workspace: &Workspace, beside: &Workspace, missing: &Missing, report: &Report) -> Outcome {
    let venv = Venv::made(beside, TESTED);
    for (name, engine) in
        [("hosts under Celery", Engine::Celery(&venv)), ("hosts under Temporal", Engine::Temporal(&venv))]
    {
        if cfg!(target_os = "linux") {
            let prove = |tally: &mut Tally| hosts::prove(workspace, engine, "short", tally);
            report.check_with(missing, &hosts::NEEDED, name, prove)?;
        } else {
            report.not_run(name, "they are of Linux");
        }
    }
    Ok(())
}

fn rust(workspace: &Workspace, missing: &Missing, conformance: &Conformance, report: &Report) -> Outcome {
    let cargo = |words| Program::cargo(workspace).args(words);
    let lints = || cargo("clippy --locked --workspace --all-targets").args("-- --deny warnings").run();
    report.check_with(missing, &[Tool::Rustfmt], "Rust format", |_| cargo("fmt --all --check").run())?;
    report.check_with(missing, &[Tool::Clippy], "Rust lints", |_| lints())?;
    report.check("layers", |_| layers::check(workspace))?;
    report.check_with(missing, &[Tool::Git], "columns", |_| columns::check(workspace))?;
    report.check_with(missing, &[Tool::Git], "one version", |_| version::check(workspace))?;
    report.check_with(missing, &[Tool::Git], "dependencies", |_| dependencies::check(workspace))?;
    report.check("Rust documentation", |_| {
        cargo("doc --locked --workspace --no-deps").env("RUSTDOCFLAGS", "--deny warnings").run()
    })?;
    let no_faketime = missing.of(&[Tool::Faketime]);
    let no_postgres = missing.of(&[Tool::Postgres]);
    let no_namespaces = missing.of(&[Tool::Namespaces]);
    report.check("Rust tests", |tally| {
        // Built before the tests have their turn.
        cargo("test --locked --workspace --no-run").run()?;
        // What tests that pass have printed is searched, too.
        let test = cargo("test --locked --workspace --no-fail-fast").args("-- --show-output");
        let test = if no_faketime.is_some() { test.args("--skip with_libfaketime::") } else { test };
        let test = if no_postgres.is_some() { test.args("--skip with_postgres::") } else { test };
        let test = if no_namespaces.is_some() { test.args("--skip with_namespaces::") } else { test };
        tests(workspace, test, tally)
    })?;
    if let Some(why) = no_faketime {
        report.not_run("the tests of clocks that jump", &why);
    }
    if let Some(why) = no_postgres {
        report.not_run("the tests with PostgreSQL", &why);
    }
    if let Some(why) = no_namespaces {
        report.not_run("the tests with hosts that are cut off", &why);
    }
    report.check("Rust conformance", |tally| {
        let runner = Program::new(workspace, gateway::build_program(workspace, "conformance-rust")?);
        conformance.play(workspace, "rust", &runner, tally)
    })?;
    report.check("Rust surface", |_| surface::check(workspace, Language::Rust))?;
    guarded(missing, report, "Rust guards", || guards::core(workspace))
}

fn python_package(workspace: &Workspace, missing: &Missing, conformance: &Conformance, report: &Report) -> Outcome {
    if let Some(why) = missing.of(&[Tool::Python]) {
        report.not_run("Python, and the gateway against the contract", &why);
        return Ok(());
    }
    let python = &Python::find()?;
    let venv = Venv::fresh(workspace, python, TESTED)?;
    let mut wheels = Vec::new();
    report.check("Python wheels", |_| {
        let archive = |wheel: &_| venv.python(workspace).args("-m zipfile --list").arg(wheel);
        wheels.extend(venv.install_all(workspace)?);
        wheels.iter().try_for_each(|wheel| licenses::check_archive(archive(wheel)))
    })?;
    let tools = packages::tools(workspace, python)?;
    report.check("Python packages, on the page of an index", |_| packages::check(workspace, &tools, &wheels))?;
    report.check("workflows", |_| workflows::check(workspace, python, &tools))?;
    report.check("Python stub", |_| stub::check(workspace, &venv))?;
    report.check("Python types", |_| {
        let settings = workspace.root().join("bindings-python").join("pyproject.toml");
        let mypy = venv.python(workspace).args("-m mypy --strict --config-file").arg(&settings);
        mypy.arg("--cache-dir").arg(workspace.folder("mypy")).args(TYPED).run()?;
        // It cannot be told where its cache goes.
        let stubtest =
            venv.python(workspace).args("-m mypy.stubtest komopay komopay_testing _komopay_pytest --mypy-config-file");
        let known = workspace.root().join("bindings-python").join("stubtest.txt");
        stubtest.arg(&settings).arg("--allowlist").arg(known).inside(workspace.target()).run()?;
        let basedpyright = venv.python(workspace).args("-m basedpyright --project").arg(&settings);
        basedpyright.arg("--pythonpath").arg(venv.interpreter()).run()
    })?;
    report.check("Python tests", |tally| {
        let sandbox = gateway::build(workspace)?;
        // Everything that a test wrote or logged goes into this file, whether it passed or not.
        let written = workspace.folder("pytest.xml");
        let calls = workspace.folder("calls.jsonl");
        files::remove(&calls)?;
        let pytest = venv
            .python(workspace)
            .args("-m pytest -p no:cacheprovider bindings-python/tests --log-level=DEBUG")
            .args("-o junit_logging=all -o junit_log_passing_tests=True --junit-xml")
            .arg(&written)
            .env("KOMOPAY_SANDBOX_BIN", sandbox)
            .env("KOMOPAY_SANDBOX_RECORD", &calls);
        tests(workspace, pytest, tally)?;
        Canaries::read(workspace)?.search(&written)?;
        gateway::validate(workspace, &calls)
    })?;
    if let Some(why) = missing.of(&[Tool::Redis]) {
        // Its tests skip themselves.
        report.not_run("Celery", &why);
    }
    if let Some(why) = missing.of(&[Tool::Jdk, Tool::Maven]) {
        report.not_run("Temporal", &why);
    }
    report.check("Python conformance", |tally| {
        let runner = || venv.python(workspace).arg("bindings-python/tests/conformance.py");
        conformance.play(workspace, "python", &runner(), tally)?;
        conformance.play(workspace, "python-async", &runner().arg("--async"), tally)
    })?;
    report.check("Python surface", |_| surface::check(workspace, Language::Python))?;
    report.check("gateway against the contract", |_| {
        let schemathesis = Venv::fresh(workspace, python, "venv-contract")?;
        schemathesis.install(workspace, Path::new("sandbox/schemathesis/requirements.txt"))?;
        let sandbox = gateway::build(workspace)?;
        // Always the same cases, so that a change and not a draw decides.
        schemathesis.python(workspace).args("sandbox/schemathesis/run.py --seed 1").arg(sandbox).run()
    })?;
    report.check_with(missing, &[Tool::Git], "site", |_| docs::check(workspace, false))?;
    report.check_with(missing, &[Tool::Chromium], "gateway's page", |tally| {
        let pytest =
            venv.python(workspace).args("-m pytest -p no:cacheprovider -p no:asyncio -W error sandbox/page/tests");
        tests(workspace, pytest.env("KOMOPAY_SANDBOX_BIN", gateway::build(workspace)?), tally)
    })?;
    report.check("demo", |_| demo::pay(workspace, &venv))?;
    guarded(missing, report, "Python guards", || guards::python(workspace))
}

/// The environment with the wheels as they are tested.
const TESTED: &str = "venv-test";

/// What `mypy --strict` reads.
const TYPED: &str = "bindings-python/python bindings-python/testing/python bindings-python/tests \
     bindings-python/examples sandbox/page/tests";

/// What calls cost, where it can be counted.
fn guarded(missing: &Missing, report: &Report, name: &'static str, check: impl FnOnce() -> Outcome) -> Outcome {
    if cfg!(target_os = "linux") {
        return report.check_with(missing, &[Tool::Valgrind], name, |_| check());
    }
    report.not_run(name, "they are of Linux");
    Ok(())
}

/// All that git can tell: files that are new, ignored or changed, and how.
fn state_of_checkout(workspace: &Workspace) -> Outcome<String> {
    let git = |words| Program::new(workspace, "git").args(words).output();
    Ok(git("status --porcelain --ignored --untracked-files=all")? + &git("diff HEAD")?)
}

fn untouched(workspace: &Workspace, before: &str) -> Outcome {
    let after = state_of_checkout(workspace)?;
    if after == before {
        return Ok(());
    }
    let new: Vec<&str> = after.lines().filter(|line| !before.lines().any(|old| old == *line)).collect();
    Err(Failure::new(format!("the checks changed the checkout:\n{}", new.join("\n"))))
}
