//! What goes wrong with callbacks on demand, and the control API for it.

use std::time::Duration;

use komopay_sandbox::{CallbackEffect, CallbackFault, CallbackWhen, Sandbox};
use serde_json::json;

use crate::callbacks::{INTERVAL, LIMIT, alive, alive_at_most, idle, log, pay, with_callback};
use crate::client::{control, create};
use crate::receiver::Receiver;
use crate::start::start;

/// A sandbox that tells creations too, with a fault, and a receiver that has been paid to.
async fn paid_with(when: CallbackWhen, effect: CallbackEffect) -> (Sandbox, Receiver) {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().callback_on_create(true)).await;
    sandbox.inject_into_callbacks(CallbackFault::new(when, effect));
    pay(&sandbox, "A", &receiver).await;
    (sandbox, receiver)
}

#[tokio::test]
async fn duplicates_are_sent_as_one_attempt_and_one_200_is_enough() {
    let receiver = Receiver::start([500]).await;
    let sandbox = start(Sandbox::builder()).await;
    sandbox.inject_into_callbacks(CallbackFault::new(CallbackWhen::nth(1), CallbackEffect::Duplicate { copies: 2 }));
    pay(&sandbox, "A", &receiver).await;
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    let mut lines = log(&sandbox);
    lines.sort();
    assert_eq!(lines, ["A SUCCESS 1 200", "A SUCCESS 1 200", "A SUCCESS 1 500"]);
    assert!(receiver.count() == 3 && receiver.received().iter().all(|callback| callback.payout_id() == "A"));
}

#[tokio::test]
async fn a_later_change_is_told_before_an_earlier_one() {
    let (sandbox, _receiver) = paid_with(CallbackWhen::nth(1).about("PROCESSING"), CallbackEffect::AfterNext).await;
    assert_eq!(log(&sandbox), ["A SUCCESS 1 200", "A PROCESSING 1 200"]);
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
}

#[tokio::test]
async fn the_earlier_change_waits_until_the_later_one_is_sent_however_late_that_is() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().callback_on_create(true)).await;
    for (status, effect) in
        [("PROCESSING", CallbackEffect::AfterNext), ("SUCCESS", CallbackEffect::Delay { ms: 3_600_000 })]
    {
        sandbox.inject_into_callbacks(CallbackFault::new(CallbackWhen::nth(1).about(status), effect));
    }
    pay(&sandbox, "A", &receiver).await;
    assert_eq!(log(&sandbox), Vec::<String>::new());
    sandbox.advance(Duration::from_secs(3600));
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(log(&sandbox), ["A SUCCESS 1 200", "A PROCESSING 1 200"]);
}

#[tokio::test]
async fn what_waits_for_a_change_that_does_not_come_is_never_sent_and_keeps_nobody_waiting() {
    let (sandbox, receiver) = paid_with(CallbackWhen::nth(1).about("SUCCESS"), CallbackEffect::AfterNext).await;
    assert_eq!((log(&sandbox), receiver.count()), (vec!["A PROCESSING 1 200".to_owned()], 1));
    assert!(!sandbox.wait_for_deliveries(Duration::from_millis(1)).await);
    sandbox.send_callback("A").unwrap();
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn a_delay_is_by_the_sandboxs_clock_and_lets_later_changes_overtake() {
    let hour = Duration::from_secs(3600);
    let delay = CallbackEffect::Delay { ms: 3_600_000 };
    let (sandbox, receiver) = paid_with(CallbackWhen::always().about("PROCESSING"), delay).await;
    assert_eq!((log(&sandbox), receiver.count()), (vec!["A SUCCESS 1 200".to_owned()], 1));
    sandbox.advance(hour);
    idle(&sandbox).await;
    assert_eq!(log(&sandbox), ["A SUCCESS 1 200", "A PROCESSING 1 200"]);
}

#[tokio::test]
async fn a_lost_callback_is_not_sent_and_is_repeated() {
    let (sandbox, receiver) = paid_with(CallbackWhen::always().attempt(1).about("SUCCESS"), CallbackEffect::Lose).await;
    assert_eq!(
        (log(&sandbox), receiver.count()),
        (vec!["A PROCESSING 1 200".to_owned(), "A SUCCESS 1 lost by a fault".to_owned()], 1)
    );
    sandbox.advance(INTERVAL);
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!((log(&sandbox)[2].as_str(), receiver.count()), ("A SUCCESS 2 200", 2));
}

#[tokio::test]
async fn a_lost_answer_makes_the_same_callback_come_again() {
    let (sandbox, receiver) = paid_with(CallbackWhen::nth(1).for_payout("A"), CallbackEffect::LoseAnswer).await;
    sandbox.advance(INTERVAL);
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(log(&sandbox), ["A PROCESSING 1 200, lost by a fault", "A SUCCESS 1 200", "A PROCESSING 2 200"]);
    assert_eq!(receiver.count(), 3);
}

#[tokio::test]
async fn a_fault_waits_for_its_payout_and_is_gone_when_cleared_or_used_up() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder()).await;
    for when in [CallbackWhen::always().for_payout("B"), CallbackWhen::nth(2)] {
        sandbox.inject_into_callbacks(CallbackFault::new(when, CallbackEffect::Duplicate { copies: 1 }));
    }
    // The n-th counts what the first decides, too.
    for (id, count) in [("A", 1), ("B", 3), ("C", 4)] {
        pay(&sandbox, id, &receiver).await;
        assert_eq!(receiver.count(), count, "{id}");
    }
    sandbox.clear_faults();
    sandbox.send_callback("B").unwrap();
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(receiver.count(), 5);
}

#[tokio::test]
async fn a_forged_callback_is_sent_once_whatever_the_answer_and_to_this_machine_only() {
    let receiver = Receiver::start([500]).await;
    let sandbox = start(Sandbox::builder()).await;
    let fault = CallbackFault::new(CallbackWhen::always(), CallbackEffect::Lose);
    sandbox.inject_into_callbacks(fault);
    let delivery = sandbox.forge_callback("NO-SUCH-PAYOUT", &receiver.url()).await.unwrap();
    let refused = sandbox.forge_callback("NO-SUCH-PAYOUT", "https://callback.example.com").await.unwrap();
    assert!(sandbox.wait_for_deliveries(LIMIT).await);
    assert_eq!(receiver.received()[0].payout_id(), "NO-SUCH-PAYOUT");
    assert_eq!(receiver.received()[0].target, "/hook/A?v=1&mac=c2lnbmVk");
    assert_eq!(receiver.count(), 1);
    assert_eq!(sandbox.deliveries(), [delivery, refused]);
    let reason = "withheld: callback.example.com is not this machine; deliver_to_any_host sends there, too";
    assert_eq!(log(&sandbox), ["NO-SUCH-PAYOUT forged 1 500".to_owned(), format!("NO-SUCH-PAYOUT forged 1 {reason}")]);
}

#[tokio::test]
async fn a_reset_forgets_callbacks_faults_and_log() {
    let receiver = Receiver::start([500; 50]).await;
    let sandbox = start(Sandbox::builder().control(true)).await;
    pay(&sandbox, "A", &receiver).await;
    for _ in 1..50 {
        sandbox.send_callback("A").unwrap();
    }
    idle(&sandbox).await;
    assert!(alive() >= 50, "each waits for its repeat");
    sandbox.inject_into_callbacks(CallbackFault::new(CallbackWhen::always(), CallbackEffect::Lose));
    assert_eq!(control(&sandbox, "POST", "reset", "").await.status(), 204);
    assert!(sandbox.wait_for_deliveries(LIMIT).await, "there is nothing to wait for");
    alive_at_most(20).await;
    assert_eq!(sandbox.deliveries(), []);
    pay(&sandbox, "A", &receiver).await;
    assert_eq!((log(&sandbox), receiver.count()), (vec!["A SUCCESS 1 200".to_owned()], 51));
}

#[tokio::test]
async fn the_control_api_does_all_of_it() {
    let receiver = Receiver::start([]).await;
    let sandbox = start(Sandbox::builder().control(true).forge_to_port(receiver.port())).await;
    let post = |path: &str, body: serde_json::Value| {
        let (path, sandbox) = (path.to_owned(), &sandbox);
        async move { control(sandbox, "POST", &path, &body.to_string()).await }
    };
    let faults = json!([{"when": {"on": {"nth": 1}, "payout_id": "A", "status": "SUCCESS", "attempt": 1},
                         "effect": {"type": "lose_answer"}},
                        {"when": {"on": "always", "status": "REFUSED"}, "effect": {"type": "duplicate", "copies": 1}}]);
    let reply = post("deliveries/faults", faults).await;
    assert_eq!((reply.status(), reply.json()), (201, json!({"active": 2})));
    create(&sandbox, "A", &with_callback(&receiver.url())).await;
    control(&sandbox, "GET", "idle", "").await;
    let open = control(&sandbox, "GET", "deliveries/done?limit_ms=1", "").await;
    assert_eq!(open.json(), json!({"done": false}));
    assert_eq!(post("clock", json!({"advance_ms": 120_000})).await.status(), 200);
    let done = control(&sandbox, "GET", "deliveries/done", "").await;
    assert_eq!(done.json(), json!({"done": true}));

    let changed = post("payouts/A/status", json!({"status": "REFUSED", "failure_reason": "IP_DENIED"})).await;
    assert_eq!((changed.status(), changed.json()), (200, json!({"status": "REFUSED"})));
    control(&sandbox, "GET", "idle", "").await;
    assert_eq!(control(&sandbox, "DELETE", "faults", "").await.status(), 204);
    assert_eq!(post("payouts/A/callback", json!({})).await.status(), 202);
    control(&sandbox, "GET", "deliveries/done", "").await;
    let forged = post("deliveries/forge", json!({"payout_id": "B", "url": receiver.url()})).await.json();

    let lines = control(&sandbox, "GET", "deliveries", "").await.json();
    let lines = lines.as_array().unwrap();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or("null").to_owned();
            format!(
                "{} {} {} {}",
                text("payout_id"),
                text("status"),
                line["attempt"],
                line["outcome"]["type"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "A SUCCESS 1 answer_lost",
        "A SUCCESS 2 answered",
        "A REFUSED 1 answered",
        "A REFUSED 1 answered",
        "A REFUSED 1 answered",
        "B null 1 answered",
    ];
    assert_eq!(seen, expected);
    assert_eq!(lines.last(), Some(&forged));
    assert_eq!(forged["outcome"], json!({"type": "answered", "status": 200}));
    assert_eq!(forged["url"], receiver.url());
}

#[tokio::test]
async fn the_control_api_refuses_what_makes_no_sense() {
    let sandbox = start(Sandbox::builder().control(true)).await;
    create(&sandbox, "A", &crate::client::documented_create()).await;
    let on = json!({"on": "always"});
    for (path, body, status) in [
        ("deliveries/faults", json!({}), 400),
        ("deliveries/faults", json!({"when": on, "effect": {"type": "no_such_effect"}}), 400),
        ("deliveries/faults", json!({"when": on, "effect": {"type": "duplicate", "copies": 0}}), 400),
        ("deliveries/faults", json!({"when": on, "effect": {"type": "duplicate", "copies": 101}}), 400),
        ("deliveries/faults", json!({"when": {"on": {"nth": 0}}, "effect": {"type": "lose"}}), 400),
        ("deliveries/faults", json!({"when": {"on": {"rate": 2}}, "effect": {"type": "lose"}}), 400),
        ("deliveries/faults", json!({"when": {"on": "always", "attempt": 0}, "effect": {"type": "lose"}}), 400),
        ("deliveries/forge", json!({"payout_id": "A"}), 400),
        ("clock", json!({"advance_ms": -1}), 400),
        ("payouts/A/status", json!({"status": "PAID"}), 400),
        ("payouts/A/status", json!({"status": "FAILED", "failure_reason": "NO_SUCH_REASON"}), 400),
        ("payouts/A/status", json!({"status": "SUCCESS", "failure_reason": "SYSTEM"}), 400),
        ("payouts/A/status", json!({"status": "SUCCESS"}), 409),
        ("payouts/A/status", json!({"status": "PROCESSING"}), 409),
        ("payouts/B/status", json!({"status": "FAILED"}), 404),
        ("payouts/B/callback", json!({}), 404),
    ] {
        let reply = control(&sandbox, "POST", path, &body.to_string()).await;
        assert_eq!(reply.status(), status, "{path} {body}: {}", reply.text());
        assert!(!reply.description().is_empty());
    }
}
