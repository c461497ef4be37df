//! A gateway, a journal, and a batch that is being paid; and what must hold of them at any time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use komopay_batches::{BatchSettings, Batches, Clock, Columns, CsvRows, JournalLocation, Keys, NewBatch, Planned};
use komopay_core::Client;
use komopay_sandbox::{Builder, LedgerKind, Operation, Sandbox};
use komopay_test_postgres::{SUPERUSER, Server};
use komopay_tests::{batches, canary};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::reader::{Place, Schema};
use crate::worker::{End, LIMIT, Worker};

/// The only batch of a stage.
pub const BATCH: &str = "B-1";

/// Past every fence: life, leeway, settle window, and the patience with who has claimed and says nothing.
pub const FENCE: Duration = Duration::from_secs(200);

pub struct Stage {
    pub sandbox: Sandbox,
    pub folder: TempDir,
    pub keys: String,
    pub location: String,
    place: Arc<Mutex<Place>>,
    pub rows: usize,
    /// By how much the journal's clock is ahead, in microseconds.
    ahead: AtomicI64,
    /// What was executed though the journal said at that very moment that it was not sent, or not made.
    witnessed: Arc<Mutex<Vec<String>>>,
    /// What workers are started with, beside what all are.
    pub environment: Vec<(String, String)>,
    /// Whom to believe that it is the gateway, where that speaks TLS.
    pub authority: Option<PathBuf>,
}

/// How a server is reached without a password, which would take longer than the work.
pub fn url(server: &Server) -> String {
    let folder = server.folder().to_str().unwrap().replace('/', "%2F");
    format!("postgresql://{SUPERUSER}@{folder}:{}/postgres", server.port())
}

impl Stage {
    /// One whose journal is a file.
    pub async fn file(builder: Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.sqlite");
        Self::new(builder, folder, path.to_str().unwrap().to_owned(), Place::File(path.clone())).await
    }

    /// One whose journal is a schema of this server.
    pub async fn server(builder: Builder, server: &Server) -> Self {
        static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
        let schema = format!("s{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let location = format!("{}?options=-csearch_path%3D{schema}", url(server));
        Self::new(builder, tempfile::tempdir().unwrap(), location, Place::Server(Schema::new(url(server), schema)))
            .await
    }

    async fn new(builder: Builder, folder: TempDir, location: String, place: Place) -> Self {
        let witnessed: Arc<Mutex<Vec<String>>> = Arc::default();
        let place = Arc::new(Mutex::new(place));
        let (seen, journal) = (Arc::clone(&witnessed), Arc::clone(&place));
        let builder = builder.observer(move |exchange| {
            let id = exchange.uri.path().strip_prefix("/payouts/");
            let (Some(id), Some((201, _)), "POST") = (id, exchange.answer, exchange.method.as_str()) else { return };
            let journal = journal.lock().unwrap().clone();
            if let Some(item) = journal.denial_now(id) {
                seen.lock().unwrap().push(format!("{id} is executed, and the journal says {item}"));
            }
        });
        let builder = builder.merchant(canary::MERCHANT, canary::SECRET).processing_time(Duration::ZERO);
        let sandbox = builder.balance("IDR", "1000000000000").start().await.unwrap();
        let keys = Keys::generate().unwrap();
        let stage = Self {
            sandbox,
            folder,
            keys,
            location,
            place,
            rows: 0,
            ahead: AtomicI64::new(0),
            witnessed,
            environment: Vec::new(),
            authority: None,
        };
        stage.shift(0);
        stage
    }

    /// The journal, past the product.
    pub fn place(&self) -> Place {
        self.place.lock().unwrap().clone()
    }

    /// From now on, the journal is there.
    pub fn move_to(&mut self, location: String, place: Place) {
        self.location = location;
        *self.place.lock().unwrap() = place;
    }

    /// Where the journal is for another host: its server's address, and the file of the authority that knows it.
    pub fn location_at(&self, address: &str, authority: &str) -> String {
        let Place::Server(Schema { url, name: schema, .. }) = self.place() else { panic!("the journal is a file") };
        let (_, place) = url.rsplit_once(':').unwrap();
        let authority = authority.replace('/', "%2F");
        format!("postgresql://{SUPERUSER}@{address}:{place}?sslrootcert={authority}&options=-csearch_path%3D{schema}")
    }

    pub fn clock_file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Moves the journal's clock alone, by so many seconds.
    pub fn shift(&self, seconds: i64) {
        let ahead = self.ahead.fetch_add(seconds * 1_000_000, Ordering::SeqCst) + seconds * 1_000_000;
        let next = self.folder.path().join("clock-next");
        std::fs::write(&next, ahead.to_string()).unwrap();
        std::fs::rename(next, self.clock_file()).unwrap();
    }

    /// Lets time pass, once what is on the wire has come.
    pub async fn pass(&self, time: Duration) {
        timeout(Duration::from_secs(60), self.sandbox.idle()).await.expect("the gateway comes to rest");
        self.shift(i64::try_from(time.as_secs()).unwrap() + 1);
        self.sandbox.advance(time + Duration::from_secs(1));
    }

    /// The same, while workers go on: what is on the wire then comes when it comes.
    pub async fn let_pass(&self, time: Duration) {
        let _ = timeout(Duration::from_millis(300), self.sandbox.idle()).await;
        self.shift(i64::try_from(time.as_secs()).unwrap() + 1);
        self.sandbox.advance(time + Duration::from_secs(1));
    }

    /// Another process, as far as one can be had in this one.
    pub async fn batches(&self) -> Batches {
        let mut config = batches::config(self.sandbox.base_url());
        config.ca_file = self.authority.clone();
        let client = Client::new(config).unwrap();
        let (keys, clock) = (Keys::parse(&self.keys).unwrap(), Clock::of_file(self.clock_file()));
        let location: JournalLocation = self.location.parse().unwrap();
        Batches::open_by(client, &location, keys, clock).await.unwrap()
    }

    /// Plans, approves and starts a batch of so many rows.
    pub async fn started(mut self, rows: usize, concurrency: u32) -> Self {
        self.rows = rows;
        let batches = self.batches().await;
        let settings = BatchSettings { concurrency, max_refused_share: None, ..BatchSettings::default() };
        let planned = plan(&batches, settings, &file(rows)).await;
        let digest = planned.digest.unwrap_or_else(|| panic!("{:?}", planned.plan));
        batches.approve(BATCH, "approver", &digest, Some("all is as agreed")).await.unwrap();
        batches.start(BATCH, "operator", None).await.unwrap();
        self
    }

    /// A worker, which sends itself a signal as `KOMOPAY_STEP` says.
    pub fn worker(&self, step: Option<&str>) -> Worker {
        let mut command = Command::new(env!("CARGO_BIN_EXE_batch-worker"));
        command.args([&self.location, self.sandbox.base_url(), BATCH]);
        command.env("KOMOPAY_JOURNAL_KEY", &self.keys);
        command.env("KOMOPAY_JOURNAL_CLOCK", format!("@{}", self.clock_file().display()));
        if let Some(step) = step {
            command.env("KOMOPAY_STEP", step);
        }
        let variables = self.environment.iter().map(|(name, value)| (name, value));
        Worker::start(command.envs(variables).stderr(self.errors_file()))
    }

    /// What workers write their errors to.
    pub fn errors_file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.folder.path().join("errors")).unwrap()
    }

    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default()
    }

    /// Workers that nobody kills, until nothing is due any more.
    pub async fn to_the_end(&self) -> String {
        for _ in 0..100 {
            match self.worker(None).end().await {
                End::Done { due: Some(due), .. } => self.pass(due).await,
                End::Done { state, due: None } => return state,
                end => panic!("{end:?}: {}", self.errors()),
            }
        }
        let mut open = self.place().items(None).await;
        open.retain(|item| item.state != "succeeded");
        panic!("it does not end: {open:?}, {}", self.errors());
    }

    /// Waits until the gateway has had so many creates.
    pub async fn wait_for_creates(&self, creates: u64) {
        let sent = async {
            while self.sandbox.calls(Operation::CreatePayout) < creates {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(LIMIT, sent).await.unwrap_or_else(|_| panic!("{creates} are not sent: {}", self.errors()));
    }

    /// Whether a payout of each row was made, as far as the journal knows.
    pub async fn is_all_paid(&self) -> bool {
        let items = self.place().items(None).await;
        let open = |state: &str| state != "succeeded" && state != "rejected";
        let paid: BTreeSet<i64> = items.iter().filter(|it| it.state == "succeeded").map(|it| it.line).collect();
        paid.len() == self.rows && !items.iter().any(|item| open(&item.state))
    }

    /// How often each id was executed.
    pub fn executed(&self) -> BTreeMap<String, usize> {
        let mut executed = BTreeMap::new();
        for entry in self.sandbox.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Executed) {
            *executed.entry(entry.payout_id).or_default() += 1;
        }
        executed
    }

    /// What was executed, though the journal said at that very moment that it was not sent, or not made.
    pub fn witnessed(&self) -> Vec<String> {
        std::mem::take(&mut *self.witnessed.lock().unwrap())
    }

    /// What must not be, at any time.
    pub async fn violations(&self) -> Vec<String> {
        let mut found = self.witnessed();
        found.extend(self.contradictions().await);
        found
    }

    /// The same, by ledger and journal alone.
    pub async fn contradictions(&self) -> Vec<String> {
        // The ledger first: what it has is older than what the journal says.
        let executed = self.executed();
        let mut found: Vec<String> = Vec::new();
        found
            .extend(executed.iter().filter(|(_, times)| **times > 1).map(|(id, times)| format!("{id}: {times} times")));
        let (mut lines, items) = (BTreeMap::<i64, usize>::new(), self.place().items(None).await);
        for item in &items {
            let times = executed.get(&item.payout_id).copied().unwrap_or_default();
            *lines.entry(item.line).or_default() += times;
            if times > 0 && item.is_said_not_made() {
                found.push(format!("was executed, and is said not to be: {item:?}"));
            }
        }
        found.extend(lines.iter().filter(|(_, times)| **times > 1).map(|(line, times)| format!("row {line}: {times}")));
        let known: Vec<&str> = items.iter().map(|item| item.payout_id.as_str()).collect();
        found.extend(executed.keys().filter(|id| !known.contains(&id.as_str())).map(|id| format!("{id}: not of it")));
        found
    }

    /// Ledger = input, and the journal says so.
    pub async fn assert_all_paid(&self, case: &str) {
        assert_eq!(self.violations().await, Vec::<String>::new(), "{case}");
        let items = self.place().items(None).await;
        let mut lines: Vec<i64> = items.iter().filter(|item| item.state == "succeeded").map(|item| item.line).collect();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), self.rows, "{case}: {items:?}");
        let executed = self.executed();
        assert_eq!(executed.len(), self.rows, "{case}");
        let sum: u64 = (0..self.rows).map(amount).sum();
        let ledger = self.sandbox.ledger().into_iter().filter(|entry| entry.kind == LedgerKind::Executed);
        let paid: u64 = ledger.map(|entry| entry.amount.to_string().parse::<u64>().unwrap()).sum();
        assert_eq!(paid, sum, "{case}");
    }
}

fn amount(row: usize) -> u64 {
    10_000 + row as u64
}

/// With an id so long that a token covers few of them: a batch has many chunks.
pub fn row(number: usize) -> String {
    format!("E-{number},P-{number:0>120},{},IDR,BNK_000,Test account,{}", amount(number), 11_223_344 + number)
}

pub const HEAD: &str = "id,payout_id,amount,currency,operator_code,account_name,account_number";

pub fn file(rows: usize) -> String {
    let rows: Vec<String> = (0..rows).map(row).collect();
    format!("{HEAD}\n{}", rows.join("\n"))
}

pub async fn plan(batches: &Batches, settings: BatchSettings, file: &str) -> Planned {
    let rows = CsvRows::new(std::io::Cursor::new(file.as_bytes().to_vec()), BATCH, Columns::default(), ',').unwrap();
    batches.plan(NewBatch { settings, ..NewBatch::new(BATCH, "maker") }, rows).await.unwrap()
}

/// How many cases there are: the first number in CI, the second by `cargo xtask prove --long`.
pub fn cases(short: usize, long: usize) -> usize {
    static FORM: OnceLock<bool> = OnceLock::new();
    let is_long = *FORM.get_or_init(|| std::env::var("KOMOPAY_PROOF").is_ok_and(|form| form == "long"));
    if is_long { long } else { short }
}

/// Tells how far a long proof is, at every hundredth.
pub fn progress(done: usize, of: usize, what: &str) {
    if done.is_multiple_of(100) && done < of {
        println!("{done} of {of} {what}");
    }
}
