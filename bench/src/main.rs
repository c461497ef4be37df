//! `komopay-bench serve` answers creates as fast as a server can, `komopay-bench create` is the core calling it, and
//! `komopay-bench callbacks` the core refusing forged callbacks.
//!
//! Contestants print one line of JSON: `{"calls": 1000, "seconds": 0.5, "memory_kib": 12000}`. The task runner
//! (`cargo xtask bench`) starts them in turn and compares.

mod callbacks;
mod create;
mod serve;

use std::process::ExitCode;

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
    Serve,
    /// Make typed create calls with a ready token, and print how long they took.
    Create {
        /// The server's URL.
        #[arg(long)]
        url: String,
        /// How many calls are measured.
        #[arg(long)]
        calls: usize,
        /// How many calls are under way at a time.
        #[arg(long, default_value_t = 1)]
        in_flight: usize,
    },
    /// Refuse forged callbacks, and print how long it took.
    Callbacks {
        /// How many.
        #[arg(long)]
        calls: usize,
    },
}

fn main() -> ExitCode {
    let Arguments { role } = Arguments::parse();
    let done = match role {
        Role::Serve => serve::run(),
        Role::Callbacks { calls } => callbacks::run(calls),
        Role::Create { url, calls, in_flight } => create::run(&url, calls, in_flight),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
