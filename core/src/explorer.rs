//! Visits every state that a model can come to, the nearest first.
//!
//! Why our own, and no library of model checkers: it has to show that every call ends, and the one for Rust does not
//! follow such a property through paths that join. States are told apart by a hash of 64 bits, so that millions of
//! them fit in memory: two of ten million share one with a chance of one in some hundred thousand.

use std::collections::VecDeque;
use std::collections::hash_map::{DefaultHasher, Entry, HashMap};
use std::fmt::{self, Debug, Display};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::AddAssign;

/// What can be explored.
pub(crate) trait Model {
    type State: Hash + Debug;
    type Label: Debug;

    fn start(&self) -> Self::State;

    /// Every way on from here. The same state always has the same ways in the same order.
    fn steps(&self, from: &Self::State) -> Vec<Step<Self::Label, Self::State>>;

    /// Whether a state without a way on is one where all is done.
    fn is_done(&self, state: &Self::State) -> bool;
}

/// One way on.
pub(crate) struct Step<Label, State> {
    pub label: Label,
    pub to: State,
    /// The invariant that it breaks.
    pub broken: Option<&'static str>,
}

/// How much was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
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
pub(crate) struct Trace {
    pub broken: &'static str,
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
/// # Errors
/// The shortest trace to a step that breaks an invariant, to a state that nothing leads out of although not all is
/// done, or to one that can be come back to.
pub(crate) fn explore<M: Model>(model: &M) -> Result<Figures, Trace> {
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
