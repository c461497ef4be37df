//! What peers that misbehave cost a client: `peers` calls each with a client in a process of its own, and prints a
//! table.

use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand, ValueEnum};
use komopay_core::{Client, Config, Credentials};
use komopay_tests::misbehaving::{Manner, Misbehaving};
use komopay_tests::{id, request};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

/// Calls peers that misbehave, and tells what came of it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Subcommand)]
enum Task {
    /// Make one call, and print what came of it as JSON.
    Call {
        /// Which call.
        call: Call,
        /// The peer's URL.
        url: String,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Call {
    Create,
    Read,
}

/// What came of a call.
#[derive(Serialize, Deserialize)]
struct Told {
    kind: String,
    money_may_have_moved: bool,
    milliseconds: u128,
    /// How much more memory the process ever held than it did before the call.
    memory_kib: u64,
}

const TOTAL: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let done = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string());
    let done = done.and_then(|runtime| match Arguments::parse().task {
        Some(Task::Call { call: which, url }) => runtime.block_on(call(which, &url)),
        None => runtime.block_on(table()),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn call(which: Call, url: &str) -> Result<(), String> {
    let mut config = Config::new(url, Credentials::token("opaque-token"));
    config.total_timeout = TOTAL;
    config.attempt_timeout = Duration::from_secs(1);
    config.settle_window = Duration::from_millis(200);
    let client = Client::new(config).map_err(|error| error.to_string())?;
    let (before, started) = (memory_kib("VmRSS")?, Instant::now());
    let result = match which {
        Call::Create => client.create_payout(&id("P"), &request(), false).await.map(drop),
        Call::Read => client.get_payout(&id("P")).await.map(drop),
    };
    let took = started.elapsed();
    let told = Told {
        kind: result.as_ref().map_or_else(|error| error.kind().to_string(), |()| "success".to_owned()),
        money_may_have_moved: result.is_err_and(|error| error.money_may_have_moved()),
        milliseconds: took.as_millis(),
        memory_kib: memory_kib("VmHWM")?.saturating_sub(before),
    };
    println!("{}", serde_json::to_string(&told).map_err(|error| error.to_string())?);
    Ok(())
}

/// What the system says of this process's memory.
fn memory_kib(what: &str) -> Result<u64, String> {
    let status =
        std::fs::read_to_string("/proc/self/status").map_err(|error| format!("no /proc/self/status: {error}"))?;
    let line = status.lines().find(|line| line.starts_with(what));
    let figure = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    figure.ok_or_else(|| format!("/proc/self/status tells no {what}"))
}

async fn table() -> Result<(), String> {
    println!(
        "{:22} {:7} {:20} {:>8} {:>12} {:>14}",
        "the peer gives", "to a", "which ends as", "time", "memory", "it could send"
    );
    for manner in Manner::ALL {
        for which in [Call::Create, Call::Read] {
            let peer = Misbehaving::start(manner).await.map_err(|error| error.to_string())?;
            let name = match which {
                Call::Create => "create",
                Call::Read => "read",
            };
            let told = in_a_process(name, &peer.base_url()).await?;
            let Told { kind, milliseconds, memory_kib, .. } = told;
            let sent = peer.sent() / 1024;
            println!("{:22} {name:7} {kind:20} {milliseconds:>5} ms {memory_kib:>8} KiB {sent:>10} KiB", manner.name());
        }
    }
    println!(
        "total_timeout {} ms, attempt_timeout 1000 ms; memory: the peak over what was held before the call",
        TOTAL.as_millis()
    );
    Ok(())
}

async fn in_a_process(call: &str, url: &str) -> Result<Told, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let child = Command::new(program).args(["call", call, url]).stderr(Stdio::inherit()).kill_on_drop(true).output();
    let output = tokio::time::timeout(10 * TOTAL, child).await.map_err(|_| "the call does not end".to_owned())?;
    let output = output.map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|error| format!("no figures: {error}"))
}
