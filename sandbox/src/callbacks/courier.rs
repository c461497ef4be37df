//! For each change of a payout's status, the attempts to tell its callback URL.
//!
//! A [`Courier`] has one task for each callback that is not yet delivered or given up. What waits, and until when,
//! stands in one place ([`Waiting`]), so that a waiter can tell "nothing is due" and "nothing is left" without a race.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::callbacks::delivery::{Delivery, DeliveryOutcome, Log};
use crate::callbacks::fault::{CallbackEffect, CallbackFault, CallbackFaults, CallbackWhen};
use crate::callbacks::post::Post;
use crate::callbacks::rules::Rules;
use crate::clock::Clock;
use crate::history::History;
use crate::history::calls::origin;
use crate::operation::is_payout_id;

/// How often a callback is repeated that was not answered with 200 (API contract).
const REPEATS: u32 = 4;

/// How many callbacks may wait; those that come on top are withheld.
const MOST_WAITING: usize = 10_000;

/// How many are on the wire at once.
const MOST_ON_THE_WIRE: usize = 32;

/// Where the changes of one payout are told. Its callbacks are first sent in the order of the changes, unless a fault
/// wants it otherwise.
pub(crate) struct Subscriber {
    url: String,
    /// How many changes there were.
    changes: u64,
    /// The number of the change whose turn it is.
    turn: Arc<watch::Sender<u64>>,
    /// The numbers of those whose first attempt is over.
    sent: Arc<watch::Sender<BTreeSet<u64>>>,
}

impl Subscriber {
    pub(crate) fn new(url: String) -> Self {
        Self { url, changes: 0, turn: Arc::new(watch::Sender::new(0)), sent: Arc::default() }
    }

    /// The URL, as the create handed it over.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Brings callbacks to their URLs.
pub(crate) struct Courier {
    rules: Rules,
    clock: Clock,
    history: History,
    /// Where the tasks run: a status may be changed from a thread that has no runtime.
    runtime: Handle,
    post: Post,
    wire: Semaphore,
    desk: Mutex<Desk>,
    waiting: watch::Sender<Waiting>,
    /// Ends every task.
    abort: CancellationToken,
}

#[derive(Default)]
struct Desk {
    log: Log,
    faults: CallbackFaults,
}

/// The callbacks that are not yet delivered or given up: when each is due, on the clock. What has no time waits for
/// another change.
#[derive(Default)]
struct Waiting {
    due: BTreeMap<u64, Option<Duration>>,
    taken: u64,
}

/// A callback on its way.
struct Callback {
    ticket: Ticket,
    payout_id: String,
    status: &'static str,
    url: String,
    /// The number of the change, and whose turn it is.
    change: u64,
    turn: Arc<watch::Sender<u64>>,
    sent: Arc<watch::Sender<BTreeSet<u64>>>,
}

impl Courier {
    /// To be called on the sandbox's runtime.
    pub(crate) fn new(rules: Rules, clock: Clock, history: History, abort: CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            post: Post::new(rules.clone()),
            rules,
            clock,
            history,
            runtime: Handle::current(),
            wire: Semaphore::new(MOST_ON_THE_WIRE),
            desk: Mutex::default(),
            waiting: watch::Sender::default(),
            abort,
        })
    }

    /// Whether a payout's first status counts as a change.
    pub(crate) fn tells_creation(&self) -> bool {
        self.rules.on_create
    }

    /// Tells a payout's subscriber that its status is this now.
    pub(crate) fn tell(self: &Arc<Self>, payout_id: &str, status: &'static str, subscriber: &mut Subscriber) {
        let Subscriber { url, changes, turn, sent } = subscriber;
        let outcome = match self.post.target(url) {
            Ok(target) => match Ticket::take(self) {
                Some(ticket) => {
                    let (payout_id, url) = (payout_id.to_owned(), url.clone());
                    let (turn, sent) = (Arc::clone(turn), Arc::clone(sent));
                    let callback = Callback { ticket, payout_id, status, url, change: *changes, turn, sent };
                    *changes += 1;
                    let (courier, abort) = (Arc::clone(self), self.abort.clone());
                    self.runtime
                        .spawn(async move { abort.run_until_cancelled(courier.deliver(callback, target)).await });
                    return;
                }
                None => DeliveryOutcome::Withheld {
                    reason: format!("{MOST_WAITING} callbacks are waiting already; is there nobody who receives them?"),
                },
            },
            Err(withheld) => withheld,
        };
        self.write(payout_id, Some(status), 1, url, outcome, &self.clock.timestamp());
    }

    /// Sends one callback that no payout asked for, once. `None` if the sandbox is stopped.
    pub(crate) async fn forge(&self, payout_id: &str, url: &str) -> Option<Delivery> {
        let at = self.clock.timestamp();
        let outcome = match self.post.target(url) {
            Ok(target) => self.abort.run_until_cancelled(self.send(target, payout_id)).await?,
            Err(withheld) => withheld,
        };
        Some(self.write(payout_id, None, 1, url, outcome, &at))
    }

    async fn deliver(&self, callback: Callback, target: Url) {
        // The subscriber's sender lives as long as the callback, so waiting cannot fail.
        drop(callback.turn.subscribe().wait_for(|turn| *turn >= callback.change).await);
        for attempt in 1..=1 + REPEATS {
            if attempt > 1 {
                self.wait(&callback.ticket, self.rules.interval).await;
            }
            let delivered = self.attempt(&callback, attempt, &target).await;
            pass_turn(&callback.turn, callback.change + 1);
            callback.sent.send_if_modified(|sent| sent.insert(callback.change));
            if delivered {
                return;
            }
        }
    }

    /// One attempt, with the fault it meets. Says whether it was the last.
    async fn attempt(&self, callback: &Callback, attempt: u32, target: &Url) -> bool {
        let Callback { ticket, payout_id, status, turn, sent, change, .. } = callback;
        let effect = self.lock().faults.decide(payout_id, status, attempt);
        match effect {
            Some(CallbackEffect::Delay { ms }) => {
                pass_turn(turn, change + 1);
                self.wait(ticket, Duration::from_millis(ms)).await;
            }
            Some(CallbackEffect::AfterNext) => {
                pass_turn(turn, change + 1);
                ticket.due(None);
                drop(sent.subscribe().wait_for(|sent| sent.contains(&(change + 1))).await);
                ticket.due(Some(Duration::ZERO));
            }
            Some(CallbackEffect::Duplicate { .. } | CallbackEffect::Lose | CallbackEffect::LoseAnswer) | None => {}
        }
        let at = self.clock.timestamp();
        let log = |outcome: DeliveryOutcome| {
            let is_final = outcome.is_final();
            self.write(payout_id, Some(*status), attempt, &callback.url, outcome, &at);
            is_final
        };
        match effect {
            Some(CallbackEffect::Lose) => log(DeliveryOutcome::Lost),
            Some(CallbackEffect::LoseAnswer) => log(match self.send(target.clone(), payout_id).await {
                DeliveryOutcome::Answered { status } => DeliveryOutcome::AnswerLost { status },
                other => other,
            }),
            Some(CallbackEffect::Duplicate { copies }) => {
                let copies = (0..=copies).map(|_| self.send(target.clone(), payout_id));
                let outcomes = join_all(copies).await;
                outcomes.into_iter().map(log).fold(false, |any, is_final| any | is_final)
            }
            Some(CallbackEffect::Delay { .. } | CallbackEffect::AfterNext) | None => {
                log(self.send(target.clone(), payout_id).await)
            }
        }
    }
    /// Sends when there is room on the wire.
    async fn send(&self, target: Url, payout_id: &str) -> DeliveryOutcome {
        // Nobody closes the semaphore, so there is always a permit in the end.
        let _permit = self.wire.acquire().await;
        self.post.send(target, payout_id).await
    }

    /// Waits by the sandbox's clock.
    async fn wait(&self, ticket: &Ticket, time: Duration) {
        let due = self.clock.elapsed().saturating_add(time);
        ticket.due(Some(due));
        self.clock.reach(due).await;
    }

    fn write(
        &self,
        payout_id: &str,
        status: Option<&'static str>,
        attempt: u32,
        url: &str,
        outcome: DeliveryOutcome,
        at: &Timestamp,
    ) -> Delivery {
        // Host and port alone: path and query may carry the signature of the URL.
        let place = Url::parse(url).map(|url| format!(" to {}", url.origin().ascii_serialization()));
        let loggable = if is_payout_id(payout_id) { payout_id } else { "of no payout" };
        let (about, place) = (status.unwrap_or("forged"), place.unwrap_or_default());
        tracing::info!("callback {loggable} {about} attempt {attempt}{place} -> {outcome}");
        let what = json!({"status": status, "attempt": attempt, "url": origin(url), "outcome": outcome});
        self.history.note("callback", Some(payout_id), what);
        let (payout_id, url) = (payout_id.to_owned(), url.to_owned());
        let line = Delivery { sequence: 0, at: *at, payout_id, status, attempt, url, outcome };
        self.lock().log.write(line)
    }

    /// The delivery log.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.lock().log.lines()
    }

    pub(crate) fn inject(&self, fault: CallbackFault) {
        self.lock().faults.inject(fault, self.rules.seed);
    }

    pub(crate) fn clear_faults(&self) {
        self.lock().faults.clear();
    }

    pub(crate) fn faults(&self) -> usize {
        self.lock().faults.len()
    }

    /// Which attempts meet what, by the names of the effects.
    pub(crate) fn named_faults(&self) -> Vec<(CallbackWhen, String)> {
        self.lock().faults.iter().map(|fault| (fault.when.clone(), fault.effect.name())).collect()
    }

    /// How many callbacks are not yet delivered or given up.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.borrow().due.len()
    }

    /// Gives up everything that waits.
    pub(crate) fn stop(&self) {
        self.abort.cancel();
    }

    /// Whether no callback is on the wire or due.
    pub(crate) fn is_quiet(&self) -> bool {
        self.waiting.borrow().nothing_due(self.clock.elapsed())
    }

    /// Waits until no callback is on the wire or due. Repeats and delays whose time has not come do not count.
    pub(crate) async fn quiet(&self) {
        let mut waiting = self.waiting.subscribe();
        drop(waiting.wait_for(|waiting| waiting.nothing_due(self.clock.elapsed())).await);
    }

    /// Whether every callback is delivered or given up.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.borrow().due.is_empty()
    }

    /// Waits until every callback is delivered or given up.
    pub(crate) async fn done(&self) {
        drop(self.waiting.subscribe().wait_for(|waiting| waiting.due.is_empty()).await);
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn nothing_due(&self, now: Duration) -> bool {
        self.due.values().all(|due| due.is_none_or(|due| due > now))
    }
}

/// A place among those that wait; given back when it is dropped.
struct Ticket {
    courier: Arc<Courier>,
    number: u64,
}

impl Ticket {
    /// A place that is due at once; `None` if all are taken.
    fn take(courier: &Arc<Courier>) -> Option<Self> {
        let mut number = None;
        courier.waiting.send_modify(|waiting| {
            if waiting.due.len() < MOST_WAITING {
                waiting.taken += 1;
                waiting.due.insert(waiting.taken, Some(Duration::ZERO));
                number = Some(waiting.taken);
            }
        });
        number.map(|number| Self { courier: Arc::clone(courier), number })
    }

    fn due(&self, due: Option<Duration>) {
        self.courier.waiting.send_modify(|waiting| {
            waiting.due.insert(self.number, due);
        });
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.courier.waiting.send_modify(|waiting| {
            waiting.due.remove(&self.number);
        });
    }
}

/// Lets the change of this number have its turn, if a later one has not had it already.
fn pass_turn(turn: &watch::Sender<u64>, to: u64) {
    turn.send_if_modified(|turn| {
        let later = *turn < to;
        *turn = (*turn).max(to);
        later
    });
}
