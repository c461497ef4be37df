//! `cargo xtask prove`: that money moves once, by looking at every case there is, and that the tests would see it if not.
//!
//! A proof prints what it looked at, and ends with its figures.

use clap::{Args, ValueEnum};

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::mutations::{self, Choice};
use crate::tally::Tally;
use crate::workspace::Workspace;

/// What is to be proven.
#[derive(Args)]
pub(crate) struct Wish {
    /// The only proof to make. Without it, all that take no hours.
    proof: Option<Proof>,
    /// As far as there is time for, some minutes.
    #[arg(long)]
    long: bool,
    #[command(flatten)]
    choice: Choice,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Proof {
    /// The outcome rules, in every state that callers, network and platform can come to, and those of callbacks.
    Model,
    /// Every rule broken on purpose, in a copy of the sources: does a test see it? It takes hours.
    Mutations,
}

/// Makes the proofs until one fails.
pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Outcome {
    match wish.proof {
        None | Some(Proof::Model) => model(workspace, wish.long),
        Some(Proof::Mutations) => mutations::run(workspace, &wish.choice),
    }
}

fn model(workspace: &Workspace, long: bool) -> Outcome {
    let mut tally = Tally::default();
    let mut figures = Vec::new();
    Program::cargo(workspace)
        // Only what explores is worth optimizing.
        .args("test --locked --package komopay-core --lib --config profile.dev.package.komopay-core.opt-level=3")
        .args("::model:: -- --nocapture --test-threads=1")
        .env("KOMOPAY_PROOF", if long { "long" } else { "short" })
        .run_reading(|line| {
            println!("{line}");
            tally.read(line);
            if ["model, long: ", "model, short: ", "model of callbacks, "].iter().any(|form| line.contains(form)) {
                figures.push(line.to_owned());
            }
        })?;
    if tally.passed == 0 || figures.is_empty() {
        return Err(Failure::new("nothing was explored"));
    }
    println!("\n{}", figures.join("\n"));
    Ok(())
}
