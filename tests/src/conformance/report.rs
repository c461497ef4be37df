//! How the scenarios ended: one report per runner, and all of them side by side.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::scenario::Topic;
use super::sweep::Sweep;

/// How each scenario ended on one runner: nothing to tell, or what was not as expected.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report(BTreeMap<String, Option<Vec<String>>>);

impl Report {
    /// Writes down how a scenario ended.
    pub fn add(&mut self, scenario: &str, found: Vec<String>) {
        self.0.insert(scenario.to_owned(), Some(found).filter(|found| !found.is_empty()));
    }

    /// How many are green, and how many red.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let red = self.0.values().flatten().count();
        (self.0.len() - red, red)
    }

    /// Reads a report.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes it to a file.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Every scenario in every language, and every sweep.
pub struct Table<'a> {
    /// The names of the scenarios, by topic.
    topics: Vec<(&'a str, Vec<&'a str>)>,
    languages: Vec<(String, Report)>,
}

impl<'a> Table<'a> {
    /// The table of these reports.
    #[must_use]
    pub fn new(topics: &'a [Topic], languages: Vec<(String, Report)>) -> Self {
        let names = |topic: &'a Topic| topic.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
        let scenarios = topics.iter().map(|topic| (topic.name.as_str(), names(topic)));
        let sweeps = [("sweeps", Sweep::ALL.map(Sweep::name).to_vec())];
        Self { topics: scenarios.chain(sweeps).collect(), languages }
    }

    /// Whether every scenario is green everywhere, and no report lacks one.
    #[must_use]
    pub fn is_green(&self) -> bool {
        let all = self.languages.iter().flat_map(|(_, report)| self.names().map(|name| report.0.get(name)));
        !self.languages.is_empty() && all.into_iter().all(|end| end == Some(&None))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.topics.iter().flat_map(|(_, names)| names).copied()
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.names().map(|name| name.len() + 2).max().unwrap_or_default();
        write!(f, "{:width$}", "scenario")?;
        for (language, _) in &self.languages {
            write!(f, "  {language:>12}")?;
        }
        for (topic, names) in &self.topics {
            write!(f, "\n{topic}")?;
            for name in names {
                write!(f, "\n  {name:0$}", width - 2)?;
                for (_, report) in &self.languages {
                    let end = match report.0.get(*name) {
                        Some(None) => "green",
                        Some(Some(_)) => "RED",
                        None => "MISSING",
                    };
                    write!(f, "  {end:>12}")?;
                }
            }
        }
        write!(f, "\n{:width$}", format!("{} scenarios", self.names().count()))?;
        for (_, report) in &self.languages {
            let green = self.names().filter(|name| report.0.get(*name) == Some(&None)).count();
            write!(f, "  {:>12}", format!("{green} green"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_scenario_that_is_red_or_missing_anywhere_is_seen_in_the_table() {
        let scenario = |name| serde_json::from_value(json!({"name": name, "steps": []})).unwrap();
        let topics = [Topic { name: "t".to_owned(), scenarios: vec![scenario("a_b"), scenario("c_d")] }];
        let report = |ends: serde_json::Value| serde_json::from_value::<Report>(ends).unwrap();
        let table = |ends| Table::new(&topics, vec![("rust".to_owned(), report(ends))]);
        let mut ends = json!({"a_b": null, "c_d": null});
        for sweep in Sweep::ALL {
            ends[sweep.name()] = serde_json::Value::Null;
        }
        assert!(table(ends.clone()).is_green());
        ends["c_d"] = json!(["wire"]);
        let red = table(ends);
        let green = format!("{} green", 1 + Sweep::ALL.len());
        assert!(!red.is_green() && red.to_string().contains("RED") && red.to_string().ends_with(&green));
        let missing = table(json!({"a_b": null, "c_d": null, "cut_requests": null}));
        assert!(!missing.is_green() && missing.to_string().contains("MISSING"));
        assert!(!Table::new(&topics, Vec::new()).is_green());
    }
}
