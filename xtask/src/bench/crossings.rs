//! What it costs to call into the library from the JVM, and to send nothing.

use super::figures::Figures;
use super::place::Place;
use super::results::{Results, US};
use crate::failure::Outcome;

/// By the contestants' names.
const CROSSINGS: [(&str, &str); 3] =
    [("nothing", "nothing"), ("money", "money"), ("refused", "a create that is refused")];

pub(super) fn measure(place: &Place, rounds: usize, results: &mut Results) -> Outcome {
    for round in 1..=rounds {
        println!("\n== crossings, round {round} of {rounds}");
        for (contestant, name) in CROSSINGS {
            let figures = Figures::of(place.jvm.program()?.arg(contestant).args("--calls 200000"))?;
            results.add(&format!("JVM, across the border: {name}"), US, 1e6 / figures.rate());
        }
    }
    Ok(())
}
