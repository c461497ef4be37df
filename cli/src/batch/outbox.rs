//! `batch open-outbox`: a batch whose payouts come one by one.

use clap::Args;
use komopay_batches::Ceiling;
use komopay_core::Result;
use serde_json::json;

use super::plan::Rules;
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::Output;

/// `batch open-outbox`.
#[derive(Args)]
pub struct OpenOutbox {
    /// The batch's id, of your choice and for ever.
    batch_id: String,
    /// Who makes the batch.
    #[arg(long, value_name = "NAME", env = "KOMOPAY_BY")]
    by: String,
    /// What it may pay of a currency: the most of one payout, and of an hour, such as IDR=5000000/200000000. May be
    /// given several times; other currencies are not paid.
    #[arg(long, value_name = "CURRENCY=ITEM/HOUR", value_parser = ceiling, required = true)]
    ceiling: Vec<Ceiling>,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    journal: JournalArguments,
}

fn ceiling(text: &str) -> Result<Ceiling, String> {
    let parts = text.split_once('=').and_then(|(currency, most)| Some((currency, most.split_once('/')?)));
    let (currency, (item, hour)) = parts.ok_or("must be CURRENCY=ITEM/HOUR")?;
    Ok(Ceiling::new(currency, item, hour))
}

impl OpenOutbox {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let batches = self.journal.open().await?;
        let settings = self.rules.settings(self.ceiling);
        let digest = batches.open_outbox(&self.batch_id, &self.by, &settings).await?;
        output.show(&json!({"batch_id": self.batch_id, "digest": digest}), || {
            format!("next: komopay batch approve {} --by NAME --digest {digest}", self.batch_id)
        });
        Ok(Exit::AwaitsApproval)
    }
}
