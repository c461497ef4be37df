//! Workers on several hosts that share a batch: how much sooner it is paid, and what the gateway sees of one rate.
//!
//! Each worker is a process of its own; PostgreSQL is a server of its own. The gateway is part of this process, and
//! notes when each create came.

use std::error::Error;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use komopay_batches::{BatchSettings, BatchState, Batches, Budget, JournalLocation, Keys, NewBatch, Requests, Stop};
use komopay_core::{Client, Config, Credentials};
use komopay_test_postgres::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::batch::{answer, panic_free, request};
use crate::serve::request_length;

/// What `hosts` measures.
#[derive(Args)]
pub(crate) struct Hosts {
    /// How many payouts one host pays, and then two.
    #[arg(long, default_value_t = 5_000)]
    rows: usize,
    /// How long the gateway takes to answer them.
    #[arg(long, default_value_t = 50)]
    delay_ms: u64,
    /// How many workers share a rate.
    #[arg(long, default_value_t = 10)]
    workers: usize,
    /// The rate, in creates a second.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// For how long it is looked at.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// One worker, in a process of its own. The journal's key is in `KOMOPAY_JOURNAL_KEY`, and the journal, whose URL has a
/// password, in `KOMOPAY_JOURNAL`.
#[derive(Args)]
pub(crate) struct OneWorker {
    #[arg(long)]
    url: String,
    #[arg(long)]
    batch: String,
}

/// A gateway that notes when creates come.
struct Gateway {
    url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    creates: Mutex<Vec<Instant>>,
    /// Creates are answered with 429.
    is_limited: AtomicBool,
    refused: Mutex<Vec<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gateway {
    async fn start(delay: Duration) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen: Arc<Seen> = Arc::default();
        let seeing = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, delay, Arc::clone(&seeing)));
            }
        });
        Ok(Self { url, seen })
    }

    /// How many creates came between these.
    fn creates(&self, from: Instant, to: Instant) -> usize {
        lock(&self.seen.creates).iter().filter(|at| (from..to).contains(*at)).count()
    }

    fn has_had(&self) -> usize {
        lock(&self.seen.creates).len()
    }
}

async fn serve(mut stream: TcpStream, delay: Duration, seen: Arc<Seen>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8192);
    loop {
        match request_length(&buffer) {
            Some(length) if buffer.len() >= length => {
                let is_create = buffer.starts_with(b"POST /payouts/") && !buffer.starts_with(b"POST /payouts/!");
                let mut said = answer(&buffer);
                buffer.drain(..length);
                if is_create {
                    let now = Instant::now();
                    lock(&seen.creates).push(now);
                    if seen.is_limited.load(Ordering::Acquire) {
                        lock(&seen.refused).push(now);
                        said = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\
                                Content-Length: 2\r\n\r\n{}"
                            .into();
                    }
                    tokio::time::sleep(delay).await;
                }
                stream.write_all(said.as_bytes()).await?;
            }
            _ => {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Ok(());
                }
            }
        }
    }
}

/// A batch that was started, and who works on it.
struct Work {
    batches: Batches,
    journal: String,
    keys: String,
    url: String,
    id: String,
}

impl Work {
    async fn start(server: &Server, url: &str, rows: usize, rate: Option<f64>) -> Result<Self, Box<dyn Error>> {
        // A journal is of one base URL.
        let schema = format!("s{}", url.rsplit(':').next().unwrap_or_default());
        let journal = format!("{}?options=-csearch_path%3D{schema}", server.url());
        let (keys, id) = (Keys::generate()?, "B-1".to_owned());
        let batches = opened(url, &journal, &keys).await?;
        let settings = BatchSettings { requests_per_second: rate, paid_lately_days: 0, ..BatchSettings::default() };
        let new = NewBatch { settings, ..NewBatch::new(&id, "maker") };
        let items = (0..rows).map(|row| {
            request(row).map_or_else(|error| panic_free(&error), |request| (format!("E-{row}"), None, request))
        });
        let planned = batches.plan(new, Requests::new(&id, items)?).await?;
        let digest = planned.digest.ok_or_else(|| format!("it cannot be approved: {:?}", planned.plan))?;
        batches.approve(&id, "approver", &digest, Some("measured")).await?;
        batches.start(&id, "operator", None).await?;
        Ok(Self { batches, journal, keys, url: url.to_owned(), id })
    }

    fn workers(&self, number: usize) -> Result<Workers, Box<dyn Error>> {
        let program = std::env::current_exe()?;
        let started = (0..number).map(|_| {
            let mut command = Command::new(&program);
            command.args(["worker", "--url", &self.url, "--batch", &self.id]);
            command.env("KOMOPAY_JOURNAL", &self.journal).env("KOMOPAY_JOURNAL_KEY", &self.keys).spawn()
        });
        Ok(Workers(started.collect::<Result<_, _>>()?))
    }

    async fn is_sent(&self) -> Result<bool, Box<dyn Error>> {
        Ok(self.batches.status(&self.id).await?.state != BatchState::Running)
    }
}

struct Workers(Vec<Child>);

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn opened(url: &str, journal: &str, keys: &str) -> Result<Batches, Box<dyn Error>> {
    let client = Client::new(Config::new(url, Credentials::merchant("bench", "bench-secret")))?;
    let journal: JournalLocation = journal.parse()?;
    Ok(Batches::open(client, &journal, Keys::parse(keys)?).await?)
}

pub(crate) fn worker(of: &OneWorker) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let variable = |name| std::env::var(name);
        let batches = opened(&of.url, &variable("KOMOPAY_JOURNAL")?, &variable("KOMOPAY_JOURNAL_KEY")?).await?;
        let (budget, stop) = (Budget { time: Duration::from_secs(3600) }, Stop::default());
        loop {
            let status = batches.drive(&of.batch, budget, &stop).await?;
            if status.state != BatchState::Running {
                return Ok(());
            }
            tokio::time::sleep(status.due_in.unwrap_or_default().max(Duration::from_millis(20))).await;
        }
    })
}

pub(crate) fn run(hosts: &Hosts) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let server = tokio::task::spawn_blocking(Server::start).await?;
        let one = sooner(&server, hosts, 1).await?;
        let two = sooner(&server, hosts, 2).await?;
        println!("two hosts: {:.2} times as fast as one (aim: at least 1.70)", one.as_secs_f64() / two.as_secs_f64());
        shared_rate(&server, hosts).await
    })
}

/// How long so many hosts need, from the first create to the last.
#[expect(clippy::cast_precision_loss, reason = "numbers below 2^52")]
async fn sooner(server: &Server, hosts: &Hosts, number: usize) -> Result<Duration, Box<dyn Error>> {
    let gateway = Gateway::start(Duration::from_millis(hosts.delay_ms)).await?;
    let work = Work::start(server, &gateway.url, hosts.rows, None).await?;
    let before = commits(server)?;
    let workers = work.workers(number)?;
    while !work.is_sent().await? {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    drop(workers);
    let creates = lock(&gateway.seen.creates);
    let took = match (creates.first(), creates.last()) {
        (Some(first), Some(last)) => *last - *first,
        _ => return Err("nothing was sent".into()),
    };
    let rate = creates.len() as f64 / took.as_secs_f64();
    println!("{number} hosts, {} ms: {} creates in {took:.2?}, {rate:.0}/s", hosts.delay_ms, creates.len());
    let (of_commits, bytes) = ((commits(server)? - before) as f64, size(server, &work)? as f64);
    let (chunks, rows) = (hosts.rows as f64 / 32.0, hosts.rows as f64);
    println!("the journal: {:.1} transactions for 32 items, {:.0} bytes for each", of_commits / chunks, bytes / rows);
    Ok(took)
}

/// What the gateway sees of one rate, before and after it has said 429.
async fn shared_rate(server: &Server, hosts: &Hosts) -> Result<(), Box<dyn Error>> {
    let gateway = Gateway::start(Duration::from_millis(hosts.delay_ms)).await?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a number of rows"
    )]
    let rows = (hosts.rate * (hosts.seconds + 25) as f64) as usize;
    let work = Work::start(server, &gateway.url, rows, Some(hosts.rate)).await?;
    let _workers = work.workers(hosts.workers)?;
    // All of them have begun.
    while gateway.has_had() < rows / 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let from = Instant::now();
    tokio::time::sleep(Duration::from_secs(hosts.seconds)).await;
    let of = |from: Instant, to: Instant| {
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52")]
        let creates = gateway.creates(from, to) as f64;
        100.0 * creates / (to - from).as_secs_f64() / hosts.rate
    };
    let share = of(from, Instant::now());
    println!("{} workers, {}/s: {share:.1} % of it in {} s (aim: 95 to 105)", hosts.workers, hosts.rate, hosts.seconds);

    let (before, limited) = (interval(server, &work), Instant::now());
    gateway.seen.is_limited.store(true, Ordering::Release);
    tokio::time::sleep(Duration::from_millis(150)).await;
    gateway.seen.is_limited.store(false, Ordering::Release);
    let refused = lock(&gateway.seen.refused).len();
    tokio::time::sleep(Duration::from_secs(5).saturating_sub(limited.elapsed())).await;
    let after = interval(server, &work);
    println!("after {refused} answers of 429 in 150 ms: {before} us between two creates, then {after}");
    let at = |seconds: u64| limited + Duration::from_secs(seconds);
    let seen: Vec<String> = (0..5).map(|second| format!("{:.0}", of(at(second), at(second + 1)))).collect();
    println!("in each second from then on: {} % (aim: 50, from the second one on)", seen.join(", "));
    Ok(())
}

/// How many transactions the server has had: it counts them within a second, or at the end of a connection.
fn commits(server: &Server) -> Result<i64, Box<dyn Error>> {
    Ok(server.sql("SELECT sum(xact_commit) FROM pg_stat_database").parse()?)
}

/// How many bytes the tables and indexes of a journal have.
fn size(server: &Server, work: &Work) -> Result<i64, Box<dyn Error>> {
    let of = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = ";
    Ok(server.sql(&format!("{of}'{}'::regnamespace", schema(work))).parse()?)
}

fn schema(work: &Work) -> &str {
    work.journal.rsplit("%3D").next().unwrap_or_default()
}

/// The time between two creates of all workers, as the journal has it.
fn interval(server: &Server, work: &Work) -> String {
    server.sql(&format!("SELECT interval_us FROM {}.rate", schema(work)))
}
