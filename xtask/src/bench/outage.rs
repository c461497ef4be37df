//! A gateway that is down, and a thousand callers: its load with the client's throttle and without.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::figures::Spread;
use super::place::build;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const SECONDS: usize = 30;
/// The burst of the first calls is over by then.
const FROM_SECOND: usize = 10;

/// How the gateway is down, as the program calls it, and the requests a second that are aimed at.
const OUTAGES: &[(&str, &str, Option<f64>)] = &[
    ("refused", "connection refused", Some(2.0)),
    ("unavailable", "503 to everything", Some(2.0)),
    // Reads that settle are never held back, so there is nothing to aim at.
    ("unavailable-to-creates", "503 to creates already sent", None),
];

/// What the program prints.
#[derive(Deserialize)]
struct Seen {
    per_second: Vec<u32>,
    reads: u32,
}

/// Measures each outage with both clients, and prints it.
pub(super) fn run(workspace: &Workspace) -> Outcome {
    let unthrottled = workspace.target().join("release").join("komopay-bench-unthrottled");
    fs::copy(build(workspace, "unthrottled")?, &unthrottled)
        .map_err(Failure::while_doing("cannot copy komopay-bench"))?;
    let throttled = build(workspace, "")?;
    println!(
        "\n{:30}  {:8}  {:>6}  {:>6}  {:>12}  {:>9}",
        "1,000 callers, gateway down", "throttle", "all", "reads", "first second", "later"
    );
    for (name, title, aim) in OUTAGES {
        for (program, throttle) in [(&unthrottled, "without"), (&throttled, "with")] {
            let seen = measure(workspace, program, name)?;
            let all: u32 = seen.per_second.iter().sum();
            let first = seen.per_second.first().copied().unwrap_or_default();
            let later = seen.later();
            println!("{title:30}  {throttle:8}  {all:>6}  {:>6}  {first:>10}/s  {later:>7}/s", seen.reads);
            if throttle == "without" && all < 1000 {
                return Err(Failure::new(format!("1,000 callers made {all} requests: nothing was measured")));
            }
            if let (Some(aim), "with") = (aim, throttle) {
                let verdict = if later <= *aim { "holds" } else { "MISSES" };
                println!("{verdict:6}  {title}: later: {later}/s (at most {aim}/s)");
            }
        }
    }
    Ok(())
}

fn measure(workspace: &Workspace, program: &Path, outage: &str) -> Outcome<Seen> {
    let seconds = SECONDS.to_string();
    let line = Program::new(workspace, program).arg("outage").arg(outage).arg("--seconds").arg(seconds).output()?;
    serde_json::from_str(line.trim())
        .map_err(|error| Failure::new(format!("komopay-bench printed no figures ({error}): {line}")))
}

impl Seen {
    /// Requests in a second, once the first calls are over: the median.
    fn later(&self) -> f64 {
        let later: Vec<f64> = self.per_second.iter().skip(FROM_SECOND).copied().map(f64::from).collect();
        Spread::of(&later).map_or(0.0, |spread| spread.median)
    }
}
