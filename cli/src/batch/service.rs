//! `batch work --forever`: one worker for all batches of a journal, as they become due.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use komopay_batches::{BatchStatus, Batches, Budget, DueBatch, Stop};
use komopay_core::{Error, Result};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::turn::{SHORTEST, TURN, turn};
use crate::exit::Exit;
use crate::journal::Journal;
use crate::output::Output;
use crate::progress::outcomes;

/// The longest time between two looks for what is due: people start batches, and other workers leave some.
const LOOK: Duration = Duration::from_secs(2);
/// How long it waits for a journal that is away, at first and at most.
const AWAY: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];
/// How long a batch is left alone that only a person can mend.
const BROKEN: Duration = Duration::from_secs(60);
/// How many batches it works on at a time.
const AT_A_TIME: usize = 8;

/// A worker that goes on.
pub struct Service {
    journal: Journal,
    /// The only batch that it is there for.
    only: Option<String>,
    /// When it ends by itself.
    ends: Option<Instant>,
    stop: Stop,
    output: Output,
    /// What was told last, by batch: it is told once.
    told: BTreeMap<String, String>,
    /// The journal is away, and is looked for again after so long.
    away: Option<Duration>,
    /// The batches that are left alone until then.
    alone: BTreeMap<String, Instant>,
}

/// What came of a turn.
type Turn = (String, Result<BatchStatus>);

impl Service {
    pub fn new(journal: Journal, only: Option<String>, ends: Option<Instant>, stop: Stop, output: Output) -> Self {
        let (told, alone) = (BTreeMap::new(), BTreeMap::new());
        Self { journal, only, ends, stop, output, told, away: None, alone }
    }

    /// Works until it is asked to end, or its time is over. What is under way ends first.
    ///
    /// # Errors
    /// What a person has to mend before anything can be done, such as a setting.
    pub async fn work(mut self) -> Result<Exit> {
        let (mut opened, mut turns, mut under_way) = (None, JoinSet::new(), BTreeSet::new());
        let (mut is_all_done, mut fault) = (false, None);
        loop {
            let mut pause = LOOK;
            if self.goes_on() && fault.is_none() {
                match self.look(opened.take()).await {
                    Ok(Some((batches, due))) => {
                        is_all_done = due.is_empty() && turns.is_empty();
                        let now = Instant::now();
                        let mut others: Vec<(String, Instant)> = due
                            .into_iter()
                            .filter(|batch| !under_way.contains(&batch.batch_id))
                            .map(|DueBatch { batch_id, due_in }| {
                                let alone = self.alone.get(&batch_id).copied().unwrap_or(now);
                                (batch_id, alone.max(now + due_in))
                            })
                            .collect();
                        longest_ago_first(&mut others, &self.alone);
                        let is_late = |due: &Instant| self.ends.is_some_and(|ends| *due >= ends);
                        if turns.is_empty() && self.ends.is_some() && others.iter().all(|(_, due)| is_late(due)) {
                            break;
                        }
                        for (id, due) in others {
                            if due > now {
                                pause = pause.min(due - now).max(SHORTEST);
                            } else if turns.len() < AT_A_TIME {
                                under_way.insert(id.clone());
                                turns.spawn(self.turn(&batches, id));
                            }
                        }
                        opened = Some(batches);
                    }
                    Ok(None) => {}
                    Err(error) if error.retryable() => pause = self.waits(&error),
                    Err(error) => fault = Some(error),
                }
            }
            let goes_on = self.goes_on() && fault.is_none();
            if !goes_on && turns.is_empty() {
                break;
            }
            tokio::select! {
                Some(ended) = turns.join_next() => {
                    let (id, result) = ended.map_err(|error| Error::internal(format!("a worker broke: {error}")))?;
                    under_way.remove(&id);
                    self.tell(id, result);
                }
                () = tokio::time::sleep(pause), if goes_on => {}
                () = self.stop.stopped(), if goes_on => {}
            }
        }
        fault.map_or_else(|| Ok(self.ended(is_all_done)), Err)
    }

    fn goes_on(&self) -> bool {
        !self.stop.is_stopped() && self.ends.is_none_or(|ends| Instant::now() < ends)
    }

    /// What is due; none, if it is asked to end meanwhile. A journal that failed is opened again: it may be on another
    /// server by now, and what may have been lost is looked at when it is opened.
    async fn look(&mut self, opened: Option<Batches>) -> Result<Option<(Batches, Vec<DueBatch>)>> {
        let look = async {
            let batches = match opened {
                Some(batches) => batches,
                None => self.journal.open().await?,
            };
            let mut due = batches.due().await?;
            if let Some(only) = &self.only {
                batches.status(only).await?;
                due.retain(|batch| batch.batch_id == *only);
            }
            Ok::<_, Error>((batches, due))
        };
        let found = tokio::select! {
            found = look => found?,
            () = self.stop.stopped() => return Ok(None),
        };
        if self.away.take().is_some() {
            self.output.note("komopay: the journal is back");
        }
        Ok(Some(found))
    }

    fn turn(&self, batches: &Batches, id: String) -> impl Future<Output = Turn> + Send + use<> {
        let left = self.ends.map_or(TURN, |ends| ends.saturating_duration_since(Instant::now()));
        let (batches, stop, budget) = (batches.clone(), self.stop.clone(), Budget { time: left.min(TURN) });
        async move {
            let result = turn(&batches, &id, budget, &stop).await;
            (id, result)
        }
    }

    /// Tells that the journal is away, once; and how long to wait for it.
    fn waits(&mut self, error: &Error) -> Duration {
        let [first, most] = AWAY;
        if self.away.is_none() {
            self.output.note(format_args!("komopay: {error}; it is tried again until it is there"));
        }
        let pause = self.away.map_or(first, |pause| (pause * 2).min(most));
        self.away = Some(pause);
        pause
    }

    /// Tells what came of a batch, if that is new; and leaves it alone for a while.
    fn tell(&mut self, id: String, result: Result<BatchStatus>) {
        let (news, text, alone) = match result {
            Ok(status) => {
                let news = status.state.to_string();
                (news, format!("{id} is {}: {}", status.state, outcomes(&status)), SHORTEST)
            }
            Err(error) => {
                let (more, alone) = if error.retryable() { ("; it is tried again", LOOK) } else { ("", BROKEN) };
                (error.to_string(), format!("komopay: {id}: {error}{more}"), alone)
            }
        };
        self.alone.insert(id.clone(), Instant::now() + alone);
        if self.told.get(&id) != Some(&news) {
            self.output.note(text);
            self.told.insert(id, news);
        }
    }

    /// How it ends, if nothing went wrong.
    fn ended(&self, is_all_done: bool) -> Exit {
        let (why, exit) = match self.ends {
            None => ("it was asked to end", Exit::Done),
            Some(_) if is_all_done => ("nothing is left to do", Exit::Done),
            Some(_) => ("it was asked to end, or its time is over", Exit::Unfinished),
        };
        self.output.show(&json!({"done": why}), || why.to_owned());
        exit
    }
}

/// Puts those first that never had a turn, and then those whose last one is longest ago: of more batches than are
/// worked on at a time, none waits for ever.
fn longest_ago_first(due: &mut [(String, Instant)], turns: &BTreeMap<String, Instant>) {
    due.sort_by_key(|(id, _)| turns.get(id).copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_batches_each_has_its_turn() {
        let now = Instant::now();
        let mut due: Vec<_> = ["a", "b", "c", "d"].map(|id| (id.to_owned(), now)).into();
        let ended = |id: &str, seconds| (id.to_owned(), now + Duration::from_secs(seconds));
        longest_ago_first(&mut due, &BTreeMap::from([ended("a", 3), ended("b", 1), ended("d", 2)]));
        let order: Vec<_> = due.into_iter().map(|(id, _)| id).collect();
        assert_eq!(order, ["c", "b", "d", "a"]);
    }
}
