//! The fence, proven by looking at every case: workers, the journal and the platform are run into every state that they
//! can come to together, by the real rules, and each is held against what must never be.
//!
//! What must hold, whatever happens in whatever order:
//! - what the journal calls planned again, rejected or cancelled after it may have been on its way is never executed
//!   under a token of before; so what is paid again because it was told "not made" is paid once;
//! - what a worker saw to be made is accepted, whoever has the chunk by then, and nothing else is;
//! - nothing that was called not made turns up;
//! - from every state, all ends: each item is accepted if its payout is made, and only then, and is followed.
//!
//! What may happen: a worker is paused at any step for any time, and comes back; it dies; a commit is done, and its
//! answer is lost; a request is on its way for any time, is refused, or executes, and is shown, as late as the settle
//! window allows; the platform takes tokens for as long after their end as is assumed; the batch is cancelled; the
//! journal becomes that of any earlier time, on a server with another clock; the database's clock is put forward;
//! clocks differ; a machine sleeps, and its clock with it.
//!
//! What is assumed is in [`Assumed`], and there is a test for each that shows why; and for each of the [`Rules`], one
//! that shows what comes without it. Not in the model: more than one chunk, since chunks share nothing but the tally;
//! what a create does under its token, which the core's own model shows; time that is finer than its ticks.
//!
//! `cargo xtask prove model` runs it, and `--long` explores farther than there is time for in every test run.

mod alike;
mod setting;
mod state;
mod step;

use std::time::Instant;

use komopay_explorer::{Figures, Trace, explore};

use self::setting::{Assumed, Clocks, Rules, Setting, Times};
use self::state::{DENIED, TWICE};

/// Short times, so that they meet in every way.
const TIMES: Times = Times { life: 1, attempt: 0, leeway: 1, settle_window: 1, patience: 1, pause: 1 };

const ASSUMED: Assumed = Assumed { leeway: TIMES.leeway, settles_within: TIMES.settle_window };

const RULES: Rules = Rules {
    registers: true,
    ends: true,
    one_token: true,
    fence: true,
    date: true,
    database_clock: true,
    asked: true,
    doubts: true,
    new_epochs: true,
};

/// A create that starts has an attempt's time, and several ticks to start in.
const LONGER: Times = Times { life: 3, attempt: 1, leeway: 1, settle_window: 1, patience: 2, pause: 1 };

/// Hours, beside times of minutes.
const FAR: i64 = 360;

fn setting(items: usize, faults: u8) -> Setting {
    Setting {
        items,
        workers: 2,
        times: TIMES,
        pauses_until: 6,
        faults,
        clocks: Clocks::default(),
        dates: true,
        slow_reads: false,
        cancels: false,
        restores: false,
        opens: false,
        sleeps: false,
        pays_again: false,
        assumed: ASSUMED,
        rules: RULES,
    }
}

fn clocks(database: i64, platform: i64) -> Clocks {
    Clocks { database, platform, workers: -FAR, ..Clocks::default() }
}

/// The journal becomes that of an earlier time, on a server whose clock is so far ahead of the old one's.
fn restored(ahead: i64, setting: Setting) -> Setting {
    Setting { restores: true, clocks: Clocks { restored: ahead, ..setting.clocks }, ..setting }
}

/// The database's clock is put forward once.
fn jumping(jump: i64, setting: Setting) -> Setting {
    Setting { clocks: Clocks { jump, ..setting.clocks }, ..setting }
}

/// What is explored in every test run, by name.
fn short() -> Vec<(&'static str, Setting)> {
    let one = || setting(1, 1);
    let brief = || Setting { pauses_until: 5, ..setting(1, 0) };
    vec![
        ("one payout", setting(1, 2)),
        ("two payouts", Setting { pauses_until: 4, ..setting(2, 1) }),
        ("longer times", Setting { times: LONGER, pauses_until: 8, ..setting(1, 0) }),
        (
            "the database's clock is far ahead, and the platform's behind",
            Setting { clocks: clocks(FAR, -FAR), ..one() },
        ),
        (
            "the platform's clock is far ahead, and the database's behind",
            Setting { clocks: clocks(-FAR, FAR), ..one() },
        ),
        ("the platform says no dates", Setting { dates: false, clocks: clocks(FAR, -FAR), ..one() }),
        ("the database's clock is put forward", jumping(FAR, one())),
        ("... and reads are slow", jumping(FAR, Setting { slow_reads: true, ..brief() })),
        ("the batch is cancelled", Setting { cancels: true, ..one() }),
        ("the journal is restored", restored(0, Setting { pauses_until: 4, ..brief() })),
        ("whoever opens the journal takes over", Setting { opens: true, ..one() }),
        ("machines sleep", Setting { sleeps: true, ..brief() }),
        ("what is not made is paid again", Setting { pays_again: true, cancels: true, ..one() }),
    ]
}

/// What is explored where there is time for it.
fn long() -> Vec<(&'static str, Setting)> {
    let one = || setting(1, 2);
    let mut settings = short();
    settings.extend([
        ("one payout, four faults", setting(1, 4)),
        ("two payouts", setting(2, 2)),
        ("three workers", Setting { workers: 3, pauses_until: 5, ..setting(1, 1) }),
        ("longer times", Setting { times: LONGER, pauses_until: 9, ..one() }),
        ("longer times, two payouts", Setting { times: LONGER, pauses_until: 8, ..setting(2, 1) }),
        ("the database's clock is put forward a little", jumping(2, one())),
        (
            "the database's clock is put forward, and reads are slow",
            jumping(FAR, Setting { slow_reads: true, ..one() }),
        ),
        ("two payouts, the batch is cancelled", Setting { cancels: true, ..setting(2, 1) }),
        ("the journal is restored", restored(0, setting(1, 1))),
        ("the journal is restored, where the clock is far behind", restored(-FAR, setting(1, 1))),
        ("the journal is restored, where the clock is far ahead", restored(FAR, setting(1, 1))),
        ("the journal is restored, the batch is cancelled", restored(0, Setting { cancels: true, ..setting(1, 0) })),
        ("two payouts, the journal is restored", restored(0, Setting { pauses_until: 4, ..setting(2, 0) })),
        ("two payouts, whoever opens the journal takes over", Setting { opens: true, ..setting(2, 2) }),
        ("machines sleep", Setting { sleeps: true, ..one() }),
        ("two payouts, what is not made is paid again", Setting { pays_again: true, cancels: true, ..setting(2, 1) }),
    ]);
    settings
}

/// Explores settings, and prints one line of figures of all of them.
fn prove(form: &str, settings: Vec<(&'static str, Setting)>) {
    let (started, mut sum, count) = (Instant::now(), Figures::default(), settings.len());
    for (name, setting) in settings {
        let started = Instant::now();
        let figures = explore(&setting).unwrap_or_else(|trace| panic!("{name}: {trace}"));
        let Figures { states, depth, .. } = figures;
        println!("{states:9} states, {depth:3} deep, {:5.1} s: {name}", started.elapsed().as_secs_f64());
        sum += figures;
    }
    let (Figures { states, steps, depth }, time) = (sum, started.elapsed().as_secs_f64());
    println!("model of batches, {form}: {count} settings, {states} states, {steps} steps, {depth} deep, {time:.1} s");
    println!("proven: {states} states of batches");
}

/// The trace to what is broken where a rule or an assumption does not hold.
fn broken(setting: &Setting) -> Trace {
    let trace = explore(setting).expect_err("nothing is broken");
    println!("{trace}");
    trace
}

#[test]
fn in_every_state_the_rules_hold() {
    let is_long = std::env::var("KOMOPAY_PROOF").is_ok_and(|form| form == "long");
    if is_long { prove("long", long()) } else { prove("short", short()) }
}

/// That is what a merchant sees of it: a payout that was told as not made is paid again, and both execute.
fn pays_twice(setting: &Setting) {
    assert_eq!(broken(&Setting { pays_again: true, ..*setting }).broken, TWICE);
}

#[test]
fn without_the_registration_a_payout_that_is_called_rejected_executes() {
    let rules = Rules { registers: false, ..RULES };
    let setting = Setting { rules, ..setting(1, 1) };
    assert_eq!(broken(&setting).broken, DENIED);
    pays_twice(&setting);
}

#[test]
fn under_a_token_that_is_renewed_a_payout_that_is_called_not_made_executes() {
    let rules = Rules { one_token: false, ..RULES };
    assert_eq!(broken(&Setting { rules, ..setting(1, 1) }).broken, DENIED);
    pays_twice(&Setting { rules, ..setting(1, 2) });
}

#[test]
fn a_platform_that_takes_tokens_for_longer_than_assumed_makes_not_made_wrong() {
    let assumed = Assumed { leeway: ASSUMED.leeway + 2, ..ASSUMED };
    let beyond = Setting { assumed, pauses_until: 8, ..setting(1, 1) };
    assert_eq!(broken(&beyond).broken, DENIED);
    let rules = Rules { ends: false, ..RULES };
    let never_ends = Setting { rules, ..beyond };
    assert_eq!(broken(&never_ends).broken, DENIED);
    pays_twice(&never_ends);
}

/// The fence is the platform's end of the token. The worker's own end saves requests.
#[test]
fn a_worker_that_ignores_the_end_of_its_token_pays_nobody_twice() {
    let rules = Rules { ends: false, ..RULES };
    prove("the worker's own end is ignored", vec![("one payout", Setting { rules, ..setting(1, 1) })]);
}

#[test]
fn a_request_that_executes_after_the_settle_window_makes_not_made_wrong() {
    let assumed = Assumed { settles_within: ASSUMED.settles_within + 2, ..ASSUMED };
    assert_eq!(broken(&Setting { assumed, pauses_until: 8, ..setting(1, 1) }).broken, DENIED);
}

#[test]
fn who_concludes_before_the_fence_calls_not_made_what_executes() {
    let rules = Rules { fence: false, ..RULES };
    assert_eq!(broken(&Setting { rules, ..setting(1, 1) }).broken, DENIED);
    pays_twice(&Setting { rules, ..setting(1, 1) });
}

#[test]
fn without_the_platforms_date_a_databases_clock_that_is_put_forward_makes_not_made_wrong() {
    let rules = Rules { date: false, ..RULES };
    assert_eq!(broken(&jumping(FAR, Setting { rules, ..setting(1, 1) })).broken, DENIED);
    pays_twice(&jumping(FAR, Setting { rules, ..setting(1, 1) }));
    // The documented limit, where the platform says none.
    assert_eq!(broken(&jumping(FAR, Setting { dates: false, ..setting(1, 1) })).broken, DENIED);
}

#[test]
fn by_the_clock_of_a_worker_that_is_ahead_what_is_called_not_made_executes() {
    let rules = Rules { database_clock: false, ..RULES };
    let clocks = Clocks { workers: FAR, ..Clocks::default() };
    let setting = Setting { rules, clocks, dates: false, ..setting(1, 1) };
    assert_eq!(broken(&setting).broken, DENIED);
    pays_twice(&setting);
}

/// An answer may be long on its way, and its date is that of the answer.
#[test]
fn by_the_date_of_an_answer_alone_what_a_slow_read_did_not_see_is_called_not_made() {
    let rules = Rules { asked: false, ..RULES };
    assert_eq!(broken(&jumping(FAR, Setting { rules, slow_reads: true, ..setting(1, 0) })).broken, DENIED);
}

/// What is restored is in doubt.
#[test]
fn a_restored_journal_that_doubts_nothing_calls_not_made_what_executes() {
    let rules = Rules { doubts: false, ..RULES };
    assert_eq!(broken(&restored(0, Setting { rules, pauses_until: 1, ..setting(1, 1) })).broken, DENIED);
    pays_twice(&restored(0, Setting { rules, pauses_until: 1, ..setting(1, 1) }));
}

#[test]
fn a_restored_journal_that_gives_numbers_again_believes_a_worker_of_the_lost_time() {
    let rules = Rules { new_epochs: false, ..RULES };
    assert_eq!(broken(&restored(0, Setting { rules, pauses_until: 3, ..setting(1, 0) })).broken, DENIED);
}
