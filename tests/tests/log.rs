//! The log belongs to who made the call, also what the core's own tasks have to say; and it carries its facts as
//! fields.

use komopay_bindings_common::log::{self, Ears, Listener, Record, Value};
use komopay_core::{ErrorKind, called_by};
use komopay_sandbox::{Effect, Operation};
use komopay_tests::{break_nth, client, id, request, sandbox};
use tracing::level_filters::LevelFilter;

fn text(record: &Record, field: &str) -> Option<String> {
    record.field(field).map(Value::to_string)
}

#[tokio::test]
async fn what_a_call_has_to_say_is_its_callers_with_its_facts() {
    // The runtime has this thread only. All others keep the log that is searched for secrets.
    let _ears = tracing::subscriber::set_default(Ears::new(|record| panic!("nobody's: {}", record.text())));
    log::listen_up_to(LevelFilter::DEBUG);
    let sandbox = sandbox().await;
    let client = client(&sandbox);
    let pay = async |name: &str| {
        let listener = Listener::new();
        let result = called_by(listener.clone(), client.create_payout(&id(name), &request(), false)).await;
        (result, listener.end())
    };
    let callers: Vec<_> = (0..10).map(|number| format!("P-{number}")).collect();
    let ends = futures_util::future::join_all(callers.iter().map(|name| pay(name))).await;
    for (name, (result, records)) in callers.iter().zip(ends) {
        result.unwrap();
        // The token is asked for in a task of the core's, the payout is made in another.
        let said: Vec<_> =
            records.iter().map(|record| (text(record, "payout_id"), text(record, "http_status"))).collect();
        assert_eq!(said, [(Some(name.clone()), Some("200".to_owned())), (Some(name.clone()), Some("201".to_owned()))]);
        let made = &records[1];
        // The second of its attempts, as an error would list them: the first asked for the token.
        assert_eq!(made.field("attempt"), Some(&Value::Number(2)));
        assert!(matches!(made.field("duration_ms"), Some(Value::Number(_))), "{made:?}");
    }

    // What the platform did not answer, and how the call went on.
    break_nth(&sandbox, Operation::CreatePayout, 1, Effect::CloseAfterReading);
    let (result, records) = pay("P-BROKEN").await;
    result.unwrap();
    let failed = records.iter().find(|record| record.field("kind").is_some()).unwrap();
    assert_eq!(text(failed, "kind").as_deref(), Some(ErrorKind::Unavailable.as_str()));
    assert_eq!(text(failed, "payout_id").as_deref(), Some("P-BROKEN"));
    let attempts: Vec<_> = records.iter().filter_map(|record| text(record, "attempt")).collect();
    // That it goes on is said of the second.
    assert_eq!(attempts, ["2", "2", "3", "4"], "{records:?}");
}
