//! Holds recorded calls against the contract: `validate-exchanges FILE`, with a file that `komopay-sandbox --record` wrote.
//!
//! So the tests of other languages are judged by the same contract: they run with `KOMOPAY_SANDBOX_RECORD` set, and those
//! that send wrong requests on purpose start their sandbox without it.

use std::process::ExitCode;

use komopay_tests::canary;
use komopay_tests::contract::{Request, Violation, check_answer, check_request};
use serde_json::Value;

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
    let (mut calls, mut violations) = (0, 0);
    for line in text.lines() {
        calls += 1;
        if let Err(violation) = check(line) {
            violations += 1;
            println!("{}", canary::hide(&format!("{violation}\n  {line}")));
        }
    }
    println!("{calls} requests and answers, {violations} violations of the contract");
    // A file without a call proves nothing.
    if calls > 0 && violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(line: &str) -> Result<(), Violation> {
    let call: Value = serde_json::from_str(line).map_err(|error| format!("no recorded call: {error}"))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (method, target) = (text(&call["method"]), text(&call["target"]));
    if let Some(status) = call["answer"]["status"].as_u64() {
        let status = u16::try_from(status).map_err(|error| error.to_string())?;
        return check_answer(&method, &target, status, text(&call["answer"]["body"]).as_bytes());
    }
    let header = |name: &str| call["headers"][name.to_lowercase()].as_str().map(str::to_owned);
    let body = text(&call["body"]);
    check_request(&Request { method: &method, target: &target, header: &header, body: body.as_bytes() })
}
