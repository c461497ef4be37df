//! The demo: one documented payout, from an empty virtual environment to the ledger's last line.

mod batch;
mod steps;

pub(crate) use steps::{pay_by, say};

use std::time::Instant;

use clap::ValueEnum;

use crate::failure::Outcome;
use crate::gateway::{MERCHANT_CODE, SECRET};
use crate::setup::{self, Tool};
use crate::tools::Python;
use crate::venv::{Profile, Venv};
use crate::workspace::Workspace;
use crate::{kotlin, swift};

/// The example that KomoPay publishes, as a program that reads as documentation.
const EXAMPLE: &str = "bindings-python/examples/quickstart.py";

/// In which language the payout is made, or that it is many.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Language {
    /// With the wheel, in a new virtual environment.
    Python,
    /// With the jar, from a Maven repository of its own.
    Kotlin,
    /// With the same jar.
    Java,
    /// With the Swift package.
    Swift,
    /// A thousand payouts of a file, by the command line, with a crash in the middle.
    Batch,
}

/// Builds, installs, pays and shows; ends well only if the money moved exactly once.
pub(crate) fn run(workspace: &Workspace, language: Language) -> Outcome {
    let start = Instant::now();
    match language {
        Language::Python => python(workspace)?,
        Language::Kotlin => on_the_jvm(workspace, kotlin::QUICKSTART)?,
        Language::Java => on_the_jvm(workspace, kotlin::JAVA_QUICKSTART)?,
        Language::Swift => {
            setup::require(workspace, &setup::SWIFT)?;
            swift::demo(workspace)?;
        }
        Language::Batch => {
            setup::require(workspace, &[Tool::Compiler])?;
            batch::run(workspace)?;
        }
    }
    println!("\nDone in {:.0} s.", start.elapsed().as_secs_f64());
    Ok(())
}

fn on_the_jvm(workspace: &Workspace, example: &str) -> Outcome {
    setup::require(workspace, &[Tool::Compiler, Tool::Jdk, Tool::Maven])?;
    kotlin::demo(workspace, example)
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
