//! A state of everything: the callers and their calls, and what the platform has and will have.

use super::super::outcome::Outcome;
use super::reading::Asked;

/// The invariant that a step breaks.
pub(super) type Broken = Option<&'static str>;

/// The call that nobody saw: what was made before.
pub(super) const LONG_AGO: u8 = 0;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub callers: Vec<Caller>,
    /// By client: the create of the id that ended without an outcome, which the client remembers.
    pub unsettled: Vec<Option<Unsettled>>,
    pub platform: Platform,
    /// Faults that may still come.
    pub faults: Option<u8>,
    /// The number of the next call.
    pub next: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Unsettled {
    pub asked: Asked,
    /// The calls that ended so, as bits.
    pub calls: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Caller {
    pub at: At,
    pub calls_left: u8,
    pub resume: bool,
    /// Since it asked, unless it waits for its own call.
    pub elapsed: u8,
    /// The calls of which a refusal says to it that they moved nothing, as bits: its own, and those that it resumes.
    pub speaks_for: u16,
    /// For how many seconds a POST may still start, under a chunk's token.
    pub chunk_left: Option<u8>,
    /// The call that it started, which runs on if it leaves.
    pub call: Option<Box<Call>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum At {
    /// It may call at any time.
    Home,
    /// It waited for the end of a call that it could not join, and asks again now.
    Again,
    /// It waits for the result of this caller's call.
    In(usize),
    /// It waits for the end of this caller's call, which it could not join.
    Behind(usize),
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Call {
    pub number: u8,
    pub resume: bool,
    pub withdrawn: bool,
    pub exposed: bool,
    pub elapsed: u8,
    /// Who had asked before it began, as bits.
    pub asked_before: u8,
    pub rules: Outcome,
    pub doing: Doing,
    pub book: Book,
}

/// What a call did, written down beside the rules and without them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Book {
    pub posted: bool,
    /// It had to wait for a permit to send.
    pub throttled: bool,
    /// An answer was heard that may be another's: it was reached.
    pub doubted: bool,
    pub was_open: bool,
    /// An attempt was left open, and no read since then said that nothing is there.
    pub unsettled: bool,
    pub not_before: u8,
    /// Under a chunk's token: an answer said that it is of no more use.
    pub refused_token: bool,
    /// Seconds that the machine stood still.
    pub stalled: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Doing {
    Authorizing {
        left: u8,
    },
    Connecting {
        left: u8,
    },
    /// A byte of it was sent.
    Sent {
        left: u8,
        executed: bool,
    },
    /// `there`: the payout was there for all to see when the read started. `alone`: over a connection of its own.
    Reading {
        left: u8,
        there: bool,
        alone: bool,
    },
    Pausing {
        at_least: u8,
        at_most: u8,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Platform {
    pub payout: Option<Made>,
    /// The id is used up by a refusal.
    pub used_up: bool,
    /// Requests whose connection is closed and which may yet be executed.
    pub late: Vec<Late>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Made {
    pub asked: Asked,
    pub by: u8,
    /// Seconds until every read shows it; not counted while its connection is open.
    pub hidden: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Late {
    pub asked: Asked,
    pub by: u8,
    pub left: u8,
}

impl State {
    pub fn call(&mut self, n: usize) -> &mut Call {
        self.callers[n].call.as_deref_mut().expect("a call")
    }
}

impl Platform {
    pub fn execute(&mut self, made: Made) -> Broken {
        let twice = self.payout.replace(made).is_some();
        twice.then_some("it is paid twice")
    }

    /// Whether time changes anything here.
    pub fn settles(&self) -> bool {
        !self.late.is_empty() || self.payout.is_some_and(|made| made.hidden.is_some_and(|left| left > 0))
    }
}
