//! `batch problems`: all that is wrong with rows, for whoever mends the file.

use clap::Args;
use komopay_core::Result;
use serde_json::json;

use crate::data;
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::{Output, plain};

/// `batch problems`.
#[derive(Args)]
pub struct Problems {
    /// The batch.
    batch_id: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Problems {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let mut problems = Vec::new();
        let mut page = batches.problems(&self.batch_id, 0).await?;
        while let Some(last) = page.last().map(|problem| problem.row) {
            problems.append(&mut page);
            page = batches.problems(&self.batch_id, last).await?;
        }
        let document: Vec<_> = problems.iter().map(data::row_problem).collect();
        output.show(&json!({"batch_id": self.batch_id, "problems": document}), || {
            problems.iter().map(|problem| plain(&problem.to_string()) + "\n").collect()
        });
        Ok(if problems.is_empty() { Exit::Done } else { Exit::BadInput })
    }
}
