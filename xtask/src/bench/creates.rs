//! Creates, by all contestants in turn: a busy moment of the machine meets all of them.

use super::aims::PUBLISHED_CREATE;
use super::contestants::{CONTESTANTS, Kind};
use super::figures::{Figures, shown};
use super::place::Place;
use super::results::{CPU, INSTRUCTIONS, PEAK, RATE, Results, WAITS};
use crate::failure::Outcome;
use crate::guards;

pub(super) fn measure(place: &Place, rounds: usize, results: &mut Results) -> Outcome {
    let (plain, tls, closing) = (place.serve("")?, place.serve_tls()?, place.serve("--close")?);
    for round in 1..=rounds {
        println!("\n== creates, round {round} of {rounds}");
        for contestant in CONTESTANTS {
            let server = match contestant.server {
                Kind::Plain => &plain,
                Kind::Tls => &tls,
                Kind::Closing => &closing,
            };
            let Some(program) = contestant.program(place, server.url())? else { continue };
            let figures = Figures::of(program)?;
            println!("   {:50} {:>10}/s", contestant.name, shown(figures.rate()));
            results.add(contestant.name, RATE, figures.rate());
            let others = [(CPU, figures.cpu_per_call()), (WAITS, figures.waits_per_call()), (PEAK, figures.peak())];
            for (unit, value) in others {
                if let Some(value) = value {
                    results.add(contestant.name, unit, value);
                }
            }
        }
    }
    match guards::create(place.workspace, &place.program)? {
        Some(instructions) => results.add(PUBLISHED_CREATE, INSTRUCTIONS, instructions),
        None => println!("   {PUBLISHED_CREATE}: not counted, which takes Valgrind, on Linux"),
    }
    Ok(())
}
