//! The core as a contestant: typed creates with a ready token.

use std::error::Error;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use komopay_core::{BankAccount, BankTransfer, Client, Config, Credentials, Money, PayoutId, PayoutRequest};

pub(crate) fn run(url: &str, calls: usize, in_flight: usize) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (took, calls) = runtime.block_on(async {
        let client = Client::new(Config::new(url, Credentials::token("ready-token")))?;
        let warm_up = in_flight.max(calls / 10);
        create(&client, "warm", warm_up, in_flight).await?;
        let started = Instant::now();
        create(&client, "call", calls, in_flight).await?;
        Ok::<_, Box<dyn Error>>((started.elapsed(), calls))
    })?;
    println!("{}", report(took, calls));
    Ok(())
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

fn report(took: Duration, calls: usize) -> String {
    serde_json::json!({"calls": calls, "seconds": took.as_secs_f64(), "memory_kib": peak_memory_kib()}).to_string()
}

/// The most memory this process ever held, where the system says so.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
