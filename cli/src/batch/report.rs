//! `batch report`: what came of each item, written into files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use clap::Args;
use komopay_batches::{Batches, ItemState, ReportTotals, ReportWriter};
use komopay_core::{Error, Result};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::data;
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::{Output, table};

/// `batch report`.
#[derive(Args)]
pub struct Report {
    /// The batch.
    batch_id: String,
    /// Write one page for people into this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a table, with a row for each item, into this file.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write JSON Lines, with an object for each item and a last one for the batch, into this file.
    #[arg(long, value_name = "FILE")]
    jsonl: Option<PathBuf>,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Report {
    /// The totals are shown in any case.
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let id = self.batch_id.as_str();
        let whole_file = self.csv.as_deref().or(self.jsonl.as_deref()).and_then(Path::file_name);
        let whole_file = whole_file.map(|name| name.to_string_lossy().into_owned());
        let mut totals = None;
        if let Some(file) = &self.csv {
            totals = Some(write(&batches, id, file, ReportWriter::csv).await?);
        }
        if let Some(file) = &self.jsonl {
            totals = Some(write(&batches, id, file, ReportWriter::json_lines).await?);
        }
        if let Some(file) = &self.html {
            totals = Some(write(&batches, id, file, |write| ReportWriter::html(write, whole_file.as_deref())).await?);
        }
        let totals = match totals {
            Some(totals) => totals,
            None => batches.report(id, ReportWriter::csv(std::io::sink())).await?,
        };
        let written: Vec<String> =
            [&self.html, &self.csv, &self.jsonl].into_iter().flatten().map(|file| file.display().to_string()).collect();
        show(output, id, &totals, &written);
        Ok(Exit::Done)
    }
}

/// A report that is written, and the file that it becomes.
type Writer = BufWriter<File>;

/// Writes one report. The file is there once it is whole, for its owner alone.
async fn write(
    batches: &Batches,
    id: &str,
    file: &Path,
    form: impl FnOnce(Writer) -> ReportWriter<Writer>,
) -> Result<ReportTotals> {
    let unwritten = |error: std::io::Error| {
        Error::setting("report", format_args!("cannot be written to {}: {error}", file.display()))
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = NamedTempFile::new_in(folder).map_err(unwritten)?;
    let writer = BufWriter::new(beside.as_file().try_clone().map_err(unwritten)?);
    let totals = batches.report(id, form(writer)).await?;
    beside.persist(file).map_err(|error| unwritten(error.error))?;
    Ok(totals)
}

fn show(output: Output, id: &str, totals: &ReportTotals, written: &[String]) {
    let currencies: Vec<Value> = totals
        .currencies()
        .map(|currency| {
            let states = currency.states.iter().filter(|(_, total)| total.count > 0);
            let states = states.map(
                |(state, total)| json!({"state": state.as_str(), "count": total.count, "sum": data::money(&total.sum)}),
            );
            json!({
                "currency": currency.currency(),
                "input": {"count": currency.input.count, "sum": data::money(&currency.input.sum)},
                "tried_again": {"count": currency.tried_again.count, "sum": data::money(&currency.tried_again.sum)},
                "states": states.collect::<Vec<_>>(),
            })
        })
        .collect();
    let fees: Vec<Value> = totals.fees().map(|fee| json!({"count": fee.count, "sum": data::money(&fee.sum)})).collect();
    let document = json!({
        "batch_id": id,
        "items": totals.items(),
        "needs_person": totals.of_state(ItemState::NeedsPerson),
        "totals": currencies,
        "fees": fees,
        "fees_untold": totals.fees_untold(),
        "written": written,
    });
    output.show(&document, || {
        let mut rows = Vec::new();
        let mut row = |name: &str, count: u64, sum: String| rows.push(vec![name.to_owned(), count.to_string(), sum]);
        for currency in totals.currencies() {
            row("input", currency.input.count, currency.input.sum.to_string());
            if currency.tried_again.count > 0 {
                row("tried again", currency.tried_again.count, currency.tried_again.sum.to_string());
            }
            for (state, total) in currency.states.iter().filter(|(_, total)| total.count > 0) {
                row(&format!("  {}", state.as_str().replace('_', " ")), total.count, total.sum.to_string());
            }
        }
        for fee in totals.fees() {
            row("fees", fee.count, fee.sum.to_string());
        }
        let files: Vec<String> = written.iter().map(|file| format!("written: {file}")).collect();
        table(&rows) + &files.join("\n")
    });
}
