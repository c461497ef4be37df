//! Four workers, of which any is killed at any time.

use std::time::Duration;

use komopay_sandbox::Sandbox;
use komopay_test_postgres::Server;
use nix::sys::signal::Signal;

use crate::kills::some_time_passes;
use crate::stage::{Stage, cases, progress};
use crate::worker::{End, Worker};

/// Time passes for all: no worker runs while the clocks are put forward.
async fn time_passes(stage: &Stage, workers: &mut [Worker]) {
    for worker in workers.iter_mut() {
        worker.signal(Signal::SIGSTOP);
        worker.stopped().await;
    }
    some_time_passes(stage).await;
    for worker in workers {
        worker.signal(Signal::SIGCONT);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_workers_any_is_killed_at_any_time_and_the_others_pay_the_rest() {
    let (server, kills) = (Server::start(), cases(60, 2_500));
    let (mut killed, mut batches) = (0, 0);
    while killed < kills {
        let stage = Stage::server(Sandbox::builder(), &server).await.started(200, 4).await;
        batches += 1;
        let mut workers: Vec<Worker> = (0..4).map(|_| stage.worker(None)).collect();
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(5..200))).await;
            let unlucky = workers.swap_remove(fastrand::usize(..workers.len()));
            match unlucky.end_or_kill(Duration::ZERO).await {
                End::Killed => {
                    killed += 1;
                    progress(killed, kills, "kills of one of four workers");
                }
                End::Done { due: None, .. } => break,
                End::Done { .. } => {}
                End::Failed => panic!("{}", stage.errors()),
            }
            time_passes(&stage, &mut workers).await;
            assert_eq!(stage.violations().await, Vec::<String>::new(), "after {killed} kills, batch {batches}");
            if killed == kills {
                break;
            }
            workers.push(stage.worker(None));
        }
        for worker in workers {
            assert_ne!(worker.end().await, End::Failed, "{}", stage.errors());
        }
        assert_eq!(stage.to_the_end().await, "closed");
        stage.assert_all_paid(&format!("{killed} kills, {batches} batches")).await;
    }
    println!("proven: {kills} kills of one of four workers, their journal on PostgreSQL");
    println!("{batches} batches");
}
