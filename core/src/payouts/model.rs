//! The outcome rules, proven by looking at every case: callers, their real rules, the network and the platform are run
//! into every state that they can come to together, and each is held against what must never be.
//!
//! What must hold, whatever happens in whatever order:
//! - a call ends as accepted only if a payout of its money and method is executed, and only if it may be its own;
//! - an error that says that no money moved is true, then and for ever: nothing of this call or of the ones that it
//!   resumes was executed or will be. (All else ends as `outcome_unknown` or `duplicate_payout`.);
//! - no POST starts after everybody left, while an earlier one is open, before a `Retry-After` is over, or without time
//!   for it and a read; none under a chunk's token starts after the end of that, or once it was refused; two calls of
//!   one client are never under way for one id;
//! - every call ends, by its deadline; one that may not wait for a platform that was never reached, by the end of that
//!   time.
//!
//! What may happen: a message is lost, late or doubled at any point; an answer is ruined in any way; a request is
//! executed, and shown, as late as the settle window allows; the platform refuses, is busy or does not know the token;
//! a create has to stand in line; a caller leaves, its task panics, its process dies, at any point, and it calls again,
//! as it should or carelessly; others call for the same id from the same process and from another one, with the same
//! request and with another; the machine stands still, so that what is due comes late; a connection that is kept
//! delivers the answer to another exchange.
//!
//! What is assumed is in [`Assumed`], and there is a test for each that shows why. Not in the model: more than
//! one id, what a token is, and time that is finer than its seconds.
//!
//! `cargo xtask prove model` runs it, and `--long` explores farther than there is time for in every test run.

mod reading;
mod setting;
mod state;
mod step;
mod world;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use komopay_explorer::{Figures, Trace, explore};

use self::reading::{Asked, OTHER_METHOD, OTHER_MONEY, OTHER_PAYEE, PLAIN, requests};
use self::setting::{Assumed, Habits, Setting};
use self::world::{ANOTHER_PAYEE, World};
use crate::timing::Limits;

/// Short times, so that they meet in every way: attempts of 2 s, a settle window of 3 s, pauses of 1 s and 2 s.
const fn limits(total: u64) -> Limits {
    Limits {
        total: Duration::from_secs(total),
        attempt: Duration::from_secs(2),
        settle_window: Duration::from_secs(3),
        backoff_base: Duration::from_secs(1),
        backoff_cap: Duration::from_secs(2),
        unreached: Duration::from_secs(3),
    }
}

const ASSUMED: Assumed = Assumed {
    unique_ids: true,
    settles_within: 3,
    misdelivered_settles_within: 1,
    one_process_at_a_time: true,
    fingerprints: false,
};

/// A caller of a process of its own.
const fn caller(client: u8, asks: Asked, calls: u8) -> Habits {
    Habits { client, asks, resume: false, calls, resumes_again: true, refused_here: false, chunk: None }
}

/// A caller under a chunk's token, which sends for so many seconds. It never resumes: its journal may be an old one.
const fn under(chunk: u8, habits: Habits) -> Habits {
    Habits { resumes_again: false, chunk: Some(chunk), ..habits }
}

/// A caller that resumes.
const fn resumer(client: u8, asks: Asked, calls: u8) -> Habits {
    Habits { resume: true, ..caller(client, asks, calls) }
}

fn setting(total: u64, faults: Option<u8>, callers: &[Habits]) -> Setting {
    Setting {
        limits: limits(total),
        callers: callers.to_vec(),
        before: None,
        faults,
        stalls: false,
        kept_connections: false,
        retry_after: vec![None],
        assumed: ASSUMED,
    }
}

/// Connections carry one exchange after another.
fn kept(setting: Setting) -> Setting {
    Setting { kept_connections: true, ..setting }
}

/// Shorter times yet, and one fault, for where three call.
fn hurried(callers: &[Habits]) -> Setting {
    let secs = Duration::from_secs;
    let limits = Limits { attempt: secs(1), settle_window: secs(2), ..limits(3) };
    let assumed = Assumed { settles_within: 2, ..ASSUMED };
    Setting { limits, assumed, ..setting(3, Some(1), callers) }
}

/// What is explored in every test run, by name.
fn short() -> Vec<(&'static str, Setting)> {
    let [one, again] = [1, 2].map(|calls| caller(0, PLAIN, calls));
    let careless = Habits { resumes_again: false, ..again };
    let lowered = Habits { refused_here: true, ..resumer(0, PLAIN, 1) };
    let waits = vec![None, Some(2), Some(100)];
    vec![
        ("one call, any faults", setting(6, None, &[one])),
        ("one call, asked to wait", Setting { retry_after: waits.clone(), ..setting(6, Some(3), &[one]) }),
        ("the deadline is near", setting(4, None, &[one])),
        ("the machine stands still", Setting { stalls: true, ..setting(6, Some(2), &[again]) }),
        ("answers are misdelivered", kept(setting(6, Some(3), &[one]))),
        ("answers are misdelivered, it calls again", kept(setting(5, Some(2), &[careless]))),
        (
            "answers are misdelivered, asked to wait",
            Setting { retry_after: waits.clone(), ..kept(setting(6, Some(2), &[one])) },
        ),
        ("answers are misdelivered, two processes", kept(setting(4, Some(1), &[one, caller(1, PLAIN, 1)]))),
        ("it calls again", setting(6, Some(2), &[again])),
        ("it calls again, carelessly", setting(6, Some(2), &[careless])),
        ("it resumes, any faults", setting(6, None, &[resumer(0, PLAIN, 1)])),
        ("it was paid long before", Setting { before: Some(PLAIN), ..setting(6, Some(2), &[again]) }),
        ("another was paid long before", Setting { before: Some(OTHER_MONEY), ..setting(6, Some(2), &[again]) }),
        ("its request is refused by now", setting(6, Some(1), &[one, lowered])),
        ("two processes", setting(5, Some(1), &[one, caller(1, PLAIN, 1)])),
        ("one process, other money", setting(6, Some(1), &[one, caller(0, OTHER_MONEY, 1)])),
        ("one process, the same request", setting(6, Some(1), &[one, one])),
        ("one process, one resumes", setting(6, Some(1), &[one, resumer(0, PLAIN, 1)])),
        ("resumed twice, beside a process", hurried(&[lowered, lowered, caller(1, PLAIN, 1)])),
        ("two processes, other money", setting(4, Some(1), &[one, caller(1, OTHER_MONEY, 1)])),
        ("two processes, another method", setting(4, Some(1), &[one, caller(1, OTHER_METHOD, 1)])),
        ("under a chunk's token, any faults", setting(6, None, &[under(3, one)])),
        (
            "under a chunk's token, asked to wait",
            Setting { retry_after: waits, ..setting(6, Some(2), &[under(3, one)]) },
        ),
        ("under a chunk's token, misdelivered", kept(setting(6, Some(2), &[under(3, one)]))),
        ("under a chunk's token, it calls again", setting(5, Some(2), &[under(4, again)])),
        (
            "under a chunk's token, paid before",
            Setting { before: Some(PLAIN), ..setting(6, Some(2), &[under(3, one)]) },
        ),
        (
            "under a chunk's token, another was paid before",
            Setting { before: Some(OTHER_MONEY), ..setting(6, Some(2), &[under(3, one)]) },
        ),
        ("under a chunk's token, beside a plain call", setting(5, Some(1), &[under(3, one), one])),
        ("under a chunk's token, two of it", setting(5, Some(1), &[under(3, one), under(3, one)])),
        ("two processes, one under a chunk's token", setting(4, Some(1), &[under(2, one), caller(1, PLAIN, 1)])),
    ]
}

/// What is explored where there is time for it.
fn long() -> Vec<(&'static str, Setting)> {
    let [one, again] = [1, 2].map(|calls| caller(0, PLAIN, calls));
    let waits = vec![None, Some(2), Some(100)];
    let mut settings = short();
    for total in [5, 7, 8] {
        settings.push(("one call, any faults", setting(total, None, &[one])));
        settings.push(("it resumes, any faults", setting(total, None, &[resumer(0, PLAIN, 1)])));
    }
    settings.extend([
        ("one call, asked to wait, any faults", Setting { retry_after: waits, ..setting(7, None, &[one]) }),
        ("answers are misdelivered, any faults", kept(setting(6, None, &[one]))),
        ("answers are misdelivered, it calls three times", kept(setting(6, Some(3), &[caller(0, PLAIN, 3)]))),
        ("answers are misdelivered, one resumes", kept(setting(6, Some(2), &[one, resumer(0, PLAIN, 1)]))),
        ("answers are misdelivered, other money", kept(setting(5, Some(2), &[one, caller(0, OTHER_MONEY, 2)]))),
        ("the machine stands still", Setting { stalls: true, ..setting(6, Some(4), &[again]) }),
        ("it calls again, any faults", setting(8, None, &[again])),
        ("it calls three times", setting(6, Some(5), &[caller(0, PLAIN, 3)])),
        ("two processes", setting(7, Some(2), &[one, caller(1, PLAIN, 1)])),
        ("two processes, one resumes", setting(5, Some(2), &[one, resumer(1, PLAIN, 1)])),
        ("two processes, both call again", setting(5, Some(1), &[again, caller(1, PLAIN, 2)])),
        ("two processes, other money", setting(5, Some(2), &[one, caller(1, OTHER_MONEY, 1)])),
        ("two processes, another method, one resumes", setting(5, Some(1), &[one, resumer(1, OTHER_METHOD, 1)])),
        ("one process, one resumes", setting(6, Some(2), &[one, resumer(0, PLAIN, 1)])),
        ("one process, both call again", setting(5, Some(2), &[again, again])),
        ("three in one process", setting(5, Some(2), &[one, one, resumer(0, PLAIN, 1)])),
        (
            "resumed twice, beside a process",
            setting(4, Some(1), &[resumer(0, PLAIN, 1), resumer(0, PLAIN, 1), caller(1, PLAIN, 1)]),
        ),
    ]);
    settings
}

/// Explores settings, and prints one line of figures of all of them. Gives how often a call ended in which way.
fn prove(form: &str, settings: Vec<(&'static str, Setting)>) -> BTreeMap<&'static str, usize> {
    let started = Instant::now();
    let (mut sum, mut endings, count) = (Figures::default(), BTreeMap::new(), settings.len());
    for (name, setting) in settings {
        let (world, started) = (World::new(setting), Instant::now());
        let figures = explore(&world).unwrap_or_else(|trace| panic!("{name}: {trace}"));
        let Figures { states, depth, .. } = figures;
        println!("{states:9} states, {depth:3} deep, {:5.1} s: {name}", started.elapsed().as_secs_f64());
        sum += figures;
        for (ending, times) in world.endings() {
            *endings.entry(ending).or_default() += times;
        }
    }
    println!("endings: {endings:?}");
    let (Figures { states, steps, depth }, time) = (sum, started.elapsed().as_secs_f64());
    println!(
        "model, {form}: {count} settings, {states} states, {steps} steps, {depth} deep, {time:.1} s, nothing broken"
    );
    println!("proven: {states} states of the outcome rules");
    endings
}

/// The trace to what is broken where an assumption does not hold.
fn broken(setting: Setting) -> Trace {
    let trace = explore(&World::new(setting)).expect_err("nothing is broken");
    println!("{trace}");
    trace
}

#[test]
fn in_every_state_the_rules_hold() {
    let is_long = std::env::var("KOMOPAY_PROOF").is_ok_and(|form| form == "long");
    let endings = if is_long { prove("long", long()) } else { prove("short", short()) };
    // Rules that never lead to an ending would hold for it, too.
    assert_eq!(endings.len(), 10, "{endings:?}");
}

#[test]
fn without_unique_ids_a_repeat_pays_twice() {
    let assumed = Assumed { unique_ids: false, ..ASSUMED };
    let trace = broken(Setting { assumed, ..setting(6, Some(1), &[caller(0, PLAIN, 1)]) });
    assert_eq!(trace.broken, "it is paid twice");
}

#[test]
fn a_request_that_executes_after_the_settle_window_makes_a_refusal_wrong() {
    let assumed = Assumed { settles_within: 4, ..ASSUMED };
    let trace = broken(Setting { assumed, ..setting(6, Some(1), &[caller(0, PLAIN, 1)]) });
    assert_eq!(trace.broken, "an error says that no money moved, and it may yet be executed");
}

#[test]
fn a_create_that_executes_long_after_a_misdelivered_answer_makes_a_denial_wrong() {
    let assumed = Assumed { misdelivered_settles_within: 2, ..ASSUMED };
    let trace = broken(Setting { assumed, ..kept(setting(6, Some(1), &[caller(0, PLAIN, 1)])) });
    assert_eq!(trace.broken, "an error says that no money moved, and it may yet be executed");
}

#[test]
fn a_resumed_call_cannot_speak_for_a_process_that_is_still_sending() {
    let assumed = Assumed { one_process_at_a_time: false, ..ASSUMED };
    let callers = [caller(0, PLAIN, 1), resumer(1, PLAIN, 1)];
    let trace = broken(Setting { assumed, ..setting(6, Some(1), &callers) });
    assert_eq!(trace.broken, "an error says that no money moved, and it may yet be executed");
}

/// The documented limit of `recovered`: the platform never repeats the payee.
#[test]
fn another_payee_under_the_same_id_looks_recovered_unless_fingerprints_are_compared() {
    let callers = [caller(0, PLAIN, 1), caller(1, OTHER_PAYEE, 1)];
    let trace = broken(setting(6, Some(1), &callers));
    assert_eq!(trace.broken, ANOTHER_PAYEE);
    assert!(trace.steps.iter().any(|step| step == "caller 1: Hears(Read(Ours))"), "{trace}");

    let [ours, theirs] = [PLAIN, OTHER_PAYEE].map(|asked| requests().swap_remove(asked));
    let key = b"a key of the caller's own";
    assert_ne!(ours.fingerprint(key).unwrap(), theirs.fingerprint(key).unwrap());
    let assumed = Assumed { fingerprints: true, ..ASSUMED };
    prove("with fingerprints", vec![("another payee", Setting { assumed, ..setting(6, Some(1), &callers) })]);
}
