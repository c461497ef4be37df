//! `cargo xtask bench`: the SDK against its peers and its own limits, in one run.
//!
//! Every contestant is a process of its own that makes the same calls to the same minimal server. They take turns,
//! round after round, so that a busy moment of the machine meets all of them; medians and ratios are what counts.

mod figures;
mod outage;
mod server;

use std::path::Path;
use std::time::Instant;

use clap::ValueEnum;

pub(crate) use self::figures::Figures;
pub(crate) use self::server::Server;

use self::figures::{build, median, say};
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;

const ROUNDS: usize = 5;

/// One contestant: how it is named, started and loaded.
struct Contestant {
    name: &'static str,
    calls: u32,
    in_flight: u32,
    /// The subject of the peers' module, or nothing for the core itself.
    module: Option<&'static str>,
}

const fn python(name: &'static str, module: &'static str, calls: u32, in_flight: u32) -> Contestant {
    Contestant { name, calls, in_flight, module: Some(module) }
}

const CONTESTANTS: &[Contestant] = &[
    Contestant { name: "core, 1 in flight", calls: 4000, in_flight: 1, module: None },
    python("Python sync: komopay", "komopay", 4000, 1),
    python("Python sync: requests", "requests", 1000, 1),
    python("Python sync: httpx", "httpx", 1000, 1),
    python("Python sync: pyreqwest", "pyreqwest", 4000, 1),
    python("Python sync: primp", "primp", 4000, 1),
    Contestant { name: "core, 64 in flight", calls: 10000, in_flight: 64, module: None },
    python("Python async, 100 in flight: komopay", "komopay_async", 10000, 100),
    python("Python async, 100 in flight: aiohttp", "aiohttp", 4000, 100),
    python("Python async, 100 in flight: pyreqwest", "pyreqwest_async", 4000, 100),
];

/// A comparison that is aimed at: the first is at least so many times as fast as the second.
const AIMS: &[(&str, &str, f64)] = &[
    ("Python sync: komopay", "core, 1 in flight", 0.8),
    ("Python sync: komopay", "Python sync: requests", 8.0),
    ("Python async, 100 in flight: komopay", "Python async, 100 in flight: aiohttp", 2.0),
];

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Creates against peers, import time and wheel size.
    Creates,
    /// How far beyond its deadline a create ends, against peers that stall in each phase of it.
    Deadlines,
    /// What it costs to know whose an answer is: requests, connections and time of accepted and of refused creates.
    Connections,
    /// What a gateway that is down gets to see of a thousand callers.
    Outage,
}

/// Measures everything, or one part of it, and prints it, what misses its aim included.
pub(crate) fn run(workspace: &Workspace, part: Option<Part>) -> Outcome {
    if part.is_none_or(|part| part == Part::Creates) {
        creates(workspace)?;
    }
    if part.is_none_or(|part| part == Part::Deadlines) {
        Program::new(workspace, build(workspace, "")?).arg("deadlines").run()?;
    }
    if part.is_none_or(|part| part == Part::Connections) {
        let program = build(workspace, "")?;
        for round_trip in ["0", "20"] {
            let calls = if round_trip == "0" { "2000" } else { "100" };
            let arguments = ["connections", "--calls", calls, "--round-trip-ms", round_trip];
            arguments
                .iter()
                .fold(Program::new(workspace, &program), |program, argument| program.arg(*argument))
                .run()?;
        }
    }
    if part.is_none_or(|part| part == Part::Outage) {
        outage::run(workspace)?;
    }
    Ok(())
}

fn creates(workspace: &Workspace) -> Outcome {
    setup::require(workspace, &[Tool::Compiler, Tool::Python])?;
    let python = Python::find()?;
    let venv = Venv::fresh(workspace, &python, "venv-bench")?;
    venv.install_builder(workspace)?;
    let wheel = venv.install_wheel(workspace, Profile::Release)?;
    venv.install(workspace, Path::new("bench/requirements.txt"))?;
    let program = build(workspace, "")?;

    let server = Server::start(workspace, &program, "")?;
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); CONTESTANTS.len()];
    let mut memory: Vec<u64> = vec![0; CONTESTANTS.len()];
    for round in 1..=ROUNDS {
        println!("\n== round {round} of {ROUNDS}");
        for ((contestant, rates), memory) in CONTESTANTS.iter().zip(&mut rates).zip(&mut memory) {
            let measured = contestant.measure(workspace, &program, &venv, server.url())?;
            rates.push(measured.rate());
            *memory = (*memory).max(measured.memory_kib);
        }
    }
    drop(server);

    println!("\n{:40}  {:>12}  {:>21}  {:>11}", "creates", "median", "lowest to highest", "peak memory");
    let medians: Vec<f64> = rates.iter().map(|rates| median(rates)).collect();
    for (((contestant, rates), rate), memory) in CONTESTANTS.iter().zip(&rates).zip(&medians).zip(&memory) {
        let lowest = rates.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = rates.iter().copied().fold(0.0, f64::max);
        let memory = memory / 1024;
        println!("{:40}  {rate:>10.0}/s  {lowest:>9.0} to {highest:>7.0}  {memory:>7} MiB", contestant.name);
    }
    println!();
    let rate_of = |name: &str| {
        let found = CONTESTANTS.iter().zip(&medians).find(|(contestant, _)| contestant.name == name);
        found.map(|(_, rate)| *rate).ok_or_else(|| Failure::new(format!("no contestant {name}")))
    };
    for (one, other, aim) in AIMS {
        let ratio = rate_of(one)? / rate_of(other)?;
        say(&format!("{one} / {other}"), ratio >= *aim, &format!("{ratio:.2}"), &format!("at least {aim}"));
    }
    let forged = forged_callbacks(workspace, &program)?;
    say("10,000 forged callbacks refused, 8 keys", forged <= 1.0, &format!("{forged:.3} s"), "at most 1 s of CPU");
    let import = import_time(workspace, &venv)?;
    say("import over a bare interpreter", import <= 15.0, &format!("{import:.1} ms"), "at most 15 ms");
    let size = std::fs::metadata(&wheel).map_err(Failure::while_doing("cannot look at the wheel"))?.len();
    let size = f64::from(u32::try_from(size / 1024).unwrap_or(u32::MAX)) / 1024.0;
    say("wheel", size <= 4.0, &format!("{size:.1} MB"), "at most 4 MB");
    Ok(())
}

impl Contestant {
    fn measure(&self, workspace: &Workspace, program: &Path, venv: &Venv, url: &str) -> Outcome<Figures> {
        let command = match self.module {
            None => Program::new(workspace, program).args("create --workers 2"),
            Some(module) => venv.python(workspace).arg("bench/contestants.py").arg(module),
        };
        let (calls, in_flight) = (self.calls.to_string(), self.in_flight.to_string());
        let command = command.arg("--url").arg(url).arg("--calls").arg(calls).arg("--in-flight").arg(in_flight);
        let measured = Figures::of(command)?;
        println!("   {:40} {:>8.0}/s", self.name, measured.rate());
        Ok(measured)
    }
}

/// Seconds that it takes to refuse 10,000 forged callbacks: the median of some turns.
fn forged_callbacks(workspace: &Workspace, program: &Path) -> Outcome<f64> {
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let measured = Figures::of(Program::new(workspace, program).args("callbacks --calls 10000"))?;
        seconds.push(measured.seconds);
    }
    Ok(median(&seconds))
}

/// Milliseconds that `import komopay` adds to the start of an interpreter: the difference of two medians, taken in
/// turn.
fn import_time(workspace: &Workspace, venv: &Venv) -> Outcome<f64> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..20 {
        for (times, code) in times.iter_mut().zip(["pass", "import komopay"]) {
            // Without site packages' start-up files, the same for both; with bytecode from the first run.
            let program = venv.python(workspace).arg("-c").arg(code).env("PYTHONDONTWRITEBYTECODE", "");
            let started = Instant::now();
            program.output()?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let [bare, with] = times;
    Ok(median(&with) - median(&bare))
}
