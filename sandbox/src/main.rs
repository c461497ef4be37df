//! `komopay-sandbox`: the stand-in gateway as a program.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(komopay_sandbox::run_program(std::env::args_os()))
}
