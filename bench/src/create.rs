//! The core as a contestant: typed creates with a ready token.

use std::error::Error;

use futures_util::StreamExt;
use komopay_core::{BankAccount, BankTransfer, Client, Config, Credentials, Money, PayoutId, PayoutRequest};

use crate::load::Load;
use crate::stretch::Stretch;

pub(crate) fn run(load: &Load) -> Result<(), Box<dyn Error>> {
    load.runtime()?.block_on(async {
        let mut config = Config::new(&load.url, Credentials::token("ready-token"));
        config.ca_file.clone_from(&load.ca_file);
        let client = Client::new(config)?;
        create(&client, "warm", load.warm_up(), load.in_flight).await?;
        let stretch = Stretch::begin();
        create(&client, "call", load.calls, load.in_flight).await?;
        println!("{}", stretch.end(load.calls));
        Ok(())
    })
}

async fn create(client: &Client, name: &str, calls: usize, in_flight: usize) -> Result<(), Box<dyn Error>> {
    let mut running = futures_util::stream::iter(0..calls)
        .map(|n| async move {
            let id = PayoutId::new(format!("{name}-{n}"))?;
            client.create_payout(&id, &request()?, false).await
        })
        .buffer_unordered(in_flight);
    while let Some(accepted) = running.next().await {
        accepted?;
    }
    Ok(())
}

/// The documented payout.
pub(crate) fn request() -> komopay_core::Result<PayoutRequest> {
    let mut bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
    bank.email_address = Some("customer@test.com".to_owned());
    Ok(PayoutRequest::new(Money::new("10000", "IDR")?, bank))
}
