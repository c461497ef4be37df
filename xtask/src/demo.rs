//! The demo: one documented payout, from an empty virtual environment to the ledger's last line.

use std::time::Instant;

use clap::ValueEnum;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::gateway::{Gateway, MERCHANT_CODE, SECRET};
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;
use crate::{kotlin, ledger, swift};

/// The example that KomoPay publishes, as a program that reads as documentation.
const EXAMPLE: &str = "bindings-python/examples/quickstart.py";
/// The payout that the example makes.
const PAYOUT_ID: &str = "TST-223344";

/// In which language the payout is made.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Language {
    /// With the wheel, in a new virtual environment.
    Python,
    /// With the jar, from a Maven repository of its own.
    Kotlin,
    /// With the Swift package.
    Swift,
}

/// Builds, installs, pays and shows; ends well only if the money moved exactly once.
pub(crate) fn run(workspace: &Workspace, language: Language) -> Outcome {
    let start = Instant::now();
    match language {
        Language::Python => python(workspace)?,
        Language::Kotlin => {
            setup::require(workspace, &[Tool::Compiler, Tool::Jdk, Tool::Maven])?;
            kotlin::demo(workspace)?;
        }
        Language::Swift => {
            setup::require(workspace, &setup::SWIFT)?;
            swift::demo(workspace)?;
        }
    }
    println!("\nDone in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

fn python(workspace: &Workspace) -> Outcome {
    setup::require(workspace, &[Tool::Compiler, Tool::Python])?;
    let python = Python::find()?;

    say(1, "The wheel is built and installed into a new virtual environment (the first build takes minutes)");
    let venv = Venv::fresh(workspace, &python, "venv-demo")?;
    venv.install_builder(workspace)?;
    venv.install_wheel(workspace, Profile::Dev)?;
    println!("   komopay {} for Python {}", venv.package_version(workspace)?, python.version());

    pay(workspace, &venv)
}

/// The demo from an installed wheel on: a check of `cargo xtask test`, too.
pub(crate) fn pay(workspace: &Workspace, venv: &Venv) -> Outcome {
    pay_by(workspace, |gateway| {
        venv.python(workspace)
            .arg(EXAMPLE)
            .env("KOMOPAY_BASE_URL", gateway.base_url())
            .env("KOMOPAY_MERCHANT_CODE", MERCHANT_CODE)
            .env("KOMOPAY_SECRET", SECRET)
            .env("PYTHONUNBUFFERED", "1")
    })
}

/// Makes the payout with a program of any language, and shows what came of it.
pub(crate) fn pay_by(workspace: &Workspace, example: impl FnOnce(&Gateway) -> Program) -> Outcome {
    say(2, "The sandbox starts: a stand-in for the gateway, on this machine");
    let gateway = Gateway::start(workspace)?;
    println!("   it listens on {}", gateway.base_url());

    say(3, "The payout is made and followed until it is final");
    example(&gateway).run_reading(|line| println!("   {line}")).map_err(|failure| {
        Failure::new(format!("{failure}. What the gateway wrote meanwhile:\n\n{}", gateway.log()))
    })?;

    say(4, "The gateway's ledger: what was really done with the money");
    let lines = ledger::read(&gateway)?;
    for line in &lines {
        println!("   {line}");
    }
    ledger::check_paid_once(&lines, PAYOUT_ID)?;
    println!("   one line when the gateway took it, one when the money had left: paid exactly once");

    gateway.stop()?;
    say(5, "The gateway has stopped");
    Ok(())
}

pub(crate) fn say(number: u32, what: &str) {
    println!("\n{number}. {what}");
}
