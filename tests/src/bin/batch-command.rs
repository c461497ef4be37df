//! The program `komopay`, as merchants have it, with the clock and the steps of proofs (`batches/src/steps.rs`).

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(komopay_cli::run(std::env::args_os()))
}
