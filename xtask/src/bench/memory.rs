//! The memory of calls under way, and that of many calls.

use serde::Deserialize;

use super::place::Place;
use super::results::{GROWTH, KIB, Results};
use crate::command::Program;
use crate::failure::{Failure, Outcome};

const IN_FLIGHT: [(&str, &str); 4] =
    [("komopay", "komopay_async"), ("aiohttp", "aiohttp"), ("pyreqwest", "pyreqwest_async"), ("primp", "primp_async")];
const GROWING: &str = "Python sync, many calls: komopay";

#[derive(Deserialize)]
struct Added {
    kib_per_call: f64,
}

#[derive(Deserialize)]
struct Held {
    early_kib: f64,
    late_kib: f64,
}

/// Measures both; what many calls leave behind, with so many.
pub(super) fn measure(place: &Place, rounds: usize, calls: &str, results: &mut Results) -> Outcome {
    let (slow, fast) = (place.serve("--delay-ms 50")?, place.serve("")?);
    let subject = |name: &str| format!("Python async, 1,000 in flight: {name}");
    let program = |words: &str, url: &str| place.python().arg("bench/memory.py").args(words).arg("--url").arg(url);
    for round in 1..=rounds {
        println!("\n== memory, round {round} of {rounds}");
        for (name, contestant) in IN_FLIGHT {
            let Added { kib_per_call } = read(program(&format!("in-flight {contestant} --calls 1000"), slow.url()))?;
            results.add(&subject(name), KIB, kib_per_call);
        }
    }
    let Held { early_kib, late_kib } = read(program(&format!("growth komopay --calls {calls}"), fast.url()))?;
    println!("   {early_kib} KiB after 10,000 calls, {late_kib} KiB after {calls}");
    results.add(GROWING, GROWTH, late_kib / early_kib);
    Ok(())
}

fn read<T: for<'a> Deserialize<'a>>(program: Program) -> Outcome<T> {
    let line = program.output()?;
    serde_json::from_str(line.trim())
        .map_err(|error| Failure::new(format!("bench/memory.py printed no figures ({error}): {line}")))
}
