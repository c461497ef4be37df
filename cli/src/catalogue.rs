//! `balances` and `operators`.

use clap::Args;
use komopay_core::Result;
use serde_json::{Value, json};

use crate::client::ClientArguments;
use crate::data;
use crate::exit::Exit;
use crate::output::{Output, plain, table};

/// What the merchant has.
#[derive(Args)]
pub struct Balances {
    /// The currencies; all, if none is named.
    currencies: Vec<String>,
    #[command(flatten)]
    client: ClientArguments,
}

impl Balances {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let balances = self.client.client()?.balances(&self.currencies).await?;
        let document: Vec<Value> = balances.iter().map(data::balance).collect();
        output.show(&json!({"balances": document}), || {
            let heads = ["currency", "available", "balance", "pending payouts", "pending settlement"];
            let mut rows = vec![heads.map(str::to_owned).to_vec()];
            rows.extend(balances.iter().map(|balance| {
                let amounts =
                    [&balance.available, &balance.balance, &balance.pending_payout, &balance.pending_settlement];
                let amounts = amounts.map(|money| money.amount().to_string());
                [vec![balance.balance.currency().to_owned()], amounts.to_vec()].concat()
            }));
            table(&rows)
        });
        Ok(Exit::Done)
    }
}

/// The banks, wallets and blockchains that payouts go through.
#[derive(Args)]
pub struct Operators {
    #[command(flatten)]
    client: ClientArguments,
}

impl Operators {
    pub async fn run(self, output: Output) -> Result<Exit> {
        let operators = self.client.client()?.payment_operators().await?;
        let document: Vec<Value> = operators.iter().map(data::operator).collect();
        output.show(&json!({"operators": document}), || {
            let name = |name: &Option<String>| plain(name.as_deref().unwrap_or_default());
            let rows = operators.iter().map(|operator| vec![plain(&operator.code), name(&operator.name)]);
            table(&rows.collect::<Vec<_>>())
        });
        Ok(Exit::Done)
    }
}
