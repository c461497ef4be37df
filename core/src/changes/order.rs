//! Which answer about a payout is the newer one, and which steps lead to a change that is recorded once.
//!
//! Pure: what happened in, what to do out. No clock and no I/O; `follow` drives it, and `model` runs it into every
//! state that processes, callbacks and the platform can come to. The rules:
//!
//! 1. What the store knows is loaded **before** the payout is read, so that the answer was asked for after it.
//! 2. A final status beats one that is not, whenever either was read: a read may lag, and a payout does not go back. A
//!    status that this version does not know counts as final if it comes with a `processedAt` or `failedAt`.
//! 3. Of two final ones the later `processedAt` or `failedAt` wins. A tie, or a missing time, is read again: what two
//!    reads in a row show is taken, after [`READS`] of them nothing is.
//! 4. Of two that are not final the one asked for later wins; if that is not known, it is read again.
//! 5. A change follows the one that it was held against, or it is not recorded: then another process was first, what it
//!    recorded is loaded, and the answer is held against that.

use jiff::Timestamp;

use crate::money::Money;
use crate::values::{FailureCode, Payout, PayoutStatus};

/// How many times a payout is read until its answers must have agreed.
pub(super) const READS: u8 = 4;

/// How many times another process may be first, until it is given up.
pub(super) const ROUNDS: u8 = 8;

/// What makes a change: the status, and of a final one what was decided. Nothing else of an answer is one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Standing {
    pub status: PayoutStatus,
    pub decided: Option<Decided>,
}

/// What was decided about a payout.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Decided {
    pub processed_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    pub failure: Option<FailureCode>,
    pub money: Money,
    pub fee: Option<Money>,
}

impl Standing {
    pub fn of(payout: &Payout) -> Self {
        let reason = payout.failure_reason.as_ref();
        let failed_at = reason.and_then(|reason| reason.failed_at);
        let has_time = payout.processed_at.is_some() || failed_at.is_some();
        // A status that this version does not know may decide, too: then it says when.
        let is_unknown = matches!(payout.status, PayoutStatus::Unknown(_));
        let decided = (payout.status.is_final() || is_unknown && has_time).then(|| Decided {
            processed_at: payout.processed_at,
            failed_at,
            failure: reason.map(|reason| reason.code.clone()),
            money: payout.money.clone(),
            fee: payout.fee.clone(),
        });
        Self { status: payout.status.clone(), decided }
    }

    /// When it became final, if it says so.
    fn decided_at(&self) -> Option<Timestamp> {
        self.decided.as_ref().and_then(|decided| decided.processed_at.max(decided.failed_at))
    }
}

/// How an answer stands to what is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Same,
    Newer,
    Older,
    Undecided,
}

/// Compares an answer with what is known; `in_order` if it was asked for after that was known.
fn compare(known: &Standing, seen: &Standing, in_order: bool) -> Order {
    if known == seen {
        return Order::Same;
    }
    match (&known.decided, &seen.decided) {
        (None, Some(_)) => Order::Newer,
        (Some(_), None) => Order::Older,
        (None, None) if in_order => Order::Newer,
        (None, None) => Order::Undecided,
        (Some(_), Some(_)) => match (known.decided_at(), seen.decided_at()) {
            (Some(known), Some(seen)) if seen > known => Order::Newer,
            (Some(known), Some(seen)) if seen < known => Order::Older,
            _ => Order::Undecided,
        },
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Next {
    /// Load what the store knows of the payout.
    Load,
    /// Read the payout from the platform.
    Read,
    /// Record the last answer as the change of this number.
    Record(u64),
    /// It ends: the last answer holds, and is in the store.
    TakeAnswer,
    /// It ends: what the store knows holds.
    TakeKnown,
    /// It ends: the answers do not agree, or other processes were always first.
    GiveUp,
}

/// One observation of a payout: from the question to what is recorded of the answer.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Observer {
    known: Option<(u64, Standing)>,
    seen: Option<Standing>,
    /// An answer that could not be ordered; if the next read shows the same, it holds.
    doubted: Option<Standing>,
    /// The answer was asked for after `known` was loaded.
    in_order: bool,
    reads: u8,
    rounds: u8,
}

impl Observer {
    /// Begins. The first thing to do is to [load](Next::Load).
    pub fn new() -> Self {
        Self { known: None, seen: None, doubted: None, in_order: false, reads: 0, rounds: 0 }
    }

    /// The store knows this: the number of the last change, and where the payout stood then.
    pub fn loaded(&mut self, known: Option<(u64, Standing)>) -> Next {
        self.known = known;
        self.doubted = None;
        self.in_order = false;
        if self.seen.is_some() { self.judge() } else { Next::Read }
    }

    /// The platform answered with this.
    pub fn saw(&mut self, standing: Standing) -> Next {
        self.seen = Some(standing);
        self.in_order = true;
        self.reads += 1;
        self.judge()
    }

    /// The store took the change, or it knew a change of that number already.
    pub fn recorded(&mut self, taken: bool) -> Next {
        if taken {
            return Next::TakeAnswer;
        }
        self.rounds += 1;
        if self.rounds < ROUNDS { Next::Load } else { Next::GiveUp }
    }

    /// Whether the platform answered at all.
    #[cfg(test)]
    pub fn has_answer(&self) -> bool {
        self.seen.is_some()
    }

    /// The last answer.
    #[cfg(test)]
    pub fn answer(&self) -> &Standing {
        self.seen.as_ref().expect("it was answered")
    }

    fn judge(&mut self) -> Next {
        let Some(seen) = &self.seen else { return Next::Read };
        let Some((sequence, known)) = &self.known else { return Next::Record(1) };
        let record = Next::Record(sequence.saturating_add(1));
        match compare(known, seen, self.in_order) {
            Order::Same => Next::TakeAnswer,
            Order::Newer => record,
            Order::Older => Next::TakeKnown,
            Order::Undecided if self.doubted.as_ref() == Some(seen) => record,
            Order::Undecided if self.reads < READS => {
                self.doubted = Some(seen.clone());
                Next::Read
            }
            Order::Undecided => Next::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::values::PayoutId;

    fn standing(process: &Value) -> Standing {
        let body = json!({
            "paymentRequested": {"money": {"amount": 10_000, "currencyCode": "IDR"}},
            "process": process,
            "paymentMethodResponse": {"paymentMethodCode": "BANK_TRANSFER", "idPayout": "A-1"},
        });
        let read = Payout::parse(&PayoutId::new("A-1").unwrap(), body.to_string().as_bytes());
        Standing::of(&read.ok().unwrap().0)
    }

    fn ended(status: &str, at: &str) -> Standing {
        standing(&json!({"status": status, "processedAt": at}))
    }

    fn open(status: &str) -> Standing {
        standing(&json!({"status": status}))
    }

    const EARLY: &str = "2026-01-01T00:00:01Z";
    const LATE: &str = "2026-01-01T00:00:02Z";

    #[test]
    fn a_status_decides_if_it_is_final_or_unknown_with_a_time() {
        let failed = json!({"failureReasonCode": "SYSTEM", "failedAt": LATE});
        let cases = [
            (json!({"status": "SUCCESS"}), true, None),
            (json!({"status": "FAILED", "failureReasons": failed}), true, Some(LATE)),
            (json!({"status": "FAILED", "processedAt": EARLY, "failureReasons": failed}), true, Some(LATE)),
            (json!({"status": "PROCESSING"}), false, None),
            (json!({"status": "PROCESSING", "processedAt": EARLY}), false, None),
            (json!({"status": "ON_HOLD"}), false, None),
            (json!({"status": "RETURNED", "processedAt": EARLY}), true, Some(EARLY)),
            (json!({"status": "RETURNED", "failureReasons": failed}), true, Some(LATE)),
        ];
        for (process, decides, at) in cases {
            let standing = standing(&process);
            assert_eq!(standing.decided.is_some(), decides, "{process}");
            assert_eq!(standing.decided_at(), at.map(|at| at.parse().unwrap()), "{process}");
        }
    }

    #[test]
    fn the_newer_of_two_answers() {
        let cases = [
            (open("PROCESSING"), open("PROCESSING"), [Order::Same; 2]),
            (open("PROCESSING"), ended("SUCCESS", EARLY), [Order::Newer; 2]),
            (ended("SUCCESS", EARLY), open("PROCESSING"), [Order::Older; 2]),
            (open("PROCESSING"), open("ON_HOLD"), [Order::Newer, Order::Undecided]),
            (ended("SUCCESS", EARLY), ended("FAILED", LATE), [Order::Newer; 2]),
            (ended("SUCCESS", LATE), ended("FAILED", EARLY), [Order::Older; 2]),
            (ended("SUCCESS", LATE), ended("FAILED", LATE), [Order::Undecided; 2]),
            (ended("SUCCESS", LATE), open("FAILED"), [Order::Undecided; 2]),
        ];
        for (known, seen, orders) in cases {
            assert_eq!([true, false].map(|in_order| compare(&known, &seen, in_order)), orders, "{known:?}, {seen:?}");
        }
    }

    #[test]
    fn what_cannot_be_ordered_is_read_until_two_reads_in_a_row_agree() {
        let known = ended("SUCCESS", LATE);
        let (failed, refused) = (ended("FAILED", LATE), ended("REFUSED", LATE));

        let mut observer = Observer::new();
        assert_eq!(observer.loaded(Some((7, known.clone()))), Next::Read);
        assert_eq!(observer.saw(failed.clone()), Next::Read);
        assert_eq!(observer.saw(refused.clone()), Next::Read);
        assert_eq!(observer.saw(refused.clone()), Next::Record(8));
        assert_eq!(observer.recorded(true), Next::TakeAnswer);

        let mut observer = Observer::new();
        observer.loaded(Some((7, known)));
        let seen = [&failed, &refused, &failed, &refused].map(|seen| observer.saw(seen.clone()));
        assert_eq!(seen, [Next::Read, Next::Read, Next::Read, Next::GiveUp]);
    }

    #[test]
    fn whoever_was_not_first_looks_again_but_not_for_ever() {
        let mut observer = Observer::new();
        assert_eq!(observer.loaded(None), Next::Read);
        assert_eq!(observer.saw(open("PROCESSING")), Next::Record(1));
        for _ in 1..ROUNDS {
            assert_eq!(observer.recorded(false), Next::Load);
            assert_eq!(observer.loaded(None), Next::Record(1));
        }
        assert_eq!(observer.recorded(false), Next::GiveUp);
    }
}
