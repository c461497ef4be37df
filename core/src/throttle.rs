//! The throttle of one client: how fast, and how many at a time, it asks the platform.
//!
//! Every try of a call takes a [`Permit`] before it sends anything, its token call included. Three rules may make it
//! wait, each of them pure, with time as an argument:
//!
//! | rule | file | holds back |
//! |---|---|---|
//! | retry budget | `budget.rs` | repeats, when many calls are being repeated |
//! | breaker | `breaker.rs` | everything, while the platform answers nobody |
//! | limit | `limit.rs` | what the merchant's own limits, and a 429, do not let pass; off unless it is set |
//!
//! None of them holds back a read that settles an open attempt, nor the token for it: such a try takes
//! [`Throttle::settling`], which does not wait. Its requests and their answers count like any other's.

mod breaker;
mod budget;
mod limit;
mod waiter;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use self::breaker::Breaker;
use self::budget::Budget;
use self::limit::Limit;
pub(crate) use self::waiter::Waiter;
use crate::caller;
use crate::config::Config;
use crate::error::{Error, ErrorKind};

/// Which try of a call asks for a permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Try {
    /// The first one, or one after an answer that the call asked for.
    First,
    /// One after a try that failed.
    Repeat,
}

/// What came back from a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The platform answered.
    Answer,
    /// It answered that these are too many requests (429).
    TooMany { retry_after: Option<Duration> },
    /// Nobody answered, or somebody for it that it cannot be reached (5xx).
    Silence,
}

/// Why a try has to wait, and for how long: until then, or until something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    rule: Rule,
    until: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Closed,
    Budget,
    Breaker,
    Limit,
    /// Whatever holds it: the platform was never reached, and this call has tried for long enough.
    Unreached,
}

/// The three rules together. No I/O, no clock.
struct State {
    budget: Budget,
    breaker: Breaker,
    limit: Limit,
    /// Tries that have begun and not ended.
    under_way: u32,
    /// Those of them that settle an open attempt, and waited for nothing.
    settling: u32,
    /// What held somebody back last: the reason of those that stood in line behind.
    throttled_by: Option<Rule>,
    reach: Reach,
    /// For how long a call is held while nothing was ever reached.
    unreached: Duration,
    closed: bool,
}

/// Whether anything of this client ever reached the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// Nobody has tried to the end.
    Untried,
    /// No connection could be made.
    Never,
    /// Something was sent or answered, once.
    Once,
}

impl State {
    fn new(config: &Config, now: Instant) -> Self {
        Self {
            budget: Budget::new(now),
            breaker: Breaker::new(config.limits(), fastrand::Rng::new()),
            limit: Limit::new(config.requests_per_second, config.max_concurrency, now),
            under_way: 0,
            settling: 0,
            throttled_by: None,
            reach: Reach::Untried,
            unreached: config.limits().unreached,
            closed: false,
        }
    }

    /// What keeps a try of this kind from starting now.
    fn obstacle(&mut self, now: Instant, which: Try) -> Option<Wait> {
        let wait = |rule| move |until| Wait { rule, until };
        if self.closed {
            return Some(Wait { rule: Rule::Closed, until: None });
        }
        if cfg!(feature = "unthrottled") {
            return None;
        }
        if which == Try::Repeat
            && let Some(until) = self.budget.empty_until(now)
        {
            return Some(Wait { rule: Rule::Budget, until: Some(until) });
        }
        // The breaker counts what it let through.
        let held = self.breaker.held(now, self.under_way - self.settling).map(wait(Rule::Breaker));
        held.or_else(|| self.limit.held(now, self.under_way).map(wait(Rule::Limit)))
    }

    /// Takes a permit for a call that began then, and tells whether it is the breaker's probe.
    fn take(&mut self, now: Instant, which: Try, began: Instant) -> Result<bool, Wait> {
        if let Some(mut wait) = self.obstacle(now, which) {
            if wait.rule != Rule::Closed && self.reach == Reach::Never {
                let end = began + self.unreached;
                if now >= end {
                    wait.rule = Rule::Unreached;
                } else {
                    wait.until = Some(wait.until.map_or(end, |until| until.min(end)));
                }
            }
            self.throttled_by = Some(wait.rule);
            return Err(wait);
        }
        if which == Try::Repeat {
            self.budget.draw(now);
        }
        self.limit.draw(now);
        self.under_way += 1;
        Ok(self.breaker.pass(now))
    }

    /// Takes in what came back from a request that began then.
    fn heard(&mut self, now: Instant, began: Instant, heard: Heard) {
        match heard {
            Heard::Answer => {
                self.budget.earn(now);
                self.breaker.answered(now);
            }
            Heard::TooMany { retry_after } => {
                self.breaker.answered(now);
                self.limit.lower(now, began, retry_after.unwrap_or_default());
            }
            Heard::Silence => self.breaker.silent(now, began),
        }
    }
}

/// The throttle that all calls of one client pass.
pub(crate) struct Throttle {
    state: Mutex<State>,
    /// Who is next, first come first served. Repeats stand in a line of their own, so that an empty budget keeps
    /// nobody else waiting.
    firsts: tokio::sync::Mutex<()>,
    repeats: tokio::sync::Mutex<()>,
    /// Something may have changed for the two that are next.
    changed: Notify,
}

impl Throttle {
    pub fn new(config: &Config) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State::new(config, Instant::now())),
            firsts: tokio::sync::Mutex::default(),
            repeats: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        })
    }

    /// Waits for a permit for a call that `began` then, for so long at the most. The place in line is kept only while
    /// this is polled, so whoever may be polled late waits in a task: see [`Waiter`]. Dropping the future leaves the
    /// line.
    ///
    /// # Errors
    /// What the call ends with if nothing else is known of it: `unavailable` if the breaker held it or nothing was ever
    /// reached, `timed_out` if another rule did; `closed`.
    pub async fn permit(self: &Arc<Self>, which: Try, began: Instant, within: Duration) -> Result<Permit, Error> {
        let line = match which {
            Try::First => &self.firsts,
            Try::Repeat => &self.repeats,
        };
        let (asked, mut is_held) = (Instant::now(), false);
        let taken = tokio::time::timeout(within, async {
            let _next = if let Ok(next) = line.try_lock() {
                next
            } else {
                is_held = true;
                line.lock().await
            };
            loop {
                // Listening begins before looking, so that no change falls in between.
                let changed = self.changed.notified();
                let wait = match self.lock().take(Instant::now(), which, began) {
                    Ok(probe) => return Ok(probe),
                    Err(wait) if matches!(wait.rule, Rule::Closed | Rule::Unreached) => return Err(wait),
                    Err(wait) => wait,
                };
                is_held = true;
                match wait.until {
                    Some(until) => tokio::select! {
                        () = tokio::time::sleep_until(until) => {}
                        () = changed => {}
                    },
                    None => changed.await,
                }
            }
        });
        let taken = taken.await;
        if is_held && let Some(call) = caller::call() {
            call.throttled(asked.elapsed());
        }
        let rule = match taken {
            Ok(Ok(probe)) => return Ok(Permit { throttle: Arc::clone(self), probe, settles: false, is_paid: true }),
            Ok(Err(wait)) => Some(wait.rule),
            Err(_) => {
                let mut state = self.lock();
                state.obstacle(Instant::now(), which).map(|wait| wait.rule).or(state.throttled_by)
            }
        };
        Err(throttled(rule))
    }

    /// A permit at once, for a try that settles an open attempt.
    pub fn settling(self: &Arc<Self>) -> Permit {
        let mut state = self.lock();
        state.under_way += 1;
        state.settling += 1;
        drop(state);
        Permit { throttle: Arc::clone(self), probe: false, settles: true, is_paid: false }
    }

    /// Counts a request that is about to be sent, if its permit did not.
    pub fn count(&self, permit: Option<&mut Permit>) {
        let is_paid = permit.is_some_and(|permit| std::mem::take(&mut permit.is_paid));
        if !is_paid {
            self.lock().limit.draw(Instant::now());
        }
    }

    /// Notes that something of this client has reached the platform.
    pub fn reached(&self) {
        self.lock().reach = Reach::Once;
    }

    /// Takes in whether a request that was not answered was `sent`, or had `no_connection`. Tells whether nothing of
    /// this client ever reached the platform.
    pub fn is_unreached(&self, sent: bool, no_connection: bool) -> bool {
        let mut state = self.lock();
        state.reach = match state.reach {
            _ if sent => Reach::Once,
            Reach::Untried if no_connection => Reach::Never,
            reach => reach,
        };
        no_connection && state.reach == Reach::Never
    }

    /// Takes in what came back from a request that began then.
    pub fn heard(&self, began: Instant, heard: Heard) {
        self.lock().heard(Instant::now(), began, heard);
        self.changed.notify_waiters();
    }

    /// Ends every wait, and lets no try start any more but those that settle.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
    }

    /// Counters and times: what a panic elsewhere left of them is as good as any.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a call that never got a permit.
fn throttled(rule: Option<Rule>) -> Error {
    let (kind, why) = match rule {
        Some(Rule::Closed) => return Error::new(ErrorKind::Closed, "the client was closed"),
        Some(Rule::Breaker) => {
            (ErrorKind::Unavailable, "the platform has not answered lately, and is asked again one call at a time")
        }
        Some(Rule::Unreached) => {
            let text = "not sent: this client could never connect to the platform; are base_url and the network right?";
            return Error::new(ErrorKind::Unavailable, text).with_unreached(true);
        }
        Some(Rule::Budget) => (ErrorKind::TimedOut, "too many calls of this client are being repeated"),
        Some(Rule::Limit) | None => {
            (ErrorKind::TimedOut, "requests_per_second, max_concurrency or an earlier 429 let no more pass")
        }
    };
    Error::new(kind, format!("held back until the deadline, and not sent: {why}"))
}

/// The right to one try: its token call, if it needs one, and its request. It ends when it is dropped.
pub(crate) struct Permit {
    throttle: Arc<Throttle>,
    probe: bool,
    settles: bool,
    /// One request of it is already counted.
    is_paid: bool,
}

impl Drop for Permit {
    fn drop(&mut self) {
        {
            let mut state = self.throttle.lock();
            state.under_way -= 1;
            state.settling -= u32::from(self.settles);
            if self.probe {
                state.breaker.probe_ended();
            }
            if self.is_paid {
                state.limit.give_back();
            }
        }
        self.throttle.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
