//! `batch work`: one worker, for one batch or for all that become due.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use komopay_batches::{BatchState, BatchStatus, Batches, Budget, Stop};
use komopay_core::{Error, Result};
use tokio::time::Instant;

use super::service::Service;
use super::status::show;
use super::turn::{SHORTEST, TURN, turn};
use crate::exit::Exit;
use crate::journal::JournalArguments;
use crate::output::Output;
use crate::progress::{PAUSE, Progress, Voice};
use crate::signals::Signals;

/// `batch work`.
#[derive(Args)]
pub struct Work {
    /// The batch. May be left out with --for or --forever: then all of the journal, as they become due.
    #[arg(required_unless_present_any = ["for", "forever"])]
    batch_id: Option<String>,
    /// End after so many seconds, a year at most, and what is under way then. Without it, at the end of the batch.
    #[arg(long, value_name = "SECONDS", conflicts_with = "forever",
        value_parser = clap::value_parser!(u64).range(..=31_536_000))]
    r#for: Option<u64>,
    /// Go on until SIGTERM or Ctrl-C: for systemd and Kubernetes. A journal that is away is waited for.
    #[arg(long)]
    forever: bool,
    #[command(flatten)]
    journal: JournalArguments,
}

impl Work {
    pub async fn run(self, output: Output) -> Result<Exit> {
        // Before anything is sent.
        let mut signals = Signals::listen()?;
        let ends = self.r#for.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let stop = Stop::default();
        let batch_id = match self.batch_id {
            Some(batch_id) if !self.forever => batch_id,
            only => {
                let service = Service::new(self.journal.journal()?, only, ends, stop.clone(), output);
                let voice = Voice::plain();
                let left = asked_twice(&mut signals, &stop, "--forever", &voice);
                return tokio::select! {
                    biased;
                    result = service.work() => result,
                    () = left => Ok(Exit::InDoubt),
                };
            }
        };
        let batches = self.journal.open().await?;
        if batches.status(&batch_id).await?.state.is_open_to_changes() {
            return show(output, &batches, &batch_id).await;
        }
        let mut progress = Progress::new(output);
        let voice = progress.voice();
        let work = work(&batches, &batch_id, ends, &stop, &mut progress);
        let left = asked_twice(&mut signals, &stop, &batch_id, &voice);
        let result = tokio::select! {
            biased;
            result = work => result,
            () = left => return Ok(Exit::InDoubt),
        };
        progress.end();
        result?;
        show(output, &batches, &batch_id).await
    }
}

/// Asks the worker to end at the first Ctrl-C; ends with the second.
async fn asked_twice(signals: &mut Signals, stop: &Stop, what: &str, voice: &Voice) {
    signals.next().await;
    stop.stop();
    voice.say("komopay: it stops after what is in flight; Ctrl-C again leaves that");
    signals.next().await;
    voice.say(format_args!(
        "komopay: what was on its way is in doubt until `komopay batch work {what}` settles it, which also goes on"
    ));
}

/// Sends and follows, until nothing is to be done by itself, the time is over, or it is asked to end.
async fn work(
    batches: &Batches,
    batch_id: &str,
    ends: Option<Instant>,
    stop: &Stop,
    progress: &mut Progress,
) -> Result<()> {
    loop {
        let left = ends.map_or(TURN, |ends| ends.saturating_duration_since(Instant::now()));
        let budget = Budget { time: left.min(TURN) };
        Box::pin(watched(batches, batch_id, progress, turn(batches, batch_id, budget, stop))).await?;
        let status = batches.status(batch_id).await?;
        progress.show(&status);
        if stop.is_stopped() || has_ended(&status) {
            return Ok(());
        }
        let Some(due) = status.due_in else { return Ok(()) };
        let pause = due.clamp(SHORTEST, TURN);
        if ends.is_some_and(|ends| Instant::now() + pause >= ends) {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => {}
        }
    }
}

/// Shows how far the batch is while this goes on.
async fn watched<T>(
    batches: &Batches,
    batch_id: &str,
    progress: &mut Progress,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    let looks = async {
        loop {
            // A look that fails tells nothing; the work will.
            if let Ok(status) = batches.status(batch_id).await {
                progress.show(&status);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let (work, looks) = (pin!(work), pin!(looks));
    tokio::select! {
        result = work => result,
        () = looks => Err(Error::internal("the looks at a batch have no end")),
    }
}

/// Whether a worker has nothing more to do until a person decides.
fn has_ended(status: &BatchStatus) -> bool {
    matches!(status.state, BatchState::Paused | BatchState::Closed)
}
