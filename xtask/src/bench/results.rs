//! What was measured: one file of figures, which tables and plots are made from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::thread;

use serde::Deserialize;
use serde_json::{Value, json};

use super::figures::Spread;
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const FILE: &str = "bench/results.json";

/// The unit of a figure, as it is written.
pub(super) type Unit = &'static str;
pub(super) const RATE: Unit = "calls/s";
pub(super) const CPU: Unit = "us of CPU/call";
pub(super) const WAITS: Unit = "waits/call";
pub(super) const PEAK: Unit = "MiB at most";
pub(super) const KIB: Unit = "KiB/call";
pub(super) const US: Unit = "us/call";
pub(super) const MS: Unit = "ms";
pub(super) const MB: Unit = "MB";
pub(super) const GROWTH: Unit = "late/early";
pub(super) const INSTRUCTIONS: Unit = "instructions/call";
/// Of calls whose answers take their time, as the guards make them.
pub(super) const SLOW_WAITS: Unit = "waits/call, answered after 2 ms";

/// All figures: of each subject, in each unit, one a round.
#[derive(Default, Deserialize)]
pub(super) struct Results {
    /// When and where each part was measured.
    pub(super) measured: BTreeMap<String, String>,
    pub(super) figures: BTreeMap<String, BTreeMap<String, Vec<f64>>>,
    /// Those that are of this run.
    #[serde(skip)]
    renewed: BTreeSet<(String, Unit)>,
}

impl Results {
    /// Those of an earlier run; none, if there was none.
    pub(super) fn read(workspace: &Workspace) -> Outcome<Self> {
        match fs::read_to_string(path(workspace)) {
            Ok(text) => serde_json::from_str(&text).map_err(Failure::while_doing(format!("cannot read {FILE}"))),
            Err(_) => Ok(Self::default()),
        }
    }

    pub(super) fn write(&self, workspace: &Workspace) -> Outcome {
        // One subject a line, so that a change is read as one.
        let lines = |values: Vec<(&String, Value)>| {
            values.iter().map(|(name, value)| format!("    {}: {value}", json!(name))).collect::<Vec<_>>().join(",\n")
        };
        let measured = lines(self.measured.iter().map(|(part, place)| (part, json!(place))).collect());
        let figures = lines(self.figures.iter().map(|(subject, units)| (subject, json!(units))).collect());
        let text = format!("{{\n  \"measured\": {{\n{measured}\n  }},\n  \"figures\": {{\n{figures}\n  }}\n}}\n");
        fs::write(path(workspace), text).map_err(Failure::while_doing(format!("cannot write {FILE}")))
    }

    /// Begins a part anew.
    pub(super) fn begin(&mut self, workspace: &Workspace, part: &str) -> Outcome {
        self.measured.insert(part.to_owned(), where_and_when(workspace)?);
        Ok(())
    }

    /// Adds the figure of a round. Those of an earlier run go with the first one.
    pub(super) fn add(&mut self, subject: &str, unit: Unit, value: f64) {
        // Four digits are more than any of them is worth.
        let digits = (3.0 - value.abs().max(1e-3).log10().floor()).max(0.0);
        let value = (value * 10_f64.powf(digits)).round() / 10_f64.powf(digits);
        let values = self.figures.entry(subject.to_owned()).or_default().entry(unit.to_owned()).or_default();
        if self.renewed.insert((subject.to_owned(), unit)) {
            values.clear();
        }
        values.push(value);
    }

    /// The figures of a subject, of each round.
    pub(super) fn of(&self, subject: &str, unit: Unit) -> Option<&[f64]> {
        self.figures.get(subject)?.get(unit).map(Vec::as_slice)
    }

    pub(super) fn spread(&self, subject: &str, unit: Unit) -> Option<Spread> {
        Spread::of(self.of(subject, unit)?)
    }

    /// How many times the other's figure the one's is, in each round.
    pub(super) fn ratio(&self, one: &str, other: &str, unit: Unit) -> Option<Spread> {
        let rounds = self.of(one, unit)?.iter().zip(self.of(other, unit)?);
        Spread::of(&rounds.map(|(one, other)| one / other).collect::<Vec<_>>())
    }
}

fn path(workspace: &Workspace) -> PathBuf {
    workspace.root().join(FILE)
}

/// The day, and the machine in words that name nobody's.
fn where_and_when(workspace: &Workspace) -> Outcome<String> {
    let said = |program: &str, words: &str| Program::new(workspace, program).args(words).output();
    let (day, system) = (said("date", "-u +%F")?, said("uname", "-sm")?);
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let text = |file| fs::read_to_string(file).unwrap_or_default();
    let (processors, memory) = (text("/proc/cpuinfo"), text("/proc/meminfo"));
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("processor unknown", |(_, model)| model);
    let kib = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok());
    let gib = kib.unwrap_or(0_u64) / 1024 / 1024;
    Ok(format!("{}, {}, {cores} cores of {model}, {gib} GiB", day.trim(), system.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_figure_of_a_run_takes_the_place_of_those_of_an_earlier_one() {
        let earlier = r#"{"measured": {}, "figures": {"a": {"ms": [9.0, 9.0]}}}"#;
        let mut results: Results = serde_json::from_str(earlier).unwrap();
        results.add("a", MS, 123.456);
        results.add("a", MS, 0.012_345_6);
        assert_eq!(results.of("a", MS).unwrap(), [123.5, 0.01235]);
    }
}
