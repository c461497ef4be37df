//! What it takes until the first payout: the import, and all of it over TLS, in Python and on the JVM.

use std::time::Instant;

use super::place::Place;
use super::results::{MS, Results};
use crate::command::Program;
use crate::failure::Outcome;

/// In turn, so many times a round.
const TURNS: usize = 10;
const IMPORT: &str = "Python: import over a bare interpreter";

pub(super) fn measure(place: &Place, rounds: usize, results: &mut Results) -> Outcome {
    let server = place.serve_tls()?;
    let names = ["komopay", "requests", "komopay on the JVM"];
    let first = |name: &str| format!("first payout over TLS: {name}");
    let cold = || place.jvm.cold();
    for round in 1..=rounds {
        println!("\n== first payouts, round {round} of {rounds}");
        let mut least = [f64::INFINITY; 6];
        for _ in 0..TURNS {
            let code = |code| place.python().arg("-c").arg(code);
            let payout = |name| place.python().arg("bench/cold.py").arg(name).arg(server.url()).arg(place.ca_file());
            let jvm = cold()?.arg(server.url()).arg(place.ca_file());
            let turns = [code("pass"), code("import komopay"), payout("komopay"), payout("requests"), jvm, cold()?];
            for (least, program) in least.iter_mut().zip(turns) {
                // The bytecode is there after the first turn, as it is where a program is installed.
                *least = least.min(milliseconds(program.env("PYTHONDONTWRITEBYTECODE", ""))?);
            }
        }
        let [bare, import, komopay, requests, jvm, bare_jvm] = least;
        results.add(IMPORT, MS, import - bare);
        results.add("JVM: a process that does nothing", MS, bare_jvm);
        for (name, time) in names.iter().zip([komopay, requests, jvm]) {
            results.add(&first(name), MS, time);
        }
    }
    Ok(())
}

/// From the start of a process to its end.
fn milliseconds(program: Program) -> Outcome<f64> {
    let started = Instant::now();
    program.output()?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}
