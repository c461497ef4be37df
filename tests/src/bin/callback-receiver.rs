//! An application that receives callbacks, and dies where it is told to: `callback-receiver <platform> <store>
//! <journal>`.
//!
//! It handles what is pending, prints where it listens, answers as the SDK says, and handles every change by a line in
//! the journal, with another line, which it prints, too, when it has acknowledged it. With `KOMOPAY_DIE_AT` it aborts
//! at that step of a callback, as a process does that is killed: nothing of it runs any more.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use jiff::Timestamp;
use komopay_core::{CallbackKey, ChangeRecord, ChangeStore, Client, PayoutId, SqliteChangeStore, StoreError};
use komopay_tests::{canary, config};
use tokio::net::TcpListener;

/// Whether it listens, and may die.
static LISTENS: AtomicBool = AtomicBool::new(false);

/// The steps between the receipt of a callback and its answer, and those until its change is handled.
fn reach(step: &str) {
    if LISTENS.load(Ordering::SeqCst) && std::env::var("KOMOPAY_DIE_AT").is_ok_and(|at| at == step) {
        std::process::abort();
    }
}

/// A store whose process may die before and after each of its functions.
struct Mortal(SqliteChangeStore);

impl ChangeStore for Mortal {
    fn claim(&self, owner: &str) -> Result<String, StoreError> {
        self.0.claim(owner)
    }

    fn latest(&self, payout_id: &PayoutId) -> Result<Option<ChangeRecord>, StoreError> {
        reach("before latest");
        let latest = self.0.latest(payout_id);
        reach("after latest");
        latest
    }

    fn record(&self, change: &ChangeRecord) -> Result<bool, StoreError> {
        reach("before record");
        let recorded = self.0.record(change);
        reach("after record");
        recorded
    }

    fn take(&self, limit: usize, now: Timestamp, until: Timestamp) -> Result<Vec<ChangeRecord>, StoreError> {
        reach("before take");
        let taken = self.0.take(limit, now, until)?;
        if !taken.is_empty() {
            reach("after take");
        }
        Ok(taken)
    }

    fn acknowledge(&self, payout_id: &PayoutId, sequence: u64) -> Result<(), StoreError> {
        reach("before acknowledge");
        let acknowledged = self.0.acknowledge(payout_id, sequence);
        reach("after acknowledge");
        acknowledged
    }

    fn prune(&self, until: Timestamp, limit: usize) -> Result<usize, StoreError> {
        reach("before prune");
        let pruned = self.0.prune(until, limit)?;
        if pruned > 0 {
            reach("after prune");
        }
        Ok(pruned)
    }
}

#[derive(Clone)]
struct App {
    client: Client,
    journal: PathBuf,
}

impl App {
    fn write(&self, line: &str) {
        let mut journal = OpenOptions::new().create(true).append(true).open(&self.journal).unwrap();
        journal.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().expect("callback-receiver <platform> <store> <journal>");
    let (platform, store, journal) = (argument(), argument(), PathBuf::from(argument()));
    let mut config = config(&platform);
    config.callback_keys = vec![CallbackKey::new(canary::CALLBACK_KEY)];
    config.change_store = Some(Arc::new(Mortal(SqliteChangeStore::open(store).unwrap())));
    config.keep_changes = Duration::ZERO;
    if std::env::var_os("KOMOPAY_DIE_AT").is_some() {
        // Whoever comes after it does not want to wait for what it took.
        config.change_lease = Duration::from_millis(1);
    }
    let app = App { client: Client::new(config).unwrap(), journal };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    handle_changes(&app).await;
    LISTENS.store(true, Ordering::SeqCst);
    println!("callback-receiver listens on {}", listener.local_addr().unwrap());
    axum::serve(listener, Router::new().fallback(receive).with_state(app)).await.unwrap();
}

async fn receive(State(app): State<App>, uri: Uri, body: Bytes) -> StatusCode {
    reach("receipt");
    let status = match app.client.handle_callback(&body, &uri.to_string()).await {
        Ok(_) => 200,
        Err(error) => error.callback_status(),
    };
    reach("before answer");
    tokio::spawn(async move { handle_changes(&app).await });
    StatusCode::from_u16(status).unwrap()
}

/// What an application does with its changes.
async fn handle_changes(app: &App) {
    loop {
        let changes = app.client.take_changes(10).await.unwrap();
        if changes.is_empty() {
            return;
        }
        for change in changes {
            let name = format!("{} {}", change.payout_id, change.sequence);
            app.write(&format!("handled {name} {}", change.payout.status));
            app.client.acknowledge_change(&change.payout_id, change.sequence).await.unwrap();
            app.write(&format!("acknowledged {name}"));
            println!("acknowledged {name}");
        }
    }
}
