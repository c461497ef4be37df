//! A journal in a file, when the power fails: what was synced is there, what was only written is not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use komopay_sandbox::Sandbox;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::kills::STEPS;
use crate::reader::{Item, of_file};
use crate::stage::{FENCE, Stage, cases, progress};
use crate::worker::End;

/// The files that hold a journal.
const FILES: [&str; 2] = ["journal.sqlite", "journal.sqlite-wal"];

/// Compiles `synced.c`, by what links Rust programs, too.
fn library(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/batch_proofs/synced.c");
    let library = folder.join("synced.so");
    let arguments = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"];
    let compiled = Command::new("cc").args(arguments).arg(&library).arg(source).arg("-ldl").status();
    assert!(compiled.expect("a C compiler").success());
    library
}

/// Copies these files; what is not there is not there afterwards either.
fn copy(from: &Path, to: &Path) {
    for name in FILES {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// A disk: what is on it when the power fails.
struct Disk(TempDir);

impl Disk {
    /// Makes sure that nothing is written to it meanwhile.
    fn locked(&self) -> File {
        let file = File::options().create(true).truncate(false).write(true).open(self.0.path().join("lock")).unwrap();
        file.lock().unwrap();
        file
    }

    /// The item as a journal would have it that is opened after the power failed now.
    fn item(&self, payout_id: &str) -> Option<Item> {
        let copied = tempfile::tempdir().unwrap();
        let locked = self.locked();
        copy(self.0.path(), copied.path());
        drop(locked);
        of_file(&copied.path().join(FILES[0]), Some(payout_id)).pop()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_power_fails_no_intent_is_lost_that_was_followed_by_a_request() {
    let shared = tempfile::tempdir().unwrap();
    let (library, failures) = (library(shared.path()), cases(20, 500));
    let (requests, mut failed) = (Arc::new(AtomicUsize::new(0)), 0);
    while failed < failures {
        let (disk, lost) = (Arc::new(Disk(tempfile::tempdir().unwrap())), Arc::new(Mutex::new(Vec::new())));
        let (looked, found, count) = (Arc::clone(&disk), Arc::clone(&lost), Arc::clone(&requests));
        let builder = Sandbox::builder().observer(move |exchange| {
            let id = exchange.uri.path().strip_prefix("/payouts/");
            let (Some(id), None, "POST") = (id, exchange.answer, exchange.method.as_str()) else { return };
            let item = looked.item(id);
            if item.as_ref().is_none_or(Item::is_said_not_made) {
                found.lock().unwrap().push(format!("{id} is sent, and the disk says {item:?}"));
            }
            count.fetch_add(1, Ordering::Relaxed);
        });
        let mut stage = Stage::file(builder).await.started(60, 4).await;
        let folder = stage.folder.path().canonicalize().unwrap();
        copy(&folder, disk.0.path());
        stage.environment =
            [("LD_PRELOAD", library.as_path()), ("KOMOPAY_DISK_OF", folder.as_path()), ("KOMOPAY_DISK", disk.0.path())]
                .map(|(name, value)| (name.to_owned(), value.to_str().unwrap().to_owned()))
                .into();
        for _ in 0..10 {
            let step = format!("SIGKILL:{}:{}", STEPS[fastrand::usize(..STEPS.len())], fastrand::usize(1..6));
            match stage.worker(Some(&step)).end().await {
                End::Killed => {
                    failed += 1;
                    progress(failed, failures, "failures of the power");
                    // The machine starts again, with what was synced.
                    stage.sandbox.idle().await;
                    let _ = std::fs::remove_file(folder.join("journal.sqlite-shm"));
                    copy(disk.0.path(), &folder);
                    stage.pass(FENCE).await;
                }
                End::Done { due: Some(due), .. } => stage.pass(due).await,
                End::Done { due: None, .. } => break,
                End::Failed => panic!("{}", stage.errors()),
            }
            assert_eq!(*lost.lock().unwrap(), Vec::<String>::new());
            assert_eq!(stage.violations().await, Vec::<String>::new(), "after {failed} failures");
        }
        assert_eq!(stage.to_the_end().await, "closed");
        stage.assert_all_paid(&format!("{failed} failures of the power")).await;
        assert_eq!(*lost.lock().unwrap(), Vec::<String>::new());
    }
    println!("proven: {} requests whose intent was synced before they came", requests.load(Ordering::Relaxed));
    println!("proven: {failed} failures of the power, its journal a file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_worker_has_a_file_a_second_one_is_refused_even_if_the_first_is_stopped() {
    let stage = Stage::file(Sandbox::builder()).await.started(5, 2).await;
    for step in STEPS.iter().take(7) {
        let stopped = stage.worker(Some(&format!("SIGSTOP:{step}:1")));
        if stopped.stopped().await {
            stage.pass(FENCE).await;
            assert_eq!(stage.worker(None).end().await, End::Failed);
            assert!(stage.errors().contains("another process works with this journal"), "{}", stage.errors());
            // It is killed, and the next one goes on.
            stopped.signal(Signal::SIGKILL);
            assert_eq!(stopped.end().await, End::Killed);
        }
    }
    assert_eq!(stage.to_the_end().await, "closed");
    stage.assert_all_paid("stopped, and a second one refused").await;
}
