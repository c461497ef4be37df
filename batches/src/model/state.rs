//! A state of everything: the journal, the workers, and what the platform has and will have.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::setting::{Clocks, Setting, Times};
use crate::batch::BatchState;
use crate::chunk::{Chunk, ChunkState, Fence, Left, Micros, Registration, SECOND};
use crate::item::ItemState;

/// The invariant that a step breaks.
pub(super) type Broken = Option<&'static str>;

pub(super) const DENIED: &str = "what the journal calls not made is executed";
pub(super) const TWICE: &str = "somebody is paid twice";
const LOST: &str = "a worker saw that it was made, and the journal does not";
const MADE_UP: &str = "accepted, and nothing is executed";
const MISSED: &str = "all is settled, and something is executed that the journal does not know";
const UNFOLLOWED: &str = "all is settled, and nobody follows what is accepted";
const CONTRADICTED: &str = "what was called not made is there";

/// One tick.
const TICK: Micros = 60 * SECOND;

/// The true time of tick 0, so that no clock is before 1970.
const BEGIN: i64 = 1000;

#[derive(Clone, Debug)]
pub(super) struct State {
    /// The true time, in ticks, which nobody knows.
    pub now: u8,
    /// How far the database's clock is ahead of it.
    pub database: i64,
    pub has_jumped: bool,
    pub journal: Journal,
    /// A copy of the journal, of an earlier time.
    pub backup: Option<Journal>,
    pub is_restored: bool,
    pub workers: Vec<Worker>,
    pub platform: Platform,
    /// Faults that may still come.
    pub faults: u8,
    /// Items that were paid again, under another id.
    pub paid_again: Vec<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Journal {
    pub batch: BatchState,
    pub chunk: Chunk,
    pub items: Vec<ItemState>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Worker {
    pub at: At,
    /// For how many ticks its own clock stood still.
    pub slept: u8,
}

/// Where a worker is. It may be paused there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum At {
    Idle,
    /// It has claimed the chunk to send it.
    Claimed {
        epoch: i64,
    },
    /// It has asked for a token then, by its own clock.
    Asked {
        epoch: i64,
        asked: Option<u8>,
    },
    TokenInHand {
        epoch: i64,
        token: Token,
    },
    /// Its token is registered.
    Sending {
        epoch: i64,
        token: Token,
        creates: Vec<Create>,
    },
    /// It claimed it at that time of the database's to find out what became of it.
    Settling {
        epoch: i64,
        at: Micros,
        registration: Option<Registration>,
        looks: Vec<Look>,
    },
    /// It is about to write down what it found.
    Ending {
        epoch: i64,
        found: Vec<Option<ItemState>>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Token {
    /// By the platform's clock, in ticks; none, once it is not taken any more.
    pub expires_at: Option<i64>,
    /// By the worker's own clock; none, once nothing starts under it any more.
    pub asked: Option<u8>,
    /// The items of which the journal has said since that they are not made, as bits.
    pub denied: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Create {
    /// Its turn is yet to come.
    Todo,
    /// It may start, by the worker's own clock, and nothing is sent yet.
    Starts,
    /// It waits for an answer.
    Sent,
    /// It ended so; with nothing, where it was not sent.
    Ended(Option<ItemState>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Look {
    Todo,
    /// The platform has looked, and its answer is on the way.
    Answered {
        shown: bool,
        /// By the worker's own clock, in ticks.
        asked: u8,
    },
    Ended(Option<ItemState>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Platform {
    /// By item.
    pub made: Vec<Option<Made>>,
    /// Requests that are on the way to it.
    pub wire: Vec<Request>,
    /// Requests whose token was taken, and which will be executed, or never.
    pub taken: Vec<Taken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Made {
    /// Until then, a read may not show it.
    pub hidden_until: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Request {
    pub item: usize,
    pub token: Token,
    /// Who waits for the answer.
    pub worker: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Taken {
    pub request: Request,
    /// It is executed by then, or never.
    pub until: u8,
}

/// Ticks as the rules have them.
pub(super) fn micros(ticks: impl Into<i64>) -> Micros {
    ticks.into() * TICK
}

impl Times {
    pub fn fence(self) -> Fence {
        Fence { leeway: micros(self.leeway), settle_window: micros(self.settle_window) }
    }
}

impl Token {
    /// Whether nothing starts under it any more: `ChunkToken::sends_for`, by which an attempt is over when it ends.
    pub fn is_over(self, own_time: u8, times: Times) -> bool {
        self.asked.is_none_or(|asked| own_time + times.attempt >= asked + times.life)
    }

    /// Whether the platform does not take it any more.
    pub fn is_refused(self, platform_time: i64, leeway: u8) -> bool {
        self.expires_at.is_none_or(|expires_at| platform_time > expires_at + i64::from(leeway))
    }
}

impl State {
    pub fn start(setting: &Setting) -> Self {
        let items = vec![ItemState::Planned; setting.items];
        let journal = Journal { batch: BatchState::Running, chunk: Chunk::new(), items };
        let platform = Platform { made: vec![None; setting.items], wire: Vec::new(), taken: Vec::new() };
        Self {
            now: 0,
            database: setting.clocks.database,
            has_jumped: false,
            journal,
            backup: None,
            is_restored: false,
            workers: vec![Worker { at: At::Idle, slept: 0 }; setting.workers],
            platform,
            faults: setting.faults,
            paid_again: vec![false; setting.items],
        }
    }

    /// The true time, in ticks from a beginning that is not that of the rules.
    fn true_time(&self) -> i64 {
        BEGIN + i64::from(self.now)
    }

    /// The database's time.
    pub fn database_time(&self) -> Micros {
        micros(self.true_time() + self.database)
    }

    /// The platform's time, in ticks.
    pub fn platform_time(&self, clocks: Clocks) -> i64 {
        self.true_time() + clocks.platform
    }

    /// The time of day that workers show.
    pub fn workers_time(&self, clocks: Clocks) -> Micros {
        micros(self.true_time() + clocks.workers)
    }

    /// A worker's own clock, which counts from its start.
    pub fn own_time(&self, worker: usize) -> u8 {
        self.now - self.workers[worker].slept
    }

    /// Whether there is nothing left to do.
    pub fn is_settled(&self) -> bool {
        self.workers.iter().all(|worker| worker.at == At::Idle)
            && matches!(self.journal.chunk.state, ChunkState::Following | ChunkState::Done)
            && self.platform.wire.is_empty()
            && self.platform.taken.is_empty()
    }

    /// What is wrong with a state in which all is settled.
    pub fn missed(&self) -> Broken {
        if !self.is_settled() {
            return None;
        }
        let knows = |(state, made): (&ItemState, &Option<Made>)| state.is_made() == made.is_some();
        if !self.journal.items.iter().zip(&self.platform.made).all(knows) {
            return Some(MISSED);
        }
        let is_done = self.journal.chunk.state == ChunkState::Done;
        (is_done && self.journal.items.contains(&ItemState::Accepted)).then_some(UNFOLLOWED)
    }

    /// The answer to a create comes to whoever still waits for it.
    pub fn answer(&mut self, request: Request, state: ItemState, is_last: bool) {
        let Some(worker) = request.worker else { return };
        let At::Sending { creates, .. } = &mut self.workers[worker].at else { return };
        creates[request.item] = Create::Ended(Some(state));
        if is_last {
            // What is not sent waits.
            for create in creates.iter_mut().filter(|create| **create == Create::Todo) {
                *create = Create::Ended(None);
            }
        }
        self.sent(worker);
    }

    /// When all creates of a worker have ended, it writes that down.
    pub fn sent(&mut self, worker: usize) {
        let At::Sending { epoch, creates, .. } = &self.workers[worker].at else { return };
        let end = |create: &Create| if let Create::Ended(state) = create { Some(*state) } else { None };
        if let Some(found) = creates.iter().map(end).collect() {
            self.workers[worker].at = At::Ending { epoch: *epoch, found };
        }
    }

    /// The same for reads.
    pub fn looked(&mut self, worker: usize) {
        let At::Settling { epoch, looks, .. } = &self.workers[worker].at else { return };
        let end = |look: &Look| if let Look::Ended(state) = look { Some(*state) } else { None };
        if let Some(found) = looks.iter().map(end).collect() {
            self.workers[worker].at = At::Ending { epoch: *epoch, found };
        }
    }

    /// Nobody waits any more for what this worker has sent; of one item only, if so.
    pub fn leave(&mut self, worker: usize, item: Option<usize>) {
        let requests = self.platform.wire.iter_mut().chain(self.platform.taken.iter_mut().map(|it| &mut it.request));
        for request in requests.filter(|it| it.worker == Some(worker) && item.is_none_or(|item| it.item == item)) {
            request.worker = None;
        }
        self.platform.sort();
    }

    /// What `Journal::end_one` does.
    pub fn end(&mut self, epoch: i64, found: &[Option<ItemState>], times: Times) -> Broken {
        let now = self.database_time();
        let Journal { batch, chunk, items } = &mut self.journal;
        let ours = chunk.epoch == epoch;
        let (mut left, mut denied, mut broken) = (Left::default(), 0, None);
        for (item, was) in items.iter_mut().enumerate() {
            let becomes = found[item].and_then(|found| was.found(found, ours));
            let state = becomes.unwrap_or(*was).left(ours, *batch == BatchState::Cancelled);
            left.add(state);
            *was = state;
            if ours && !matches!(state, ItemState::InDoubt | ItemState::NeedsPerson) && !state.is_made() {
                denied |= 1 << item;
                broken = broken.or(self.platform.made[item].and(Some(DENIED)));
            }
            let seen = found[item].is_some_and(ItemState::is_made);
            if seen && !state.is_made() && state != ItemState::NeedsPerson {
                broken = broken.or(Some(LOST));
            }
            if state.is_made() && self.platform.made[item].is_none() {
                broken = broken.or(Some(MADE_UP));
            }
            broken = broken.or((state == ItemState::NeedsPerson).then_some(CONTRADICTED));
        }
        if ours {
            chunk.end(epoch, left, now, micros(times.pause), times.fence());
        } else if left.accepted {
            chunk.follow(now);
        }
        self.deny(denied);
        broken
    }

    /// What `cancel_unsent` does.
    pub fn cancel(&mut self) -> Broken {
        let now = self.database_time();
        let Journal { batch, chunk, items } = &mut self.journal;
        *batch = BatchState::Cancelled;
        let (mut denied, mut broken) = (0, None);
        if chunk.cancel(items.contains(&ItemState::Accepted), now) {
            for (item, state) in items.iter_mut().enumerate().filter(|(_, state)| **state == ItemState::Planned) {
                *state = ItemState::Cancelled;
                denied |= 1 << item;
                broken = broken.or(self.platform.made[item].and(Some(DENIED)));
            }
        }
        self.deny(denied);
        broken
    }

    /// The journal says of these items that nothing was made under any token that there is, nor will be.
    fn deny(&mut self, items: u8) {
        let workers = self.workers.iter_mut().filter_map(|worker| match &mut worker.at {
            At::TokenInHand { token, .. } | At::Sending { token, .. } => Some(token),
            _ => None,
        });
        let Platform { wire, taken, .. } = &mut self.platform;
        let requests = wire.iter_mut().chain(taken.iter_mut().map(|taken| &mut taken.request));
        for token in workers.chain(requests.map(|request| &mut request.token)) {
            token.denied |= items;
        }
        self.platform.sort();
    }

    /// What `restored_in` does.
    pub fn restore(&mut self, setting: &Setting) {
        let Some(backup) = self.backup.take() else { return };
        self.journal = backup;
        self.is_restored = true;
        self.database += setting.clocks.restored;
        let (now, epoch) = (self.database_time(), self.journal.chunk.epoch);
        if setting.rules.doubts && self.journal.chunk.doubt(micros(setting.times.life), now) {
            self.journal.items.iter_mut().for_each(|state| *state = state.doubted());
            if !setting.rules.new_epochs {
                self.journal.chunk.epoch = epoch + 1;
            }
        }
    }
}

/// Which of two workers is which makes no other state.
impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let of = |worker: Option<usize>| {
            let mut hasher = DefaultHasher::new();
            let Platform { wire, taken, .. } = &self.platform;
            worker.map(|worker| &self.workers[worker]).hash(&mut hasher);
            for Request { item, token, .. } in wire.iter().filter(|request| request.worker == worker) {
                (0, item, token).hash(&mut hasher);
            }
            for Taken { request: Request { item, token, .. }, until } in
                taken.iter().filter(|taken| taken.request.worker == worker)
            {
                (1, item, token, until).hash(&mut hasher);
            }
            hasher.finish()
        };
        let mut workers: Vec<u64> = (0..self.workers.len()).map(|worker| of(Some(worker))).collect();
        workers.sort_unstable();
        let Self { now, database, has_jumped, journal, backup, is_restored, faults, paid_again, .. } = self;
        (now, database, has_jumped, journal, backup, is_restored, faults, paid_again).hash(state);
        (workers, of(None), &self.platform.made).hash(state);
    }
}

impl Platform {
    /// The order of requests is not told apart.
    pub fn sort(&mut self) {
        self.wire.sort_unstable();
        self.taken.sort_unstable();
    }
}
