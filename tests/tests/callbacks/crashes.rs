//! The receiving application is killed at every step between the receipt of a callback and the end of its handling, and
//! started again: no change is lost, and none that was acknowledged comes again.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use komopay_core::{ChangeStore, SqliteChangeStore};
use komopay_tests::{config, id};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::platform::Platform;
use crate::{body, receiving, url};

const T1: Option<&str> = Some("2025-01-01T00:01:00Z");
const T2: Option<&str> = Some("2025-01-01T00:02:00Z");

/// A platform, and what the applications that it calls keep.
struct Stage {
    platform: Platform,
    folder: TempDir,
}

/// How long a test waits for what should be there at once.
const LIMIT: Duration = Duration::from_secs(60);

/// The application, running.
struct Receiver {
    process: Child,
    printed: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Receiver {
    /// Waits until it prints this line, and says whether it did before it ended.
    async fn prints(&mut self, line: &str) -> bool {
        let printing = async {
            while let Some(printed) = self.printed.next_line().await.unwrap() {
                if printed == line {
                    return true;
                }
            }
            false
        };
        timeout(LIMIT, printing).await.unwrap_or_else(|_| panic!("it neither prints {line:?} nor ends"))
    }
}

impl Stage {
    async fn new() -> Self {
        Self { platform: Platform::start().await, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> SqliteChangeStore {
        SqliteChangeStore::open(self.path("changes.sqlite")).unwrap()
    }

    fn url(&self, payout_id: &str) -> String {
        url(&receiving(config(&self.platform.base_url()), None), payout_id)
    }

    /// The lines that begin so.
    fn journal(&self, begin: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.path("journal.txt")).unwrap_or_default();
        text.lines().filter_map(|line| line.strip_prefix(begin)).map(|line| line.trim().to_owned()).collect()
    }

    /// Starts the application. When it listens, it has handled what was pending.
    async fn start(&self, die_at: Option<&str>) -> Receiver {
        let mut command = Command::new(env!("CARGO_BIN_EXE_callback-receiver"));
        if let Some(step) = die_at {
            command.env("KOMOPAY_DIE_AT", step);
        }
        let mut process = command
            .args([Path::new(&self.platform.base_url()), &self.path("changes.sqlite"), &self.path("journal.txt")])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = printed.next_line().await.unwrap().expect("it starts");
                if let Some(address) = line.strip_prefix("callback-receiver listens on ") {
                    return address.to_owned();
                }
            }
        };
        let address = timeout(LIMIT, listening).await.expect("it listens");
        Receiver { process, printed, address }
    }

    /// What the platform does: it repeats the callback 4 times, unless it is answered with 200. Who died is started
    /// again.
    async fn deliver(&self, receiver: &mut Receiver, payout_id: &str, step: &str) {
        let url = self.url(payout_id);
        for _ in 0..5 {
            let answer = timeout(LIMIT, post(&receiver.address, payout_id, &url)).await;
            match answer.unwrap_or_else(|_| panic!("{step}: no answer, and the connection stays")) {
                Some(200) => return,
                Some(_) => {}
                None => {
                    let ended = timeout(LIMIT, receiver.process.wait()).await;
                    ended.unwrap_or_else(|_| panic!("{step}: it gives no answer, and does not end")).unwrap();
                    *receiver = self.start(None).await;
                }
            }
        }
        panic!("the callback for {payout_id} was never answered with 200");
    }
}

/// Posts a callback. Gives the status of the answer, if there is one.
async fn post(address: &str, payout_id: &str, url: &str) -> Option<u16> {
    let body = String::from_utf8(body(payout_id)).unwrap();
    let (path, length) = (url.strip_prefix("https://shop.example").unwrap(), body.len());
    let head = format!("POST {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: {length}");
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_every_step_it_loses_no_change_and_handles_none_again_that_it_acknowledged() {
    let steps = [
        "receipt",
        "before latest",
        "after latest",
        "the GET",
        "before record",
        "after record",
        "before answer",
        "before take",
        "after take",
        "before acknowledge",
        "after acknowledge",
        "before prune",
        "after prune",
    ];
    for step in steps {
        let stage = Stage::new().await;
        for (sequence, status, time) in [(1, "PROCESSING", None), (2, "SUCCESS", T1), (3, "FAILED", T2)] {
            stage.platform.set("A", status, time);
            let mut receiver = stage.start(Some(step)).await;
            if step == "the GET" {
                stage.platform.hold();
                let (url, came) = (stage.url("A"), stage.platform.reads() + 1);
                let (address, process) = (receiver.address.clone(), &mut receiver.process);
                let (answer, ()) = tokio::join!(post(&address, "A", &url), async {
                    stage.platform.came(came).await;
                    process.start_kill().unwrap();
                });
                assert_eq!(answer, None);
                stage.platform.let_go(1000);
            }
            stage.deliver(&mut receiver, "A", step).await;
            // What was answered with 200 is in the store.
            let latest = stage.store().latest(&id("A")).unwrap().unwrap();
            assert_eq!(latest.sequence, sequence, "{step}");

            // It is handled to the end, or its application has died.
            if !stage.journal("acknowledged").contains(&format!("A {sequence}")) {
                receiver.prints(&format!("acknowledged A {sequence}")).await;
            }
            receiver.process.kill().await.unwrap();
            // The next one handles what is left before it listens.
            stage.start(None).await.process.kill().await.unwrap();
            assert!(stage.store().take(100, Timestamp::MAX, Timestamp::MAX).unwrap().is_empty(), "{step}");
        }
        let mut handled = stage.journal("handled");
        let times = handled.len();
        handled.dedup();
        assert_eq!(handled, ["A 1 PROCESSING", "A 2 SUCCESS", "A 3 FAILED"], "{step}");
        // Handled, and killed before that was noted: of that a store cannot know.
        assert_eq!(times, if step == "before acknowledge" { 6 } else { 3 }, "{step}");
    }
    println!("killed at {} steps, for 3 changes each: none lost, none again that was acknowledged", steps.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_that_see_the_same_changes_record_and_handle_each_once() {
    let stage = Stage::new().await;
    let mut receivers = [stage.start(None).await, stage.start(None).await];
    let payouts: Vec<String> = (0..20).map(|number| format!("P-{number}")).collect();
    for (status, time) in [("PROCESSING", None), ("SUCCESS", T1), ("FAILED", T2)] {
        for payout_id in &payouts {
            stage.platform.set(payout_id, status, time);
        }
        let posts = payouts.iter().flat_map(|payout_id| {
            let url = stage.url(payout_id);
            receivers.iter().map(move |receiver| {
                let (address, payout_id, url) = (receiver.address.clone(), payout_id.clone(), url.clone());
                tokio::spawn(async move { post(&address, &payout_id, &url).await })
            })
        });
        for post in posts.collect::<Vec<_>>() {
            assert_eq!(post.await.unwrap(), Some(200));
        }
    }
    let [one, other] = &mut receivers;
    let all = async {
        for _ in 0..60 {
            let printed = tokio::select! {
                printed = one.printed.next_line() => printed,
                printed = other.printed.next_line() => printed,
            };
            assert!(printed.unwrap().expect("it runs").starts_with("acknowledged "));
        }
    };
    timeout(LIMIT, all).await.expect("60 changes are acknowledged");
    drop(receivers);
    for payout_id in &payouts {
        let mut handled = stage.journal(&format!("handled {payout_id} "));
        handled.sort_unstable();
        assert_eq!(handled, ["1 PROCESSING", "2 SUCCESS", "3 FAILED"], "{payout_id}");
    }
    assert!(stage.store().take(100, Timestamp::MAX, Timestamp::MAX).unwrap().is_empty());
}
