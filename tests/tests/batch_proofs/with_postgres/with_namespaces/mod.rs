//! Three hosts pay one batch, and one of them is cut off from the journal, from the gateway or from both, or stands
//! still beyond its fence: ledger = input, and nothing that was executed is said not to be made.
//!
//! The rest goes on meanwhile, and time passes for the journal and for the platform, not for the host that is cut off:
//! what it still has on its way arrives when others have settled it, or a person has paid in another way.

mod engine;
mod host;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use komopay_batches::Batches;
use komopay_sandbox::{Effect, Fault, On, Operation, Sandbox, When};
use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::stage::{BATCH, FENCE, Stage, cases};
use crate::worker::{LIMIT, Worker};
use engine::{Engine, Work};
use host::{Host, Service, Site, Way};

const ROWS: usize = 120;

/// How many creates of one host are under way at a time.
const AT_A_TIME: u32 = 4;

/// What happens to one of the hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    NoJournal,
    NoGateway,
    Neither,
    Paused,
}

impl Trouble {
    const ALL: [Self; 4] = [Self::NoJournal, Self::NoGateway, Self::Neither, Self::Paused];

    const fn said(self) -> &'static str {
        match self {
            Self::NoJournal => "cut off from PostgreSQL",
            Self::NoGateway => "cut off from the gateway",
            Self::Neither => "cut off from both",
            Self::Paused => "paused beyond its fence",
        }
    }

    fn begin(self, way: Way, host: &Host, worker: &Worker) {
        match self {
            Self::NoJournal => host.cut(Service::Journal, way),
            Self::NoGateway => host.cut(Service::Gateway, way),
            Self::Neither => {
                host.cut(Service::Gateway, way);
                host.cut(Service::Journal, way);
            }
            Self::Paused => worker.signal(Signal::SIGSTOP),
        }
    }
}

/// One case.
#[derive(Clone, Debug)]
struct Case {
    trouble: Trouble,
    way: Way,
    host: usize,
    /// It begins so long after the host has begun to send.
    after: Duration,
    /// The platform refuses all that others send meanwhile, and a person has each paid in another way.
    refused: bool,
    /// How long, by the clocks of the journal and the platform.
    time: Duration,
    broken: Option<&'static str>,
}

impl Case {
    fn drawn(number: usize) -> Self {
        let trouble = Trouble::ALL[number % Trouble::ALL.len()];
        Self {
            trouble,
            way: [Way::Both, Way::Back, Way::There][fastrand::usize(..3)],
            host: fastrand::usize(..host::HOSTS),
            after: Duration::from_millis(fastrand::u64(..250)),
            refused: fastrand::u8(..3) > 0,
            time: if trouble == Trouble::Paused || fastrand::bool() { FENCE } else { Duration::from_secs(70) },
            broken: None,
        }
    }

    /// Plays it, and gives what must not be and was found. None, if the others had done all before that host began.
    async fn play(&self, site: &Site, engine: &Engine) -> Option<Vec<String>> {
        let gateway = site.address(Service::Gateway).parse().unwrap();
        let (certificate, key) = site.certificates.of_server();
        let builder = Sandbox::builder().host(gateway).tls(certificate, key);
        let mut stage = Stage::server(builder, &site.server).await;
        stage.authority = Some(site.certificates.authority());
        if let Some(rule) = self.broken {
            stage.environment.push(("KOMOPAY_BROKEN".to_owned(), rule.to_owned()));
        }
        let stage = stage.started(ROWS, AT_A_TIME).await;
        let batches = stage.batches().await;
        // Always some on their way.
        stage.sandbox.inject(Fault::new(creates(), Effect::Delay { ms: 40 }));
        let work = engine.work(site, &stage).await;
        let (host, worker) = (&site.hosts[self.host], &work.workers[self.host]);
        while host.connections(Service::Gateway) < AT_A_TIME as usize {
            if stage.executed().len() == ROWS {
                drop(work.end().await);
                return None;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(self.after).await;
        self.trouble.begin(self.way, host, worker);
        if self.refused {
            stage.sandbox.clear_faults();
            let refusal = Effect::Rejected { code: "INVALID_ACCOUNT_NUMBER".to_owned(), uses_id_up: false };
            stage.sandbox.inject(Fault::new(creates(), refusal));
        }
        rest(&stage, &batches).await;
        stage.let_pass(self.time).await;
        work.look().await;
        rest(&stage, &batches).await;
        let mut found = stage.contradictions().await;
        if self.refused {
            stage.sandbox.clear_faults();
            pay_in_another_way(&stage, &batches).await;
            found.extend(stage.contradictions().await);
        }
        host.heal();
        worker.signal(Signal::SIGCONT);
        if self.broken.is_some() {
            let start = Instant::now();
            while found.is_empty() && start.elapsed() < Duration::from_secs(10) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                found = stage.contradictions().await;
            }
            drop(work.end().await);
            return Some(found);
        }
        to_the_end(&stage, &batches, &work).await;
        found.extend(stage.contradictions().await);
        found.extend(stage.witnessed());
        let workers = work.end().await;
        for worker in &workers {
            worker.signal(Signal::SIGTERM);
        }
        for worker in workers {
            assert_eq!(worker.code().await, Some(0), "{self:?}: {}", stage.errors());
        }
        if found.is_empty() {
            stage.assert_all_paid(&format!("{self:?}")).await;
        }
        Some(found)
    }
}

fn creates() -> When {
    When { operation: Operation::CreatePayout, payout_id: None, on: On::Always }
}

/// How many items there are in each state, and in each state of their chunks.
async fn states(stage: &Stage) -> Vec<(String, String)> {
    let items = stage.place().items(None).await;
    let mut states: Vec<_> = items.into_iter().map(|item| (item.state, item.chunk)).collect();
    states.sort_unstable();
    states
}

/// Waits until the others have done what they can: nothing is due, and nothing changes any more.
async fn rest(stage: &Stage, batches: &Batches) {
    let (mut last, mut since, start) = (Vec::new(), Instant::now(), Instant::now());
    while since.elapsed() < Duration::from_millis(400) && start.elapsed() < Duration::from_secs(10) {
        let now = states(stage).await;
        let is_due = batches.status(BATCH).await.unwrap().due_in.is_some_and(|due| due.is_zero());
        if is_due || now != last {
            (last, since) = (now, Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
}

/// A person has everything paid again that the platform refused. What the one that is cut off keeps locked is left.
async fn pay_in_another_way(stage: &Stage, batches: &Batches) {
    for item in stage.place().items(None).await {
        let key = format!("E-{}", item.line - 2);
        if item.state == "rejected" {
            let retried = batches.retry(BATCH, &key, "operator", "the account is right");
            let _ = tokio::time::timeout(Duration::from_secs(2), retried).await;
        }
    }
}

/// Lets the workers work, and time pass where they have come to rest, until every row is paid.
async fn to_the_end(stage: &Stage, batches: &Batches, work: &Work<'_>) {
    let start = Instant::now();
    while !stage.is_all_paid().await {
        assert!(start.elapsed() < LIMIT, "it does not end: {:?}, {}", states(stage).await, stage.errors());
        rest(stage, batches).await;
        pay_in_another_way(stage, batches).await;
        stage.let_pass(Duration::from_secs(70)).await;
        work.look().await;
    }
}

/// Plays so many cases of each trouble, in lanes that have hosts of their own.
async fn play_all(engine: &Engine, number: usize, lanes: usize) {
    let (number, played) = (number * Trouble::ALL.len(), AtomicUsize::new(0));
    let lanes = (0..lanes).map(|lane| {
        let played = &played;
        async move {
            let site = tokio::task::spawn_blocking(Site::build).await.unwrap();
            for case in (lane..number).step_by(lanes) {
                let trouble = loop {
                    let case = Case::drawn(case);
                    if let Some(found) = case.play(&site, engine).await {
                        assert_eq!(found, Vec::<String>::new(), "{case:?}");
                        break case.trouble;
                    }
                };
                let played = played.fetch_add(1, Ordering::Relaxed) + 1;
                println!("{played} of {number}: one of three hosts {}{}", trouble.said(), engine.said());
            }
        }
    });
    futures_util::future::join_all(lanes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_hosts_one_is_cut_off_or_paused_and_every_row_is_paid_once() {
    let (number, engine) = (cases(1, 100), Engine::start().await);
    // They wait most of the time.
    play_all(&engine, number, cases(4, 6)).await;
    for trouble in Trouble::ALL {
        println!("proven: {number} times one of three hosts {}{}", trouble.said(), engine.said());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_tokens_have_no_end_is_found_to_pay_twice() {
    let (site, engine) = (tokio::task::spawn_blocking(Site::build).await.unwrap(), Engine::None);
    let (trouble, way, refused, time) = (Trouble::Paused, Way::Both, true, FENCE);
    let case = Case { trouble, way, host: 0, after: Duration::ZERO, refused, time, broken: Some("end") };
    // What it had left to send is a matter of chance.
    for _ in 0..10 {
        let found = case.play(&site, &engine).await.unwrap_or_default();
        if !found.is_empty() {
            println!("a host that is paused, and whose token has no end: {} found", found.len());
            return;
        }
    }
    panic!("a host that pays beyond its fence is not found");
}
