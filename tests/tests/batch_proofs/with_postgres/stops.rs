//! A worker that is stopped at any of its steps, beyond its fence, and comes back when others have gone on: what it
//! still sends is refused, so that "not made" stays true.

use std::time::Duration;

use futures_util::StreamExt;
use komopay_sandbox::{Effect, Fault, On, Operation, Sandbox, When};
use komopay_test_postgres::Server;
use nix::sys::signal::Signal;

use crate::kills::STEPS;
use crate::stage::{BATCH, FENCE, Stage, cases, progress};
use crate::worker::End;

/// What the others do while it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// Another worker pays.
    Pay,
    /// The platform refuses all that another worker sends; a person has each tried again, under a new id, and that is
    /// paid.
    Refuse,
    /// A person cancels what was not sent.
    Cancel,
}

/// How one worker is stopped.
#[derive(Clone, Debug)]
pub struct Case {
    pub step: &'static str,
    pub time: usize,
    pub meanwhile: Meanwhile,
    /// It comes back before its fence, after the end of its token.
    pub is_early: bool,
    /// The gateway takes tokens for so long after their end.
    pub leeway: Duration,
    /// The rule that workers break.
    pub broken: Option<&'static str>,
    /// By how many hours the journal's clock and the platform's are off.
    pub off: (i64, u64),
}

impl Case {
    /// Stops a worker. None, if it did not come to that step; else what must not be, and was found.
    pub async fn play(&self, server: &Server) -> Option<Vec<String>> {
        let builder = Sandbox::builder().token_leeway(self.leeway);
        let mut stage = Stage::server(builder, server).await;
        stage.shift(self.off.0 * 3600);
        stage.sandbox.advance(Duration::from_secs(self.off.1 * 3600));
        stage = stage.started(5, 2).await;
        if let Some(rule) = self.broken {
            stage.environment.push(("KOMOPAY_BROKEN".to_owned(), rule.to_owned()));
        }
        if self.step.ends_with("Look") {
            // There is something to look for.
            stage.worker(Some("SIGKILL:BeforeSend:3")).end().await;
            stage.pass(FENCE).await;
        }
        let stopped = stage.worker(Some(&format!("SIGSTOP:{}:{}", self.step, self.time)));
        if !stopped.stopped().await {
            return None;
        }
        stage.pass(if self.is_early { Duration::from_secs(70) } else { FENCE }).await;
        self.meanwhile(&stage).await;
        let mut found = stage.contradictions().await;

        stopped.signal(Signal::SIGCONT);
        assert_ne!(stopped.end().await, End::Failed, "{self:?}: {}", stage.errors());
        stage.sandbox.idle().await;
        found.extend(stage.contradictions().await);
        if self.broken.is_some() {
            // What nobody registers is said to be planned whenever it is sent. That is not what is looked for.
            found.extend(stage.witnessed().into_iter().filter(|found| !found.contains("\"planned\"")));
            return Some(found);
        }
        stage.to_the_end().await;
        found.extend(stage.violations().await);
        if self.meanwhile == Meanwhile::Cancel {
            let (items, executed) = (stage.place().items(None).await, stage.executed());
            let is_right = |state: &str, id: &str| match state {
                "cancelled" => !executed.contains_key(id),
                "succeeded" => executed.get(id) == Some(&1),
                _ => false,
            };
            found.extend(
                items.iter().filter(|item| !is_right(&item.state, &item.payout_id)).map(|item| format!("{item:?}")),
            );
        } else {
            stage.assert_all_paid(&format!("{self:?}")).await;
        }
        Some(found)
    }

    async fn meanwhile(&self, stage: &Stage) {
        match self.meanwhile {
            Meanwhile::Pay => self.others_work(stage).await,
            Meanwhile::Refuse => {
                let all = When { operation: Operation::CreatePayout, payout_id: None, on: On::Always };
                let refused = Effect::Rejected { code: "INVALID_ACCOUNT_NUMBER".to_owned(), uses_id_up: false };
                stage.sandbox.inject(Fault::new(all, refused));
                self.others_work(stage).await;
                stage.sandbox.clear_faults();
                let batches = stage.batches().await;
                for item in stage.place().items(None).await {
                    if item.state == "rejected" {
                        let key = format!("E-{}", item.line - 2);
                        batches.retry(BATCH, &key, "operator", "the account is right").await.unwrap();
                    }
                }
                self.others_work(stage).await;
            }
            Meanwhile::Cancel => {
                let batches = stage.batches().await;
                batches.cancel(BATCH, "operator", "called off").await.unwrap();
                drop(batches);
                self.others_work(stage).await;
            }
        }
    }

    /// Another worker works, to the end or until only that is due which waits for the fence.
    async fn others_work(&self, stage: &Stage) {
        if !self.is_early {
            stage.to_the_end().await;
            return;
        }
        for _ in 0..2 {
            match stage.worker(None).end().await {
                End::Done { due: Some(due), .. } if due < Duration::from_secs(10) => stage.pass(due).await,
                End::Done { .. } => return,
                end => panic!("{end:?}: {}", stage.errors()),
            }
        }
    }
}

/// The n-th case: every step with everything that others do, before the fence and after it, is among 54 of them.
pub fn case(number: usize) -> Case {
    let meanwhile = [Meanwhile::Refuse, Meanwhile::Pay, Meanwhile::Cancel][number / STEPS.len() % 3];
    let step = STEPS[number % STEPS.len()];
    let is_send = matches!(step, "BeforeSend" | "AfterSend");
    Case {
        step,
        time: if is_send { fastrand::usize(1..4) } else { 1 },
        meanwhile,
        is_early: number % 2 == 1,
        leeway: Duration::from_secs(if fastrand::bool() { 60 } else { 0 }),
        broken: None,
        off: (0, 0),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_at_any_step_beyond_its_fence_a_worker_that_comes_back_pays_nobody() {
    let (server, stops) = (Server::start(), cases(54, 1_000));
    // Several at a time: each waits now and then.
    let mut played =
        futures_util::stream::iter((0..).map(case)).map(|case| async { (case.play(&server).await, case) }).buffered(4);
    let (mut stopped, mut lenient) = (0, 0);
    while stopped < stops {
        let (found, case) = played.next().await.unwrap();
        let Some(found) = found else { continue };
        assert_eq!(found, Vec::<String>::new(), "{case:?}");
        stopped += 1;
        progress(stopped, stops, "stops");
        lenient += usize::from(!case.leeway.is_zero());
    }
    println!("proven: {stops} stops of a worker beyond its fence");
    println!("proven: {lenient} of them with a gateway that takes ended tokens for a minute more");
}
