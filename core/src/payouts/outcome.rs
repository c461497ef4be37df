//! The outcome rules of a create, as one pure state machine: event in, action out, no I/O and no clock.
//!
//! Never pay twice, never lose a payout. `create.rs` drives this machine and does what it says; every decision about
//! repeating, settling or giving up is here.
//!
//! The words: an attempt is **open** when a byte of it may have reached the platform and no believed answer came back.
//! Once an attempt was open, the payout **may have been sent**: the call ends as accepted, as a duplicate, as a refusal
//! that was proven to stand, or as unknown, never as anything that sounds like "nothing happened". A call that resumes
//! an earlier one starts so, as if an attempt of unknown age had just been given up.
//!
//! An attempt is **doubted** when the answer that says it was not executed may belong to another exchange: it came over
//! a connection that had carried one before. Then its request may still be on its way. So such a call ends as if
//! nothing had happened only after a read over a connection of its own, a first pause's time later, says that nothing
//! is there.
//!
//! A create under a **chunk's token** (rule 13) has an end of its own: no POST starts at it or later, and nothing takes
//! the token's place. What was not sent by then never will be. Its id may have been sent before, by a worker or a
//! journal that is gone, and nobody may know: so a 409 to its first attempt is judged as to a repeat, without reading
//! first.
//!
//! Times are measured from the start of the call.

use std::time::Duration;

use crate::timing::Limits;

/// How a call starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Start {
    /// This id was never sent.
    Fresh,
    /// It may have been sent before. That is an open attempt whose end we did not see, so the call starts by reading.
    Resume,
    /// The same, and the request is refused here now: nothing is sent, and the refusal stands as one to a repeat does.
    ResumeRefused,
}

/// What the driver does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// Get a token that allows the create; with `renew`, not the one that was just refused.
    Authorize { renew: bool, within: Duration },
    /// Wait for the permit to send that did not come at once.
    Wait { within: Duration },
    /// Send the create.
    Post { within: Duration },
    /// Read the payout; `alone`, over a connection that carries nothing else.
    Get { within: Duration, alone: bool },
    /// Wait `at_least`, and on top of it a random part of `jitter`.
    Pause { at_least: Duration, jitter: Duration },
    /// The call is over.
    End(Verdict),
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    /// The platform took it: the last answer to the create says so.
    Accepted,
    /// The platform took it: the last read shows our payout.
    Recovered,
    /// The platform refused it, and nothing of this id executed or will: the refusal is the answer.
    Refused,
    /// Nothing was sent, or nothing that was sent executed: the last error is the answer.
    Failed,
    /// The id belongs to a payout that is not provably this call's; `found` if the last read shows it.
    Duplicate { found: bool },
    /// It may exist, and that could not be settled in time.
    Unknown,
    /// The caller left or the client closed before anything was sent.
    Withdrawn,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    /// A token is in hand.
    Authorized,
    /// There is no token, or no permit.
    NotAuthorized(NotSent),
    /// The permit to send did not come at once: the call stands in line for it.
    Throttled,
    /// The create was tried.
    Posted(PostEnd),
    /// The same, and its answer came over a connection that had carried another exchange: it may be the answer to that.
    PostedAmongOthers(PostEnd),
    /// The payout was read.
    Read(ReadEnd),
    /// The pause is over, or the permit is there.
    Woke,
}

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NotSent {
    /// DNS, connect, a token call without an answer: it may work later.
    Retryable { retry_after: Option<Duration> },
    /// No connection, and this client never reached the platform: its name or port may be wrong.
    Unreached,
    /// A certificate that does not verify, a refused token call: it will not.
    Final,
}

/// How one POST ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PostEnd {
    /// No byte of it was sent.
    NotSent(NotSent),
    /// 429: it did not execute.
    RateLimited { retry_after: Option<Duration> },
    /// 401: it did not execute. `renewable` unless the token was issued for this attempt or cannot be renewed.
    Unauthorized { renewable: bool },
    /// 200 or 201 with a readable body whose money, method and id are ours.
    Accepted,
    /// 400, 403 or a 406 array.
    Refused,
    /// 409: the id is taken.
    Conflict,
    /// Anything else: it may have executed, or may yet.
    Open,
    /// The same, and it seems that something on the way refused a header for its length, as it would again.
    TooLong,
}

impl PostEnd {
    /// Whether it says that this attempt, which was sent, was not executed.
    fn denies(self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unauthorized { .. } | Self::Refused)
    }
}

/// What one GET showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ReadEnd {
    /// A payout that agrees with the request in everything the platform repeats, and in age.
    Ours,
    /// A payout that does not.
    NotOurs,
    /// 410: not there now.
    Gone,
    /// Anything else proves nothing.
    Unproven { retry_after: Option<Duration> },
    /// No connection, and this client never reached the platform.
    Unreached,
    /// The platform does not let this token read.
    Denied,
    /// No read can be made: the token was refused for good, or the certificate does not verify.
    Final,
}

/// What the reads are to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Question {
    /// Did an open attempt execute? If not, the create may be repeated.
    Executed,
    /// A repeat was refused: does the refusal stand?
    RefusalStands,
    /// A repeat found the id taken: is it our payout?
    TakenByUs { since: Duration },
    /// The first attempt found the id taken: what is there? One read, no more.
    TakenByOther,
    /// A doubted attempt was said not to have been executed: is nothing there? Then the call ends so.
    NothingHappened(Verdict),
}

/// The state of one call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Outcome {
    limits: Limits,
    /// When the last open attempt was given up; with it, the payout may have been sent.
    given_up_at: Option<Duration>,
    question: Question,
    /// When an attempt was denied last by an answer that may be another's.
    doubted_at: Option<Duration>,
    /// A POST was started.
    posted: bool,
    /// It had to wait for a permit to send.
    throttled: bool,
    /// Pauses so far, for the backoff.
    pauses: u32,
    /// The token was renewed after a 401, and no other answer came since.
    renewed: bool,
    /// No POST before then: the platform asked for it.
    not_before: Duration,
    /// Under a chunk's token: no POST starts then or later.
    no_post_after: Option<Duration>,
    /// No further POST at all: the callers left, or the client closes.
    withdrawn: bool,
    read_started_at: Duration,
}

impl Outcome {
    /// A call that is about to start, `now` being the time since its caller came, and its first action. Under a chunk's
    /// token, no POST starts at `no_post_after` or later.
    pub fn start(limits: Limits, now: Duration, start: Start, no_post_after: Option<Duration>) -> (Self, Action) {
        let resume = start != Start::Fresh;
        let mut outcome = Self {
            limits,
            given_up_at: resume.then_some(now),
            question: if start == Start::ResumeRefused { Question::RefusalStands } else { Question::Executed },
            doubted_at: None,
            posted: false,
            throttled: false,
            pauses: 0,
            renewed: false,
            not_before: Duration::ZERO,
            no_post_after,
            withdrawn: false,
            read_started_at: Duration::ZERO,
        };
        let action = if resume { outcome.read(now) } else { outcome.authorize(now, false) };
        (outcome, action)
    }

    /// The callers left or the client closes: no further POST starts. What was sent is still settled.
    pub fn withdraw(&mut self) {
        self.withdrawn = true;
    }

    /// Whether a payout under this id exists or may exist because of this call or the one it resumes.
    pub fn maybe_sent(&self) -> bool {
        self.given_up_at.is_some()
    }

    /// Takes what happened, `now` being the time since the call started, and says what to do.
    pub fn on(&mut self, now: Duration, event: Event) -> Action {
        match event {
            Event::Authorized => self.post(now),
            Event::NotAuthorized(why) => self.not_sent(now, why),
            Event::Throttled => self.throttled(now),
            Event::Posted(end) => self.posted(now, end),
            Event::PostedAmongOthers(end) => {
                if end.denies() {
                    self.doubted_at = Some(now);
                }
                self.posted(now, end)
            }
            Event::Read(end) => self.was_read(now, end),
            Event::Woke if self.settles() => self.read(now),
            Event::Woke => self.authorize(now, false),
        }
    }

    /// Whether the call is being settled: it goes on to read, and not to send, whoever left.
    pub fn settles(&self) -> bool {
        self.maybe_sent() || matches!(self.question, Question::TakenByUs { .. } | Question::NothingHappened(_))
    }

    /// What may have been sent is settled on while a repeat stands in line; else there is nothing to do but wait.
    fn throttled(&mut self, now: Duration) -> Action {
        self.throttled = true;
        if self.maybe_sent() {
            return self.pause(now, Duration::ZERO);
        }
        let within = self.patience(now);
        if self.withdrawn || within.is_zero() { self.give_up(now) } else { Action::Wait { within } }
    }

    /// For how long a create may stand in line: by rules 9 and 13, it would come too late after that.
    pub fn patience(&self, now: Duration) -> Duration {
        self.left(now).saturating_sub(self.limits.attempt).min(self.until_chunk_ends(now))
    }

    /// Rule 1: what was not sent may be sent again, unless it never will be.
    fn not_sent(&mut self, now: Duration, why: NotSent) -> Action {
        match why {
            NotSent::Retryable { retry_after } => self.again(now, retry_after),
            NotSent::Unreached => self.unreached(now, Self::again),
            NotSent::Final => self.give_up(now),
        }
    }

    fn posted(&mut self, now: Duration, end: PostEnd) -> Action {
        let renewed = std::mem::take(&mut self.renewed);
        match end {
            PostEnd::NotSent(why) => self.not_sent(now, why),
            // Rule 2: it did not execute, so it may be sent again.
            PostEnd::RateLimited { retry_after } => self.again(now, retry_after),
            PostEnd::Unauthorized { renewable: true } if !renewed => {
                self.renewed = true;
                self.authorize(now, true)
            }
            PostEnd::Unauthorized { .. } if self.maybe_sent() => {
                self.end_chunk();
                self.again(now, None)
            }
            PostEnd::Unauthorized { .. } => self.end(now, Verdict::Failed),
            // Rule 3: believed.
            PostEnd::Accepted => Action::End(Verdict::Accepted),
            // Rule 7: a refusal says nothing about an earlier attempt that is open.
            PostEnd::Refused if self.maybe_sent() => {
                self.question = Question::RefusalStands;
                self.pause(now, Duration::ZERO)
            }
            PostEnd::Refused => self.end(now, Verdict::Refused),
            // Rule 8: to a repeat, the id may be taken by us. Rule 13: so it may by whoever had the chunk before.
            PostEnd::Conflict => {
                self.question = if self.maybe_sent() || self.doubted_at.is_some() || self.no_post_after.is_some() {
                    Question::TakenByUs { since: now }
                } else {
                    Question::TakenByOther
                };
                self.read(now)
            }
            // Rule 4: pause, then read.
            PostEnd::Open => self.open(now),
            PostEnd::TooLong => {
                self.end_chunk();
                self.open(now)
            }
        }
    }

    fn open(&mut self, now: Duration) -> Action {
        self.given_up_at = Some(now);
        self.pause(now, Duration::ZERO)
    }

    /// Rule 13: the token of this chunk, if it is one of a chunk, is of no more use.
    fn end_chunk(&mut self) {
        self.no_post_after = self.no_post_after.map(|_| Duration::ZERO);
    }

    fn until_chunk_ends(&self, now: Duration) -> Duration {
        self.no_post_after.map_or(Duration::MAX, |end| end.saturating_sub(now))
    }

    fn was_read(&mut self, now: Duration, end: ReadEnd) -> Action {
        if self.question == Question::TakenByOther {
            let found = matches!(end, ReadEnd::Ours | ReadEnd::NotOurs);
            return Action::End(Verdict::Duplicate { found });
        }
        match end {
            // Rule 6: found.
            ReadEnd::Ours => Action::End(Verdict::Recovered),
            ReadEnd::NotOurs => Action::End(Verdict::Duplicate { found: true }),
            ReadEnd::Gone => self.gone(now),
            ReadEnd::Unproven { retry_after } => self.pause(now, retry_after.unwrap_or_default()),
            ReadEnd::Unreached => self.unreached(now, |rules, now, _| rules.pause(now, Duration::ZERO)),
            // Whoever may not send may not read, either: nothing comes of asking until the deadline.
            ReadEnd::Denied if matches!(self.question, Question::NothingHappened(_)) => Action::End(Verdict::Unknown),
            ReadEnd::Denied => self.pause(now, Duration::ZERO),
            ReadEnd::Final => Action::End(Verdict::Unknown),
        }
    }

    /// 410: not there at the time of the read. What that proves depends on when the read started.
    fn gone(&mut self, now: Duration) -> Action {
        match self.question {
            Question::NothingHappened(verdict) if self.read_after_doubt() => Action::End(verdict),
            Question::RefusalStands if self.read_after_window() && self.read_after_doubt() => {
                Action::End(Verdict::Refused)
            }
            Question::TakenByUs { .. } if self.read_after_window() => Action::End(Verdict::Unknown),
            Question::Executed if self.may_post(now) => self.authorize(now, false),
            // It did not execute, and no POST can follow: there is nothing left to find out.
            Question::Executed if self.read_after_window() && !self.will_post(now) => Action::End(Verdict::Unknown),
            _ => self.pause(now, Duration::ZERO),
        }
    }

    /// Whether the last read started when a doubted attempt was surely executed, if it ever will be.
    fn read_after_doubt(&self) -> bool {
        self.doubt_ends().is_none_or(|end| self.read_started_at >= end)
    }

    fn doubt_ends(&self) -> Option<Duration> {
        self.doubted_at.map(|doubted_at| doubted_at.saturating_add(self.limits.backoff_base))
    }

    /// Whether the last read started when the settle window was over.
    fn read_after_window(&self) -> bool {
        self.window_end().is_some_and(|end| self.read_started_at >= end)
    }

    fn window_end(&self) -> Option<Duration> {
        let opened_at = match self.question {
            Question::TakenByUs { since } => Some(since),
            _ => self.given_up_at,
        };
        opened_at.map(|opened_at| opened_at.saturating_add(self.limits.settle_window))
    }

    /// Tries again after a pause; what may have been sent is read first.
    fn again(&mut self, now: Duration, retry_after: Option<Duration>) -> Action {
        self.not_before = now.saturating_add(retry_after.unwrap_or_default());
        if self.maybe_sent() {
            return self.pause(now, Duration::ZERO);
        }
        if !self.will_post(now) {
            return self.give_up(now);
        }
        self.pause(now, retry_after.unwrap_or_default())
    }

    /// Rule 12: what was never reached may have a wrong name, and is not waited for as one that fell silent is.
    fn unreached(&mut self, now: Duration, then: impl Fn(&mut Self, Duration, Option<Duration>) -> Action) -> Action {
        let rest = self.limits.unreached.saturating_sub(now);
        if rest < self.limits.useful() {
            return self.give_up(now);
        }
        match then(self, now, None) {
            Action::Pause { at_least, jitter } => {
                let at_least = at_least.min(rest);
                Action::Pause { at_least, jitter: jitter.min(rest.saturating_sub(at_least)) }
            }
            action => action,
        }
    }

    /// Rule 5: once an attempt was open, giving up never sounds like "nothing happened".
    fn give_up(&mut self, now: Duration) -> Action {
        if self.settles() {
            Action::End(Verdict::Unknown)
        } else if self.withdrawn {
            self.end(now, Verdict::Withdrawn)
        } else {
            self.end(now, Verdict::Failed)
        }
    }

    /// Ends the call as one of which nothing was executed; where an attempt is doubted, only after a read that says so.
    fn end(&mut self, now: Duration, verdict: Verdict) -> Action {
        let Some(doubt_ends) = self.doubt_ends() else { return Action::End(verdict) };
        self.question = Question::NothingHappened(verdict);
        let at_least = doubt_ends.saturating_sub(now);
        if at_least.is_zero() {
            self.read(now)
        } else if self.left(now).saturating_sub(at_least) < self.limits.useful() {
            Action::End(Verdict::Unknown)
        } else {
            Action::Pause { at_least, jitter: Duration::ZERO }
        }
    }

    fn authorize(&mut self, now: Duration, renew: bool) -> Action {
        if !self.may_post(now) {
            // Only a call of which nothing was sent comes here without a read that just said 410.
            return if self.maybe_sent() { self.pause(now, Duration::ZERO) } else { self.give_up(now) };
        }
        Action::Authorize { renew, within: self.attempt_at(now) }
    }

    fn post(&mut self, now: Duration) -> Action {
        if !self.may_post(now) {
            return if self.maybe_sent() { self.pause(now, Duration::ZERO) } else { self.give_up(now) };
        }
        self.posted = true;
        // Half of what is left, so that as much remains for a read.
        Action::Post { within: self.limits.attempt.min(self.left(now) / 2) }
    }

    fn read(&mut self, now: Duration) -> Action {
        if self.left(now) < self.limits.useful() {
            return Action::End(match self.question {
                Question::TakenByOther => Verdict::Duplicate { found: false },
                _ => Verdict::Unknown,
            });
        }
        self.read_started_at = now;
        // A read that may end the call as if nothing had happened: its "not there" must be its own.
        let alone = match self.question {
            Question::NothingHappened(_) => true,
            Question::RefusalStands => self.read_after_window(),
            Question::Executed | Question::TakenByUs { .. } | Question::TakenByOther => false,
        };
        Action::Get { within: self.attempt_at(now), alone }
    }

    fn pause(&mut self, now: Duration, at_least: Duration) -> Action {
        let (left, useful) = (self.left(now), self.limits.useful());
        // Of a pause that is as short as a read after it needs, nothing would be left but a run of reads.
        if left.saturating_sub(at_least) < useful * 2 {
            return self.give_up(now);
        }
        let mut at_least = at_least;
        let mut jitter = self.limits.ceiling(self.pauses);
        self.pauses = self.pauses.saturating_add(1);
        // The read that decides starts when the window is over: do not sleep past it, nor stop just short of it.
        let until_window_end = self.window_end().unwrap_or_default().saturating_sub(now);
        if until_window_end > at_least && until_window_end <= jitter && until_window_end + useful <= left {
            at_least = until_window_end;
            jitter = self.limits.backoff_base;
        }
        // Nor past the last time for a read: half of what is left, as long as that is a pause worth making, or a doubt
        // needs a read after it.
        let rest = left.saturating_sub(at_least);
        let leaves_time = rest / 2 > self.limits.backoff_base || self.doubted_at.is_some() && !self.settles();
        jitter = jitter.min(if leaves_time { rest / 2 } else { rest.saturating_sub(useful) });
        // Rule 13: nor past the chunk's end, where nothing is left to do but to send.
        if !self.settles() {
            jitter = jitter.min(self.until_chunk_ends(now).saturating_sub(at_least));
        }
        Action::Pause { at_least, jitter }
    }

    /// Rule 9: a repeat, and what stood in line, starts only if time for it and one read remains: half an attempt's
    /// time for each. The first starts with less, if that is of any use.
    fn may_post(&self, now: Duration) -> bool {
        now >= self.not_before && self.will_post(now)
    }

    /// Whether a POST may start now or later.
    fn will_post(&self, now: Duration) -> bool {
        let start = now.max(self.not_before);
        let needed = if !self.posted && !self.maybe_sent() && !self.throttled && self.pauses == 0 {
            self.limits.useful() * 2
        } else {
            self.limits.attempt
        };
        !self.withdrawn && self.left(start) >= needed && self.no_post_after.is_none_or(|end| start < end)
    }

    fn left(&self, now: Duration) -> Duration {
        self.limits.total.saturating_sub(now)
    }

    fn attempt_at(&self, now: Duration) -> Duration {
        self.limits.attempt.min(self.left(now))
    }
}

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod spec;
