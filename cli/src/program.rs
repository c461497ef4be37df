//! The program: its arguments, and the commands that they name.

use std::env::{self, VarError};
use std::ffi::OsString;

use clap::{Parser, Subcommand};
use komopay_core::{Error, Result};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use crate::batch::BatchCommand;
use crate::catalogue::{Balances, Operators};
use crate::exit::Exit;
use crate::output::Output;
use crate::payouts::PayoutCommand;

/// Payouts through the KomoPay platform, made exactly once.
#[derive(Parser)]
#[command(name = "komopay", version, after_long_help = EXIT_CODES, subcommand_required = true)]
struct Arguments {
    /// Show one JSON document on standard output, and nothing for people.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes:
  0  done; of `payout wait`, that the money arrived; of a batch, that every item is final; of `batch work --forever`,
     that it was asked to end
  1  a fault: the error says whether it may pass
  2  bad input: invalid rows, an option or a setting that cannot be used
  3  in doubt: a payout may have been made (run it again with --resume), or an item needs a person
  4  the batch awaits approval
  5  the batch was stopped by one of its rules
  6  not at its end: the time is over, or Ctrl-C ended it; the same command goes on
  7  `payout wait`: the payout is final, and the money did not arrive";

#[derive(Subcommand)]
enum Command {
    /// Make, read and follow one payout
    #[command(subcommand)]
    Payout(PayoutCommand),
    /// Pay many, each exactly once, across crashes
    #[command(subcommand)]
    Batch(BatchCommand),
    /// What the merchant has
    Balances(Balances),
    /// The banks, wallets and blockchains that payouts go through
    Operators(Operators),
}

/// Runs the command line, and returns its exit code. The first argument is what the usage calls it.
///
/// It takes over this process: its standard output, its log, and the signals that stop it.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(usage) => {
            // If nobody can read it, there is nobody to tell.
            drop(usage.print());
            return u8::try_from(usage.exit_code()).unwrap_or(Exit::BadInput.code());
        }
    };
    let output = Output { json: arguments.json };
    let exit = start_log().and_then(|()| start(arguments.command, output)).unwrap_or_else(|error| {
        output.show_error(&error);
        Exit::of_error(&error)
    });
    exit.code()
}

/// Logs to standard error what `RUST_LOG` wants, which is a level, or several of targets: `warn,komopay=debug`.
fn start_log() -> Result<()> {
    let filter = match env::var("RUST_LOG").as_deref() {
        Ok("") | Err(VarError::NotPresent) => Targets::new().with_default(LevelFilter::WARN),
        Ok(wanted) => wanted.parse().map_err(|error| Error::setting("RUST_LOG", error))?,
        Err(error) => return Err(Error::setting("RUST_LOG", error)),
    };
    let log = tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr).with_filter(filter);
    // Where the host process has a log of its own, it stays.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(log)));
    Ok(())
}

fn start(command: Command, output: Output) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::internal(format!("no threads can be started: {error}")))?;
    let exit = runtime.block_on(async {
        match command {
            Command::Payout(command) => command.run(output).await,
            Command::Batch(command) => command.run(output).await,
            Command::Balances(command) => command.run(output).await,
            Command::Operators(command) => command.run(output).await,
        }
    });
    // Whoever asked twice to leave waits for nothing that is still read.
    runtime.shutdown_background();
    exit
}
