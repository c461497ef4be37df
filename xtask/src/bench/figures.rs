//! What contestants print, and how figures of several rounds are told.

use serde::Deserialize;

use crate::command::Program;
use crate::failure::{Failure, Outcome};

/// What a contestant prints of its calls.
#[derive(Deserialize)]
pub(crate) struct Figures {
    calls: u32,
    pub(super) seconds: f64,
    cpu_seconds: Option<f64>,
    voluntary_switches: Option<u32>,
    memory_kib: Option<u32>,
}

impl Figures {
    /// Runs a contestant, and reads the one line that it prints.
    pub(crate) fn of(contestant: Program) -> Outcome<Self> {
        let line = contestant.output()?;
        serde_json::from_str(line.trim())
            .map_err(|error| Failure::new(format!("a contestant printed no figures ({error}): {line}")))
    }

    pub(super) fn rate(&self) -> f64 {
        f64::from(self.calls) / self.seconds
    }

    /// Microseconds of the processor.
    pub(super) fn cpu_per_call(&self) -> Option<f64> {
        Some(self.cpu_seconds? * 1e6 / f64::from(self.calls))
    }

    /// How often a thread went to wait.
    pub(crate) fn waits_per_call(&self) -> Option<f64> {
        Some(f64::from(self.voluntary_switches?) / f64::from(self.calls))
    }

    /// The most that the process ever held, in MiB.
    pub(super) fn peak(&self) -> Option<f64> {
        Some(f64::from(self.memory_kib?) / 1024.0)
    }
}

/// Where the figures of several rounds lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
}

impl Spread {
    /// Of no figure there is none.
    pub(super) fn of(values: &[f64]) -> Option<Self> {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let (lowest, highest) = (*values.first()?, *values.last()?);
        Some(Self { median: *values.get(values.len() / 2)?, lowest, highest })
    }
}

/// With as many decimals as are worth reading.
pub(super) fn shown(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.decimals$}");
    if value < 1000.0 {
        return text;
    }
    let mut grouped = String::new();
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_the_median_between_the_lowest_and_the_highest() {
        assert_eq!(Spread::of(&[3.0, 1.0, 2.0]).unwrap(), Spread { median: 2.0, lowest: 1.0, highest: 3.0 });
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn figures_are_shown_as_they_are_read() {
        for (value, text) in
            [(0.851, "0.85"), (12.34, "12.3"), (999.4, "999"), (12_345.6, "12,346"), (1e6, "1,000,000")]
        {
            assert_eq!(shown(value), text);
        }
    }
}
