//! Calls that move nothing: tried once, or until an answer comes or trying again is of no use.

use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{Refusal, Scope};
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::first_failure::Said;
use crate::json::Unreadable;
use crate::session::Session;
use crate::throttle::{Try, Turn};
use crate::timing::jitter;
use crate::transport::{Answer, FailureKind, Operation, Over};
use crate::values::PayoutId;

/// Why one try brought no result.
#[derive(Clone)]
pub(crate) struct Miss {
    pub why: MissKind,
    pub error: Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissKind {
    /// 410: it is not there now.
    Gone,
    /// It may work in a moment: no connection, no answer in time, 429, 5xx.
    Passing,
    /// The pace of the client held it back to the end of its time, or of one that looked for it: nothing was sent.
    Held,
    /// It will not work by trying again.
    Lasting,
    /// 401 or 403: this token may not, and no other one was to be had.
    Denied,
    /// No try can be made: the client was closed, the token does not allow it, the platform refuses one, or its certificate does not verify.
    Barred,
}

impl MissKind {
    /// What an answer of this status means, if it shows nothing.
    pub fn of(status: u16) -> Self {
        match status {
            410 => Self::Gone,
            401 | 403 => Self::Denied,
            429 | 500..=599 => Self::Passing,
            _ => Self::Lasting,
        }
    }
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        let why = if refusal.is_final { MissKind::Barred } else { MissKind::Passing };
        Self { why, error: refusal.error }
    }
}

/// Tries once, in this turn: one request, and another only if the token was refused and there is a new one, or if what the
/// answer denies is to be confirmed.
pub(crate) async fn try_read<T>(
    session: &Session,
    mut operation: Operation,
    scope: &Scope,
    parse: impl Fn(&Answer) -> Result<T, Unreadable>,
    mut turn: Turn,
    within: Duration,
    history: &mut Vec<Attempt>,
) -> Result<T, Miss> {
    let ends = Instant::now() + within;
    let mut grant = session.tokens.get(scope, None, within, history).await?;
    let useful = session.limits.useful().min(within / 4);
    let answer = loop {
        let left = ends.saturating_duration_since(Instant::now());
        if left < useful {
            let text =
                format!("no time was left to send {operation}: its token, or what was asked before it, took all of it");
            return Err(Miss { why: MissKind::Passing, error: Error::new(ErrorKind::TimedOut, text) });
        }
        let answer = session.send(&operation, &grant, &mut turn, left, std::future::pending(), history).await.map_err(
            |failure| Miss {
                why: match failure.kind {
                    FailureKind::Network | FailureKind::TimedOut => MissKind::Passing,
                    FailureKind::Unreadable => MissKind::Lasting,
                    FailureKind::Configuration => MissKind::Barred,
                },
                error: failure.to_error(),
            },
        )?;
        // It may belong to an earlier exchange of its connection.
        if matches!(answer.status, 404 | 410) && !answer.is_first && matches!(operation.over, Over::Confirmed) {
            operation.over = Over::Own(None);
            continue;
        }
        let renew = match answer.status {
            401 => grant.renewable(),
            // It is not published whether a token locked to a sum of money may read.
            403 => grant.locked,
            _ => false,
        };
        if !renew {
            break answer;
        }
        let left = ends.saturating_duration_since(Instant::now());
        // One renewal a try: whatever token comes now is the last one.
        grant = session.tokens.get(scope, Some(&grant), left, history).await?.into_last();
    };
    if answer.status == 200 {
        return parse(&answer).map_err(|problem| {
            let text = format!("the answer to {operation} cannot be understood: {}", problem.0);
            Miss { why: MissKind::Lasting, error: Error::new(ErrorKind::UnexpectedResponse, text).with_status(200) }
        });
    }
    let why = MissKind::of(answer.status);
    Err(Miss { why, error: answer.to_error() })
}

/// Tries until it works, trying is of no use, `read_attempts` are used up, or the total time is.
pub(crate) async fn read<T>(
    session: &Session,
    operation: &Operation,
    scope: &Scope,
    parse: impl Fn(&Answer) -> Result<T, Unreadable>,
) -> Result<T> {
    let mut tries = Tries::new(session, None, session.limits.total);
    loop {
        let (which, left) = tries.next()?;
        let looked = match turn(session, which, tries.started, left).await {
            Ok((turn, within)) => {
                try_read(session, operation.clone(), scope, &parse, turn, within, &mut tries.history).await
            }
            Err(miss) => Err(miss),
        };
        match looked {
            Ok(result) => return Ok(result),
            Err(miss) => tries.missed(miss).await?,
        }
    }
}

/// Waits for the turn of a try that has so much time left, of a call that `began` then. Gives the time of its attempt
/// with it.
pub(crate) async fn turn(
    session: &Session,
    which: Try,
    began: Instant,
    left: Duration,
) -> Result<(Turn, Duration), Miss> {
    let started = Instant::now();
    let turn = session.pace.turn(which, began, left).await.map_err(|held| Miss {
        why: if held.kind() == ErrorKind::Closed { MissKind::Barred } else { MissKind::Held },
        error: held,
    })?;
    Ok((turn, session.limits.attempt.min(left.saturating_sub(started.elapsed()))))
}

/// The tries of one call: how much time is left, and whether there is another.
pub(crate) struct Tries<'a> {
    session: &'a Session,
    /// The payout that it is about, if it is about one.
    id: Option<&'a PayoutId>,
    pub started: Instant,
    /// All of its time.
    total: Duration,
    tried: u32,
    last_error: Option<Error>,
    said: Said,
    /// The requests made so far.
    pub history: Vec<Attempt>,
}

impl<'a> Tries<'a> {
    pub fn new(session: &'a Session, id: Option<&'a PayoutId>, total: Duration) -> Self {
        let (started, said) = (Instant::now(), Said::default());
        Self { session, id, started, total, tried: 0, last_error: None, said, history: Vec::new() }
    }

    /// Which try is next, and how much time is left for it.
    pub fn next(&self) -> Result<(Try, Duration)> {
        self.session.check_open()?;
        let which = if self.tried == 0 { Try::First } else { Try::Repeat };
        Ok((which, self.total.saturating_sub(self.started.elapsed())))
    }

    /// Waits for the next try, or ends the call with the error of the last one.
    pub async fn missed(&mut self, miss: Miss) -> Result<()> {
        let limits = self.session.limits;
        let is_held = miss.why == MissKind::Held;
        // What was held back was no try.
        self.tried += u32::from(!is_held);
        let asked = miss.error.retry_after().unwrap_or_default();
        let wait = jitter(limits.ceiling(self.tried.saturating_sub(1))).saturating_add(asked);
        let total = if miss.error.is_unreached() { limits.unreached.min(self.total) } else { self.total };
        let left = total.saturating_sub(self.started.elapsed());
        let time_is_up = wait.saturating_add(limits.useful()) >= left;
        // What went wrong before is a better cause than that there was no turn, or no time.
        let says_nothing = is_held || time_is_up && miss.error.kind() == ErrorKind::TimedOut;
        let error = if says_nothing { self.last_error.take().unwrap_or(miss.error) } else { miss.error };
        // It may have been held back with somebody else, who had less time.
        let may_pass = is_held || miss.why == MissKind::Passing;
        if !may_pass || self.tried >= self.session.read_attempts || time_is_up {
            return Err(error.with_attempts(std::mem::take(&mut self.history)));
        }
        if !is_held {
            self.session.first_failures.heard(&mut self.said, self.id, &error, &self.history, left);
        }
        self.last_error = Some(error);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Credentials};

    fn miss(why: MissKind, retry_after: Option<Duration>) -> Miss {
        Miss { why, error: Error::new(ErrorKind::RateLimited, "no").with_retry_after(retry_after) }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_held_back_is_no_try_and_asks_for_no_pause() {
        let session = Session::new(Config::new("http://127.0.0.1:9", Credentials::token("t"))).unwrap();
        let mut tries = Tries::new(&session, None, session.limits.total);
        for _ in 0..10 {
            tries.missed(miss(MissKind::Held, None)).await.unwrap();
        }
        assert_eq!(tries.next().unwrap().0, Try::First);
        let asked = Duration::from_secs(30);
        tries.missed(miss(MissKind::Passing, Some(asked))).await.unwrap();
        assert_eq!(tries.next().unwrap().0, Try::Repeat);
        let started = Instant::now();
        tries.missed(miss(MissKind::Held, None)).await.unwrap();
        assert!(started.elapsed() < asked, "that was waited for already: {:?}", started.elapsed());
        let misses = std::iter::repeat_with(|| miss(MissKind::Passing, None));
        let mut passed = 0;
        for miss in misses.take(10) {
            if tries.missed(miss).await.is_err() {
                break;
            }
            passed += 1;
        }
        assert_eq!(passed, session.read_attempts - 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_to_the_deadline_ends_the_call_as_what_went_wrong_before() {
        let session = Session::new(Config::new("http://127.0.0.1:9", Credentials::token("t"))).unwrap();
        let mut tries = Tries::new(&session, None, session.limits.total);
        tries.missed(miss(MissKind::Passing, None)).await.unwrap();
        tokio::time::sleep(session.limits.total).await;
        let held = Miss { why: MissKind::Held, error: Error::new(ErrorKind::TimedOut, "held back") };
        assert_eq!(tries.missed(held).await.unwrap_err().kind(), ErrorKind::RateLimited);
    }
}
