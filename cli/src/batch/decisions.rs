//! What people decide. The names are theirs to give, and the journal keeps them.

use std::time::Duration;

use clap::Args;
use komopay_batches::BatchState;
use komopay_core::Result;
use serde_json::json;

use super::status::{show, show_done};
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::Output;

/// `batch approve`.
#[derive(Args)]
pub struct Approve {
    /// The batch.
    batch_id: String,
    /// Who approves it: another than its maker, unless the plan said that it may be the same.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// The digest that the plan showed: the batch is approved as it was then, and as nothing else.
    #[arg(long)]
    digest: String,
    /// The answer to the plan's warnings, if it has some.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Approve {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        batches.approve(&self.batch_id, &self.by, &self.digest, self.why.as_deref()).await?;
        show_done(output, &batches, &self.batch_id, json!("approved")).await
    }
}

/// `batch start`.
#[derive(Args)]
pub struct Start {
    /// The batch.
    batch_id: String,
    /// Who starts it.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Start {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        if batches.status(&self.batch_id).await?.state == BatchState::Validated {
            return show(output, &batches, &self.batch_id).await;
        }
        batches.start(&self.batch_id, &self.by, self.why.as_deref()).await?;
        show_done(output, &batches, &self.batch_id, json!("started")).await
    }
}

/// `batch resume`.
#[derive(Args)]
pub struct Resume {
    #[command(flatten)]
    start: Start,
}

impl Resume {
    pub async fn run(self, output: Output) -> Result<Exit> {
        self.start.run(output).await
    }
}

/// `batch pause`.
#[derive(Args)]
pub struct Pause {
    /// The batch.
    batch_id: String,
    /// Who pauses it.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Pause {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let ran = batches.pause(&self.batch_id, &self.by, &self.why).await?;
        let done = if ran { "paused" } else { "it did not run" };
        show_done(output, &batches, &self.batch_id, json!(done)).await
    }
}

/// `batch cancel`.
#[derive(Args)]
pub struct Cancel {
    /// The batch.
    batch_id: String,
    /// Who cancels it.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Cancel {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let items = batches.cancel(&self.batch_id, &self.by, &self.why).await?;
        show_done(output, &batches, &self.batch_id, json!({"cancelled_items": items})).await
    }
}

/// `batch settle`.
#[derive(Args)]
pub struct Settle {
    /// The batch.
    batch_id: String,
    /// The item, by its key: the value of the unique column.
    item: String,
    /// The payout was made.
    #[arg(long, required_unless_present = "not_made", conflicts_with = "not_made")]
    made: bool,
    /// The payout was not made, and never will be.
    #[arg(long)]
    not_made: bool,
    /// Who found that out.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// How.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Settle {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        // clap takes exactly one of both.
        batches.settle(&self.batch_id, &self.item, self.made && !self.not_made, &self.by, &self.why).await?;
        show_done(output, &batches, &self.batch_id, json!({"settled_item": self.item})).await
    }
}

/// `batch retry`.
#[derive(Args)]
pub struct Retry {
    /// The batch.
    batch_id: String,
    /// The item, by its key: the value of the unique column.
    item: String,
    /// Who decides that.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Retry {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let item = batches.retry(&self.batch_id, &self.item, &self.by, &self.why).await?;
        output.note(format_args!("the new item is {item}"));
        show_done(output, &batches, &self.batch_id, json!({"new_item": item})).await
    }
}

/// `batch restored`.
#[derive(Args)]
pub struct Restored {
    /// Who says so.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// Of what, and why.
    #[arg(long, value_name = "TEXT")]
    why: String,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Restored {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let groups = self.journal.open().await?.restored(&self.by, &self.why).await?;
        output.show(&json!({"groups_in_doubt": groups}), || {
            format!("{groups} groups of items are in doubt now; workers settle them once their tokens have ended")
        });
        Ok(Exit::Done)
    }
}

/// `batch erase-payees`.
#[derive(Args)]
pub struct ErasePayees {
    /// Of the batches that ended at least so many days ago.
    #[arg(long, value_name = "DAYS")]
    ended_for_days: u32,
    #[command(flatten)]
    journal: JournalArguments,
}

impl ErasePayees {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let time = Duration::from_secs(u64::from(self.ended_for_days) * 24 * 3600);
        let erased = self.journal.open().await?.erase_payees(time).await?;
        output.show(&json!({"erased": erased}), || format!("the payees of {erased} items were erased"));
        Ok(Exit::Done)
    }
}
