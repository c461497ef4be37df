//! Visits every state that a model can come to, the nearest first.
//!
//! For the models of rules that are pure: the outcome of a create, the order of changes, the fence of a chunk of
//! payouts. A model says what can happen next, by asking the real rules; [`explore`] sees where that leads.
//!
//! Why our own, and no library of model checkers: it has to show that every call ends, and the one for Rust does not
//! follow such a property through paths that join. States are told apart by a hash of 64 bits, so that millions of
//! them fit in memory: two of ten million share one with a chance of one in some hundred thousand.

#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::collections::hash_map::{DefaultHasher, Entry, HashMap};
use std::fmt::{self, Debug, Display};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::AddAssign;

/// What can be explored.
pub trait Model {
    /// All that makes one case another.
    type State: Hash + Debug;
    /// What a step is called in a trace.
    type Label: Debug;

    /// Where it begins.
    fn start(&self) -> Self::State;

    /// Every way on from here. The same state always has the same ways in the same order.
    fn steps(&self, from: &Self::State) -> Vec<Step<Self::Label, Self::State>>;

    /// Whether a state without a way on is one where all is done.
    fn is_done(&self, state: &Self::State) -> bool;
}

/// One way on.
pub struct Step<Label, State> {
    /// What happens.
    pub label: Label,
    /// Where it leads.
    pub to: State,
    /// The invariant that it breaks.
    pub broken: Option<&'static str>,
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Different states.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// The most steps that a state is away from the start, on the shortest way.
    pub depth: usize,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.states += other.states;
        self.steps += other.steps;
        self.depth = self.depth.max(other.depth);
    }
}

/// The shortest way to a broken invariant.
#[derive(Debug)]
pub struct Trace {
    /// What is broken.
    pub broken: &'static str,
    /// Each step, and the state that the last one leads from or to.
    pub steps: Vec<String>,
}

impl Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.broken)?;
        self.steps.iter().enumerate().try_for_each(|(n, step)| writeln!(f, "{:4}  {step}", n + 1))
    }
}

/// Hashes what is a hash already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are looked up")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A state that was seen: whence it was reached first, and by which of its ways on.
struct Seen {
    from: u32,
    way: u16,
    depth: u16,
}

const NOWHERE: u32 = u32::MAX;

/// Visits every state.
///
/// ```
/// use komopay_explorer::{Model, Step, explore};
///
/// /// Counts to three.
/// struct Counter;
///
/// impl Model for Counter {
///     type State = u8;
///     type Label = &'static str;
///
///     fn start(&self) -> u8 {
///         0
///     }
///
///     fn steps(&self, from: &u8) -> Vec<Step<&'static str, u8>> {
///         let next = |to| Step { label: "one more", to, broken: (to > 3).then_some("it counts too far") };
///         (*from < 3).then(|| next(from + 1)).into_iter().collect()
///     }
///
///     fn is_done(&self, state: &u8) -> bool {
///         *state == 3
///     }
/// }
///
/// let figures = explore(&Counter).expect("nothing is broken");
/// assert_eq!((figures.states, figures.steps, figures.depth), (4, 3, 3));
/// ```
///
/// # Errors
/// The shortest trace to a step that breaks an invariant, to a state that nothing leads out of although not all is
/// done, or to one that can be come back to.
///
/// # Panics
/// At more than four thousand million states.
pub fn explore<M: Model>(model: &M) -> Result<Figures, Trace> {
    let mut numbers: HashMap<u64, u32, BuildHasherDefault<Same>> = HashMap::default();
    let mut seen: Vec<Seen> = Vec::new();
    // From which state to which: without a circle among them, every path comes to an end.
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut waiting = VecDeque::new();

    let start = model.start();
    numbers.insert(hash(&start), 0);
    seen.push(Seen { from: NOWHERE, way: 0, depth: 0 });
    waiting.push_back((0_u32, start));
    while let Some((number, state)) = waiting.pop_front() {
        let depth = seen[number as usize].depth;
        let steps = model.steps(&state);
        if steps.is_empty() && !model.is_done(&state) {
            return Err(trace(model, &seen, number, None, "it is stuck: a call does not end"));
        }
        for (way, step) in steps.into_iter().enumerate() {
            if let Some(broken) = step.broken {
                return Err(trace(model, &seen, number, Some(way), broken));
            }
            let next = u32::try_from(seen.len()).expect("fewer states than that");
            let to = match numbers.entry(hash(&step.to)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    new.insert(next);
                    let way = u16::try_from(way).expect("fewer ways than that");
                    seen.push(Seen { from: number, way, depth: depth + 1 });
                    waiting.push_back((next, step.to));
                    next
                }
            };
            edges.push((number, to));
        }
    }
    if let Some(number) = on_a_circle(seen.len(), &edges) {
        return Err(trace(model, &seen, number, None, "it goes round in a circle: a call does not end"));
    }
    let depth = seen.iter().map(|seen| usize::from(seen.depth)).max().unwrap_or_default();
    Ok(Figures { states: seen.len(), steps: edges.len(), depth })
}

fn hash(state: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

/// A state that a path leads back to. States that nothing leads to any more are taken away until none is left; what
/// cannot be taken away is a circle, or behind one.
fn on_a_circle(states: usize, edges: &[(u32, u32)]) -> Option<u32> {
    // States are left in the order of their numbers, so the edges of each are side by side.
    let mut first = vec![0_u32; states + 1];
    let mut into = vec![0_u32; states];
    for (from, to) in edges {
        first[*from as usize + 1] += 1;
        into[*to as usize] += 1;
    }
    for n in 0..states {
        first[n + 1] += first[n];
    }
    let mut free: Vec<u32> = (0..).zip(&into).filter(|(_, into)| **into == 0).map(|(n, _)| n).collect();
    while let Some(number) = free.pop() {
        let number = number as usize;
        for (_, to) in &edges[first[number] as usize..first[number + 1] as usize] {
            into[*to as usize] -= 1;
            if into[*to as usize] == 0 {
                free.push(*to);
            }
        }
    }
    (0..).zip(&into).find(|(_, into)| **into > 0).map(|(n, _)| n)
}

/// Goes the way to a state again, and writes it down.
fn trace<M: Model>(model: &M, seen: &[Seen], to: u32, last: Option<usize>, broken: &'static str) -> Trace {
    let mut ways: Vec<usize> = last.into_iter().collect();
    let mut number = to;
    while seen[number as usize].from != NOWHERE {
        ways.push(usize::from(seen[number as usize].way));
        number = seen[number as usize].from;
    }
    let mut state = model.start();
    let mut steps = Vec::new();
    for way in ways.into_iter().rev() {
        let step = model.steps(&state).swap_remove(way);
        steps.push(format!("{:?}", step.label));
        state = step.to;
    }
    steps.push(format!("{state:?}"));
    Trace { broken, steps }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which numbers follow which, from 0 on. 9 is the end, and 13 is unlucky.
    struct Ways(&'static [(u8, u8)]);

    impl Model for Ways {
        type State = u8;
        type Label = (u8, u8);

        fn start(&self) -> u8 {
            0
        }

        fn steps(&self, from: &u8) -> Vec<Step<(u8, u8), u8>> {
            let ways = self.0.iter().filter(|(of, _)| of == from);
            ways.map(|(of, to)| Step { label: (*of, *to), to: *to, broken: (*to == 13).then_some("unlucky") }).collect()
        }

        fn is_done(&self, state: &u8) -> bool {
            *state == 9
        }
    }

    fn broken(ways: &'static [(u8, u8)]) -> (&'static str, usize) {
        let trace = explore(&Ways(ways)).expect_err("nothing is broken");
        (trace.broken, trace.steps.len() - 1)
    }

    #[test]
    fn ways_that_join_are_counted_once() {
        let figures = explore(&Ways(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 9)])).unwrap();
        assert_eq!(figures, Figures { states: 5, steps: 5, depth: 3 });
    }

    #[test]
    fn what_is_broken_is_told_by_the_shortest_way() {
        assert_eq!(broken(&[(0, 1), (1, 2), (2, 13), (0, 3), (3, 13)]), ("unlucky", 2));
    }

    #[test]
    fn a_dead_end_and_a_circle_are_no_ends() {
        assert_eq!(broken(&[(0, 9), (0, 1)]), ("it is stuck: a call does not end", 1));
        // A circle behind ways that join, and one that is left in the end.
        let (broken, steps) = broken(&[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 3), (4, 9)]);
        assert_eq!((broken, steps), ("it goes round in a circle: a call does not end", 2));
    }
}
