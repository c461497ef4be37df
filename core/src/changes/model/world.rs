//! What happens to payouts in the model: their histories, and the other events of each.

use jiff::Timestamp;

use crate::changes::order::{Decided, Standing};
use crate::money::Money;
use crate::values::PayoutStatus;

/// What happens to one payout.
#[derive(Clone)]
pub(super) struct World {
    /// Where it stands, one after the other.
    pub history: Vec<Standing>,
    pub processes: usize,
    /// How many callbacks come once more than they should.
    pub doubles: u8,
    pub polls: u8,
    pub crashes: u8,
    /// How many reads show what was before. Then a last poll comes that does not.
    pub lags: u8,
    /// What is deleted of the changes that the application has handled; nothing is handled without it.
    pub pruned: Option<Pruned>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pruned {
    /// What a store promises: all but the last one.
    Over,
    /// Too much: the last one, too.
    Acknowledged,
}

pub(super) fn open(status: &str) -> Standing {
    Standing { status: PayoutStatus::from(status), decided: None }
}

pub(super) fn decided(status: PayoutStatus, at: Option<i64>) -> Standing {
    let decided = Decided {
        processed_at: at.map(|second| Timestamp::from_second(second).unwrap()),
        failed_at: None,
        failure: None,
        money: Money::new("10000", "IDR").unwrap(),
        fee: None,
    };
    Standing { status, decided: Some(decided) }
}

/// The one history that two processes may see another end of: there is a test for it.
pub(super) const GOES_BACK: &str = "it waits, and goes on";

/// The histories of a payout, by name: final at once, corrected later, at the same time, without a time, and so on.
pub(super) fn histories() -> Vec<(&'static str, Vec<Standing>)> {
    use PayoutStatus::{Failed, Success};
    let (processing, on_hold) = (open("PROCESSING"), open("ON_HOLD"));
    let (success, failed) = (|at| decided(Success, at), |at| decided(Failed, at));
    let reversed = |at| decided(PayoutStatus::Unknown("REVERSED".to_owned()), at);
    vec![
        ("it never changes", vec![processing.clone()]),
        ("it succeeds", vec![processing.clone(), success(Some(10))]),
        (GOES_BACK, vec![processing.clone(), on_hold.clone(), processing.clone()]),
        ("it waits and succeeds", vec![processing.clone(), on_hold, success(Some(10))]),
        ("it is corrected", vec![processing.clone(), success(Some(10)), failed(Some(20))]),
        ("it is corrected at the same time", vec![processing.clone(), success(Some(10)), failed(Some(10))]),
        ("it is corrected without a time", vec![processing.clone(), success(None), failed(None)]),
        ("it is corrected twice", vec![processing.clone(), success(Some(10)), failed(Some(20)), success(Some(30))]),
        ("it is reversed, by a status of later", vec![processing, success(Some(10)), reversed(Some(20))]),
    ]
}

/// Every payout with so many events: changes, a callback for each, and all the others as doubles and polls in every
/// mix.
fn settings(events: u8, processes: usize) -> Vec<(String, World)> {
    let mut settings = Vec::new();
    for (name, history) in histories() {
        if processes > 1 && name == GOES_BACK {
            continue;
        }
        let changes = u8::try_from(history.len() - 1).unwrap();
        let Some(rest) = events.checked_sub(2 * changes) else { continue };
        for polls in if changes == 0 { rest..=rest } else { 0..=rest } {
            let world = World {
                history: history.clone(),
                processes,
                doubles: rest - polls,
                polls,
                crashes: 0,
                lags: 0,
                pruned: None,
            };
            settings.push((format!("{name}, {processes} processes, {events} events, {polls} polls"), world));
        }
    }
    settings
}

/// With at most so many events in every test run, and with so many where there is time for it.
pub(super) fn up_to(short: u8, long: u8, processes: usize) -> Vec<(String, World)> {
    let is_long = std::env::var("KOMOPAY_PROOF").is_ok_and(|form| form == "long");
    (1..=if is_long { long } else { short }).flat_map(|events| settings(events, processes)).collect()
}
