//! The figures as people read them: the tables of docs/performance.md and of the README, and the plots.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use super::aims::{AIMS, Found};
use super::figures::{Spread, shown};
use super::place::Place;
use super::results::{CPU, GROWTH, INSTRUCTIONS, KIB, MB, MS, PEAK, RATE, Results, SLOW_WAITS, US, Unit, WAITS};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// What stands between these is written by the task.
const BEGIN: &str = "<!-- Written by `cargo xtask bench report`: -->\n";
const END: &str = "<!-- Until here. -->";

/// What a README has room for: by their subjects.
const SHORT: &[&str] = &[
    "Python sync: komopay / requests",
    "Python sync: komopay / httpx",
    "Python sync: komopay / primp",
    "Python async, 100 in flight: komopay / aiohttp",
    "1 caller: core / hyper by hand",
];

/// Adds what the guards hold, which is no matter of a round.
pub(super) fn add_guards(workspace: &Workspace, results: &mut Results) -> Outcome {
    let path = workspace.root().join("bench/guards.json");
    let text = fs::read_to_string(&path).map_err(Failure::while_doing("cannot read bench/guards.json"))?;
    let guards: Value = serde_json::from_str(&text).map_err(Failure::while_doing("cannot read bench/guards.json"))?;
    let guarded = [
        ("core: create", INSTRUCTIONS, "core: create, 1 caller: instructions"),
        ("Python sync: komopay", SLOW_WAITS, "Python sync: create: waits"),
    ];
    for (subject, unit, name) in guarded {
        let agreed = guards.get(name).and_then(|guard| guard.get("per_call")?.as_f64());
        results.add(subject, unit, agreed.ok_or_else(|| Failure::new(format!("bench/guards.json has no {name}")))?);
    }
    Ok(())
}

/// Prints what is aimed at, and what was found.
pub(super) fn print(results: &Results) {
    println!("\n{:6}  {:62}  {:>9}  {:>21}  aim", "", "", "median", "lowest to highest");
    for Found { what, aim, spread, holds } in AIMS.iter().filter_map(|aim| aim.find(results)) {
        let verdict = if holds { "holds" } else { "MISSES" };
        println!("{verdict:6}  {what:62}  {:>9}  {:>21}  {aim}", shown(spread.median), range(spread));
    }
}

/// Writes the tables into the documents, and draws the plots.
pub(super) fn write(place: &Place, results: &Results) -> Outcome {
    let text = format!("{}\n{}\n{}\n{}", where_and_when(results), aims(results), creates(results), others(results));
    replace(place.workspace, "docs/performance.md", &text)?;
    replace(place.workspace, "README.md", &short(results))?;
    place.python().arg("bench/plots.py").run()
}

fn where_and_when(results: &Results) -> String {
    let mut text = "| measured | when and where |\n|---|---|\n".to_owned();
    for (part, place) in &results.measured {
        let _ = writeln!(text, "| {part} | {place} |");
    }
    text
}

fn aims(results: &Results) -> String {
    let mut text = "| aim | | median | lowest to highest | |\n|---|---|--:|--:|---|\n".to_owned();
    for Found { what, aim, spread, holds } in AIMS.iter().filter_map(|aim| aim.find(results)) {
        let verdict = if holds { "holds" } else { "**misses**" };
        let _ = writeln!(text, "| {what} | {aim} | {} | {} | {verdict} |", shown(spread.median), range(spread));
    }
    text
}

fn creates(results: &Results) -> String {
    let mut text = format!("| contestant | {RATE} | lowest to highest | {CPU} | {WAITS} | {PEAK} |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    for name in results.figures.keys() {
        let Some(rate) = results.spread(name, RATE) else { continue };
        let median = |unit: Unit| results.spread(name, unit).map_or_else(String::new, |found| shown(found.median));
        let (cpu, waits, peak) = (median(CPU), median(WAITS), median(PEAK));
        let _ = writeln!(text, "| {name} | {} | {} | {cpu} | {waits} | {peak} |", shown(rate.median), range(rate));
    }
    text
}

fn others(results: &Results) -> String {
    let mut text = "| measured | median | lowest to highest | |\n|---|--:|--:|---|\n".to_owned();
    for name in results.figures.keys() {
        for unit in [US, MS, KIB, GROWTH, MB, INSTRUCTIONS, SLOW_WAITS] {
            let Some(found) = results.spread(name, unit) else { continue };
            let _ = writeln!(text, "| {name} | {} | {} | {unit} |", shown(found.median), range(found));
        }
    }
    text
}

fn short(results: &Results) -> String {
    let mut text = "| creates a second | times as many | lowest to highest |\n|---|--:|--:|\n".to_owned();
    for Found { what, spread, .. } in AIMS.iter().filter_map(|aim| aim.find(results)) {
        if SHORT.contains(&what.as_str()) {
            let _ = writeln!(text, "| {what} | {} | {} |", shown(spread.median), range(spread));
        }
    }
    text
}

fn range(Spread { lowest, highest, .. }: Spread) -> String {
    if lowest.to_bits() == highest.to_bits() {
        return String::new();
    }
    format!("{} to {}", shown(lowest), shown(highest))
}

/// Puts this text between the marks of a document.
fn replace(workspace: &Workspace, name: &str, text: &str) -> Outcome {
    let path = workspace.root().join(name);
    let old = fs::read_to_string(&path).map_err(Failure::while_doing(format!("cannot read {name}")))?;
    let new = between_marks(&old, text).ok_or_else(|| Failure::new(format!("{name} has no marks for the figures")))?;
    fs::write(&path, new).map_err(Failure::while_doing(format!("cannot write {name}")))
}

fn between_marks(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = format!("before\n{BEGIN}old\n{END}\nafter");
        let new = between_marks(&document, "| a |\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n| a |\n\n{END}\nafter"));
        assert_eq!(between_marks(&new, "| a |\n").unwrap(), new);
        assert!(between_marks("no marks", "").is_none());
    }
}
