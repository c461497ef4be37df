//! `kill -9` at every step and at any time: another worker goes on, and every row is paid once.

use std::time::Duration;

use komopay_sandbox::Sandbox;

use crate::stage::{FENCE, Stage, cases, progress};
use crate::worker::End;

/// The steps of a worker (`batches/src/steps.rs`).
pub const STEPS: [&str; 9] = [
    "Claimed",
    "TokenInHand",
    "Registered",
    "BeforeSend",
    "AfterSend",
    "BeforeEnd",
    "Ended",
    "BeforeLook",
    "AfterLook",
];

/// How much time passes before the next worker comes: none, less than a fence, or more than any.
pub async fn some_time_passes(stage: &Stage) {
    let time = [Duration::ZERO, Duration::from_secs(70), FENCE, FENCE];
    stage.pass(time[fastrand::usize(..time.len())]).await;
}

/// Kills workers in this way until there were so many, one batch after the other. Gives how many batches that took.
async fn kill_in_files(kills: usize, rows: usize, mut next: impl AsyncFnMut(&Stage, usize) -> End) -> usize {
    let (mut killed, mut batches) = (0, 0);
    while killed < kills {
        let stage = Stage::file(Sandbox::builder()).await.started(rows, 4).await;
        batches += 1;
        // One that is killed before it has sent anything comes no further.
        for _ in 0..40 {
            match next(&stage, killed).await {
                End::Killed => {
                    killed += 1;
                    progress(killed, kills, "kills");
                    some_time_passes(&stage).await;
                }
                End::Done { due: Some(due), .. } => stage.pass(due).await,
                End::Done { due: None, .. } => break,
                End::Failed => panic!("{}", stage.errors()),
            }
            let case = format!("after {killed} kills, batch {batches}");
            assert_eq!(stage.violations().await, Vec::<String>::new(), "{case}");
            if killed == kills {
                break;
            }
        }
        assert_eq!(stage.to_the_end().await, "closed");
        stage.assert_all_paid(&format!("{killed} kills, {batches} batches")).await;
    }
    batches
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_step_the_next_worker_pays_the_rest_of_a_file() {
    let kills = cases(70, 5_000);
    let batches = kill_in_files(kills, 70, async |stage, killed| {
        // Looks are for what is in doubt.
        let in_doubt = stage.place().items(None).await.iter().any(|item| item.chunk == "sending");
        let steps = if in_doubt { &STEPS[..] } else { &STEPS[..7] };
        // Each step the first, the second and a later time, in turn, and in between any step.
        let (step, time) = (steps[killed % steps.len()], [1, 2, 4][killed / STEPS.len() % 3]);
        let any = format!("SIGKILL:Any:{}", fastrand::usize(1..40));
        let step = if fastrand::u8(..4) == 0 { any } else { format!("SIGKILL:{step}:{time}") };
        stage.worker(Some(&step)).end().await
    });
    let batches = batches.await;
    println!("proven: {kills} kills at steps of a worker, its journal a file");
    println!("{batches} batches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_time_the_next_worker_pays_the_rest_of_a_file() {
    let kills = cases(70, 2_500);
    let batches = kill_in_files(kills, 140, async |stage, _| {
        stage.worker(None).end_or_kill(Duration::from_micros(fastrand::u64(10_000..150_000))).await
    });
    let batches = batches.await;
    println!("proven: {kills} kills at random times, its journal a file");
    println!("{batches} batches");
}
