//! The rules of `order`, proven by looking at every case: a payout changes, its callbacks come late, twice and in any
//! order, polls come between, in one process and in two, and the real rules are run into every state of it.
//!
//! What must hold, whatever happens in whatever order:
//! - when everything has come, the store knows where the payout stands (it converges);
//! - what is recorded is the payout's own history, in its order, with nothing twice and nothing made up;
//! - a payout never goes from a final status to another one that is not, nor to an earlier decision;
//! - of one payout a process has at most one GET under way, and one that waits;
//! - an application with the documented guard, which ignores numbers that are not above the last one, is told where the
//!   payout stands, and nothing twice, whatever was pruned before.
//!
//! What may happen: a callback joins a read that was not sent yet, or waits; a process is killed at any point, and the
//! platform repeats what it did not answer; a read lags behind, and shows what was before. Not in the model: how a
//! store does its one step, which its own tests show.
//!
//! `cargo xtask prove model` runs it, and `--long` with as many events where more than one process or a fault is in
//! play.

mod world;

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Instant;

use komopay_explorer::{Figures, Model, Step, explore};

use self::world::{GOES_BACK, Pruned, World, decided, histories, up_to};
use super::order::{Next, Observer, Standing};
use crate::values::PayoutStatus;

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct State {
    /// Which part of the history the platform shows.
    now: usize,
    /// For each of them, how many callbacks are yet to come.
    due: Vec<u8>,
    doubles: u8,
    polls: u8,
    crashes: u8,
    lags: u8,
    /// The last poll came.
    is_closing: bool,
    store: Vec<Row>,
    /// All that was ever recorded: what the store would be if nothing was pruned.
    recorded: Vec<Standing>,
    /// What the application knows: the highest number that it handled, and where the payout stood then.
    told: Option<(u64, Standing)>,
    /// It was told what it knew already.
    is_told_twice: bool,
    processes: Vec<Process>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Row {
    sequence: u64,
    standing: Standing,
    is_acknowledged: bool,
}

#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Process {
    running: Option<Look>,
    /// The callbacks that wait for the look after it; a poll that waits is none of them.
    queued: Option<Vec<usize>>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
struct Look {
    observer: Observer,
    at: At,
    /// The callbacks that are not answered yet.
    waiting: Vec<usize>,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq)]
enum At {
    /// It is about to do this.
    Step(Next),
    /// Its GET is on the wire.
    Sent,
    /// The answer is on the wire.
    Answered(usize),
}

#[derive(Debug)]
#[expect(dead_code, reason = "for the eyes of who reads a trace")]
enum Label {
    PayoutChanges,
    Callback { of: usize, to: usize, again: bool },
    Poll { of: usize },
    LastPoll,
    Loads { process: usize },
    Sends { process: usize },
    Answers { process: usize, with: usize },
    Hears { process: usize },
    Records { process: usize },
    Handles { sequence: u64 },
    Prunes { rows: usize },
    Dies { process: usize },
}

impl Look {
    fn new(waiting: Vec<usize>) -> Self {
        Self { observer: Observer::new(), at: At::Step(Next::Load), waiting }
    }

    /// Whether its first GET was not sent yet: the same rule as in `follow`.
    fn can_be_joined(&self) -> bool {
        self.at == At::Step(Next::Load) && self.observer == Observer::new()
            || self.at == At::Step(Next::Read) && !self.observer.has_answer()
    }
}

impl Process {
    /// Somebody comes, for a callback or not.
    fn come(&mut self, callback: Option<usize>) {
        let waiting = match (&mut self.running, &mut self.queued) {
            (None, _) => &mut self.running.insert(Look::new(Vec::new())).waiting,
            (Some(look), _) if look.can_be_joined() => &mut look.waiting,
            (Some(_), queued) => queued.get_or_insert_default(),
        };
        waiting.extend(callback);
        // The same callbacks in another order are no other state.
        waiting.sort_unstable();
    }

    /// The look goes on, or ends; then the one that waits begins. Gives the callbacks that are not answered with 200.
    fn next(&mut self, next: Next) -> Vec<usize> {
        let Some(look) = &mut self.running else { return Vec::new() };
        let failed = match next {
            Next::Load | Next::Read | Next::Record(_) => {
                look.at = At::Step(next);
                return Vec::new();
            }
            Next::TakeAnswer | Next::TakeKnown => Vec::new(),
            Next::GiveUp => std::mem::take(&mut look.waiting),
        };
        self.running = self.queued.take().map(Look::new);
        failed
    }
}

impl State {
    fn is_quiet(&self) -> bool {
        let idle = self.processes.iter().all(|process| process.running.is_none());
        idle && self.now + 1 == self.due.len() && self.due.iter().all(|due| *due == 0)
    }

    fn is_handled(&self) -> bool {
        self.store.iter().all(|row| row.is_acknowledged)
    }

    fn latest(&self) -> Option<&Row> {
        self.store.iter().max_by_key(|row| row.sequence)
    }

    /// As a store records.
    fn record(&mut self, sequence: u64, standing: &Standing) -> bool {
        let is_next = self.latest().is_none_or(|latest| latest.sequence < sequence);
        if is_next {
            self.recorded.push(standing.clone());
            self.store.push(Row { sequence, standing: standing.clone(), is_acknowledged: false });
        }
        is_next
    }

    /// The application is given the first change that is not acknowledged, keeps it if its number is above that of the
    /// last one, and acknowledges it. Gives its number.
    fn handle(&mut self) -> Option<u64> {
        let row = self.store.iter_mut().filter(|row| !row.is_acknowledged).min_by_key(|row| row.sequence)?;
        row.is_acknowledged = true;
        let (sequence, standing) = (row.sequence, row.standing.clone());
        if self.told.as_ref().is_none_or(|(handled, _)| sequence > *handled) {
            self.is_told_twice |= self.told.as_ref().is_some_and(|(_, known)| *known == standing);
            self.told = Some((sequence, standing));
        }
        Some(sequence)
    }

    /// Deletes what may be, and says how much that was.
    fn prune(&mut self, pruned: Pruned) -> usize {
        let (before, latest) = (self.store.len(), self.latest().map(|latest| latest.sequence));
        let is_kept = |row: &Row| !row.is_acknowledged || pruned == Pruned::Over && Some(row.sequence) == latest;
        self.store.retain(is_kept);
        before - self.store.len()
    }

    /// What the platform's repeats bring again.
    fn repeat(&mut self, callbacks: &[usize]) {
        for of in callbacks {
            self.due[*of] += 1;
        }
    }
}

impl World {
    /// What this step breaks, if anything.
    fn broken(&self, from: &State, to: &State) -> Option<&'static str> {
        if let [.., before, after] = &*to.recorded
            && to.recorded.len() > from.recorded.len()
        {
            if before == after {
                return Some("a change is recorded twice");
            }
            match (&before.decided, &after.decided) {
                (Some(_), None) => return Some("a final payout is open again"),
                (Some(before), Some(after)) if after.processed_at < before.processed_at => {
                    return Some("an earlier decision replaces a later one");
                }
                _ => {}
            }
        }
        let mut shown = self.history.iter();
        if to.is_told_twice {
            return Some("the application is told twice");
        }
        if self.lags == 0 && !to.recorded.iter().all(|standing| shown.any(|other| other == standing)) {
            return Some("what is recorded is not the payout's history");
        }
        let all_came = to.is_quiet() && (self.lags == 0 || to.is_closing);
        // Without a callback, and with every poll yet to come or killed, nobody looked.
        let nobody_looked = self.history.len() == 1 && (to.polls == self.polls || to.crashes < self.crashes);
        let converged = to.recorded.last() == self.history.last() || to.recorded.is_empty() && nobody_looked;
        let told = to.told.as_ref().map(|(_, standing)| standing);
        let is_behind = self.pruned.is_some() && to.is_handled() && told != to.recorded.last();
        match (all_came, converged) {
            (true, false) => Some("it does not converge"),
            (true, true) if is_behind => Some("the application was not told where the payout stands"),
            _ => None,
        }
    }

    /// What one process does next.
    fn act(&self, from: &State, number: usize, steps: &mut Vec<(Label, State)>) {
        let Some(look) = &from.processes[number].running else { return };
        let process = number;
        let mut push = |label, change: &dyn Fn(&mut State, &mut Look) -> Option<Next>| {
            let mut to = from.clone();
            let mut look = look.clone();
            let next = change(&mut to, &mut look);
            to.processes[number].running = Some(look);
            if let Some(next) = next {
                let failed = to.processes[number].next(next);
                to.repeat(&failed);
            }
            steps.push((label, to));
        };
        match look.at {
            At::Step(Next::Load) => push(Label::Loads { process }, &|to, look| {
                let latest = to.latest().map(|latest| (latest.sequence, latest.standing.clone()));
                Some(look.observer.loaded(latest))
            }),
            At::Step(Next::Read) => push(Label::Sends { process }, &|_, look| {
                look.at = At::Sent;
                None
            }),
            At::Sent => {
                push(Label::Answers { process, with: from.now }, &|to, look| {
                    look.at = At::Answered(to.now);
                    None
                });
                if from.lags > 0 && from.now > 0 && !from.is_closing {
                    push(Label::Answers { process, with: from.now - 1 }, &|to, look| {
                        to.lags -= 1;
                        look.at = At::Answered(to.now - 1);
                        None
                    });
                }
            }
            At::Answered(with) => {
                push(Label::Hears { process }, &|_, look| Some(look.observer.saw(self.history[with].clone())));
            }
            At::Step(Next::Record(sequence)) => push(Label::Records { process }, &|to, look| {
                let is_next = to.record(sequence, look.observer.answer());
                Some(look.observer.recorded(is_next))
            }),
            At::Step(_) => unreachable!("a look that ended is not kept"),
        }
        if from.crashes > 0 {
            let mut to = from.clone();
            to.crashes -= 1;
            let died = std::mem::take(&mut to.processes[number]);
            let lost = died.running.into_iter().flat_map(|look| look.waiting).chain(died.queued.into_iter().flatten());
            to.repeat(&lost.collect::<Vec<_>>());
            steps.push((Label::Dies { process }, to));
        }
    }
}

impl Model for World {
    type State = State;
    type Label = Label;

    fn start(&self) -> State {
        State {
            now: 0,
            due: vec![0; self.history.len()],
            doubles: self.doubles,
            polls: self.polls,
            crashes: self.crashes,
            lags: self.lags,
            is_closing: false,
            store: Vec::new(),
            recorded: Vec::new(),
            told: None,
            is_told_twice: false,
            processes: vec![Process::default(); self.processes],
        }
    }

    fn steps(&self, from: &State) -> Vec<Step<Label, State>> {
        let mut steps = Vec::new();
        if from.now + 1 < self.history.len() {
            let mut to = from.clone();
            to.now += 1;
            to.due[to.now] += 1;
            steps.push((Label::PayoutChanges, to));
        }
        for process in 0..self.processes {
            for of in (0..=from.now).filter(|of| from.due[*of] > 0) {
                for again in [false, true] {
                    let mut to = from.clone();
                    if again && from.doubles == 0 {
                        continue;
                    }
                    if again {
                        to.doubles -= 1;
                    } else {
                        to.due[of] -= 1;
                    }
                    to.processes[process].come(Some(of));
                    steps.push((Label::Callback { of, to: process, again }, to));
                }
            }
            if from.polls > 0 {
                let mut to = from.clone();
                to.polls -= 1;
                to.processes[process].come(None);
                steps.push((Label::Poll { of: process }, to));
            }
            self.act(from, process, &mut steps);
        }
        if let Some(pruned) = self.pruned {
            let mut to = from.clone();
            if let Some(sequence) = to.handle() {
                steps.push((Label::Handles { sequence }, to));
            }
            let mut to = from.clone();
            let rows = to.prune(pruned);
            if rows > 0 {
                steps.push((Label::Prunes { rows }, to));
            }
        }
        if self.lags > 0 && !from.is_closing && from.polls == 0 && from.is_quiet() {
            let mut to = from.clone();
            to.is_closing = true;
            to.processes[0].come(None);
            steps.push((Label::LastPoll, to));
        }
        let step = |(label, to)| Step { broken: self.broken(from, &to), label, to };
        steps.into_iter().map(step).collect()
    }

    fn is_done(&self, state: &State) -> bool {
        state.is_quiet() && state.polls == 0 && (self.pruned.is_none() || state.is_handled())
    }
}

/// How many ways there are from a state to the end of everything: the orders in which all can happen.
fn orders(world: &World, from: &State, known: &mut HashMap<u64, u128>) -> u128 {
    let mut hasher = DefaultHasher::new();
    from.hash(&mut hasher);
    let hash = hasher.finish();
    if let Some(orders) = known.get(&hash) {
        return *orders;
    }
    let steps = world.steps(from);
    let sum = if steps.is_empty() { 1 } else { steps.iter().map(|step| orders(world, &step.to, known)).sum() };
    known.insert(hash, sum);
    sum
}

fn prove(form: &str, settings: Vec<(String, World)>) {
    let (started, count) = (Instant::now(), settings.len());
    let (mut sum, mut ways) = (Figures::default(), 0);
    for (name, world) in settings {
        let figures = explore(&world).unwrap_or_else(|trace| panic!("{name}: {trace}"));
        let orders = orders(&world, &world.start(), &mut HashMap::new());
        println!("{:9} states, {orders:12} orders: {name}", figures.states);
        sum += figures;
        ways += orders;
    }
    let time = started.elapsed().as_secs_f64();
    let states = sum.states;
    println!("model of callbacks, {form}: {count} settings, {states} states, {ways} orders, {time:.1} s, all converge");
    println!("proven: {states} states of callbacks\nproven: {ways} orders of callbacks and polls");
}

#[test]
fn every_order_of_six_events_converges() {
    prove("every order, 1 process", up_to(6, 6, 1));
    prove("every order, 2 processes", up_to(5, 6, 2));
}

#[test]
fn a_killed_process_loses_nothing_and_doubles_nothing() {
    let killed = |(name, world)| (format!("{name}, killed"), World { crashes: 1, ..world });
    prove("killed, 1 process", up_to(5, 6, 1).into_iter().map(killed).collect());
    prove("killed, 2 processes", up_to(4, 6, 2).into_iter().map(killed).collect());
}

#[test]
fn reads_that_lag_behind_undo_nothing() {
    let lagging = |(name, world)| (format!("{name}, lagging"), World { lags: 2, ..world });
    prove("reads lag behind, 2 processes", up_to(4, 6, 2).into_iter().map(lagging).collect());
}

#[test]
fn what_is_pruned_is_neither_told_again_nor_missed() {
    let pruned = |(name, world)| (format!("{name}, pruned"), World { pruned: Some(Pruned::Over), ..world });
    prove("pruned, 1 process", up_to(5, 6, 1).into_iter().map(pruned).collect());
    prove("pruned, 2 processes", up_to(4, 5, 2).into_iter().map(pruned).collect());
    let killed = |(name, world)| pruned((format!("{name}, killed"), World { crashes: 1, ..world }));
    prove("pruned and killed, 2 processes", up_to(4, 5, 2).into_iter().map(killed).collect());
}

/// Why the last change of a payout stays for ever. Without it, what comes twice is recorded twice; and since the
/// numbers begin at 1 again, the guard of the application takes a change that is new for an old one.
#[test]
fn of_a_payout_that_is_forgotten_a_change_comes_twice_and_the_next_one_is_missed() {
    let (_, history) = histories().into_iter().find(|(name, _)| *name == "it is corrected").unwrap();
    let pruned = Some(Pruned::Acknowledged);
    let world = World { history: history.clone(), processes: 1, doubles: 0, polls: 0, crashes: 0, lags: 0, pruned };
    let trace = explore(&world).expect_err("nothing comes of it");
    println!("{trace}");
    assert_eq!(trace.broken, "a change is recorded twice");

    let mut state = world.start();
    for standing in &history {
        assert!(state.record(1, standing));
        assert_eq!((state.handle(), state.prune(Pruned::Acknowledged)), (Some(1), 1));
    }
    assert_eq!(state.told, Some((1, history[0].clone())), "SUCCESS and FAILED were ignored");
}

/// The documented limit. What is no change leaves no trace in the store, so of two processes the one that saw the
/// payout wait may record that after the other one saw it go on. A final status comes through, and so does the next
/// look.
#[test]
fn of_two_processes_an_open_status_that_comes_back_may_be_missed_until_the_next_look() {
    let (_, history) = histories().into_iter().find(|(name, _)| *name == GOES_BACK).unwrap();
    let world =
        World { history: history.clone(), processes: 2, doubles: 0, polls: 1, crashes: 0, lags: 0, pruned: None };
    let trace = explore(&world).expect_err("it converges after all");
    println!("{trace}");
    assert_eq!(trace.broken, "it does not converge");

    let is_final = decided(PayoutStatus::Success, Some(10));
    let history = history.into_iter().chain([is_final]).collect();
    prove("it waits, goes on and succeeds", vec![("two processes".to_owned(), World { history, ..world })]);
}
