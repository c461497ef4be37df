//! How a batch stands, and what to do next.

use clap::Args;
use komopay_batches::{BatchState, BatchStatus, Batches, ItemState};
use komopay_core::Result;
use serde_json::{Value, json};

use crate::data;
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::{Output, plain, table};
use crate::progress::outcomes;

/// Who decides what follows from a rule, in the events of a batch.
const RULE: &str = "komopay";

/// `batch status`.
#[derive(Args)]
pub struct Status {
    /// The batch.
    batch_id: String,
    /// What happened to it, too: decisions of people, and what followed from its rules.
    #[arg(long)]
    events: bool,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Status {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let status = batches.status(&self.batch_id).await?;
        let by_rule = is_by_rule(&batches, &status).await?;
        let events = if self.events { batches.events(&self.batch_id).await? } else { Vec::new() };
        let mut document = data::status(&status, by_rule);
        if let (Value::Object(document), true) = (&mut document, self.events) {
            document.insert("events".to_owned(), events.iter().map(data::event).collect());
        }
        output.show(&document, || {
            let rows = events.iter().map(|event| {
                let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
                let (who, what) = (plain(&event.who), plain(&event.what));
                vec![event.at.to_string(), who, what, text(&event.details), text(&event.why)]
            });
            lines(&status) + "\n" + &table(&rows.collect::<Vec<_>>())
        });
        Ok(Exit::of_status(&status, by_rule))
    }
}

/// Shows how a batch stands, and gives what that is as an exit code.
pub async fn show(output: Output, batches: &Batches, batch_id: &str) -> Result<Exit> {
    let status = batches.status(batch_id).await?;
    let by_rule = is_by_rule(batches, &status).await?;
    output.show(&data::status(&status, by_rule), || lines(&status));
    Ok(Exit::of_status(&status, by_rule))
}

/// Shows that something was done, and how the batch stands now.
pub async fn show_done(output: Output, batches: &Batches, batch_id: &str, done: Value) -> Result<Exit> {
    let status = batches.status(batch_id).await?;
    let by_rule = is_by_rule(batches, &status).await?;
    let document = json!({"done": done, "status": data::status(&status, by_rule)});
    output.show(&document, || lines(&status));
    Ok(Exit::Done)
}

/// Whether a rule paused it, and no person.
async fn is_by_rule(batches: &Batches, status: &BatchStatus) -> Result<bool> {
    if status.state != BatchState::Paused {
        return Ok(false);
    }
    let events = batches.events(&status.batch_id).await?;
    let paused = events.iter().rev().find(|event| event.what == BatchState::Paused.as_str());
    Ok(paused.is_some_and(|event| event.who == RULE))
}

fn lines(status: &BatchStatus) -> String {
    let mut lines = vec![format!("{} is {}: {}", status.batch_id, status.state, outcomes(status))];
    lines.extend(status.why.as_deref().map(|why| format!("why: {}", plain(why))));
    lines.extend(next_steps(status).iter().map(|step| format!("next: {step}")));
    lines.join("\n")
}

/// What to do now.
fn next_steps(status: &BatchStatus) -> Vec<String> {
    let id = &status.batch_id;
    let mut steps = Vec::new();
    if status.count(ItemState::NeedsPerson) > 0 {
        steps.push(format!("komopay batch settle {id} ITEM --made|--not-made --by NAME --why TEXT, of each in need"));
    }
    match status.state {
        BatchState::Draft => steps.push(format!("mend the rows, and komopay batch plan {id} FILE")),
        BatchState::Validated => steps.push(format!("komopay batch approve {id} --by NAME --digest DIGEST")),
        BatchState::Approved => steps.push(format!("komopay batch start {id} --by NAME")),
        BatchState::Paused => steps.push(format!("komopay batch resume {id} --by NAME")),
        BatchState::Running | BatchState::Following => steps.push(format!("komopay batch work {id}")),
        BatchState::Cancelled if status.due_in.is_some() => steps.push(format!("komopay batch work {id}")),
        BatchState::Cancelled | BatchState::Closed => {
            let refused: u64 =
                ItemState::ALL.into_iter().filter(|state| state.is_refused()).map(|state| status.count(state)).sum();
            if refused > 0 {
                steps.push(format!(
                    "komopay batch report {id} --html FILE says what to do about those that got nothing"
                ));
            }
        }
    }
    steps
}
