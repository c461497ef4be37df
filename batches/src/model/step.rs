//! What can happen next: every step from one state.

use std::fmt::{self, Debug};

use komopay_core::{ErrorKind, Found};
use komopay_explorer::{Model, Step};

use super::alike::merge;
use super::setting::Setting;
use super::state::{At, Broken, Create, DENIED, Look, Made, Request, State, TWICE, Taken, Token, Worker, micros};
use crate::answer::Answer;
use crate::batch::BatchState;
use crate::chunk::{ChunkState, Micros, Registration, Task};
use crate::item::ItemState;
use crate::journal::Wanted;
use crate::outcome;

/// A step, as a trace shows it.
pub(super) struct Label(Option<usize>, What);

#[derive(Debug)]
#[expect(dead_code, reason = "a trace shows what is in them")]
enum What {
    Claims(Task),
    OpensTheJournal,
    AsksForToken,
    GetsToken,
    GetsNoToken,
    Registers(bool),
    RegistersUnheard,
    Starts { item: usize },
    IsTooLate { item: usize },
    RenewsToken,
    Sends { item: usize },
    IsNotSent { item: usize },
    GivesUp { item: usize },
    IsLookedFor { item: usize, shown: bool },
    HearsOfLook { item: usize, becomes: Option<ItemState> },
    CannotLook { item: usize },
    WritesDown(Vec<Option<ItemState>>),
    WritesDownUnheard(Vec<Option<ItemState>>),
    Dies,
    IsTaken { item: usize },
    IsUnauthorized { item: usize },
    IsThereAlready { item: usize },
    IsRefused { item: usize, kind: ErrorKind },
    IsExecuted { item: usize },
    Tick,
    TickAsleep,
    DatabaseJumps,
    BatchIsCancelled,
    BackupIsMade,
    JournalIsRestored,
    IsPaidAgain { item: usize },
}

impl Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(worker) => write!(f, "worker {worker}: {:?}", self.1),
            None => write!(f, "{:?}", self.1),
        }
    }
}

impl Model for Setting {
    type State = State;
    type Label = Label;

    fn start(&self) -> State {
        State::start(self)
    }

    fn steps(&self, from: &State) -> Vec<Step<Label, State>> {
        let mut steps = Steps { setting: self, from, all: Vec::new() };
        for (number, worker) in from.workers.iter().enumerate() {
            steps.of_worker(number, worker);
        }
        steps.of_platform();
        // Whoever can act does so before time passes, unless it is paused.
        let is_idle = steps.all.is_empty();
        steps.time(is_idle);
        steps.of_people();
        steps.all
    }

    fn is_done(&self, state: &State) -> bool {
        state.is_settled()
    }
}

/// The steps from one state.
struct Steps<'a> {
    setting: &'a Setting,
    from: &'a State,
    all: Vec<Step<Label, State>>,
}

/// What an error of this kind makes of an item.
fn failed(kind: ErrorKind) -> ItemState {
    outcome::failed(kind, "").0
}

impl Steps<'_> {
    fn add(&mut self, who: Option<usize>, what: What, change: impl FnOnce(&mut State) -> Broken) {
        let mut to = self.from.clone();
        let broken = change(&mut to).or(to.missed());
        merge(self.setting, &mut to);
        let broken = broken.filter(|broken| !self.setting.pays_again || *broken == TWICE);
        self.all.push(Step { label: Label(who, what), to, broken });
    }

    /// A step that is one of the faults.
    fn fault(&mut self, who: Option<usize>, what: What, change: impl FnOnce(&mut State) -> Broken) {
        if self.from.faults > 0 {
            self.add(who, what, |to| {
                to.faults -= 1;
                change(to)
            });
        }
    }

    fn of_worker(&mut self, n: usize, worker: &Worker) {
        match &worker.at {
            At::Idle => return self.of_idle(n),
            At::Claimed { epoch } => {
                let (epoch, asked) = (*epoch, Some(self.from.own_time(n)));
                self.add(Some(n), What::AsksForToken, |to| {
                    to.workers[n].at = At::Asked { epoch, asked };
                    None
                });
            }
            At::Asked { epoch, asked } => {
                let (epoch, token) = (*epoch, self.new_token(asked.unwrap_or_default()));
                self.add(Some(n), What::GetsToken, |to| {
                    to.workers[n].at = At::TokenInHand { epoch, token };
                    None
                });
                self.fault(Some(n), What::GetsNoToken, |to| {
                    to.workers[n].at = nothing(to, epoch);
                    None
                });
            }
            At::TokenInHand { epoch, token } => self.of_token(n, *epoch, *token),
            At::Sending { token, creates, .. } => {
                for (item, create) in creates.iter().enumerate() {
                    self.of_create(n, item, *token, *create);
                }
            }
            At::Settling { at, registration, looks, .. } => {
                for (item, look) in looks.iter().enumerate() {
                    self.of_look(n, item, *look, *at, *registration);
                }
            }
            At::Ending { epoch, found } => {
                let (epoch, times) = (*epoch, self.setting.times);
                self.add(Some(n), What::WritesDown(found.clone()), |to| {
                    to.workers[n].at = At::Idle;
                    to.end(epoch, found, times)
                });
                // To do it twice is harmless.
                self.fault(Some(n), What::WritesDownUnheard(found.clone()), |to| to.end(epoch, found, times));
            }
        }
        // Another process takes its place.
        self.fault(Some(n), What::Dies, |to| {
            to.workers[n].at = At::Idle;
            to.leave(n, None);
            None
        });
    }

    /// What `Journal::claim_in` does.
    fn of_idle(&mut self, n: usize) {
        let Self { setting, from, .. } = *self;
        let (now, chunk) = (from.database_time(), &from.journal.chunk);
        if setting.opens && matches!(chunk.state, ChunkState::Claimed | ChunkState::Sending) && chunk.due_at > now {
            self.fault(Some(n), What::OpensTheJournal, |to| {
                to.journal.chunk.due_at = 0;
                None
            });
        }
        let wanted = Wanted::Sending.of(from.journal.batch);
        let mut claimed = chunk.clone();
        if !wanted.states().contains(&chunk.state) {
            return;
        }
        let Some(task) = claimed.claim(now, micros(setting.times.patience)) else { return };
        self.add(Some(n), What::Claims(task), |to| {
            if to.journal.chunk.state.is_sending() {
                to.journal.items.iter_mut().for_each(|state| *state = state.doubted());
            }
            let epoch = claimed.epoch;
            let (registration, items) = (claimed.registration, &to.journal.items);
            let is_any = |state| items.contains(&state);
            to.workers[n].at = match task {
                Task::Send if is_any(ItemState::Planned) => At::Claimed { epoch },
                Task::Settle if is_any(ItemState::InDoubt) => {
                    let look = |state: &_| match state {
                        ItemState::InDoubt => Look::Todo,
                        _ => Look::Ended(None),
                    };
                    At::Settling { epoch, at: now, registration, looks: items.iter().map(look).collect() }
                }
                _ => nothing(to, epoch),
            };
            to.journal.chunk = claimed;
            None
        });
    }

    /// One that is issued now.
    fn new_token(&self, asked: u8) -> Token {
        let until = self.from.platform_time(self.setting.clocks) + i64::from(self.setting.times.life);
        Token { expires_at: Some(until), asked: Some(asked), denied: 0 }
    }

    fn of_token(&mut self, n: usize, epoch: i64, token: Token) {
        let Self { setting, from, .. } = *self;
        let creates = from.journal.items.iter().map(|state| match state {
            ItemState::Planned => Create::Todo,
            _ => Create::Ended(None),
        });
        let sending = At::Sending { epoch, token, creates: creates.collect() };
        if !setting.rules.registers {
            self.add(Some(n), What::Registers(false), |to| {
                to.workers[n].at = sending;
                to.sent(n);
                None
            });
            return;
        }
        let (expires_at, life) = (micros(token.expires_at.unwrap_or_default()), micros(setting.times.life));
        let registration = Registration { expires_at, life, at: from.database_time() };
        let mut chunk = from.journal.chunk.clone();
        let is_ours = chunk.register(epoch, registration);
        self.add(Some(n), What::Registers(is_ours), |to| {
            to.workers[n].at = if is_ours { sending } else { nothing(to, epoch) };
            to.journal.chunk = chunk.clone();
            // All may be accepted by now.
            to.sent(n);
            None
        });
        self.fault(Some(n), What::RegistersUnheard, |to| {
            to.workers[n].at = nothing(to, epoch);
            to.journal.chunk = chunk;
            None
        });
    }

    fn of_create(&mut self, n: usize, item: usize, token: Token, create: Create) {
        let Self { setting, from, .. } = *self;
        let Setting { times, rules, .. } = setting;
        match create {
            Create::Todo => {
                // `ChunkToken::sends_for`: a create starts as long as its attempt is over when the token ends.
                let is_over = token.is_over(from.own_time(n), *times);
                if is_over && rules.ends {
                    self.add(Some(n), What::IsTooLate { item }, |to| {
                        let request = Request { item, token, worker: Some(n) };
                        to.answer(request, failed(ErrorKind::TimedOut), true);
                        None
                    });
                } else {
                    self.add(Some(n), What::Starts { item }, |to| {
                        set(to, n, item, Create::Starts);
                        None
                    });
                }
                // It stops, or the batch does.
                self.fault(Some(n), What::IsNotSent { item }, |to| {
                    set(to, n, item, Create::Ended(None));
                    None
                });
                if is_over && !rules.one_token {
                    let renewed = self.new_token(from.own_time(n));
                    self.fault(Some(n), What::RenewsToken, |to| {
                        if let At::Sending { token, .. } = &mut to.workers[n].at {
                            *token = renewed;
                        }
                        None
                    });
                }
            }
            Create::Starts => self.add(Some(n), What::Sends { item }, |to| {
                set(to, n, item, Create::Sent);
                to.platform.wire.push(Request { item, token, worker: Some(n) });
                to.platform.sort();
                None
            }),
            Create::Sent => self.fault(Some(n), What::GivesUp { item }, |to| {
                to.leave(n, Some(item));
                set(to, n, item, Create::Ended(Some(failed(ErrorKind::OutcomeUnknown))));
                None
            }),
            Create::Ended(_) => {}
        }
    }

    fn of_look(&mut self, n: usize, item: usize, look: Look, at: Micros, registration: Option<Registration>) {
        let Self { setting, from, .. } = *self;
        match look {
            Look::Todo => {
                let asked = from.own_time(n);
                let made = from.platform.made[item];
                for shown in [true, false] {
                    let is_possible = match made {
                        Some(made) => shown || from.now <= made.hidden_until,
                        None => !shown,
                    };
                    if is_possible && setting.slow_reads {
                        self.add(Some(n), What::IsLookedFor { item, shown }, |to| {
                            set_look(to, n, item, Look::Answered { shown, asked });
                            None
                        });
                    } else if is_possible {
                        self.hears_of_look(n, item, (shown, asked), at, registration);
                    }
                }
                self.fault(Some(n), What::CannotLook { item }, |to| {
                    set_look(to, n, item, Look::Ended(None));
                    None
                });
            }
            Look::Answered { shown, asked } => self.hears_of_look(n, item, (shown, asked), at, registration),
            Look::Ended(_) => {}
        }
    }

    /// The answer to a read comes, which the platform gave just now.
    fn hears_of_look(
        &mut self,
        n: usize,
        item: usize,
        (shown, asked): (bool, u8),
        at: Micros,
        registration: Option<Registration>,
    ) {
        let Self { setting, from, .. } = *self;
        let rules = &setting.rules;
        let becomes = if shown {
            Some(ItemState::Accepted)
        } else {
            let date = micros(from.platform_time(setting.clocks));
            let date = (setting.dates && rules.date).then(|| jiff::Timestamp::from_microsecond(date).unwrap());
            let started = if rules.database_clock { at } else { from.workers_time(setting.clocks) };
            let registration = registration.filter(|_| rules.fence);
            let fence = setting.times.fence();
            let took = if rules.asked { micros(from.own_time(n) - asked) } else { 0 };
            let (result, answer) = (Ok(Found::NotThere { date }), Answer::default());
            outcome::found("", &answer, result, fence, registration, started, took).map(|end| end.state)
        };
        self.add(Some(n), What::HearsOfLook { item, becomes }, |to| {
            set_look(to, n, item, Look::Ended(becomes));
            None
        });
    }

    fn of_platform(&mut self) {
        let Self { setting, from, .. } = *self;
        for (at, request) in from.platform.wire.iter().enumerate() {
            let Request { item, token, .. } = *request;
            if token.is_refused(from.platform_time(setting.clocks), setting.assumed.leeway) {
                self.arrives(at, What::IsUnauthorized { item }, |to| {
                    to.answer(*request, failed(ErrorKind::Authentication), true);
                });
            } else if from.platform.made[item].is_some() {
                // 409, and a read finds it.
                self.arrives(at, What::IsThereAlready { item }, |to| {
                    to.answer(*request, ItemState::Accepted, false);
                });
            } else {
                let until = from.now + setting.assumed.settles_within;
                self.arrives(at, What::IsTaken { item }, |to| {
                    to.platform.taken.push(Taken { request: *request, until });
                });
                let refused = [(ErrorKind::Rejected, false), (ErrorKind::RateLimited, true)];
                for (kind, is_last) in refused.into_iter().filter(|_| from.faults > 0 && request.worker.is_some()) {
                    self.arrives(at, What::IsRefused { item, kind }, |to| {
                        to.faults -= 1;
                        to.answer(*request, failed(kind), is_last);
                    });
                }
            }
        }
        for taken in &from.platform.taken {
            let Taken { request: Request { item, token, .. }, until } = *taken;
            self.add(None, What::IsExecuted { item }, |to| {
                to.platform.made[item] = Some(Made { hidden_until: until });
                // To all others, the id is taken.
                let of_item = to.platform.taken.iter().filter(|taken| taken.request.item == item);
                for request in of_item.map(|taken| taken.request).collect::<Vec<_>>() {
                    to.answer(request, ItemState::Accepted, false);
                }
                to.platform.taken.retain(|taken| taken.request.item != item);
                if to.paid_again[item] {
                    return Some(TWICE);
                }
                (token.denied & 1 << item != 0).then_some(DENIED)
            });
        }
    }

    /// A request arrives whole, and its token is checked.
    fn arrives(&mut self, at: usize, what: What, change: impl FnOnce(&mut State)) {
        self.add(None, what, |to| {
            to.platform.wire.remove(at);
            change(to);
            to.platform.sort();
            None
        });
    }

    fn time(&mut self, is_idle: bool) {
        let Self { setting, from, .. } = *self;
        let is_paused = from.now < setting.pauses_until && !from.is_settled();
        let now = from.database_time();
        let is_awaited = from.journal.chunk.due_at > now && !from.is_settled();
        if is_paused || is_idle && is_awaited {
            self.add(None, What::Tick, tick);
        }
        for n in (0..setting.workers).filter(|n| setting.sleeps && is_paused && from.workers[*n].at != At::Idle) {
            self.add(Some(n), What::TickAsleep, |to| {
                to.workers[n].slept += 1;
                tick(to)
            });
        }
        if setting.clocks.jump != 0 && !from.has_jumped && !from.is_settled() {
            self.add(None, What::DatabaseJumps, |to| {
                to.has_jumped = true;
                to.database += setting.clocks.jump;
                None
            });
        }
    }

    fn of_people(&mut self) {
        let Self { setting, from, .. } = *self;
        let is_open = !matches!(from.journal.chunk.state, ChunkState::Following | ChunkState::Done);
        if setting.cancels && from.journal.batch == BatchState::Running && is_open {
            self.add(None, What::BatchIsCancelled, State::cancel);
        }
        if setting.restores && !from.is_restored {
            match &from.backup {
                None if is_open => self.add(None, What::BackupIsMade, |to| {
                    to.backup = Some(to.journal.clone());
                    None
                }),
                Some(backup) if *backup != from.journal => self.add(None, What::JournalIsRestored, |to| {
                    to.restore(setting);
                    None
                }),
                _ => {}
            }
        }
        for item in 0..setting.items {
            let is_not_made = matches!(from.journal.items[item], ItemState::Rejected | ItemState::Cancelled);
            if setting.pays_again && is_not_made && !from.paid_again[item] {
                self.add(None, What::IsPaidAgain { item }, |to| {
                    to.paid_again[item] = true;
                    to.platform.made[item].and(Some(TWICE))
                });
            }
        }
    }
}

/// A worker found nothing out, and is about to say so.
fn nothing(state: &State, epoch: i64) -> At {
    At::Ending { epoch, found: vec![None; state.journal.items.len()] }
}

fn set(to: &mut State, n: usize, item: usize, create: Create) {
    if let At::Sending { creates, .. } = &mut to.workers[n].at {
        creates[item] = create;
    }
    to.sent(n);
}

fn set_look(to: &mut State, n: usize, item: usize, look: Look) {
    if let At::Settling { looks, .. } = &mut to.workers[n].at {
        looks[item] = look;
    }
    to.looked(n);
}

/// Time passes; what is not executed by its time never will be.
fn tick(to: &mut State) -> Broken {
    to.now += 1;
    let now = to.now;
    let expired: Vec<_> = to.platform.taken.iter().filter(|taken| taken.until < now).map(|it| it.request).collect();
    to.platform.taken.retain(|taken| taken.until >= now);
    for request in expired {
        to.answer(request, failed(ErrorKind::OutcomeUnknown), false);
    }
    None
}
