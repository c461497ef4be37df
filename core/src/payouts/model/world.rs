//! What a step does, and what it must never do.
//!
//! A call is the real [`Outcome`]; what it is told comes from the real judges (`reading.rs`). The rest is a model: what
//! the network does to a message, and what the platform does with it. Time goes in whole seconds. It goes on only where
//! somebody waits for something, and within a second steps are taken in every order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::super::PayoutRequest;
use super::super::outcome::{Action, Event, NotSent, Outcome, PostEnd, ReadEnd, Start};
use super::reading::{Asked, Ending, Meeting, Readings, Terms, requests};
use super::setting::Setting;
use super::state::{At, Book, Broken, Call, Caller, Doing, LONG_AGO, Late, Made, State, Unsettled};
use crate::error::{ErrorKind, Result};
use crate::values::PayoutAccepted;

pub(super) struct World {
    pub setting: Setting,
    pub readings: Readings,
    requests: Vec<PayoutRequest>,
    fingerprints: Vec<String>,
    /// How often a call ended in which way: what never happens is not tested either.
    endings: RefCell<BTreeMap<&'static str, usize>>,
}

impl World {
    pub fn new(setting: Setting) -> Self {
        let requests = requests();
        let key = b"a key of the caller's own";
        let fingerprints = requests.iter().map(|request| request.fingerprint(key).unwrap()).collect();
        Self { setting, readings: Readings::new(), requests, fingerprints, endings: RefCell::default() }
    }

    /// How often a call ended in which way, in everything that was explored.
    pub fn endings(self) -> BTreeMap<&'static str, usize> {
        self.endings.into_inner()
    }

    pub fn retry_after(&self) -> impl Iterator<Item = Option<Duration>> {
        self.setting.retry_after.iter().map(|asked| asked.map(Duration::from_secs))
    }

    pub fn total(&self) -> u8 {
        seconds(self.setting.limits.total)
    }

    pub fn runs(&self, state: &State, client: u8) -> bool {
        let mut of_client =
            state.callers.iter().zip(&self.setting.callers).filter(|(_, habits)| habits.client == client);
        of_client.any(|(caller, _)| caller.call.is_some() || matches!(caller.at, At::In(_) | At::Behind(_)))
    }

    /// What a caller meets that asks now.
    pub fn meeting(&self, state: &State, n: usize) -> Meeting {
        let habits = self.setting.callers[n];
        let unsettled = state.unsettled[usize::from(habits.client)];
        if unsettled.is_some_and(|unsettled| !self.readings.holds(unsettled.asked, habits.asks)) {
            return Meeting::Refused;
        }
        let resume = state.callers[n].resume || unsettled.is_some();
        match self.under_way(state, n) {
            None => Meeting::Starts,
            Some(other) => {
                let call = state.callers[other].call.as_ref().expect("a call");
                let under_way = self.setting.callers[other];
                let terms = Terms { resume: call.resume, chunk: under_way.chunk.is_some() };
                let under_way = (under_way.asks, terms, call.withdrawn);
                let before = call.asked_before & 1 << n != 0;
                let terms = Terms { resume, chunk: habits.chunk.is_some() };
                self.readings.meeting(under_way, habits.asks, terms, before)
            }
        }
    }

    /// Whose call is under way in the client of this caller.
    fn under_way(&self, state: &State, n: usize) -> Option<usize> {
        let client = self.setting.callers[n].client;
        let here =
            |(other, caller): &(usize, &Caller)| caller.call.is_some() && self.setting.callers[*other].client == client;
        state.callers.iter().enumerate().find(here).map(|(other, _)| other)
    }

    pub fn ask(&self, to: &mut State, n: usize, meeting: Meeting) -> Broken {
        let habits = self.setting.callers[n];
        if to.callers[n].at == At::Home {
            to.callers[n].calls_left -= 1;
            to.callers[n].speaks_for = self.resumed(to, n);
        }
        if self.setting.assumed.fingerprints && !self.is_the_stored_request(habits.asks) {
            to.callers[n].at = At::Done;
            return None;
        }
        if let Some(unsettled) = to.unsettled[usize::from(habits.client)]
            && self.readings.holds(unsettled.asked, habits.asks)
        {
            to.callers[n].resume = true;
            to.callers[n].speaks_for |= unsettled.calls;
        }
        let resume = to.callers[n].resume;
        // `create` looks at the request before it enters.
        if habits.refused_here && !resume {
            to.callers[n].at = At::Done;
            return None;
        }
        let number = to.next;
        match (meeting, self.under_way(to, n)) {
            (Meeting::Refused, _) => to.callers[n].at = At::Done,
            (Meeting::Waits, Some(other)) => to.callers[n].at = At::Behind(other),
            (Meeting::Starts, Some(_)) => return Some("two calls of one client are under way for one id"),
            (Meeting::Joins, Some(other)) => {
                to.callers[n].speaks_for |= 1 << to.call(other).number;
                (to.callers[n].at, to.callers[n].elapsed) = (At::In(other), 0);
            }
            (_, None) => {
                to.next += 1;
                to.callers[n].at = At::In(n);
                to.callers[n].speaks_for |= 1 << number;
                let waits = |caller: &Caller| matches!(caller.at, At::Again | At::Behind(_));
                let asked_before = (0..).zip(&to.callers).filter(|(_, caller)| waits(caller));
                let asked_before = asked_before.fold(0_u8, |bits, (n, _)| bits | 1 << n);
                let start = match (resume, habits.refused_here) {
                    (false, _) => Start::Fresh,
                    (true, false) => Start::Resume,
                    (true, true) => Start::ResumeRefused,
                };
                let elapsed = std::mem::take(&mut to.callers[n].elapsed);
                let no_post_after = to.callers[n].chunk_left.map(|left| secs(elapsed + left));
                let (rules, action) = Outcome::start(self.setting.limits, secs(elapsed), start, no_post_after);
                to.callers[n].call = Some(Box::new(Call {
                    number,
                    resume,
                    withdrawn: false,
                    exposed: resume,
                    elapsed,
                    asked_before,
                    rules,
                    doing: Doing::Pausing { at_least: 0, at_most: 0 },
                    book: Book {
                        posted: false,
                        throttled: false,
                        doubted: false,
                        was_open: resume,
                        unsettled: resume,
                        not_before: 0,
                        refused_token: false,
                        stalled: 0,
                    },
                }));
                return self.act(to, n, action);
            }
        }
        None
    }

    /// The calls that this caller resumes if it asks now: all that are over.
    fn resumed(&self, state: &State, n: usize) -> u16 {
        if !state.callers[n].resume {
            return 0;
        }
        let running = state.callers.iter().filter_map(|caller| caller.call.as_ref());
        let running = running.fold(0_u16, |bits, call| bits | 1 << call.number);
        ((1 << state.next) - 1) & if self.setting.assumed.one_process_at_a_time { !running } else { !0 }
    }

    /// Whether this is the request that the first caller has stored beside the id.
    fn is_the_stored_request(&self, asked: Asked) -> bool {
        self.fingerprints[asked] == self.fingerprints[self.setting.callers[0].asks]
    }

    pub fn leave(&self, to: &mut State, n: usize) {
        if let At::In(other) = to.callers[n].at {
            let left = to.callers.iter().filter(|caller| caller.at == At::In(other)).count() == 1;
            if left {
                to.call(other).withdrawn = true;
            }
        }
        self.asks_again(to, n);
    }

    /// It does not know how its call ended.
    fn asks_again(&self, to: &mut State, n: usize) {
        let caller = &mut to.callers[n];
        (caller.elapsed, caller.speaks_for) = (0, 0);
        caller.at = if caller.calls_left > 0 { At::Home } else { At::Done };
        caller.resume |= self.setting.callers[n].resumes_again;
        // Whatever is under way began before it asks again.
        for call in to.callers.iter_mut().filter_map(|caller| caller.call.as_mut()) {
            call.asked_before &= !(1 << n);
        }
    }

    pub fn crash(&self, to: &mut State, client: u8) {
        for n in 0..to.callers.len() {
            if self.setting.callers[n].client != client {
                continue;
            }
            to.unsettled[usize::from(client)] = None;
            if to.callers[n].call.is_some() {
                self.close(to, n);
                to.callers[n].call = None;
            }
            if !matches!(to.callers[n].at, At::Home | At::Done) {
                self.asks_again(to, n);
            }
        }
    }

    /// The connection of an attempt closes, and the platform has not said that it will not execute it.
    pub fn close(&self, to: &mut State, n: usize) {
        self.close_within(to, n, self.setting.assumed.settles_within);
    }

    /// The same, and it is executed and shown within this time, or never will be.
    pub fn close_within(&self, to: &mut State, n: usize, left: u8) {
        Self::show_within(to, n, left);
        let Call { number: by, doing, .. } = *to.call(n);
        let asked = self.setting.callers[n].asks;
        let taken = to.platform.used_up || to.platform.payout.is_some() && self.setting.assumed.unique_ids;
        if matches!(doing, Doing::Sent { executed: false, .. }) && !taken {
            // An earlier attempt of the same call is the same request: the later of their times counts.
            let left = to.platform.late.iter().find(|late| late.by == by).map_or(left, |late| late.left.max(left));
            to.platform.late.retain(|late| late.by != by);
            to.platform.late.push(Late { asked, by, left });
            to.platform.late.sort_unstable_by_key(|late| late.by);
        }
    }

    /// From when its connection closes, what was executed has the settle window to become visible.
    pub fn close_executed(&self, to: &mut State, n: usize) {
        Self::show_within(to, n, self.setting.assumed.settles_within);
    }

    /// What was executed becomes visible within this time.
    fn show_within(to: &mut State, n: usize, left: u8) {
        if matches!(to.call(n).doing, Doing::Sent { executed: true, .. })
            && let Some(made) = &mut to.platform.payout
        {
            made.hidden = Some(left);
        }
    }

    pub fn found(&self, n: usize, call: &Call, made: Made) -> ReadEnd {
        let asked = self.setting.callers[n].asks;
        self.readings.found(asked, made.asked, self.takes_any_age(n, call), made.by != LONG_AGO)
    }

    /// Whether a payout of any age may be its own.
    fn takes_any_age(&self, n: usize, call: &Call) -> bool {
        call.resume || self.setting.callers[n].chunk.is_some()
    }

    /// What `Driver::run` does with an event.
    pub fn tell(&self, to: &mut State, n: usize, event: Event) -> Broken {
        let call = to.call(n);
        // Whether this attempt was executed is not known: the answer may be another's.
        call.book.was_open |= matches!(event, Event::PostedAmongOthers(_));
        call.book.doubted |= matches!(event, Event::PostedAmongOthers(_));
        match event {
            Event::Posted(PostEnd::RateLimited { retry_after: Some(asked) })
            | Event::PostedAmongOthers(PostEnd::RateLimited { retry_after: Some(asked) })
            | Event::NotAuthorized(NotSent::Retryable { retry_after: Some(asked) }) => {
                call.book.not_before = call.elapsed.saturating_add(seconds(asked));
            }
            Event::Read(ReadEnd::Gone) => call.book.unsettled = false,
            Event::Throttled => call.book.throttled = true,
            Event::Posted(PostEnd::TooLong) => call.book.refused_token = true,
            Event::Posted(PostEnd::Unauthorized { .. }) | Event::PostedAmongOthers(PostEnd::Unauthorized { .. }) => {
                call.book.refused_token = self.setting.callers[n].chunk.is_some();
            }
            _ => {}
        }
        if call.withdrawn {
            call.rules.withdraw();
        }
        let action = call.rules.on(secs(call.elapsed), event);
        let unreached = matches!(
            event,
            Event::NotAuthorized(NotSent::Unreached)
                | Event::Posted(PostEnd::NotSent(NotSent::Unreached))
                | Event::Read(ReadEnd::Unreached)
        );
        let is_over = secs(call.elapsed) >= self.setting.limits.unreached;
        if unreached && is_over && !call.book.doubted && !matches!(action, Action::End(_)) {
            return Some("what was never reached is waited for");
        }
        self.act(to, n, action)
    }

    /// What `Driver::run` does with an action.
    fn act(&self, to: &mut State, n: usize, action: Action) -> Broken {
        let payout = to.platform.payout;
        let limits = &self.setting.limits;
        let chunk_left = to.callers[n].chunk_left;
        let call = to.call(n);
        let left = limits.total.saturating_sub(secs(call.elapsed));
        call.doing = match action {
            Action::End(verdict) => return self.end(to, n, Ending::Ruled(verdict)),
            Action::Authorize { within, .. } if within > left => return Some("a token call goes on past the deadline"),
            Action::Authorize { within, .. } => Doing::Authorizing { left: seconds(within) },
            Action::Post { within } => {
                let waited = call.book.posted || call.resume || call.book.throttled;
                (call.book.posted, call.exposed) = (true, true);
                if call.withdrawn {
                    return Some("a POST starts after everybody left");
                }
                if chunk_left == Some(0) {
                    return Some("a POST starts after the end of its chunk");
                }
                if call.book.refused_token {
                    return Some("a POST starts under a token that was refused");
                }
                if call.book.unsettled {
                    return Some("a POST starts while an earlier one is open");
                }
                if call.elapsed < call.book.not_before {
                    return Some("a POST starts before the platform's Retry-After is over");
                }
                if waited && left < limits.attempt {
                    return Some("a repeat, or what stood in line, starts without an attempt's time");
                }
                if within + within > left {
                    return Some("a POST leaves no time for a GET");
                }
                Doing::Connecting { left: seconds(within) }
            }
            Action::Get { within, .. } if within > left || within.is_zero() => return Some("a GET has no time"),
            Action::Get { within, alone } => {
                let there = payout.is_some_and(|made| made.hidden == Some(0));
                Doing::Reading { left: seconds(within), there, alone }
            }
            Action::Pause { at_least, jitter } if at_least + jitter > left => {
                return Some("a pause goes on past the deadline");
            }
            // It is released with its turn, or at the end without one.
            Action::Wait { within } if within + limits.attempt > left => {
                return Some("it stands in line until there is no time for it and a GET");
            }
            Action::Wait { within } => Doing::Pausing { at_least: 1, at_most: seconds(within).max(1) },
            // A pause may be short, but not nothing: else a call could do everything in no time, over and over.
            Action::Pause { at_least, jitter } => {
                Doing::Pausing { at_least: seconds(at_least).max(1), at_most: seconds(at_least + jitter).max(1) }
            }
        };
        None
    }

    /// A call is over: is what it says true to everybody who waits for it, and will it stay true?
    pub fn end(&self, to: &mut State, n: usize, ending: Ending) -> Broken {
        let call = to.callers[n].call.take().expect("a call");
        let result = ending.result();
        let habits = self.setting.callers[n];
        let unsettled = &mut to.unsettled[usize::from(habits.client)];
        *unsettled = if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutcomeUnknown) {
            let before = unsettled.map_or(0, |unsettled| unsettled.calls);
            Some(Unsettled { asked: habits.asks, calls: before | 1 << call.number })
        } else {
            None
        };
        let mut broken = None;
        let took_any_age = self.takes_any_age(n, &call);
        for n in 0..to.callers.len() {
            match to.callers[n].at {
                At::In(other) if to.callers[other].call.is_none() => {
                    broken = broken.or(self.lie(to, n, &call, &result));
                    if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutcomeUnknown) {
                        self.asks_again(to, n);
                    } else {
                        to.callers[n].at = At::Done;
                    }
                    to.callers[n].speaks_for = 0;
                }
                At::Behind(other) if to.callers[other].call.is_none() => {
                    let takes_any_age = to.callers[n].resume || self.setting.callers[n].chunk.is_some();
                    match ending.next(takes_any_age, took_any_age) {
                        None => {
                            broken = broken.or(self.lie(to, n, &call, &result));
                            to.callers[n].at = At::Done;
                        }
                        Some(resume) => {
                            to.callers[n].at = At::Again;
                            if resume {
                                to.callers[n].resume = true;
                                to.callers[n].speaks_for |= 1 << call.number;
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        *self.endings.borrow_mut().entry(ending.name()).or_default() += 1;
        let late = secs(call.elapsed - call.book.stalled) > self.setting.limits.total;
        broken.or(late.then_some("a call ends past its deadline"))
    }

    /// What is wrong with what this caller is told of a call.
    fn lie(&self, state: &State, n: usize, call: &Call, result: &Result<PayoutAccepted>) -> Broken {
        match result {
            Ok(accepted) => {
                let Some(made) = state.platform.payout else { return Some("accepted, and nothing is executed") };
                let could_be_ours = self.takes_any_age(n, call) || call.book.was_open && made.by != LONG_AGO;
                self.wrong_acceptance(self.setting.callers[n].asks, made.asked, could_be_ours || !accepted.recovered)
            }
            Err(error) if error.money_may_have_moved() => None,
            Err(_) => Self::wrong_denial(state, state.callers[n].speaks_for),
        }
    }

    fn wrong_acceptance(&self, asked: Asked, made: Asked, could_be_ours: bool) -> Broken {
        let (asked, made) = (&self.requests[asked], &self.requests[made]);
        if asked.money != made.money || asked.method.code() != made.method.code() {
            return Some("accepted, and something else is executed");
        }
        if !could_be_ours {
            return Some("a payout that cannot be of this call is called its own");
        }
        (asked != made).then_some(ANOTHER_PAYEE)
    }

    fn wrong_denial(state: &State, speaks_for: u16) -> Broken {
        let denied = |by: u8| speaks_for & 1 << by != 0;
        if state.platform.payout.is_some_and(|made| denied(made.by)) {
            return Some("an error says that no money moved, and it is executed");
        }
        let may_follow = state.platform.payout.is_none() && state.platform.late.iter().any(|late| denied(late.by));
        may_follow.then_some("an error says that no money moved, and it may yet be executed")
    }

    pub fn second(&self, to: &mut State) -> Broken {
        for late in &mut to.platform.late {
            late.left -= 1;
        }
        to.platform.late.retain(|late| late.left > 0);
        if let Some(Made { hidden: Some(left), .. }) = &mut to.platform.payout {
            *left = left.saturating_sub(1);
        }
        for n in 0..to.callers.len() {
            to.callers[n].chunk_left = to.callers[n].chunk_left.map(|left| left.saturating_sub(1));
            if let Some(call) = to.callers[n].call.as_deref_mut() {
                call.elapsed += 1;
                match &mut call.doing {
                    Doing::Authorizing { left }
                    | Doing::Connecting { left }
                    | Doing::Sent { left, .. }
                    | Doing::Reading { left, .. } => *left = left.saturating_sub(1),
                    Doing::Pausing { at_least, at_most } => {
                        (*at_least, *at_most) = (at_least.saturating_sub(1), at_most.saturating_sub(1));
                    }
                }
            }
            if matches!(to.callers[n].at, At::Behind(_)) {
                to.callers[n].elapsed += 1;
                if to.callers[n].elapsed >= self.total() {
                    // "Another call took all the time": outcome_unknown.
                    self.asks_again(to, n);
                }
            }
        }
        None
    }
}

pub(super) const ANOTHER_PAYEE: &str = "accepted, and another payee is paid";

fn secs(seconds: u8) -> Duration {
    Duration::from_secs(seconds.into())
}

/// Whole seconds, rounded down: what may take less time is a case of its own.
fn seconds(time: Duration) -> u8 {
    u8::try_from(time.as_secs()).unwrap_or(u8::MAX)
}
