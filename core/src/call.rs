//! One call that moves nothing: its deadline, its history, and the one loop that tries again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::auth::{Refusal, Scope};
use crate::caller::apart;
use crate::error::{Error, ErrorKind, Result};
use crate::first_failure::Said;
use crate::json::Unreadable;
use crate::session::Session;
use crate::throttle::{Permit, Try};
use crate::timing::jitter;
use crate::transport::{Answer, FailureKind, Operation, Over};
use crate::values::PayoutId;

/// Why one try brought no result.
#[derive(Clone)]
pub(crate) struct ReadError {
    pub kind: ReadErrorKind,
    pub error: Error,
    /// When the platform says it answered so, if it did.
    pub date: Option<Timestamp>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadErrorKind {
    /// 410: it is not there now.
    Gone,
    /// It may work in a moment: no connection, no answer in time, 429, 5xx.
    Passing,
    /// The throttle held it back to the end of its time, or of one that read for it: nothing was sent.
    Throttled,
    /// It will not work by trying again.
    Lasting,
    /// 401 or 403: this token may not, and no other one was to be had.
    Denied,
    /// No try can be made: the client was closed, the token does not allow it, the platform refuses one, or its
    /// certificate does not verify.
    Barred,
}

impl ReadErrorKind {
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

impl ReadError {
    pub fn passing(error: Error) -> Self {
        Self { kind: ReadErrorKind::Passing, error, date: None }
    }

    pub fn lasting(error: Error) -> Self {
        Self { kind: ReadErrorKind::Lasting, error, date: None }
    }

    /// No permit came.
    pub fn throttled(error: Error) -> Self {
        let is_closed = error.kind() == ErrorKind::Closed;
        Self { kind: if is_closed { ReadErrorKind::Barred } else { ReadErrorKind::Throttled }, error, date: None }
    }
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> Self {
        let kind = if refusal.is_final { ReadErrorKind::Barred } else { ReadErrorKind::Passing };
        Self { kind, error: refusal.error, date: None }
    }
}

/// Reads once, with this permit: one request, and another only if the token was refused and there is a new one, or if
/// what the answer denies is to be confirmed.
pub(crate) async fn try_read<T>(
    session: &Session,
    mut operation: Operation,
    scope: &Scope,
    parse: impl Fn(&Answer) -> Result<T, Unreadable>,
    mut permit: Permit,
    within: Duration,
    history: &mut Vec<Attempt>,
) -> Result<T, ReadError> {
    let ends = Instant::now() + within;
    let mut grant = session.tokens.get(scope, None, within, history).await?;
    let useful = session.limits.useful().min(within / 4);
    let answer = loop {
        let left = ends.saturating_duration_since(Instant::now());
        if left < useful {
            let text =
                format!("no time was left to send {operation}: its token, or what was asked before it, took all of it");
            return Err(ReadError::passing(Error::new(ErrorKind::TimedOut, text)));
        }
        let sent = session.send(&operation, &grant, &mut permit, left, std::future::pending(), history).await;
        let answer = sent.map_err(|failure| ReadError {
            kind: match failure.kind {
                FailureKind::Network | FailureKind::TimedOut => ReadErrorKind::Passing,
                FailureKind::Unreadable => ReadErrorKind::Lasting,
                FailureKind::Configuration => ReadErrorKind::Barred,
            },
            error: failure.to_error(),
            date: None,
        })?;
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
            ReadError::lasting(Error::new(ErrorKind::UnexpectedResponse, text).with_status(200))
        });
    }
    Err(ReadError { kind: ReadErrorKind::of(answer.status), error: answer.to_error(), date: answer.date })
}

/// Reads until there is an answer: see [`Call::answer`].
pub(crate) async fn read<T: Send + 'static>(
    session: &Arc<Session>,
    operation: &Operation,
    scope: &Scope,
    parse: impl Fn(&Answer) -> Result<T, Unreadable> + Clone + Send + 'static,
) -> Result<T> {
    let call = Call::new(session, None, session.limits.total);
    let attempt = |mut chance: Chance| {
        let (operation, scope, parse) = (operation.clone(), scope.clone(), parse.clone());
        async move {
            let result = match chance.permit().await {
                Ok((permit, within)) => {
                    let Chance { session, history, .. } = &mut chance;
                    try_read(session, operation, &scope, parse, permit, within, history).await
                }
                Err(error) => Err(error),
            };
            chance.tried(result)
        }
    };
    Ok(call.answer(attempt).await?.0)
}

/// One more try of a call.
pub(crate) struct Chance {
    pub session: Arc<Session>,
    pub which: Try,
    /// When its call began.
    began: Instant,
    /// How much time its call has left.
    pub left: Duration,
    /// The requests made so far.
    pub history: Vec<Attempt>,
}

/// How a try ended, and the requests made so far.
pub(crate) struct Tried<T> {
    result: Result<T, ReadError>,
    history: Vec<Attempt>,
}

impl Chance {
    /// Waits for the permit of this try. Gives the time of its attempt with it.
    pub async fn permit(&self) -> Result<(Permit, Duration), ReadError> {
        let started = Instant::now();
        let permit = self.session.throttle.permit(self.which, self.began, self.left).await;
        let permit = permit.map_err(ReadError::throttled)?;
        Ok((permit, self.session.limits.attempt.min(self.left.saturating_sub(started.elapsed()))))
    }

    /// It ended so.
    pub fn tried<T>(self, result: Result<T, ReadError>) -> Tried<T> {
        Tried { result, history: self.history }
    }
}

/// What a call waits for that goes on until its time is over.
pub(crate) struct Wait<T> {
    /// Whether this is what it waits for.
    pub is_end: fn(&T) -> bool,
    /// The error of a call that has seen nothing but this when its time is over.
    pub not_yet: Box<dyn Fn(Option<T>) -> Error + Send + Sync>,
}

/// A call: how much time is left, what went wrong, and whether there is another try.
///
/// Each try is a task of its own, which ends with its call: neither in line nor on the wire does it keep others waiting
/// if nobody polls the call.
pub(crate) struct Call {
    session: Arc<Session>,
    /// The payout that it is about, if it is about one.
    id: Option<PayoutId>,
    started: Instant,
    /// All of its time.
    total: Duration,
    /// How many tries there were that sent something.
    tried: u32,
    /// The last of them failed, so that the next one is a repeat.
    failed: bool,
    last_error: Option<Error>,
    said: Said,
    history: Vec<Attempt>,
}

impl Call {
    pub fn new(session: &Arc<Session>, id: Option<&PayoutId>, total: Duration) -> Self {
        Self {
            session: Arc::clone(session),
            id: id.cloned(),
            started: Instant::now(),
            total,
            tried: 0,
            failed: false,
            last_error: None,
            said: Said::default(),
            history: Vec::new(),
        }
    }

    /// Tries until it works, trying is of no use, `read_attempts` are used up, or the total time is. What it brought
    /// comes with the requests that were made.
    pub async fn answer<T, F>(mut self, attempt: impl Fn(Chance) -> F) -> Result<(T, Vec<Attempt>)>
    where
        T: Send + 'static,
        F: Future<Output = Tried<T>> + Send + 'static,
    {
        loop {
            let Tried { result, history } = self.tried(&attempt).await?;
            self.history = history;
            let pause = match result {
                Ok(value) => return Ok((value, self.history)),
                Err(error) => self.missed(error)?,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Tries until it is there what is waited for, trying is of no use, or the total time is over.
    pub async fn wait<T, F>(mut self, attempt: impl Fn(Chance) -> F, wait: Wait<T>) -> Result<(T, Vec<Attempt>)>
    where
        T: Send + 'static,
        F: Future<Output = Tried<T>> + Send + 'static,
    {
        let mut last_seen = None;
        loop {
            let tried = self.tried(&attempt).await?;
            match self.after(tried, &mut last_seen, &wait)? {
                ControlFlow::Break(seen) => return Ok(seen),
                ControlFlow::Continue(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    async fn tried<T, F>(&mut self, attempt: impl Fn(Chance) -> F) -> Result<Tried<T>>
    where
        T: Send + 'static,
        F: Future<Output = Tried<T>> + Send + 'static,
    {
        let chance = self.chance()?;
        apart(attempt(chance)).await.map_err(|error| self.named(error))
    }

    /// What comes after a try of a call that waits: what it waits for, with the requests that were made, or a pause.
    pub fn after<T>(
        &mut self,
        Tried { result, history }: Tried<T>,
        last_seen: &mut Option<T>,
        wait: &Wait<T>,
    ) -> Result<ControlFlow<(T, Vec<Attempt>), Duration>> {
        self.history = history;
        let (asked, longest) = match result {
            Ok(value) if (wait.is_end)(&value) => {
                return Ok(ControlFlow::Break((value, std::mem::take(&mut self.history))));
            }
            Ok(value) => {
                *last_seen = Some(value);
                self.saw()
            }
            Err(error) => self.missed_in_wait(error, last_seen.is_some())?,
        };
        // A wait may take days: only the last requests are worth telling.
        let surplus = self.history.len().saturating_sub(20);
        self.history.drain(..surplus);
        match self.pause_in_wait(asked, longest) {
            Some(pause) => Ok(ControlFlow::Continue(pause)),
            None => Err(self.not_yet(last_seen.take(), wait)),
        }
    }

    /// The error of a call whose time is over before it has seen what it waits for.
    pub fn not_yet<T>(&mut self, last_seen: Option<T>, wait: &Wait<T>) -> Error {
        let error = (wait.not_yet)(last_seen).with_attempts(std::mem::take(&mut self.history));
        error.caused_by(self.last_error.take())
    }

    /// One more try, if the client is open.
    pub fn chance(&mut self) -> Result<Chance> {
        self.session.check_open().map_err(|error| self.named(error))?;
        Ok(Chance {
            session: Arc::clone(&self.session),
            which: if self.failed { Try::Repeat } else { Try::First },
            began: self.started,
            left: self.left(),
            history: std::mem::take(&mut self.history),
        })
    }

    /// How long to pause after a try that brought nothing. Ends the call if that would leave no time for another one.
    fn missed(&mut self, ReadError { kind, error, .. }: ReadError) -> Result<Duration> {
        let is_throttled = self.count(kind);
        let left = self.left_after(&error);
        let pause = self.drawn(error.retry_after());
        let time_is_up = pause.saturating_add(self.session.limits.useful()) >= left;
        // What went wrong before is a better cause than that there was no permit, or no time.
        let says_nothing = is_throttled || time_is_up && error.kind() == ErrorKind::TimedOut;
        let error = if says_nothing { self.last_error.take().unwrap_or(error) } else { error };
        // It may have been held back with somebody else, who had less time.
        let may_pass = is_throttled || kind == ReadErrorKind::Passing;
        if !may_pass || self.tried >= self.session.read_attempts || time_is_up {
            return Err(self.ended(error));
        }
        if !is_throttled {
            self.say(&error, left);
        }
        self.last_error = Some(error);
        Ok(pause)
    }

    /// Something is there, but not what is waited for.
    fn saw(&mut self) -> (Duration, Duration) {
        self.tried += 1;
        (self.last_error, self.failed) = (None, false);
        (Duration::ZERO, Duration::MAX)
    }

    /// What the platform asked to wait after a try that brought nothing, and the longest pause after it. `seen` if
    /// something was there before.
    fn missed_in_wait(&mut self, missed: ReadError, seen: bool) -> Result<(Duration, Duration)> {
        let ReadError { kind, error, .. } = missed;
        let limits = self.session.limits;
        let is_throttled = self.count(kind);
        // A read may lag behind the create, but not behind a read that showed the payout.
        let is_lagging = kind == ReadErrorKind::Gone && !seen && self.started.elapsed() < limits.settle_window;
        let may_pass = is_throttled || is_lagging || kind == ReadErrorKind::Passing;
        // What was never reached may have a wrong name, and is not waited for as one that fell silent is.
        let given_up = error.is_unreached() && self.started.elapsed() + limits.useful() >= limits.unreached;
        let error = if is_throttled { self.last_error.take().unwrap_or(error) } else { error };
        if given_up || !may_pass {
            return Err(self.ended(error));
        }
        let (left, asked) = (self.left_after(&error), error.retry_after().unwrap_or_default());
        let longest = if error.is_unreached() { left } else { Duration::MAX };
        if kind == ReadErrorKind::Passing {
            self.say(&error, left);
        }
        self.last_error = Some(error);
        // Of what was held back, that was waited for already.
        Ok(if is_throttled { (Duration::ZERO, longest) } else { (asked, longest) })
    }

    /// The pause of a wait; none if its time is over. The last read comes before that, with as much time as one needs.
    fn pause_in_wait(&self, asked: Duration, longest: Duration) -> Option<Duration> {
        let (left, useful) = (self.left(), self.session.limits.useful().min(self.total / 4));
        if left.saturating_sub(asked) <= useful {
            return None;
        }
        Some(self.drawn(Some(asked)).min(longest).min(left.saturating_sub(useful).max(asked)))
    }

    /// Counts a try that ended so, and tells whether it was none: what is held back sends nothing.
    fn count(&mut self, kind: ReadErrorKind) -> bool {
        if kind == ReadErrorKind::Throttled {
            return true;
        }
        self.tried += 1;
        // After a 410 it is asked again because the answer says so, not because there was none.
        self.failed = kind != ReadErrorKind::Gone;
        false
    }

    /// A pause as the number of tries has it, and what the platform asked for.
    fn drawn(&self, asked: Option<Duration>) -> Duration {
        jitter(self.session.limits.ceiling(self.tried.saturating_sub(1))).saturating_add(asked.unwrap_or_default())
    }

    fn left(&self) -> Duration {
        self.total.saturating_sub(self.started.elapsed())
    }

    /// How much time is left after this error.
    fn left_after(&self, error: &Error) -> Duration {
        let limits = self.session.limits;
        let total = if error.is_unreached() { limits.unreached.min(self.total) } else { self.total };
        total.saturating_sub(self.started.elapsed())
    }

    /// The call goes on: its first failure is said.
    fn say(&mut self, error: &Error, left: Duration) {
        self.session.first_failures.heard(&mut self.said, self.id.as_ref(), error, &self.history, left);
    }

    /// The error of the call that ends with this one.
    fn ended(&mut self, error: Error) -> Error {
        let error = error.with_attempts(std::mem::take(&mut self.history));
        self.named(error)
    }

    fn named(&self, error: Error) -> Error {
        match &self.id {
            Some(id) => error.with_payout_id(id),
            None => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;
    use crate::{Config, Credentials};

    fn missed(kind: ReadErrorKind, retry_after: Option<Duration>) -> ReadError {
        ReadError { kind, error: Error::new(ErrorKind::RateLimited, "no").with_retry_after(retry_after), date: None }
    }

    /// A call whose tries end so. Gives how it ends, and which tries there were, when.
    async fn played(ends: Vec<ReadError>) -> (Result<((), Vec<Attempt>)>, Vec<(Try, Duration)>) {
        let session = Arc::new(Session::new(Config::new("http://127.0.0.1:9", Credentials::token("t"))).unwrap());
        let (started, ends) = (Instant::now(), Arc::new(Mutex::new(VecDeque::from(ends))));
        let tries = Arc::new(Mutex::new(Vec::new()));
        let call = Call::new(&session, None, session.limits.total);
        let result = call.answer(|chance| {
            tries.lock().unwrap().push((chance.which, started.elapsed()));
            let end = ends.lock().unwrap().pop_front();
            std::future::ready(chance.tried(end.map_or(Ok(()), Err)))
        });
        let result = result.await;
        let tries = tries.lock().unwrap().clone();
        (result, tries)
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_held_back_is_no_try_and_asks_for_no_pause() {
        let asked = Duration::from_secs(30);
        let throttled = || missed(ReadErrorKind::Throttled, None);
        let passing = |retry_after| missed(ReadErrorKind::Passing, retry_after);
        let mut ends: Vec<_> = std::iter::repeat_with(throttled).take(10).collect();
        ends.extend([passing(Some(asked)), throttled(), passing(None), passing(None), passing(None), passing(None)]);
        let (result, tries) = played(ends).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::RateLimited);
        let which: Vec<_> = tries.iter().map(|(which, _)| *which).collect();
        assert_eq!(which[..11], [Try::First; 11]);
        // One of them was held back; the others are as many as the settings allow.
        assert_eq!(which[11..], [Try::Repeat; 4]);
        let after = |try_number: usize| tries[try_number + 1].1.saturating_sub(tries[try_number].1);
        assert!(after(10) >= asked);
        assert!(after(11) < asked, "that was waited for already: {tries:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_back_to_the_deadline_ends_the_call_as_what_went_wrong_before() {
        let session = Arc::new(Session::new(Config::new("http://127.0.0.1:9", Credentials::token("t"))).unwrap());
        let total = session.limits.total;
        let call = Call::new(&session, None, total);
        let result: Result<((), _)> = call
            .answer(|chance| async move {
                if chance.which == Try::First {
                    return chance.tried(Err(missed(ReadErrorKind::Passing, None)));
                }
                tokio::time::sleep(chance.left).await;
                chance.tried(Err(ReadError::throttled(Error::new(ErrorKind::TimedOut, "held back"))))
            })
            .await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::RateLimited);
    }
}
