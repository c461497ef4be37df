//! `komopay-bench serve` answers creates as fast as a server can, and `komopay-bench create` is the core calling it,
//! beside `komopay-bench hyper`, which is the limit; `komopay-bench connections` counts what it costs to know whose an
//! answer is; `komopay-bench outage` calls a gateway that is down; `komopay-bench callbacks` reads genuine callbacks
//! and refuses forged ones, and `komopay-bench money` reads amounts.
//!
//! Contestants print one line of JSON: `{"calls": 1000, "seconds": 0.5, "cpu_seconds": 0.1, "voluntary_switches": 9,
//! "memory_kib": 12000}`. The task runner (`cargo xtask bench`, `cargo xtask guards`) starts them in turn and compares.
//! `komopay-bench deadlines` measures how far beyond its deadline a call ends.

mod batch;
mod callbacks;
mod connections;
mod create;
mod deadlines;
#[cfg(unix)]
mod hosts;
mod hyper;
mod load;
mod money;
mod outage;
mod serve;
mod stretch;
mod tls;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measurements of the core, and the server that all contestants call.
#[derive(Parser)]
#[command(name = "komopay-bench")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answer every POST with the documented acceptance, until killed. Prints the URL it listens on.
    Serve(serve::Manner),
    /// Make typed create calls with a ready token, and print how long they took.
    Create(load::Load),
    /// Plan and pay a batch against `serve --batch`, with a journal and without, and print how long each took.
    Batch(batch::Size),
    /// Pay a batch with workers in processes of their own: how much sooner two hosts are done, and what the gateway
    /// sees of the rate that ten workers share, before and after a 429. PostgreSQL is started for it.
    #[cfg(unix)]
    Hosts(hosts::Hosts),
    /// One of these workers.
    #[cfg(unix)]
    Worker(hosts::OneWorker),
    /// Send the bytes of a create with hyper, and print how long that took.
    Hyper(load::Load),
    /// Make creates against peers that stall in each phase, and print how far beyond its deadline each ended.
    Deadlines,
    /// Call a gateway that is down from many callers of one client, and print what it sees in each second.
    Outage {
        /// How it is down.
        #[arg(value_enum)]
        outage: outage::Outage,
        /// How many callers there are.
        #[arg(long, default_value_t = 1000)]
        callers: usize,
        /// For how long.
        #[arg(long, default_value_t = 30)]
        seconds: usize,
    },
    /// Make creates over kept connections and over connections of their own, accepted and refused, and print what
    /// each costs.
    Connections {
        /// How many of each kind.
        #[arg(long, default_value_t = 2000)]
        calls: u32,
        /// The round trip to the gateway, in milliseconds.
        #[arg(long, default_value_t = 0)]
        round_trip_ms: u64,
    },
    /// Refuse forged callbacks, or read genuine ones, and print how long it took.
    Callbacks {
        /// How many.
        #[arg(long)]
        calls: usize,
        /// Read genuine ones.
        #[arg(long)]
        genuine: bool,
    },
    /// Read amounts, and print how long it took.
    Money {
        /// How many.
        #[arg(long)]
        calls: usize,
    },
}

fn main() -> ExitCode {
    let Arguments { role } = Arguments::parse();
    let done = match role {
        Role::Serve(manner) => serve::run(manner),
        Role::Outage { outage, callers, seconds } => outage::run(outage, callers, seconds),
        Role::Connections { calls, round_trip_ms } => connections::run(calls, Duration::from_millis(round_trip_ms)),
        Role::Callbacks { calls, genuine } => callbacks::run(calls, genuine),
        Role::Money { calls } => money::run(calls),
        Role::Batch(size) => batch::run(&size),
        #[cfg(unix)]
        Role::Hosts(hosts) => hosts::run(&hosts),
        #[cfg(unix)]
        Role::Worker(worker) => hosts::worker(&worker),
        Role::Create(load) => create::run(&load),
        Role::Hyper(load) => hyper::run(&load),
        Role::Deadlines => deadlines::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
