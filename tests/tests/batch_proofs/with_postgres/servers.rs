//! A server that is killed while workers run; and a journal restored from a dump that was made half-way.

use std::time::Duration;

use komopay_sandbox::Sandbox;
use komopay_test_postgres::Server;
use nix::sys::signal::Signal;

use crate::reader::{Place, Schema};
use crate::stage::{BATCH, FENCE, Stage, cases, url};
use crate::worker::{End, Worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_again_and_again_loses_no_payout() {
    let (mut server, kills) = (Server::start(), cases(10, 200));
    let (mut killed, mut batches) = (0, 0);
    while killed < kills {
        let stage = Stage::server(Sandbox::builder(), &server).await.started(300, 4).await;
        batches += 1;
        let mut workers: Vec<Worker> = (0..2).map(|_| stage.worker(None)).collect();
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(50..400))).await;
            server = tokio::task::spawn_blocking(move || {
                server.kill();
                server.restart();
                server
            })
            .await
            .unwrap();
            killed += 1;
            assert_eq!(stage.violations().await, Vec::<String>::new(), "after {killed} kills of the server");
            for worker in &mut workers {
                if worker.has_ended() {
                    *worker = stage.worker(None);
                }
            }
            if killed == kills {
                break;
            }
        }
        for worker in workers {
            assert_ne!(worker.end().await, End::Failed, "{}", stage.errors());
        }
        assert_eq!(stage.to_the_end().await, "closed");
        stage.assert_all_paid(&format!("{killed} kills of the server")).await;
    }
    println!("proven: {kills} kills of the PostgreSQL server while two workers run");
    println!("{batches} batches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_restored_from_a_half_way_dump_pays_nobody_twice() {
    let rows = cases(1_000, 10_000);
    let old = Server::start();
    let mut stage = Stage::server(Sandbox::builder(), &old).await.started(rows, 16).await;
    let workers: Vec<Worker> = (0..2).map(|_| stage.worker(None)).collect();
    stage.wait_for_creates(rows as u64 / 4).await;
    let (old, dump) = tokio::task::spawn_blocking(move || {
        let dump = old.dump();
        (old, dump)
    })
    .await
    .unwrap();
    // Much more is paid, which the dump does not know.
    stage.wait_for_creates(rows as u64 / 2).await;
    let [killed, stopped] = &workers[..] else { unreachable!() };
    killed.signal(Signal::SIGKILL);
    stopped.signal(Signal::SIGSTOP);
    assert!(stopped.stopped().await, "it has not come to the end yet");
    let before = stage.executed().len();

    let new = tokio::task::spawn_blocking(move || {
        let new = Server::start_of_its_own();
        new.load(&dump);
        new
    });
    let new = new.await.unwrap();
    assert_eq!(stage.violations().await, Vec::<String>::new());
    let Place::Server(Schema { name: schema, .. }) = stage.place() else { unreachable!() };
    let location = format!("{}?options=-csearch_path%3D{schema}", url(&new));
    stage.move_to(location, Place::Server(Schema::new(url(&new), schema)));
    let known = stage.place().items(None).await.iter().filter(|item| item.state != "planned").count();
    // It is found when the journal is opened, and nothing is concluded at once.
    let batches = stage.batches().await;
    let events = batches.events(BATCH).await.unwrap();
    assert!(events.iter().any(|event| event.what == "restored"), "{events:?}");
    drop(batches);
    assert!(
        stage.place().items(None).await.iter().all(|item| !item.is_said_not_made()),
        "all that is open is in doubt"
    );
    assert_ne!(stage.worker(None).end().await, End::Failed, "{}", stage.errors());
    stage.pass(FENCE).await;
    assert_ne!(stage.worker(None).end().await, End::Failed, "{}", stage.errors());
    // The one that sent for the old journal comes back, with the tokens that it had.
    drop(old);
    for worker in workers {
        worker.signal(Signal::SIGCONT);
        worker.end_or_kill(Duration::from_secs(10)).await;
    }
    assert_eq!(stage.to_the_end().await, "closed");
    stage.assert_all_paid("restored").await;
    println!("proven: {} payouts that the restored dump did not know of, none paid twice", before - known.min(before));
    println!("proven: {rows} rows of a journal restored from a half-way dump");
}
