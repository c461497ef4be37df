//! `cargo xtask bench`: the SDK against its peers and its own limits, in one run.
//!
//! Every contestant is a process of its own that makes the same calls to the same minimal server. They take turns,
//! round after round; a ratio is that of one round, and its median over the rounds is what counts.

mod aims;
mod beginnings;
mod contestants;
mod creates;
mod crossings;
mod document;
mod figures;
mod forgeries;
mod memory;
mod outage;
mod place;
mod results;
mod server;
mod sizes;

use clap::{Args, ValueEnum};

pub(crate) use self::figures::Figures;
pub(crate) use self::server::Server;

use self::place::{Place, build};
use self::results::Results;
use crate::command::Program;
use crate::failure::Outcome;
use crate::workspace::Workspace;

/// What is measured, and for how long.
#[derive(Args)]
pub(crate) struct Wish {
    /// The only part to measure.
    part: Option<Part>,
    /// Two rounds, for a try: what is found is printed, and written nowhere.
    #[arg(long)]
    quick: bool,
    /// Look at the memory of a million calls, and not of a hundred thousand.
    #[arg(long)]
    long: bool,
}

/// What can be measured by itself.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Creates against peers.
    Creates,
    /// Import time, and the first payout over TLS.
    Beginnings,
    /// What calls under way hold, and what many calls leave behind.
    Memory,
    /// What it costs to call into the library from the JVM.
    Crossings,
    /// Wheel, jar and libraries.
    Sizes,
    /// How long it takes to refuse forged callbacks.
    Forgeries,
    /// Nothing: write the documents and plots anew.
    Report,
    /// How far beyond its deadline a create ends, against peers that stall in each phase of it.
    Deadlines,
    /// What it costs to know whose an answer is: requests, connections and time of accepted and of refused creates.
    Connections,
    /// What a gateway that is down gets to see of a thousand callers.
    Outage,
}

/// Those whose figures are kept, by their names in the report.
const KEPT: [(Part, &str); 6] = [
    (Part::Creates, "creates"),
    (Part::Beginnings, "beginnings"),
    (Part::Memory, "memory"),
    (Part::Crossings, "crossings"),
    (Part::Sizes, "sizes"),
    (Part::Forgeries, "forgeries"),
];

/// Measures everything, or one part of it, and prints it, what misses its aim included.
pub(crate) fn run(workspace: &Workspace, wish: &Wish) -> Outcome {
    let wanted = |part| wish.part.is_none_or(|only| only == part);
    if KEPT.iter().any(|(part, _)| wanted(*part)) || wish.part == Some(Part::Report) {
        kept(workspace, wish, &wanted)?;
    }
    if wanted(Part::Deadlines) {
        Program::new(workspace, build(workspace, "")?).arg("deadlines").run()?;
    }
    if wanted(Part::Connections) {
        connections(workspace)?;
    }
    if wanted(Part::Outage) {
        outage::run(workspace)?;
    }
    Ok(())
}

/// Measures what is kept, and writes it down.
fn kept(workspace: &Workspace, wish: &Wish, wanted: &dyn Fn(Part) -> bool) -> Outcome {
    let rounds = if wish.quick { 2 } else { 7 };
    let place = Place::build(workspace)?;
    let mut results = if wish.part.is_some() { Results::read(workspace)? } else { Results::default() };
    for (part, name) in KEPT.into_iter().filter(|(part, _)| wanted(*part)) {
        results.begin(workspace, name)?;
        match part {
            Part::Creates => creates::measure(&place, rounds, &mut results)?,
            Part::Beginnings => beginnings::measure(&place, rounds, &mut results)?,
            Part::Memory => {
                let calls = if wish.long { "1000000" } else { "100000" };
                memory::measure(&place, rounds, calls, &mut results)?;
            }
            Part::Crossings => crossings::measure(&place, rounds, &mut results)?,
            Part::Sizes => sizes::measure(&place, &mut results)?,
            _ => forgeries::measure(&place, rounds, &mut results)?,
        }
    }
    document::add_guards(workspace, &mut results)?;
    document::print(&results);
    if wish.quick {
        return Ok(());
    }
    results.write(workspace)?;
    document::write(&place, &results)
}

fn connections(workspace: &Workspace) -> Outcome {
    let program = build(workspace, "")?;
    for words in ["--calls 2000 --round-trip-ms 0", "--calls 100 --round-trip-ms 20"] {
        Program::new(workspace, &program).arg("connections").args(words).run()?;
    }
    Ok(())
}
