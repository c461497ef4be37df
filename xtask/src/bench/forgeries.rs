//! Forged callbacks: how long it takes to refuse them.

use super::figures::Figures;
use super::place::Place;
use super::results::{MS, Results};
use crate::failure::Outcome;

const REFUSED: &str = "10,000 forged callbacks refused, 8 keys";

pub(super) fn measure(place: &Place, rounds: usize, results: &mut Results) -> Outcome {
    for _ in 0..rounds {
        let figures = Figures::of(place.rust().args("callbacks --calls 10000"))?;
        results.add(REFUSED, MS, figures.seconds * 1000.0);
    }
    Ok(())
}
