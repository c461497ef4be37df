//! Plays the conformance suite on a runner, or puts the reports of several runners side by side.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use futures_util::future::join_all;
use komopay_tests::conformance::{Conductor, Report, Sweep, Table, Topic, load};

/// The conformance suite: the scenarios of tests/vectors, in every language.
#[derive(Parser)]
struct Arguments {
    /// The folder with the scenarios.
    #[arg(long, default_value = "tests/vectors")]
    vectors: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Play the scenarios on one runner, and cut its creates at every byte.
    Play {
        /// Where the report goes.
        #[arg(long)]
        report: Option<PathBuf>,
        /// Only scenarios and sweeps whose name holds these words.
        #[arg(long)]
        only: Option<String>,
        /// Only the sweeps, and no scenario.
        #[arg(long)]
        sweeps: bool,
        /// Cut at every so-manieth byte only, and draw so many times fewer.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        stride: u16,
        /// What the bytes follow from that sweeps draw.
        #[arg(long, env = "KOMOPAY_SWEEP_SEED", default_value_t = 1)]
        seed: u64,
        /// For how many seconds a step may take before the runner is killed.
        #[arg(long, default_value_t = 60)]
        patience: u64,
        /// How many are played at a time, each on a runner of its own: most of what they do is to wait.
        #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
        at_once: u8,
        /// The runner's program and its arguments, after `--`.
        #[arg(last = true, required = true)]
        runner: Vec<OsString>,
    },
    /// Show the reports side by side. Each is named as its file is.
    Table {
        /// The reports.
        #[arg(required = true)]
        reports: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let Arguments { vectors, task } = Arguments::parse();
    let outcome = load(&vectors).and_then(|topics| match task {
        Task::Play { report, only, sweeps, stride, seed, patience, at_once, runner } => {
            let only = only.unwrap_or_default().replace(' ', "_");
            let conductors = (0..at_once)
                .map(|_| Conductor::new(runner.clone(), Duration::from_secs(patience)).with_seed(seed))
                .collect();
            let topics = if sweeps { &[] } else { topics.as_slice() };
            play(topics, &only, stride.into(), conductors, report.as_deref())
        }
        Task::Table { reports } => table(&topics, &reports),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is green.
fn play(
    topics: &[Topic],
    only: &str,
    stride: usize,
    mut conductors: Vec<Conductor>,
    to: Option<&Path>,
) -> Result<bool, String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let start = Instant::now();
    let report = RefCell::new(Report::default());
    let scenarios = topics.iter().flat_map(|topic| &topic.scenarios).filter(|it| it.name.contains(only));
    let left = RefCell::new(scenarios);
    let ends = runtime.block_on(async {
        // Each conductor takes the next scenario when it is done with one.
        let play = async |conductor: &mut Conductor| {
            while let Some(scenario) = next(&left) {
                let found = conductor.play(scenario).await;
                add(&mut report.borrow_mut(), &scenario.name, found);
            }
        };
        join_all(conductors.iter_mut().map(play)).await;
        // A sweep plays many creates at a time by itself, so that it has the machine for itself.
        for sweep in Sweep::ALL.into_iter().filter(|it| it.name().contains(only)) {
            let Some(conductor) = conductors.first_mut() else { break };
            let swept = conductor.sweep(sweep, stride).await;
            println!("{}: {swept}", sweep.name());
            if swept.found.is_empty() {
                println!("proven: {} {}", swept.cases, sweep.cases());
            }
            add(&mut report.borrow_mut(), sweep.name(), swept.found);
        }
        join_all(conductors.into_iter().map(Conductor::end)).await
    });
    let report = report.into_inner();
    if let Some(path) = to {
        report.write(path)?;
    }
    for problem in ends.iter().filter_map(|end| end.as_ref().err()) {
        println!("RED {problem}");
    }
    let (green, red) = report.counts();
    // As pytest says it, so that they are counted like other tests.
    let failed = if red > 0 { format!("{red} failed, ") } else { String::new() };
    println!("{failed}{green} passed in {:.1}s", start.elapsed().as_secs_f64());
    Ok(ends.iter().all(Result::is_ok) && red == 0 && green > 0)
}

fn add(report: &mut Report, name: &str, found: Vec<String>) {
    if !found.is_empty() {
        println!("RED {name}: {}", found.join("\n    "));
    }
    report.add(name, found);
}

fn next<T>(left: &RefCell<impl Iterator<Item = T>>) -> Option<T> {
    left.borrow_mut().next()
}

fn table(topics: &[Topic], reports: &[PathBuf]) -> Result<bool, String> {
    let names: BTreeSet<_> = reports.iter().map(|path| path.file_stem()).collect();
    if names.len() < reports.len() {
        return Err("two reports of one name".to_owned());
    }
    let name = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let languages = reports.iter().map(|path| Ok((name(path), Report::read(path)?)));
    let table = Table::new(topics, languages.collect::<Result<_, String>>()?);
    println!("{table}");
    Ok(table.is_green())
}
