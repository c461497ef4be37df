//! What runs workers on hosts: the program `komopay` by itself, Celery, or Temporal.
//!
//! `KOMOPAY_ENGINE` names one of the latter, and `KOMOPAY_ENGINE_PYTHON` is a Python that has it and the package. What
//! it runs is `bindings-python/tests/hosts_*.py`: a server, and workers that find in the environment what `komopay
//! batch work` does, besides what is said below.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use super::host::{Host, Service, Site};
use crate::stage::{BATCH, Stage};
use crate::worker::Worker;

/// How a worker is told where all is.
fn environment(site: &Site, stage: &Stage) -> Vec<(&'static str, String)> {
    let authority = site.certificates.authority().display().to_string();
    let mut variables = vec![
        ("KOMOPAY_JOURNAL", stage.location_at(&site.address(Service::Journal), &authority)),
        ("KOMOPAY_JOURNAL_KEY", stage.keys.clone()),
        ("KOMOPAY_JOURNAL_CLOCK", format!("@{}", stage.clock_file().display())),
        ("KOMOPAY_BASE_URL", stage.sandbox.base_url().to_owned()),
        ("KOMOPAY_MERCHANT_CODE", stage.sandbox.merchant_code().to_owned()),
        ("KOMOPAY_SECRET", stage.sandbox.secret().to_owned()),
        ("KOMOPAY_CA_FILE", authority),
        ("KOMOPAY_BATCH", BATCH.to_owned()),
    ];
    variables.extend(stage.environment.iter().filter(|(name, _)| name == BROKEN).map(|it| (BROKEN, it.1.clone())));
    variables
}

/// What runs the workers of all cases.
pub enum Engine {
    /// They do so themselves.
    None,
    Other(Box<Other>),
}

/// An engine for jobs, of this name.
pub struct Other {
    name: String,
    /// Where it is reached, with `HOST` for its address.
    url: String,
    server: Mutex<Server>,
    /// Ended when its input is.
    _process: Child,
}

struct Server {
    told: ChildStdin,
    tells: Lines<BufReader<ChildStdout>>,
}

impl Engine {
    pub async fn start() -> Self {
        let name = std::env::var("KOMOPAY_ENGINE").unwrap_or_default();
        if name.is_empty() {
            return Self::None;
        }
        let mut command = program(&name, "serve", |python| Command::new(python));
        command.env("KOMOPAY_BATCH", BATCH).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let told = process.stdin.take().unwrap();
        let mut tells = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = tells.next_line().await.unwrap().unwrap_or_else(|| panic!("{name} does not start"));
        Self::Other(Box::new(Other { name, url, server: Mutex::new(Server { told, tells }), _process: process }))
    }

    /// How it is called after the hosts of a proof.
    pub fn said(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Other(other) => format!(", under {}", other.name),
        }
    }

    /// A worker on each host, with work.
    pub async fn work(&self, site: &Site, stage: &Stage) -> Work<'_> {
        static CASES: AtomicUsize = AtomicUsize::new(0);
        let case = format!("case-{}", CASES.fetch_add(1, Ordering::Relaxed));
        let mut variables = environment(site, stage);
        if let Self::Other(other) = self {
            let url = other.url.replace("HOST", &site.address(Service::Engine));
            variables.extend([("KOMOPAY_ENGINE_URL", url), ("KOMOPAY_ENGINE_CASE", case.clone())]);
        }
        let start = |host| {
            let mut command = self.command(host, site);
            Worker::start(command.envs(variables.iter().cloned()).stderr(stage.errors_file()))
        };
        let mut work = Work { engine: self, case, workers: site.hosts.iter().map(start).collect() };
        if let Self::Other(_) = self {
            for worker in &mut work.workers {
                assert!(worker.is_ready().await, "a worker does not start: {}", stage.errors());
            }
            work.tell("begin").await;
        }
        work
    }

    fn command(&self, host: &Host, site: &Site) -> Command {
        let on_host = |program: &str| Command::from(host.command(program));
        match self {
            Self::None => {
                let mut command = on_host(env!("CARGO_BIN_EXE_batch-command"));
                command.args(["batch", "work", "--forever", "--total-timeout", "40", "--ca-file"]);
                command.arg(site.certificates.authority());
                command
            }
            Self::Other(other) => program(&other.name, "work", on_host),
        }
    }
}

/// The workers of one case.
pub struct Work<'a> {
    engine: &'a Engine,
    case: String,
    pub workers: Vec<Worker>,
}

impl Work<'_> {
    /// Time has passed for the journal: what an engine has waiting for that is no use any more.
    pub async fn look(&self) {
        self.tell("look").await;
    }

    /// There is nothing to do any more.
    pub async fn end(self) -> Vec<Worker> {
        self.tell("end").await;
        self.workers
    }

    async fn tell(&self, what: &str) {
        let Engine::Other(other) = self.engine else { return };
        let mut server = other.server.lock().await;
        server.told.write_all(format!("{what} {}\n", self.case).as_bytes()).await.unwrap();
        let answer = server.tells.next_line().await.unwrap();
        assert_eq!(answer.as_deref(), Some("done"), "{} has ended", other.name);
    }
}

const BROKEN: &str = "KOMOPAY_BROKEN";

fn program(engine: &str, what: &str, with: impl FnOnce(&str) -> Command) -> Command {
    let python = std::env::var("KOMOPAY_ENGINE_PYTHON").expect("KOMOPAY_ENGINE_PYTHON: cargo xtask prove engines");
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../bindings-python/tests"));
    let mut command = with(&python);
    command.arg(folder.join(format!("hosts_{}.py", engine.to_lowercase()))).arg(what);
    command
}
