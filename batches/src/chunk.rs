//! A chunk: the items that one worker claims at a time, and the fence around their one token. Pure: no I/O, no clock.
//!
//! The token is the fence. Whoever sends for a chunk holds a token that the platform takes until `exp`; before its
//! first use, its life was written down by whoever still had the chunk. So a chunk whose worker fell silent is safe to
//! judge once that token has ended, and what was sent under it has executed or never will:
//!
//! - by the database's clock, `life + leeway + settle window` after the registration, since a token is issued before it
//!   is registered; and
//! - by the platform's clock, where the read says what that is, `leeway + settle window` after `exp`.
//!
//! No clock is compared with another machine's. `model.rs` runs these rules into every state that workers, journal and
//! platform can come to.

use crate::item::ItemState;

/// A time of the database's clock, or of the platform's, in microseconds since 1970; or a length of time.
pub(crate) type Micros = i64;

pub(crate) const SECOND: Micros = 1_000_000;

/// Where a chunk stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ChunkState {
    /// Nothing of its planned items was sent, or that is settled.
    Planned,
    /// A worker is getting a token for it. It may have one already, and may not use it.
    Claimed,
    /// A token is registered: its planned items may be on their way.
    Sending,
    /// Some of its items are in doubt.
    Settling,
    /// All that it could send is sent, and some of it is not final.
    Following,
    /// Nothing more comes of it by itself.
    Done,
}

impl ChunkState {
    const ALL: [Self; 6] = [Self::Planned, Self::Claimed, Self::Sending, Self::Settling, Self::Following, Self::Done];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::Sending => "sending",
            Self::Settling => "settling",
            Self::Following => "following",
            Self::Done => "done",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether what is planned of it may be on its way: whoever takes it over is in doubt about that.
    pub const fn is_sending(self) -> bool {
        matches!(self, Self::Sending)
    }
}

/// What was written down of a token before its first use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Registration {
    /// When the platform stops taking it, by the platform's clock.
    pub expires_at: Micros,
    /// For how long the platform takes it.
    pub life: Micros,
    /// When it was written down, by the database's clock.
    pub at: Micros,
}

/// The times of the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Fence {
    /// For how long after its end the platform may still take a token.
    pub leeway: Micros,
    /// For how long after it was taken a request may still execute, or a read not show it.
    pub settle_window: Micros,
}

impl Fence {
    /// When, by the database's clock, nothing that was sent under this token executes any more.
    pub fn ends(self, registration: Registration) -> Micros {
        registration.at.saturating_add(registration.life).saturating_add(self.leeway).saturating_add(self.settle_window)
    }

    /// Whether a read that shows nothing proves that nothing was made under this token. It started at `started` by the
    /// database's clock, and no sooner than at `date` by the platform's, where that is known.
    pub fn proves_not_made(self, registration: Registration, started: Micros, date: Option<Micros>) -> bool {
        let ended = registration.expires_at.saturating_add(self.leeway).saturating_add(self.settle_window);
        // A date has whole seconds: what it says may be nearly a second ago, never ahead.
        started > self.ends(registration) && date.is_none_or(|date| date > ended)
    }
}

/// A chunk as the journal has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Chunk {
    pub state: ChunkState,
    /// How often it was claimed. Whoever claimed it last, has it.
    pub epoch: i64,
    /// Its last token.
    pub registration: Option<Registration>,
    /// From when on it may be claimed.
    pub due_at: Micros,
}

/// What a worker does with a chunk that it claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// Get a token, register it, and send what is planned.
    Send,
    /// Find out what became of the items that were on their way.
    Settle,
    /// Read those that are accepted.
    Follow,
}

/// What is left of a chunk when its worker is done with it for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Left {
    pub in_doubt: bool,
    pub planned: bool,
    pub accepted: bool,
}

impl Left {
    /// Counts an item.
    pub fn add(&mut self, state: ItemState) {
        self.in_doubt |= state == ItemState::InDoubt;
        self.planned |= state == ItemState::Planned;
        self.accepted |= state == ItemState::Accepted;
    }
}

impl Chunk {
    #[cfg(test)]
    pub fn new() -> Self {
        Self { state: ChunkState::Planned, epoch: 0, registration: None, due_at: 0 }
    }

    /// Claims it, for `patience`: whoever is silent for longer loses it. None, if it is not due.
    pub fn claim(&mut self, now: Micros, patience: Micros) -> Option<Task> {
        if self.due_at > now {
            return None;
        }
        let task = match self.state {
            // Who claimed it before has registered no token, and now cannot any more.
            ChunkState::Planned | ChunkState::Claimed => {
                (self.state, self.registration) = (ChunkState::Claimed, None);
                Task::Send
            }
            ChunkState::Sending | ChunkState::Settling => {
                self.state = ChunkState::Settling;
                Task::Settle
            }
            ChunkState::Following => Task::Follow,
            ChunkState::Done => return None,
        };
        self.epoch += 1;
        self.due_at = now.saturating_add(patience);
        Some(task)
    }

    /// Writes a token down, which may be used once that is committed. False, if the chunk is another's by now: then the
    /// token is thrown away.
    pub fn register(&mut self, epoch: i64, registration: Registration) -> bool {
        if self.epoch != epoch || self.state != ChunkState::Claimed {
            return false;
        }
        self.state = ChunkState::Sending;
        self.registration = Some(registration);
        // Its owner sends no more after that.
        self.due_at = registration.at.saturating_add(registration.life);
        true
    }

    /// Ends what the worker of this epoch did; what is due again is so after `pause`. False, if the chunk is another's
    /// by now: then nothing of what the worker found is written down, but that a payout was made.
    pub fn end(&mut self, epoch: i64, left: Left, now: Micros, pause: Micros, fence: Fence) -> bool {
        if self.epoch != epoch {
            return false;
        }
        let again = now.saturating_add(pause);
        (self.state, self.due_at) = if left.in_doubt {
            let fence = self.registration.map_or(again, |registration| fence.ends(registration).saturating_add(1));
            (ChunkState::Settling, if fence > now { fence } else { again })
        } else if left.planned {
            (ChunkState::Planned, again)
        } else if left.accepted {
            (ChunkState::Following, again)
        } else {
            (ChunkState::Done, Micros::MAX)
        };
        true
    }

    /// Cancels what was not sent of it: whoever has it can register no token any more. False, if some of it may be on
    /// its way: what is not is cancelled once that is known.
    pub fn cancel(&mut self, is_accepted: bool, now: Micros) -> bool {
        if !matches!(self.state, ChunkState::Planned | ChunkState::Claimed) {
            return false;
        }
        self.epoch += 1;
        // Some of it may have been sent before, and is followed.
        (self.state, self.due_at) =
            if is_accepted { (ChunkState::Following, now) } else { (ChunkState::Done, Micros::MAX) };
        true
    }

    /// Some of it is accepted after all, by a callback or a worker that came back. True, if it was done, and is
    /// followed again.
    pub fn follow(&mut self, now: Micros) -> bool {
        let was_done = self.state == ChunkState::Done;
        if was_done {
            (self.state, self.due_at) = (ChunkState::Following, now);
        }
        was_done
    }

    /// After the journal lost what was written last: any token may have been registered, until now. False, if nothing
    /// of it can be on its way: then it stays as it is.
    pub fn doubt(&mut self, life: Micros, now: Micros) -> bool {
        if matches!(self.state, ChunkState::Following | ChunkState::Done) {
            return false;
        }
        self.state = ChunkState::Settling;
        // Beyond every number that was given in what is lost: a worker from there is nobody's successor.
        self.epoch = now.max(self.epoch.saturating_add(1));
        self.registration = Some(Registration { expires_at: 0, life, at: now });
        self.due_at = now;
        true
    }
}
