//! Rules broken on purpose: the proof of stops finds who is paid twice, or paid after all.

use std::time::Duration;

use komopay_test_postgres::Server;

use super::stops::{Case, Meanwhile};

const MINUTE: Duration = Duration::from_secs(60);

/// A case that shows what the rule is for. With the rule, it is one of many that are proven.
fn cases() -> [Case; 5] {
    let case = |broken, step, meanwhile| Case {
        step,
        time: 1,
        meanwhile,
        is_early: false,
        leeway: Duration::ZERO,
        broken: Some(broken),
        off: (0, 0),
    };
    [
        // Before its token call: it gets a token, and asks nobody whether the chunk is still its own.
        case("registration", "Claimed", Meanwhile::Refuse),
        case("registration", "Claimed", Meanwhile::Cancel),
        // With a token in hand that the platform takes for an hour.
        case("end", "BeforeSend", Meanwhile::Refuse),
        case("end", "BeforeSend", Meanwhile::Cancel),
        // A minute after the end of its token, which the platform takes for another minute.
        Case { is_early: true, leeway: MINUTE, ..case("fence", "BeforeSend", Meanwhile::Refuse) },
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_rule_of_the_fence_somebody_is_paid_who_was_said_not_to_be() {
    let server = Server::start();
    for case in cases() {
        let found = case.play(&server).await.expect("it comes to that step");
        assert!(!found.is_empty(), "nothing was found with a rule broken: {case:?}");
        println!("without {:?}, stopped at {}, {:?}: {} found", case.broken, case.step, case.meanwhile, found.len());
        let whole = Case { broken: None, ..case };
        assert_eq!(whole.play(&server).await.expect("it comes to that step"), Vec::<String>::new(), "{whole:?}");
    }
    println!("proven: {} stops with a rule broken on purpose, each of which pays somebody wrongly", cases().len());
}
