//! How far a batch is: a bar on a terminal, else a line now and then.

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use komopay_batches::{BatchStatus, ItemState};

use crate::output::{Output, say};

/// How often the journal is asked.
pub const PAUSE: Duration = Duration::from_secs(1);

/// How often a line is written where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows progress on standard error, or nowhere.
pub struct Progress {
    shown: Shown,
    /// What was so when it began.
    start: Option<(Instant, u64)>,
}

enum Shown {
    Nowhere,
    Bar(ProgressBar),
    Lines { last: Option<(Instant, String)> },
}

impl Progress {
    pub fn new(output: Output) -> Self {
        let shown = if output.json {
            Shown::Nowhere
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            // If the template were none, the bar would have its default style.
            if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
                bar.set_style(style);
            }
            Shown::Bar(bar)
        } else {
            Shown::Lines { last: None }
        };
        Self { shown, start: None }
    }

    /// Shows where the batch stands now.
    pub fn show(&mut self, status: &BatchStatus) {
        let now = Instant::now();
        let (ended, items) = (ended(status), status.items());
        let (since, before) = *self.start.get_or_insert((now, ended));
        let pace = pace(ended.saturating_sub(before), items.saturating_sub(ended), now - since);
        match &mut self.shown {
            Shown::Nowhere => {}
            Shown::Bar(bar) => {
                bar.set_length(items);
                bar.set_position(ended);
                bar.set_message(format!("final{pace}; {}", outcomes(status)));
            }
            Shown::Lines { last } => {
                let line = format!("{}: {ended} of {items} final{pace}; {}", status.state, outcomes(status));
                let is_due = match last {
                    None => true,
                    Some((at, said)) => now - *at >= BETWEEN_LINES && *said != line,
                };
                if is_due {
                    say(&line);
                    *last = Some((now, line));
                }
            }
        }
    }

    /// What says something beside it.
    pub fn voice(&self) -> Voice {
        match &self.shown {
            Shown::Bar(bar) => Voice(Some(bar.clone())),
            _ => Voice(None),
        }
    }

    /// Takes the bar away.
    pub fn end(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// This file, with a bar on a terminal while it is read.
pub fn reading(output: Output, file: File) -> Box<dyn Read + Send> {
    let length = file.metadata().map_or(0, |about| about.len());
    if output.json || length == 0 || !std::io::stderr().is_terminal() {
        return Box::new(file);
    }
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes} read, {eta} left") {
        bar.set_style(style);
    }
    Box::new(bar.with_finish(ProgressFinish::AndClear).wrap_read(file))
}

/// Says something to people without a tear in the bar.
pub struct Voice(Option<ProgressBar>);

impl Voice {
    /// One where there is no bar.
    pub const fn plain() -> Self {
        Self(None)
    }

    pub fn say(&self, text: impl Display) {
        match &self.0 {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }
}

/// How many items are final.
fn ended(status: &BatchStatus) -> u64 {
    status.counts.iter().filter(|count| count.state.is_final()).map(|count| count.count).sum()
}

/// How many items are in which state.
pub fn outcomes(status: &BatchStatus) -> String {
    let counts = ItemState::ALL.map(|state| (state, status.count(state)));
    let said = counts.iter().filter(|(_, count)| *count > 0).map(|(state, count)| {
        let name = state.as_str().replace('_', " ");
        format!("{name} {count}")
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { "no items".to_owned() } else { said.join(", ") }
}

/// The rate so far, and how long the rest takes at it. Nothing before that can be told.
fn pace(done: u64, left: u64, time: Duration) -> String {
    if done == 0 || time < PAUSE {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let (done, left) = (done as f64, left as f64);
    let rate = done / time.as_secs_f64();
    format!(", {rate:.1}/s, {} left", indicatif::HumanDuration(Duration::from_secs_f64(left / rate)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_tells_the_time_that_is_left() {
        assert_eq!(pace(0, 10, Duration::from_secs(5)), "");
        assert_eq!(pace(100, 1200, Duration::from_secs(10)), ", 10.0/s, 2 minutes left");
    }
}
