//! The deadline is total: in every phase of a call, and after whatever came before, it ends the call.
//!
//! Time is an argument here, so nothing waits. `Stall` lets every step take all the time it may; the exploration lets
//! each take none or all of it, in every order.

use std::collections::HashSet;

use super::*;

const LIMITS: Limits = Limits {
    total: Duration::from_millis(3000),
    attempt: Duration::from_millis(1000),
    settle_window: Duration::from_millis(1200),
    backoff_base: Duration::from_millis(250),
    backoff_cap: Duration::from_millis(500),
    unreached: Duration::from_millis(1500),
};

/// A call at some time.
#[derive(Clone, PartialEq, Eq, Hash)]
struct At {
    outcome: Outcome,
    action: Action,
    now: Duration,
}

impl At {
    fn start(start: Start) -> Self {
        Self::under(None, start)
    }

    /// Under a chunk's token, if there is an end of it.
    fn under(no_post_after: Option<Duration>, start: Start) -> Self {
        let (outcome, action) = Outcome::start(LIMITS, Duration::ZERO, start, no_post_after);
        Self { outcome, action, now: Duration::ZERO }
    }

    fn then(&self, took: Duration, event: Event) -> Self {
        let (mut outcome, now) = (self.outcome.clone(), self.now + took);
        let action = outcome.on(now, event);
        Self { outcome, action, now }
    }

    /// How long the step may take at most: the driver holds it to that.
    fn longest(&self) -> Duration {
        match self.action {
            Action::Authorize { within, .. }
            | Action::Wait { within }
            | Action::Post { within }
            | Action::Get { within, .. } => within,
            Action::Pause { at_least, jitter } => at_least + jitter,
            Action::End(_) => Duration::ZERO,
        }
    }

    /// All that may come of the step.
    fn events(&self) -> Vec<Event> {
        let unsent = [NotSent::Final, NotSent::Unreached, NotSent::Retryable { retry_after: None }];
        match self.action {
            Action::Authorize { .. } => {
                [Event::Authorized, Event::Throttled].into_iter().chain(unsent.map(Event::NotAuthorized)).collect()
            }
            Action::Wait { .. } => [Event::Woke].into_iter().chain(unsent.map(Event::NotAuthorized)).collect(),
            Action::Post { .. } => {
                let retry_after = Some(Duration::from_millis(700));
                let ends = [
                    PostEnd::RateLimited { retry_after: None },
                    PostEnd::RateLimited { retry_after },
                    PostEnd::Unauthorized { renewable: true },
                    PostEnd::Unauthorized { renewable: false },
                    PostEnd::Accepted,
                    PostEnd::Refused,
                    PostEnd::Conflict,
                    PostEnd::Open,
                    PostEnd::TooLong,
                ];
                let among_others = ends.map(Event::PostedAmongOthers);
                let alone = ends.into_iter().chain(unsent.map(PostEnd::NotSent)).map(Event::Posted);
                alone.chain(among_others).collect()
            }
            Action::Get { .. } => {
                let retry_after = Some(Duration::from_millis(700));
                let ends = [
                    ReadEnd::Ours,
                    ReadEnd::NotOurs,
                    ReadEnd::Gone,
                    ReadEnd::Denied,
                    ReadEnd::Unproven { retry_after: None },
                    ReadEnd::Unproven { retry_after },
                    ReadEnd::Unreached,
                    ReadEnd::Final,
                ];
                ends.map(Event::Read).to_vec()
            }
            Action::Pause { .. } => vec![Event::Woke],
            Action::End(_) => Vec::new(),
        }
    }
}

/// What a peer that stalls makes of a step.
fn stalled(action: Action, connects: bool) -> Event {
    let never = NotSent::Retryable { retry_after: None };
    match action {
        Action::Authorize { .. } | Action::Wait { .. } => Event::NotAuthorized(never),
        Action::Post { .. } if connects => Event::Posted(PostEnd::Open),
        Action::Post { .. } => Event::Posted(PostEnd::NotSent(never)),
        Action::Get { .. } => Event::Read(ReadEnd::Unproven { retry_after: None }),
        Action::Pause { .. } | Action::End(_) => Event::Woke,
    }
}

/// Lets everything stall, and gives when and as what it ended.
fn stall(mut at: At, connects: bool) -> (Duration, Verdict) {
    for _ in 0..10_000 {
        if let Action::End(verdict) = at.action {
            return (at.now, verdict);
        }
        at = at.then(at.longest(), stalled(at.action, connects));
    }
    panic!("it does not end")
}

#[test]
fn the_deadline_ends_every_phase_however_it_stalls() {
    let moment = Duration::from_millis(10);
    let fresh = At::start(Start::Fresh);
    let authorized = fresh.then(moment, Event::Authorized);
    let throttled = fresh.then(moment, Event::Throttled);
    let waiting = authorized.then(moment, Event::Posted(PostEnd::RateLimited { retry_after: None }));
    let opened = authorized.then(moment, Event::Posted(PostEnd::Open));
    let settling = opened.then(opened.longest(), Event::Woke);
    let refused = settling.then(moment, Event::Read(ReadEnd::Gone)).then(moment, Event::Authorized);
    let refused = refused.then(moment, Event::Posted(PostEnd::Refused));
    let taken = authorized.then(moment, Event::Posted(PostEnd::Conflict));
    let doubted = authorized.then(moment, Event::PostedAmongOthers(PostEnd::Refused));
    let under = At::under(Some(Duration::from_millis(1500)), Start::Fresh);
    let closing = |mut at: At| {
        at.outcome.withdraw();
        at
    };
    let is_at = |at: &At, phase: &str| match at.action {
        Action::Authorize { .. } => phase == "token",
        Action::Wait { .. } => phase == "line",
        Action::Post { .. } => phase == "connect" || phase == "attempt",
        Action::Pause { .. } => phase == "pause",
        Action::Get { .. } => phase == "settle",
        Action::End(_) => false,
    };
    for (name, phase, at, connects, verdict) in [
        ("the token never comes", "token", fresh.clone(), true, Verdict::Failed),
        ("the permit to send never comes", "line", throttled.clone(), true, Verdict::Failed),
        ("no connection is made", "connect", authorized.clone(), false, Verdict::Failed),
        ("the create is never answered", "attempt", authorized.clone(), true, Verdict::Unknown),
        ("it waits, and then no token comes", "pause", waiting, true, Verdict::Failed),
        ("no read is ever answered", "settle", settling.clone(), true, Verdict::Unknown),
        ("nor after a refusal to a repeat", "pause", refused, true, Verdict::Unknown),
        ("nor after a 409", "settle", taken, true, Verdict::Duplicate { found: false }),
        ("nor after an answer that may be another's", "pause", doubted, true, Verdict::Unknown),
        ("the token of a chunk, and no turn", "line", under.then(moment, Event::Throttled), true, Verdict::Failed),
        ("the token of a chunk, and no answer", "token", under.clone(), true, Verdict::Failed),
        ("a resumed call cannot read", "settle", At::start(Start::Resume), true, Verdict::Unknown),
        ("closed while the token is awaited", "token", closing(fresh), true, Verdict::Withdrawn),
        ("closed while it stands in line", "line", closing(throttled), true, Verdict::Withdrawn),
        ("closed while the create is on the wire", "attempt", closing(authorized), true, Verdict::Unknown),
        ("closed while settling", "settle", closing(settling), true, Verdict::Unknown),
    ] {
        assert!(is_at(&at, phase), "{name}: {:?} is not {phase}", at.action);
        let (ended, as_what) = stall(at, connects);
        assert_eq!(as_what, verdict, "{name}");
        assert!(ended <= LIMITS.total, "{name}: it ends at {ended:?}");
    }
}

#[test]
fn whatever_happens_no_step_outlives_the_deadline_and_none_follows_it() {
    let chunk = Some(Duration::from_millis(1500));
    let starts = [Start::Fresh, Start::Resume, Start::ResumeRefused];
    let mut open: Vec<At> =
        starts.map(At::start).into_iter().chain(starts.map(|start| At::under(chunk, start))).collect();
    let mut seen: HashSet<At> = open.iter().cloned().collect();
    let mut ends = 0;
    while let Some(at) = open.pop() {
        if matches!(at.action, Action::End(_)) {
            ends += 1;
            continue;
        }
        let longest = at.longest();
        if let (Action::Post { .. }, Some(end)) = (at.action, at.outcome.no_post_after) {
            assert!(at.now < end, "a POST starts at {:?}, and its chunk ends at {end:?}", at.now);
        }
        assert!(at.now + longest <= LIMITS.total, "at {:?}: {:?}", at.now, at.action);
        if !matches!(at.action, Action::Pause { .. } | Action::Wait { .. }) {
            // In figures: no rule is its own judge.
            assert!(longest >= Duration::from_millis(250), "at {:?}: {:?}, of no use", at.now, at.action);
        }
        // A pause that may be nothing would let a call go round without end, and without time.
        let took =
            if matches!(at.action, Action::Pause { .. }) { vec![longest] } else { vec![Duration::ZERO, longest] };
        for event in at.events() {
            // A busy machine may be late by any time.
            for late in [LIMITS.total, LIMITS.total + LIMITS.attempt] {
                let then = at.then(late.saturating_sub(at.now), event);
                assert!(matches!(then.action, Action::End(_)), "{event:?} at {late:?}, then {:?}", then.action);
            }
            for took in &took {
                let then = at.then(*took, event);
                // What ends a call as if nothing had happened is a read of its own, or it was never in doubt.
                if event == Event::Read(ReadEnd::Gone) && matches!(at.action, Action::Get { alone: false, .. }) {
                    let denies = [Verdict::Refused, Verdict::Failed, Verdict::Withdrawn].map(Action::End);
                    assert!(!denies.contains(&then.action), "{:?} after a read over a kept connection", then.action);
                }
                if seen.insert(then.clone()) {
                    open.push(then);
                }
            }
        }
    }
    assert!(seen.len() > 10_000 && ends > 1000, "{} states, {ends} ends", seen.len());
    println!("{} states, {ends} of them ends", seen.len());
}
