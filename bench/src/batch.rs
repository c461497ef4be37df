//! A batch beside the same creates without a journal, in one run.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use futures_util::{StreamExt, TryStreamExt};
use komopay_batches::{BatchSettings, BatchState, Batches, Budget, JournalLocation, Keys, NewBatch, Requests, Stop};
use komopay_core::{
    BankAccount, BankTransfer, ChunkToken, Client, Config, Credentials, Money, PayoutId, PayoutRequest,
};

use crate::serve::{acceptance, payout_id};
use crate::stretch::Stretch;

/// How much is paid.
#[derive(Args)]
pub(crate) struct Size {
    /// The server's URL.
    #[arg(long)]
    url: String,
    /// How many payouts.
    #[arg(long)]
    rows: usize,
    /// How many creates are under way at a time.
    #[arg(long, default_value_t = 64)]
    in_flight: u32,
    /// The journal: a file, or the URL of a PostgreSQL database. A file that is deleted again, if not told.
    #[arg(long)]
    journal: Option<String>,
    /// Read each payout to its final status, too.
    #[arg(long)]
    follow: bool,
    /// Make the same creates without a journal, too, before and after.
    #[arg(long)]
    compare: bool,
}

pub(crate) fn run(size: &Size) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let credentials = Credentials::merchant("bench", "bench-secret");
        let client = || Client::new(Config::new(&size.url, credentials.clone()));
        if size.compare {
            without(&client()?, size, "before").await?;
        }
        with(client()?, size).await?;
        if size.compare {
            without(&client()?, size, "after").await?;
        }
        Ok(())
    })
}

/// Chunks of 32 under their tokens, and nothing written down.
async fn without(client: &Client, size: &Size, name: &str) -> Result<(), Box<dyn Error>> {
    let stretch = Stretch::begin();
    let in_flight = size.in_flight as usize;
    let chunks = (0..size.rows).step_by(32).map(|first| async move {
        let ids: Vec<PayoutId> = (first..size.rows.min(first + 32))
            .map(|row| PayoutId::new(format!("{name}-{row}")))
            .collect::<Result<_, _>>()?;
        let token = client.chunk_token(&ids, Duration::from_secs(60)).await?;
        Ok::<_, komopay_core::Error>(ids.into_iter().map(move |id| (token.clone(), id)).collect::<Vec<_>>())
    });
    let items = futures_util::stream::iter(chunks)
        .buffered(in_flight / 32 + 2)
        .map_ok(|items| {
            futures_util::stream::iter(items.into_iter().map(Ok::<(ChunkToken, PayoutId), komopay_core::Error>))
        })
        .try_flatten();
    let request = request(0)?;
    items
        .try_for_each_concurrent(in_flight, |(token, id)| {
            let request = &request;
            async move { client.create_payout_under(&token, &id, request).await.map(drop) }
        })
        .await?;
    println!("without a journal, {name}: {}", stretch.end(size.rows));
    Ok(())
}

async fn with(client: Client, size: &Size) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let journal = size.journal.clone().map_or_else(|| folder.path().join("journal.sqlite"), PathBuf::from);
    let journal: JournalLocation = journal.to_str().ok_or("a path that is no text")?.parse()?;
    let batches = Batches::open(client, &journal, Keys::parse(&Keys::generate()?)?).await?;
    let settings = BatchSettings { concurrency: size.in_flight, paid_lately_days: 0, ..BatchSettings::default() };
    let id = format!("bench-{}", std::process::id());
    let new = NewBatch { settings, ..NewBatch::new(&id, "maker") };
    let stretch = Stretch::begin();
    let rows = size.rows;
    let items = (0..rows).map(|row| {
        let request = request(row);
        request.map_or_else(|error| panic_free(&error), |request| (format!("E-{row}"), None, request))
    });
    let planned = batches.plan(new, Requests::new(&id, items)?).await?;
    println!("planned: {}", stretch.end(rows));
    let digest = planned.digest.ok_or_else(|| format!("it cannot be approved: {:?}", planned.plan))?;
    let stretch = Stretch::begin();
    batches.approve(&id, "approver", &digest, Some("measured")).await?;
    batches.start(&id, "operator", None).await?;
    println!("approved: {}", stretch.end(rows));
    let stretch = Stretch::begin();
    let (budget, stop) = (Budget { time: Duration::from_secs(3600) }, Stop::default());
    let status = batches.drive(&id, budget, &stop).await?;
    println!("with a journal: {}", stretch.end(rows));
    if size.follow {
        let (stretch, begun) = (Stretch::begin(), Instant::now());
        let mut state = status.state;
        while state != BatchState::Closed && begun.elapsed() < Duration::from_secs(3600) {
            let status = batches.follow(&id, budget, &stop).await?;
            state = status.state;
            tokio::time::sleep(status.due_in.unwrap_or_default().min(Duration::from_secs(5))).await;
        }
        println!("followed: {}", stretch.end(rows));
    }
    println!("{:?}", batches.status(&id).await?);
    Ok(())
}

pub(crate) fn panic_free(error: &komopay_core::Error) -> ! {
    eprintln!("{error}");
    std::process::exit(1)
}

pub(crate) fn request(row: usize) -> komopay_core::Result<PayoutRequest> {
    let account = BankAccount::new("Test account", format!("{row:010}"));
    Ok(PayoutRequest::new(Money::new("10000", "IDR")?, BankTransfer::new("BNK_000", account)))
}

/// What the server answers to a request of a batch.
pub(crate) fn answer(request: &[u8]) -> String {
    let id = payout_id(request).unwrap_or_default();
    let path = id.split('?').next().unwrap_or_default();
    let body = match path {
        "auth-tokens" => {
            let now = jiff::Timestamp::now().as_second();
            let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
            let claims = part(&format!(r#"{{"iat":{now},"exp":{}}}"#, now + 60));
            format!(r#"{{"token":"{}.{claims}.{}"}}"#, part(r#"{"alg":"HS256"}"#), part("no signature"))
        }
        "payment-options" => r#"{"data":[{"paymentTypeCode":"PAYOUT","paymentMethodCode":"BANK_TRANSFER",
            "currencyCode":"IDR","isAvailable":true,
            "transactionAmountLimit":{"from":1},"paymentOperators":[
            {"code":"BNK_000","name":"Bank","isAvailable":true,"transactionAmountLimit":{"from":1}}]}]}"#
            .to_owned(),
        "balances" => r#"{"data":[{"currencyCode":"IDR","balance":1e15,"availableBalance":1e15,
            "pendingSettlementAmount":0,"pendingPayoutAmount":0}]}"#
            .to_owned(),
        _ if request.starts_with(b"GET") => format!(
            r#"{{"paymentRequested":{{"money":{{"amount":10000,"currencyCode":"IDR"}}}},
            "process":{{"status":"SUCCESS","createdAt":"{}","isTest":true}},
            "paymentMethodResponse":{{"paymentMethodCode":"BANK_TRANSFER","idPayout":"{path}"}}}}"#,
            jiff::Timestamp::now()
        ),
        _ => return acceptance(path),
    };
    format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}
