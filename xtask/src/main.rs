//! The project's tasks: `cargo xtask demo` shows the main job, `cargo xtask test` runs every check.
//!
//! | question | file |
//! |---|---|
//! | What does a person see in the demo? | `demo` |
//! | What is measured, against whom? | `bench` |
//! | What may a call cost? | `guards` |
//! | Which checks are there, and in which order? | `test` |
//! | What is proven, and are the tests any good? | `prove`, `mutations` |
//! | Which scenarios hold in every language? | `conformance` |
//! | What may no output show? | `canary` |
//! | What is it made of, and is any of it unsafe? | `dependencies` |
//! | Do files import each other in a circle? | `layers` |
//! | What do users of each language see? | `surface` |
//! | How is the site built, and do its programs and links hold? | `docs`, `documents` |
//! | What do type checkers of Python see? | `stub` |
//! | What must be installed, and what is done or said if it is not? | `setup`, `tools` |
//! | What is known of the crates' flaws, and which licences go along? | `dependencies`, `licenses` |
//! | Where do builds and virtual environments go? | `workspace`, `checkout`, `files` |
//! | How does a command run, and how are its tests judged and counted? | `command`, `suite`, `tally` |
//! | How is a check timed and reported? | `report` |
//! | How is the Kotlin library built and checked? | `kotlin` |
//! | How is the Swift package built and checked? | `swift` |
//! | Are packages and workflows in order? | `packages`, `workflows` |
//! | May this commit be released, and what would be? | `release` |
//! | Does a newcomer pay with that, by a README alone? | `newcomer`, `readme` |
//! | Where does a system come from that this machine is not? | `debian` |
//! | Which version is it, and what is told of it? | `version`, `changelog` |
//! | How are the wheel and the stand-in gateway built, installed, started and stopped? | `venv`, `gateway`, `ledger` |

mod bench;
mod canary;
mod cargo_tool;
mod changelog;
mod checkout;
mod codes;
mod columns;
mod command;
mod conformance;
mod debian;
mod demo;
mod dependencies;
mod docs;
mod documents;
mod error_kinds;
mod failure;
mod files;
mod gateway;
mod guards;
mod hosts;
mod kotlin;
mod kotlin_builders;
mod kotlin_code;
mod kotlin_forms;
mod layers;
mod ledger;
mod licenses;
mod mutations;
mod newcomer;
mod packages;
mod prove;
mod readme;
mod release;
mod report;
mod setup;
mod stub;
mod suite;
mod surface;
mod swift;
mod swift_code;
mod tally;
mod test;
mod tools;
mod venv;
mod version;
mod workflows;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Outcome;
use crate::workspace::Workspace;

/// The project's tasks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Pay TST-223344 through a stand-in gateway on this machine, with a package built from here; or a batch.
    Demo {
        /// In which language, or `batch`.
        #[arg(default_value = "python")]
        language: demo::Language,
    },
    /// Run every check, or one part of them. With CI=true, a test that is skipped is a failure.
    Test {
        /// The only part to run.
        part: Option<test::Part>,
        /// Cut creates at every byte in every language, and not in Rust only. It takes some minutes more.
        #[arg(long)]
        long: bool,
    },
    /// Install what the checks need: for root on Debian or Ubuntu. For others, say what is missing, in one line to
    /// paste.
    Setup,
    /// Mend the Kotlin code that was generated into this folder, as the checks of the jar do: for releases.
    KotlinCode {
        /// The folder that the code was generated into.
        sources: std::path::PathBuf,
    },
    /// Mend the Swift code that was generated into this file, as the checks of the package do: for releases.
    SwiftCode {
        /// The file, `KomoPay.swift`.
        file: std::path::PathBuf,
    },
    /// Write the licences anew that go along with the wheels and the jar: the project's, and those of the crates in
    /// them.
    Licenses,
    /// See whether files import each other in a circle, or print the rooms of a crate for docs/architecture.md.
    Layers {
        /// The folder of the crate to print, such as `core`.
        folder: Option<String>,
    },
    /// Ask the database of advisories whether a crate has a known flaw, or is maintained by nobody. It needs the
    /// network.
    Advisories,
    /// Set the version in every file that tells it, or see whether they agree.
    Version {
        /// Such as 1.4.0.
        #[arg(required_unless_present = "check", conflicts_with = "check")]
        version: Option<String>,
        /// Only see whether all files agree, and the changelog has an entry.
        #[arg(long)]
        check: bool,
    },
    /// See what stands before a release, or make all that it is made of without publishing any of it.
    Release(release::Wish),
    /// Lint the workflows of CI.
    Workflows,
    /// Write the stub of Python's native module anew, from the Rust code.
    Stub,
    /// Write docs/surface.md anew, for Kotlin and Swift from what their last checks built.
    Surface,
    /// Build the site of docs/ into the build folder, and follow every link of it.
    Docs {
        /// With the references of Rust and the JVM, which take minutes; the latter if the checks of the jar have built
        /// it.
        #[arg(long)]
        api: bool,
    },
    /// Prove that money moves once: explore the outcome rules, or break every rule and see whether a test finds it.
    Prove(prove::Wish),
    /// Count what calls cost, in instructions and in waits, and compare it with bench/guards.json.
    Guards {
        /// Write it there instead.
        #[arg(long)]
        accept: bool,
    },
    /// Measure creates, memory, first calls and sizes against peers, how far beyond its deadline a call ends, and what
    /// a gateway that is down gets to see. It takes some minutes.
    Bench(bench::Wish),
}

fn main() -> ExitCode {
    let Arguments { task } = Arguments::parse();
    let outcome = Workspace::open().and_then(|workspace| run(&workspace, task));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nerror: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(workspace: &Workspace, task: Task) -> Outcome {
    checkout::forget_others(workspace)?;
    match task {
        Task::Demo { language } => demo::run(workspace, language),
        Task::Test { part, long } => test::run(workspace, part, long),
        Task::Setup => setup::run(workspace),
        Task::KotlinCode { sources } => kotlin_code::mend(&sources),
        Task::SwiftCode { file } => swift_code::mend(&file),
        Task::Licenses => licenses::write(workspace),
        Task::Layers { folder: None } => layers::check(workspace),
        Task::Layers { folder: Some(folder) } => layers::print(workspace, &folder),
        Task::Advisories => dependencies::advisories(workspace),
        Task::Version { version: Some(version), .. } => version::set(workspace, &version),
        Task::Version { version: None, .. } => version::check(workspace),
        Task::Release(wish) => release::run(workspace, &wish),
        Task::Workflows => workflows::run(workspace),
        Task::Stub => stub::write(workspace),
        Task::Surface => surface::write(workspace),
        Task::Docs { api } => docs::run(workspace, api),
        Task::Prove(wish) => prove::run(workspace, &wish),
        Task::Guards { accept } => guards::run(workspace, accept),
        Task::Bench(wish) => bench::run(workspace, &wish),
    }
}
