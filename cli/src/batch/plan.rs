//! `batch plan`: a file becomes a batch that may be approved.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use komopay_batches::{
    BatchSettings, BatchState, BatchTokens, Ceiling, Columns, ControlTotals, CsvRows, JsonLines, NewBatch, Planned,
};
use komopay_core::{Error, Money, Result};

use crate::data;
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::{Output, plain, table};
use crate::progress::reading;

/// `batch plan`.
#[derive(Args)]
pub struct PlanArguments {
    /// The batch's id, of your choice and for ever: the same file under it is the same batch.
    batch_id: String,
    /// A file with a row for each payout, or `-` for standard input. `batch template` shows its columns.
    file: PathBuf,
    /// Who makes the batch.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// What the file is; by itself, what its name says.
    #[arg(long)]
    format: Option<Format>,
    /// What stands between the fields of CSV: a comma, ';', '|', ':' or a tab.
    #[arg(long, default_value_t = ',')]
    delimiter: char,
    /// What a field of the template is called in the file, such as id=invoice. May be given several times.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    column: Vec<(String, String)>,
    /// How many rows there are, as you count them.
    #[arg(long)]
    count: Option<u64>,
    /// What they add up to, as you reckon, for a currency: IDR=125000000. May be given several times.
    #[arg(long, value_name = "CURRENCY=AMOUNT", value_parser = pair)]
    sum: Vec<(String, String)>,
    /// Pay the rows that are good, even if others are not. The journal keeps that this was chosen.
    #[arg(long)]
    valid_only: bool,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    journal: JournalArguments,
}

/// What a batch is paid by. Written down with it.
#[derive(Args)]
#[command(next_help_heading = "Rules of the batch")]
pub struct Rules {
    /// How many creates of one worker are under way at a time [default: 32].
    #[arg(long)]
    concurrency: Option<u32>,
    /// How many creates all workers together start in a second; no limit without it.
    #[arg(long, value_name = "RATE")]
    requests_per_second: Option<f64>,
    /// Which tokens creates carry [default: chunk].
    #[arg(long)]
    tokens: Option<Tokens>,
    /// For how many seconds a token is asked for, 60 to 3600 [default: 60].
    #[arg(long, value_name = "SECONDS")]
    token_seconds: Option<u64>,
    /// Pause when more items than this were refused.
    #[arg(long, value_name = "COUNT")]
    max_refusals: Option<u64>,
    /// Pause when more than this share was refused, from 100 items on [default: 0.1].
    #[arg(long, value_name = "SHARE")]
    max_refused_share: Option<f64>,
    /// Do not pause when the balance is too low for a payout: it is refused.
    #[arg(long)]
    go_on_without_balance: bool,
    /// Let its maker approve it, too.
    #[arg(long)]
    approval_by_maker: bool,
    /// Warn of the same payee and amount in another batch within so many days; 0 does not look [default: 7].
    #[arg(long, value_name = "DAYS")]
    paid_lately_days: Option<u32>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// CSV with a header.
    Csv,
    /// JSON Lines: one object on each line.
    Jsonl,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tokens {
    /// One for up to 32 payouts: it names their ids, and not their amounts.
    Chunk,
    /// One for each payout, which allows exactly its money.
    Payout,
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Rules {
    pub fn settings(&self, ceilings: Vec<Ceiling>) -> BatchSettings {
        let usual = BatchSettings::default();
        BatchSettings {
            concurrency: self.concurrency.unwrap_or(usual.concurrency),
            requests_per_second: self.requests_per_second.or(usual.requests_per_second),
            tokens: match self.tokens {
                None => usual.tokens,
                Some(Tokens::Chunk) => BatchTokens::Chunk,
                Some(Tokens::Payout) => BatchTokens::Payout,
            },
            token_seconds: self.token_seconds.unwrap_or(usual.token_seconds),
            max_refusals: self.max_refusals.or(usual.max_refusals),
            max_refused_share: self.max_refused_share.or(usual.max_refused_share),
            stop_on_low_balance: !self.go_on_without_balance,
            approval_by_another: !self.approval_by_maker,
            paid_lately_days: self.paid_lately_days.unwrap_or(usual.paid_lately_days),
            ceilings,
        }
    }
}

impl PlanArguments {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let format = self.format()?;
        let columns = Columns::of(self.column.iter().map(|(field, name)| (field, name)))?;
        let sums =
            self.sum.iter().map(|(currency, amount)| Money::new(amount, currency)).collect::<Result<Vec<_>>>()?;
        let mut new = NewBatch::new(&self.batch_id, &self.by);
        new.settings = self.rules.settings(Vec::new());
        new.valid_only = self.valid_only;
        new.control = ControlTotals { count: self.count, sums };
        let reader = self.reader(output)?;
        let batches = self.journal.open().await?;
        let planned = match format {
            Format::Csv => batches.plan(new, CsvRows::new(reader, &self.batch_id, columns, self.delimiter)?).await?,
            Format::Jsonl => batches.plan(new, JsonLines::new(reader, &self.batch_id, columns)?).await?,
        };
        output.show(&data::planned(&planned), || lines(&planned));
        let plan = &planned.plan;
        let is_bad = plan.bad_rows > 0 && !self.valid_only || !plan.problems.is_empty() || plan.items() == 0;
        Ok(match planned.state {
            _ if is_bad => Exit::BadInput,
            BatchState::Validated => Exit::AwaitsApproval,
            _ => Exit::Done,
        })
    }

    fn format(&self) -> Result<Format> {
        let ending = self.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match (self.format, ending.to_ascii_lowercase().as_str()) {
            (Some(format), _) => Ok(format),
            (None, "csv" | "tsv" | "txt") => Ok(Format::Csv),
            (None, "jsonl" | "ndjson") => Ok(Format::Jsonl),
            _ => Err(Error::setting("format", "is missing: the file's name says none; give --format csv or jsonl")),
        }
    }

    fn reader(&self, output: Output) -> Result<Box<dyn Read + Send>> {
        if self.file.as_os_str() == "-" {
            return Ok(Box::new(std::io::stdin()));
        }
        let file = File::open(&self.file);
        let unreadable = |error| Error::setting("input", format_args!("cannot read {}: {error}", self.file.display()));
        Ok(reading(output, file.map_err(unreadable)?))
    }
}

fn lines(planned: &Planned) -> String {
    let plan = &planned.plan;
    let mut lines = vec![format!("{}: {} rows, of which {} are good", plan.batch_id, plan.rows(), plan.items())];
    let totals = plan.totals.currencies().map(|total| vec![format!("{} payouts", total.count), total.sum.to_string()]);
    let groups = plan.totals.groups().map(|group| {
        let operator = group.operator_code.as_deref().unwrap_or("any operator");
        vec![format!("  {}", group.count), group.sum.to_string(), plain(group.method.as_str()), plain(operator)]
    });
    lines.extend(table(&totals.collect::<Vec<_>>()).lines().map(str::to_owned));
    lines.extend(table(&groups.collect::<Vec<_>>()).lines().map(str::to_owned));
    lines.extend(plan.row_problems.iter().map(|problem| format!("bad: {}", plain(&problem.to_string()))));
    if plan.bad_rows > 0 {
        lines.push(format!("{} rows are bad; all of them: komopay batch problems {}", plan.bad_rows, plan.batch_id));
    }
    lines.extend(plan.problems.iter().map(|problem| format!("problem: {}", plain(&problem.text))));
    lines.extend(plan.warnings.iter().map(|warning| format!("warning: {}", plain(&warning.text))));
    if !plan.unused_columns.is_empty() {
        lines.push(format!("not used: {}", plain(&plan.unused_columns.join(", "))));
    }
    lines.push(format!(
        "{} is {}: {} items are new, {} changed, {} gone",
        plan.batch_id, planned.state, planned.inserted, planned.changed, planned.removed
    ));
    if let (Some(digest), BatchState::Validated) = (&planned.digest, planned.state) {
        let why = if plan.warnings.is_empty() { "" } else { " --why ANSWER" };
        lines.push(format!("next: komopay batch approve {} --by NAME --digest {digest}{why}", plan.batch_id));
    }
    lines.join("\n")
}
