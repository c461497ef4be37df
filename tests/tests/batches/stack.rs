//! A gateway, a journal and a client, and a batch to pay.

use std::collections::BTreeMap;
use std::time::Duration;

use komopay_batches::{
    BatchStatus, Batches, Budget, Clock, Columns, CsvRows, ItemState, JournalLocation, Keys, NewBatch, Planned, Stop,
};
use komopay_core::{Client, Config};
use komopay_sandbox::{LedgerKind, Sandbox};
use tempfile::TempDir;

/// All that a batch needs.
pub struct Stack {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub clock: Clock,
    pub keys: String,
}

impl Stack {
    pub async fn start(builder: komopay_sandbox::Builder) -> Self {
        Self::of(komopay_tests::start(builder.balance("IDR", "1000000000000")).await)
    }

    pub fn of(sandbox: Sandbox) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { sandbox, folder, clock: Clock::default(), keys: Keys::generate().unwrap() }
    }

    pub fn config(&self) -> Config {
        komopay_tests::config(self.sandbox.base_url())
    }

    pub fn journal(&self) -> JournalLocation {
        self.folder.path().join("journal.sqlite").to_str().unwrap().parse().unwrap()
    }

    /// Another process, as far as one can be had in this one.
    pub async fn batches(&self) -> Batches {
        let client = Client::new(self.config()).unwrap();
        let keys = Keys::parse(&self.keys).unwrap();
        Batches::open_by(client, &self.journal(), keys, self.clock.clone()).await.unwrap()
    }

    /// How often each id was executed.
    pub fn ledger(&self) -> BTreeMap<String, usize> {
        let mut ledger = BTreeMap::new();
        let executed = self.sandbox.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Executed);
        for entry in executed {
            *ledger.entry(entry.payout_id).or_default() += 1;
        }
        ledger
    }
}

pub const HEAD: &str = "id,payout_id,amount,currency,operator_code,account_name,account_number";

/// A file of so many rows.
pub fn file(rows: usize) -> String {
    let rows = (0..rows).map(|row| {
        let (amount, account) = (10_000 + row, 11_223_344 + row);
        format!("E-{row},P-{row},{amount},IDR,BNK_000,Test account,{account}")
    });
    [HEAD.to_owned()].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

pub fn rows(batch: &str, file: &str) -> CsvRows<std::io::Cursor<Vec<u8>>> {
    CsvRows::new(std::io::Cursor::new(file.as_bytes().to_vec()), batch, Columns::default(), ',').unwrap()
}

pub async fn plan(batches: &Batches, batch: &str, file: &str) -> Planned {
    batches.plan(NewBatch::new(batch, "maker"), rows(batch, file)).await.unwrap()
}

/// Plans, approves and starts.
pub async fn started(batches: &Batches, batch: &str, file: &str) {
    let planned = plan(batches, batch, file).await;
    let digest = planned.digest.unwrap_or_else(|| panic!("{:?}", planned.plan));
    batches.approve(batch, "approver", &digest, Some("all is as agreed")).await.unwrap();
    batches.start(batch, "operator", None).await.unwrap();
}

pub const BUDGET: Budget = Budget { time: Duration::from_secs(60) };

/// Drives and follows until nothing is due for long, the clocks being put forward.
pub async fn to_the_end(stack: &Stack, batches: &Batches, batch: &str) -> BatchStatus {
    let stop = Stop::default();
    for _ in 0..200 {
        batches.drive(batch, BUDGET, &stop).await.unwrap();
        let status = batches.follow(batch, BUDGET, &stop).await.unwrap();
        match status.due_in {
            Some(due) => {
                stack.clock.advance(i64::try_from(due.as_micros()).unwrap() + 1);
                stack.sandbox.advance(due);
            }
            None => return status,
        }
    }
    panic!("it does not end: {:?}", batches.status(batch).await.unwrap());
}

/// How many items are in which state.
pub fn counts(status: &BatchStatus) -> BTreeMap<ItemState, u64> {
    let mut counts = BTreeMap::new();
    for count in &status.counts {
        *counts.entry(count.state).or_default() += count.count;
    }
    counts
}
