//! What is aimed at, and whether it holds.

use super::figures::{Spread, shown};
use super::results::{GROWTH, INSTRUCTIONS, KIB, MB, MS, RATE, Results, SLOW_WAITS, US, Unit};

/// A figure that is aimed at: of one subject, or of one against another in the same round.
pub(super) struct Aim {
    pub(super) one: &'static str,
    pub(super) other: Option<&'static str>,
    pub(super) unit: Unit,
    bound: Bound,
}

#[derive(Clone, Copy)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

const fn against(one: &'static str, other: &'static str, unit: Unit, bound: Bound) -> Aim {
    Aim { one, other: Some(other), unit, bound }
}

const fn alone(one: &'static str, unit: Unit, bound: Bound) -> Aim {
    Aim { one, other: None, unit, bound }
}

const ASYNC: &str = "Python async, 100 in flight: komopay";
const JVM: &str = "JVM, 1 caller: komopay";
const JVM_THREADS: &str = "JVM, 64 in flight: komopay, threads";
const SYNC: &str = "Python sync: komopay";

/// What a create costs in the build that is published, with link-time optimisation: the guards count another one.
pub(super) const PUBLISHED_CREATE: &str = "core: create, as published";

pub(super) const AIMS: &[Aim] = &[
    against("1 caller: core", "1 caller: hyper by hand", RATE, AtLeast(0.85)),
    against("64 in flight: core", "64 in flight: hyper by hand", RATE, AtLeast(0.85)),
    alone(PUBLISHED_CREATE, INSTRUCTIONS, AtMost(75_000.0)),
    against(SYNC, "Python sync: requests", RATE, AtLeast(15.0)),
    against(SYNC, "Python sync: httpx", RATE, AtLeast(8.0)),
    against(SYNC, "Python sync: pyreqwest", RATE, AtLeast(1.3)),
    against(SYNC, "Python sync: primp", RATE, AtLeast(1.1)),
    alone(SYNC, SLOW_WAITS, AtMost(1.2)),
    against("Python sync, 8 threads: komopay", SYNC, RATE, AtLeast(2.5)),
    against("Python sync, 64 threads: komopay", SYNC, RATE, AtLeast(2.5)),
    against(ASYNC, "Python async, 100 in flight: aiohttp", RATE, AtLeast(3.0)),
    against(ASYNC, "Python async, 100 in flight: pyreqwest", RATE, AtLeast(2.3)),
    against(ASYNC, "Python async, 100 in flight: primp", RATE, AtLeast(2.3)),
    against(JVM, "JVM, 1 caller: OkHttp and Jackson", RATE, AtLeast(1.0)),
    against(JVM, "JVM, 1 caller: java.net.http and Jackson", RATE, AtLeast(2.0)),
    against(JVM_THREADS, "JVM, 64 in flight: OkHttp and Jackson", RATE, AtLeast(1.0)),
    against(JVM_THREADS, "JVM, 64 in flight: java.net.http and Jackson", RATE, AtLeast(1.5)),
    against("JVM, 64 in flight: komopay, coroutines", JVM_THREADS, RATE, AtLeast(0.9)),
    alone("JVM, across the border: nothing", US, AtMost(1.0)),
    alone("JVM, across the border: money", US, AtMost(3.0)),
    alone("JVM, across the border: a create that is refused", US, AtMost(10.0)),
    alone("Python async, 1,000 in flight: komopay", KIB, AtMost(15.0)),
    against("first payout over TLS: komopay", "first payout over TLS: requests", MS, AtMost(0.3)),
    alone("Python sync, many calls: komopay", GROWTH, AtMost(1.02)),
    alone("Python: import over a bare interpreter", MS, AtMost(10.0)),
    // With batches in it. Without, it was to be 4 MB, and its library 9: with 6, which is half as much again, the
    // library may be as much larger.
    alone("Python: wheel", MB, AtMost(6.0)),
    alone("Python: library in the wheel", MB, AtMost(14.0)),
    alone("10,000 forged callbacks refused, 8 keys", MS, AtMost(1000.0)),
];

/// An aim, and what was found.
pub(super) struct Found {
    pub(super) what: String,
    pub(super) aim: String,
    pub(super) spread: Spread,
    pub(super) holds: bool,
}

impl Aim {
    /// Nothing, if it was not measured.
    pub(super) fn find(&self, results: &Results) -> Option<Found> {
        let spread = match self.other {
            Some(other) => results.ratio(self.one, other, self.unit),
            None => results.spread(self.one, self.unit),
        }?;
        let (holds, word, bound) = match self.bound {
            AtLeast(bound) => (spread.median >= bound, "at least", bound),
            AtMost(bound) => (spread.median <= bound, "at most", bound),
        };
        let what = match (self.other, self.unit) {
            (Some(other), RATE) => format!("{} / {}", self.one, short(self.one, other)),
            (Some(other), unit) => format!("{} / {}, {unit}", self.one, short(self.one, other)),
            (None, unit) => format!("{}, {unit}", self.one),
        };
        Some(Found { what, aim: format!("{word} {}", shown(bound)), spread, holds })
    }
}

/// The other's name, without what both have in common.
fn short<'a>(one: &str, other: &'a str) -> &'a str {
    let group = one.split_once(": ").map_or("", |(group, _)| group);
    other.strip_prefix(group).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_is_judged_by_the_median_of_the_ratios_of_its_rounds() {
        let mut results = Results::default();
        let aim = against("sync: a", "sync: b", RATE, AtLeast(2.0));
        assert!(aim.find(&results).is_none());
        for (a, b) in [(10.0, 10.0), (40.0, 20.0), (90.0, 30.0)] {
            results.add("sync: a", RATE, a);
            results.add("sync: b", RATE, b);
        }
        let found = aim.find(&results).unwrap();
        assert_eq!((found.what.as_str(), found.aim.as_str()), ("sync: a / b", "at least 2.00"));
        assert_eq!((found.spread, found.holds), (Spread { median: 2.0, lowest: 1.0, highest: 3.0 }, true));
        assert!(!against("sync: a", "sync: b", RATE, AtLeast(2.1)).find(&results).unwrap().holds);
        assert!(!alone("sync: a", RATE, AtMost(39.0)).find(&results).unwrap().holds);
    }
}
