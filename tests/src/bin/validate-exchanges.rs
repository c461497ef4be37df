//! Holds recorded calls against the contract: `validate-exchanges FILE`, with a file that a sandbox wrote.
//!
//! So the tests of other languages are judged by the same contract: they run with `KOMOPAY_SANDBOX_RECORD` set, and
//! those that send wrong requests on purpose start their sandbox without it.

use std::process::ExitCode;

use komopay_tests::canary;
use komopay_tests::contract::{check_recorded, judged};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: validate-exchanges FILE");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    let mut violations = 0;
    for line in text.lines() {
        if let Err(violation) = check_recorded(line) {
            violations += 1;
            println!("{}", canary::hide(&format!("{violation}\n  {line}")));
        }
    }
    let (requests, answers) = judged();
    println!("{requests} requests and {answers} answers, {violations} violations of the contract");
    // A file without a call proves nothing.
    if requests > 0 && violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
