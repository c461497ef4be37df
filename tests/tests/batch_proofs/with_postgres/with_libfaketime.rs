//! Clocks that are six hours off: the platform's, the database's, and those of workers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use komopay_sandbox::Sandbox;
use komopay_test_postgres::Server;
use nix::sys::signal::Signal;

use crate::stage::{FENCE, Stage, cases};
use crate::worker::{End, Worker};

/// Where Debian, Fedora and others put it.
fn libfaketime() -> PathBuf {
    let folders =
        ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"];
    let found =
        folders.map(|folder| Path::new(folder).join("faketime/libfaketime.so.1")).into_iter().find(|it| it.exists());
    found.expect("libfaketime is missing; install it: apt install libfaketime")
}

/// By how many hours clocks are off.
#[derive(Clone, Copy, Debug)]
struct Off {
    platform: u64,
    journal: i64,
    first: i64,
    second: i64,
}

impl Off {
    /// All that can be made of six hours, both ways. The platform's clock can only be put forward: it is behind where
    /// all others are ahead.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for platform in [0, 6] {
            for journal in [-6, 6, 0] {
                for (first, second) in [(6, -6), (-6, 6), (6, 6), (-6, -6), (0, 0)] {
                    all.push(Self { platform, journal, first, second });
                }
            }
        }
        all
    }

    /// A worker whose wall clock is off.
    fn worker(stage: &mut Stage, hours: i64, step: Option<&str>) -> Worker {
        stage.environment = [
            ("LD_PRELOAD", libfaketime().to_str().unwrap()),
            ("FAKETIME", &format!("{hours:+}h")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        stage.worker(step)
    }

    /// One worker is killed, another one is stopped; the rest is paid by a third one.
    async fn play(self, stage: Stage, may_share: bool) {
        stage.shift(self.journal * 3600);
        stage.sandbox.advance(Duration::from_secs(self.platform * 3600));
        let mut stage = stage.started(20, 2).await;
        let killed = Self::worker(&mut stage, self.first, Some("SIGKILL:BeforeSend:4")).end().await;
        assert_eq!(killed, End::Killed, "{self:?}: {}", stage.errors());
        stage.pass(Duration::from_secs(70)).await;
        if may_share {
            // It sends what the first one left in its second chunk, or looks for what was in its first.
            let stopped = Self::worker(&mut stage, self.first, Some("SIGSTOP:Any:3"));
            assert!(stopped.stopped().await, "{self:?}: {}", stage.errors());
            stage.pass(FENCE).await;
            self.to_the_end(&mut stage).await;
            stopped.signal(Signal::SIGCONT);
            assert_ne!(stopped.end().await, End::Failed, "{self:?}: {}", stage.errors());
            stage.sandbox.idle().await;
        }
        self.to_the_end(&mut stage).await;
        stage.assert_all_paid(&format!("{self:?}")).await;
    }

    async fn to_the_end(self, stage: &mut Stage) {
        for _ in 0..20 {
            match Self::worker(stage, self.second, None).end().await {
                End::Done { due: Some(due), .. } => stage.pass(due).await,
                End::Done { due: None, .. } => return,
                end => panic!("{self:?}: {end:?}: {}", stage.errors()),
            }
        }
        panic!("{self:?}: it does not end: {:?}", stage.place().items(None).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_clocks_six_hours_off_both_ways_all_are_paid_once() {
    let server = Server::start();
    let all = Off::all();
    let number = cases(10, all.len());
    for off in all.iter().step_by(all.len() / number) {
        off.play(Stage::server(Sandbox::builder(), &server).await, true).await;
        // The clock of a file is that of the machine, of which each worker has another here.
        off.play(Stage::file(Sandbox::builder()).await, false).await;
    }
    println!("proven: {} clocks of platform, database and workers six hours off", 2 * number);
}
