//! `batch`: what is done with many payouts.

mod decisions;
mod outbox;
mod plan;
mod problems;
mod report;
mod service;
mod status;
mod template;
mod turn;
mod work;

use clap::Subcommand;
use komopay_core::Result;

use crate::exit::Exit;
use crate::output::Output;

/// What is done with a batch.
#[derive(Subcommand)]
pub enum BatchCommand {
    /// Check every row of a file, and say what it adds up to. Nothing is sent
    Plan(Box<plan::PlanArguments>),
    /// What is wrong with the rows of a batch, as it was planned last: all of it
    Problems(problems::Problems),
    /// Open a batch that takes payouts one by one, out of an application's own transactions
    OpenOutbox(outbox::OpenOutbox),
    /// Approve a batch as its plan said it
    Approve(decisions::Approve),
    /// Let workers pay a batch that was approved
    Start(decisions::Start),
    /// Pay a batch that was started, and follow it to its end; or all of a journal, as they become due. It may be run
    /// again at any time
    Work(work::Work),
    /// Send nothing more of a batch for now
    Pause(decisions::Pause),
    /// Go on with a batch that is paused
    Resume(decisions::Resume),
    /// Never send what was not sent; what was is followed to its end
    Cancel(decisions::Cancel),
    /// How a batch stands. Its exit code says it, too
    Status(status::Status),
    /// What came of each item, as a page for people, or as a table or lines for programs
    Report(report::Report),
    /// Settle an item that needs a person, by what that person found out
    Settle(decisions::Settle),
    /// Try an item again that ended without the money having arrived, under a new payout id
    Retry(decisions::Retry),
    /// Say that the journal was restored, so that what was written last may be lost
    Restored(decisions::Restored),
    /// Erase the payees of batches that ended some time ago
    ErasePayees(decisions::ErasePayees),
    /// The header of a CSV file
    Template(template::Template),
    /// A new key for a journal. Keep it safe, and apart from the journal
    Key,
}

impl BatchCommand {
    pub async fn run(self, output: Output) -> Result<Exit> {
        match self {
            Self::Plan(command) => command.run(output).await,
            Self::Problems(command) => command.run(output).await,
            Self::OpenOutbox(command) => command.run(output).await,
            Self::Approve(command) => command.run(output).await,
            Self::Start(command) => command.run(output).await,
            Self::Work(command) => command.run(output).await,
            Self::Pause(command) => command.run(output).await,
            Self::Resume(command) => command.run(output).await,
            Self::Cancel(command) => command.run(output).await,
            Self::Status(command) => command.run(output).await,
            Self::Report(command) => command.run(output).await,
            Self::Settle(command) => command.run(output).await,
            Self::Retry(command) => command.run(output).await,
            Self::Restored(command) => command.run(output).await,
            Self::ErasePayees(command) => command.run(output).await,
            Self::Template(command) => Ok(command.run(output)),
            Self::Key => template::key(output),
        }
    }
}
