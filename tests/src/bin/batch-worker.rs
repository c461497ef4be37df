//! A worker of a batch, to be killed and stopped: `batch-worker <journal> <base URL> <batch>`.
//!
//! It sends, settles and follows until nothing is due, through every failure that may pass, and prints how the batch
//! stands as a line of JSON. The journal's key is in `KOMOPAY_JOURNAL_KEY`; `KOMOPAY_STEP`, `KOMOPAY_JOURNAL_CLOCK` and
//! `KOMOPAY_BROKEN` are those of `batches/src/steps.rs`. With `KOMOPAY_WORKER_LOG` it appends all that it logs to that
//! file.

use std::fs::OpenOptions;
use std::process::ExitCode;
use std::time::Duration;

use komopay_batches::{BatchStatus, Batches, Budget, JournalLocation, Keys, Stop};
use komopay_core::{Client, Result};
use komopay_tests::batches;
use serde_json::json;

/// How long it tries again what may pass.
const PATIENCE: Duration = Duration::from_secs(120);
const BUDGET: Budget = Budget { time: Duration::from_secs(60) };

/// Again, as long as that may help.
async fn patiently<T>(mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = tokio::time::Instant::now();
    loop {
        match attempt().await {
            Err(error) if error.retryable() && start.elapsed() < PATIENCE => {
                eprintln!("batch-worker: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            result => return result,
        }
    }
}

async fn work(journal: &JournalLocation, base_url: &str, batch: &str) -> Result<BatchStatus> {
    let keys = std::env::var("KOMOPAY_JOURNAL_KEY").unwrap_or_default();
    let batches = patiently(async || {
        let client = Client::new(batches::config(base_url))?;
        Batches::open(client, journal, Keys::parse(&keys)?).await
    });
    let (batches, stop) = (batches.await?, Stop::default());
    loop {
        let status = patiently(async || {
            batches.drive(batch, BUDGET, &stop).await?;
            batches.follow(batch, BUDGET, &stop).await
        });
        let status = status.await?;
        if status.due_in.is_none_or(|due| !due.is_zero()) {
            return Ok(status);
        }
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [journal, base_url, batch] = &arguments[..] else {
        eprintln!("usage: batch-worker <journal> <base URL> <batch>");
        return ExitCode::from(2);
    };
    if let Some(path) = std::env::var_os("KOMOPAY_WORKER_LOG") {
        let log = OpenOptions::new().create(true).append(true).open(path).expect("the log can be written");
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log).with_ansi(false);
        log.init();
    }
    let journal = match journal.parse() {
        Ok(journal) => journal,
        Err(error) => {
            eprintln!("batch-worker: {error}");
            return ExitCode::FAILURE;
        }
    };
    match work(&journal, base_url, batch).await {
        Ok(status) => {
            let counts: Vec<_> = status.counts.iter().map(|count| json!([count.state.as_str(), count.count])).collect();
            let due_ms = status.due_in.map(|due| due.as_millis());
            println!("{}", json!({"state": status.state.as_str(), "counts": counts, "due_ms": due_ms}));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("batch-worker: {error}");
            ExitCode::FAILURE
        }
    }
}
