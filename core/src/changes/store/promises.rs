//! What every store of changes has to do, whatever is behind it: tests of stores are made of these. Those of the store
//! in PostgreSQL include this file, too.

use std::sync::Arc;
use std::thread;

use jiff::Timestamp;

use super::{ChangeRecord, ChangeStore, PayoutId};

fn change(payout_id: &str, sequence: u64) -> ChangeRecord {
    ChangeRecord {
        payout_id: PayoutId::new(payout_id).unwrap(),
        sequence,
        previous_status: (sequence > 1).then(|| "PROCESSING".to_owned()),
        payout: format!("{{\"n\": {sequence}}}"),
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn names(changes: &[ChangeRecord]) -> Vec<String> {
    changes.iter().map(|change| format!("{}{}", change.payout_id, change.sequence)).collect()
}

/// What every store has to do.
pub fn keeps_its_promises(store: &dyn ChangeStore) {
    let [a, b] = ["A", "B"].map(|id| PayoutId::new(id).unwrap());
    // It has one owner, the first.
    for owner in ["first", "second", "first"] {
        assert_eq!(store.claim(owner).unwrap(), "first");
    }
    assert_eq!(store.latest(&a).unwrap(), None);
    assert!(store.take(10, at(0), at(60)).unwrap().is_empty());
    for (payout_id, sequence) in [("A", 1), ("B", 1), ("A", 2), ("C", 1)] {
        assert!(store.record(&change(payout_id, sequence)).unwrap());
    }
    let other = ChangeRecord { payout: "{}".to_owned(), ..change("A", 2) };
    assert!(!store.record(&other).unwrap() && !store.record(&change("A", 1)).unwrap());
    assert_eq!(store.latest(&a).unwrap(), Some(change("A", 2)));
    assert_eq!(store.latest(&b).unwrap(), Some(change("B", 1)));

    // The oldest first, one of each payout, and to one taker at a time.
    assert!(store.take(0, at(0), at(60)).unwrap().is_empty());
    assert_eq!(names(&store.take(2, at(0), at(60)).unwrap()), ["A1", "B1"]);
    assert_eq!(store.take(2, at(59), at(90)).unwrap(), [change("C", 1)]);
    assert!(store.take(9, at(59), at(90)).unwrap().is_empty());
    // Who took A1 and B1 said nothing; it comes again, in the same order.
    assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["A1", "B1"]);
    assert_eq!(names(&store.take(9, at(90), at(120)).unwrap()), ["C1"]);

    // What is acknowledged is never given again, and lets the next one through.
    store.acknowledge(&a, 1).unwrap();
    store.acknowledge(&a, 1).unwrap();
    store.acknowledge(&a, 7).unwrap();
    store.acknowledge(&PayoutId::new("Z").unwrap(), 1).unwrap();
    assert_eq!(names(&store.take(9, at(91), at(120)).unwrap()), ["A2"]);
    store.acknowledge(&b, 1).unwrap();
    assert_eq!(names(&store.take(9, at(120), at(130)).unwrap()), ["A2", "C1"]);
    store.acknowledge(&a, 2).unwrap();
    store.acknowledge(&PayoutId::new("C").unwrap(), 1).unwrap();
    assert!(store.take(9, at(9000), at(9001)).unwrap().is_empty());
    // The clock is set back: what was taken by it before is not withheld until it is there again. The length of
    // the leases says nothing, since each taker has its own.
    assert!(store.record(&change("D", 1)).unwrap());
    assert_eq!(names(&store.take(9, at(9000), at(9600)).unwrap()), ["D1"]);
    assert!(store.take(9, at(9000), at(9001)).unwrap().is_empty());
    // Who read the clock before that, and comes after it.
    assert!(store.take(9, at(8990), at(8991)).unwrap().is_empty());
    assert_eq!(names(&store.take(9, at(100), at(101)).unwrap()), ["D1"]);
    assert!(store.take(9, at(100), at(101)).unwrap().is_empty());
    store.acknowledge(&PayoutId::new("D").unwrap(), 1).unwrap();
    // It still knows where they stood.
    assert_eq!(store.latest(&a).unwrap(), Some(change("A", 2)));
    assert!(!store.record(&change("A", 2)).unwrap());
}

/// What every store has to do about what is over. Gives how many changes it deleted, which one that keeps nothing
/// else may have done before.
pub fn prunes_only_what_is_over(store: &dyn ChangeStore) -> usize {
    let [a, b, c] = ["A", "B", "C"].map(|id| PayoutId::new(id).unwrap());
    let mut pruned = 0;
    let mut prune = |until, limit| {
        let now = store.prune(until, limit).unwrap();
        assert!(now <= limit);
        pruned += now;
        now
    };
    for (payout_id, sequence) in [("A", 1), ("B", 1), ("A", 2), ("C", 1), ("A", 3)] {
        assert!(store.record(&change(payout_id, sequence)).unwrap());
    }
    // Nothing of it is over: not what is not acknowledged, and not the last of its payout.
    store.acknowledge(&b, 1).unwrap();
    assert_eq!(prune(Timestamp::MAX, 9), 0);
    store.acknowledge(&a, 1).unwrap();
    store.acknowledge(&a, 2).unwrap();
    // Not for long enough.
    assert_eq!(prune(at(0), 9), 0);
    prune(Timestamp::MAX, 1);
    prune(Timestamp::MAX, 9);
    assert_eq!(names(&store.take(9, at(0), at(60)).unwrap()), ["C1", "A3"]);
    store.acknowledge(&a, 3).unwrap();
    store.acknowledge(&c, 1).unwrap();
    assert_eq!(prune(Timestamp::MAX, 9), 0);

    // Whatever comes late or twice is known, the numbers go on, and a correction is told.
    for (id, last) in [(&a, 3), (&b, 1), (&c, 1)] {
        assert_eq!(store.latest(id).unwrap().map(|latest| latest.sequence), Some(last));
        for sequence in 1..=last {
            assert!(!store.record(&change(id.as_str(), sequence)).unwrap(), "{id} {sequence}");
            store.acknowledge(id, sequence).unwrap();
        }
    }
    assert!(store.take(9, at(60), at(120)).unwrap().is_empty());
    // What was the last one is over with the next one, if it was acknowledged.
    assert!(store.record(&change("B", 2)).unwrap() && store.record(&change("B", 3)).unwrap());
    prune(Timestamp::MAX, 9);
    assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["B2"]);
    store.acknowledge(&b, 2).unwrap();
    prune(Timestamp::MAX, 9);
    assert_eq!(names(&store.take(9, at(60), at(120)).unwrap()), ["B3"]);
    assert_eq!(prune(Timestamp::MAX, 9), 0);
    pruned
}

/// Of many that record the same number, and of many that take, one does.
pub fn one_of_many_wins(store: &Arc<impl ChangeStore>) {
    for sequence in 1..=20 {
        let all = |what: fn(&dyn ChangeStore, u64) -> bool| -> usize {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    let store = Arc::clone(store);
                    thread::spawn(move || what(&*store, sequence))
                })
                .collect();
            threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
        };
        assert_eq!(all(|store, sequence| store.record(&change("RACE", sequence)).unwrap()), 1);
        assert_eq!(all(|store, _| !store.take(1, at(0), at(60)).unwrap().is_empty()), 1);
        store.acknowledge(&PayoutId::new("RACE").unwrap(), sequence).unwrap();
    }
}
