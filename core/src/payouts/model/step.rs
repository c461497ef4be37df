//! What can happen next: every step from one state.

use std::fmt::{self, Debug};

use komopay_explorer::{Model, Step};

use super::super::outcome::{Event, NotSent, PostEnd, ReadEnd};
use super::reading::{Asked, Ending, Meeting};
use super::state::{At, Broken, Call, Caller, Doing, LONG_AGO, Late, Made, Platform, State};
use super::world::World;

/// A step, as a trace shows it.
pub(super) struct Label(Option<usize>, What);

#[derive(Debug)]
#[expect(dead_code, reason = "a trace shows what is in them")]
enum What {
    Asks(Meeting),
    Leaves,
    Crashes,
    Panics,
    Sends,
    IsExecuted,
    LateIsExecuted { call: u8 },
    Hears(Event),
    Misdelivered(Event),
    Second,
    StandsStill,
}

impl Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(caller) => write!(f, "caller {caller}: {:?}", self.1),
            None => write!(f, "{:?}", self.1),
        }
    }
}

impl Model for World {
    type State = State;
    type Label = Label;

    fn start(&self) -> State {
        let callers = self.setting.callers.iter().map(|habits| Caller {
            at: At::Home,
            calls_left: habits.calls,
            resume: habits.resume,
            elapsed: 0,
            speaks_for: 0,
            chunk_left: habits.chunk,
            call: None,
        });
        let payout = self.setting.before.map(|asked| Made { asked, by: LONG_AGO, hidden: Some(0) });
        State {
            callers: callers.collect(),
            unsettled: vec![None; self.setting.callers.len()],
            platform: Platform { payout, ..Platform::default() },
            faults: self.setting.faults,
            next: LONG_AGO + 1,
        }
    }

    fn steps(&self, from: &State) -> Vec<Step<Label, State>> {
        let mut steps = Steps { world: self, from, all: Vec::new() };
        for (n, caller) in from.callers.iter().enumerate() {
            steps.of_caller(n, caller);
            if let Some(call) = &caller.call {
                steps.of_call(n, call);
            }
        }
        steps.of_platform();
        steps.second();
        steps.all
    }

    fn is_done(&self, state: &State) -> bool {
        state.callers.iter().all(|caller| caller.at == At::Done && caller.call.is_none())
    }
}

/// The steps from one state.
struct Steps<'a> {
    world: &'a World,
    from: &'a State,
    all: Vec<Step<Label, State>>,
}

impl Steps<'_> {
    fn add(&mut self, who: Option<usize>, what: What, change: impl FnOnce(&mut State) -> Broken) {
        let mut to = self.from.clone();
        let broken = change(&mut to);
        self.all.push(Step { label: Label(who, what), to, broken });
    }

    /// A step that is one of the faults.
    fn fault(&mut self, who: Option<usize>, what: What, change: impl FnOnce(&mut State) -> Broken) {
        if self.from.faults != Some(0) {
            self.add(who, what, |to| {
                to.faults = to.faults.map(|faults| faults - 1);
                change(to)
            });
        }
    }

    fn of_caller(&mut self, n: usize, caller: &Caller) {
        let world = self.world;
        match caller.at {
            At::Home | At::Again => {
                let meeting = world.meeting(self.from, n);
                self.add(Some(n), What::Asks(meeting), |to| world.ask(to, n, meeting));
            }
            At::In(_) | At::Behind(_) => self.fault(Some(n), What::Leaves, |to| {
                world.leave(to, n);
                None
            }),
            At::Done => {}
        }
        // A process dies with all of its callers; the first of them dies for the others.
        let client = world.setting.callers[n].client;
        let is_first = world.setting.callers.iter().position(|habits| habits.client == client) == Some(n);
        if is_first && world.runs(self.from, client) {
            self.fault(Some(n), What::Crashes, |to| {
                world.crash(to, client);
                None
            });
        }
    }

    fn of_call(&mut self, n: usize, call: &Call) {
        let world = self.world;
        let asked = world.setting.callers[n].asks;
        self.fault(Some(n), What::Panics, |to| {
            world.close(to, n);
            world.end(to, n, Ending::Lost { exposed: call.exposed })
        });
        // What is before anything was open ends at once when everybody left.
        let leaves = call.withdrawn && !call.rules.settles();
        match call.doing {
            Doing::Authorizing { .. } | Doing::Pausing { .. } if leaves => self.hears(n, Event::Woke),
            Doing::Authorizing { .. } => {
                self.hears(n, Event::Authorized);
                self.suffers(n, Event::Throttled);
                self.suffers(n, Event::NotAuthorized(NotSent::Final));
                self.suffers(n, Event::NotAuthorized(NotSent::Unreached));
                for retry_after in world.retry_after() {
                    self.suffers(n, Event::NotAuthorized(NotSent::Retryable { retry_after }));
                }
            }
            Doing::Connecting { left } => {
                for end in &world.readings.not_sent {
                    // Everybody left before it was sent: it is not sent any more.
                    if call.withdrawn && *end == PostEnd::NotSent(NotSent::Retryable { retry_after: None }) {
                        self.hears(n, Event::Posted(*end));
                    } else {
                        self.suffers(n, Event::Posted(*end));
                    }
                }
                if !call.withdrawn {
                    self.add(Some(n), What::Sends, |to| {
                        to.call(n).doing = Doing::Sent { left, executed: false };
                        None
                    });
                }
            }
            Doing::Sent { left, executed } => self.of_sent(n, asked, left, executed),
            Doing::Reading { there, alone, .. } => {
                if let Some(made) = self.from.platform.payout {
                    self.hears(n, Event::Read(world.found(n, call, made)));
                }
                if !there {
                    self.hears(n, Event::Read(world.readings.gone));
                } else if world.setting.kept_connections && !alone {
                    self.suffers(n, Event::Read(world.readings.gone));
                }
                for end in &world.readings.unproven {
                    match end {
                        ReadEnd::Unproven { .. } => {
                            for retry_after in world.retry_after() {
                                self.suffers(n, Event::Read(ReadEnd::Unproven { retry_after }));
                            }
                        }
                        end => self.suffers(n, Event::Read(*end)),
                    }
                }
            }
            Doing::Pausing { at_least: 0, .. } => self.hears(n, Event::Woke),
            Doing::Pausing { .. } => {}
        }
    }

    /// A create is at the platform, or on its way there or back.
    fn of_sent(&mut self, n: usize, asked: Asked, left: u8, executed: bool) {
        let world = self.world;
        let platform = &self.from.platform;
        // Nothing takes the place of a chunk's token.
        let of_chunk = world.setting.callers[n].chunk.is_some();
        let renewable: &[bool] = if of_chunk { &[false] } else { &[true, false] };
        let free = !platform.used_up && (platform.payout.is_none() || !world.setting.assumed.unique_ids);
        if free && !executed {
            self.add(Some(n), What::IsExecuted, |to| {
                let by = to.call(n).number;
                to.call(n).doing = Doing::Sent { left, executed: true };
                to.platform.execute(Made { asked, by, hidden: None })
            });
        }
        if executed {
            self.hears(n, Event::Posted(world.readings.accepted[asked]));
        } else {
            // It did not execute, the platform says, and it speaks the truth.
            let mut tellings: Vec<fn(PostEnd) -> Event> = vec![Event::Posted];
            if world.setting.kept_connections {
                tellings.push(Event::PostedAmongOthers);
            }
            for told in tellings {
                for end in &world.readings.refused {
                    self.hears(n, told(*end));
                    if free {
                        self.add(Some(n), What::Hears(told(*end)), |to| {
                            to.platform.used_up = true;
                            to.platform.late.clear();
                            world.tell(to, n, told(*end))
                        });
                    }
                }
                for renewable in renewable {
                    self.suffers(n, told(PostEnd::Unauthorized { renewable: *renewable }));
                }
                for retry_after in world.retry_after() {
                    self.suffers(n, told(PostEnd::RateLimited { retry_after }));
                }
            }
        }
        if world.setting.kept_connections {
            let denials = world.readings.refused.iter().chain(&world.readings.conflict).copied();
            let denials =
                denials.chain(renewable.iter().map(|renewable| PostEnd::Unauthorized { renewable: *renewable }));
            let waits = world.retry_after().map(|retry_after| PostEnd::RateLimited { retry_after });
            for end in denials.chain(waits).collect::<Vec<_>>() {
                self.misdelivered(n, Event::PostedAmongOthers(end));
            }
        }
        // The id is taken, maybe by an earlier copy of this very message.
        if platform.payout.is_some() || platform.used_up {
            for end in &world.readings.conflict {
                if executed {
                    self.suffers(n, Event::Posted(*end));
                } else {
                    self.hears(n, Event::Posted(*end));
                }
            }
        }
        let too_long = world.readings.too_long.iter().filter(|_| of_chunk);
        for end in world.readings.ruined[asked].iter().chain(too_long) {
            self.fault(Some(n), What::Hears(Event::Posted(*end)), |to| {
                world.close(to, n);
                let call = to.call(n);
                (call.book.was_open, call.book.unsettled) = (true, true);
                world.tell(to, n, Event::Posted(*end))
            });
        }
    }

    fn of_platform(&mut self) {
        let platform = &self.from.platform;
        if platform.payout.is_some() && self.world.setting.assumed.unique_ids {
            return;
        }
        for Late { asked, by, left } in platform.late.clone() {
            self.add(None, What::LateIsExecuted { call: by }, |to| {
                to.platform.late.retain(|late| late.by != by);
                to.platform.execute(Made { asked, by, hidden: Some(left) })
            });
        }
    }

    fn hears(&mut self, n: usize, event: Event) {
        let world = self.world;
        self.add(Some(n), What::Hears(event), |to| {
            world.close_executed(to, n);
            world.tell(to, n, event)
        });
    }

    fn suffers(&mut self, n: usize, event: Event) {
        let world = self.world;
        self.fault(Some(n), What::Hears(event), |to| {
            world.close_executed(to, n);
            world.tell(to, n, event)
        });
    }

    /// The answer to another exchange is taken for the answer to this create, which was executed or yet will be.
    fn misdelivered(&mut self, n: usize, event: Event) {
        let world = self.world;
        self.fault(Some(n), What::Misdelivered(event), |to| {
            world.close_within(to, n, world.setting.assumed.misdelivered_settles_within);
            world.tell(to, n, event)
        });
    }

    /// Time goes on, if nothing is due now and somebody waits for it.
    fn second(&mut self) {
        let due = self.from.callers.iter().any(|caller| {
            caller.at == At::Again
                || caller.call.as_ref().is_some_and(|call| {
                    let leaves = call.withdrawn && !call.rules.settles();
                    match call.doing {
                        Doing::Authorizing { left } => left == 0 || leaves,
                        Doing::Connecting { left } => left == 0 || call.withdrawn,
                        Doing::Sent { left, .. } | Doing::Reading { left, .. } => left == 0,
                        Doing::Pausing { at_most, .. } => at_most == 0 || leaves,
                    }
                })
        });
        let waits = self.from.callers.iter().any(|caller| caller.call.is_some())
            || self.from.callers.iter().any(|caller| caller.at == At::Home && caller.calls_left > 0)
                && self.from.platform.settles();
        let world = self.world;
        if waits && !due {
            self.add(None, What::Second, |to| world.second(to));
        } else if waits && world.setting.stalls {
            self.fault(None, What::StandsStill, |to| {
                for call in to.callers.iter_mut().filter_map(|caller| caller.call.as_mut()) {
                    call.book.stalled += 1;
                }
                world.second(to)
            });
        }
    }
}
