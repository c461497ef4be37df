//! `komopay`: payouts, and batches of them, from a terminal or a script.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(komopay_cli::run(std::env::args_os()))
}
