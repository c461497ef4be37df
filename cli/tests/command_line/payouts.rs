//! `payout`, `balances` and `operators`.

use komopay_sandbox::{Effect, Operation, When};

use crate::bench::{ACCOUNT, Bench, NAME};

const CREATE: Operation = Operation::CreatePayout;

fn request(bench: &Bench, number: &str) -> String {
    let text = format!(
        r#"{{
            "amount": "10000", "currency": "IDR", "operator_code": "BNK_000",
            "account_name": "{NAME}", "account_number": "{number}"
        }}"#
    );
    bench.file("request.json", &text).display().to_string()
}

#[test]
fn a_payout_is_made_once_read_and_followed_to_its_end() {
    let bench = Bench::new();
    let file = request(&bench, ACCOUNT);
    let made = bench.run(&["payout", "create", "A-1", "--request", &file, "--json"]).expect(0);
    assert_eq!(made.json()["accepted"]["payout_id"], "A-1");
    assert_eq!(made.json()["accepted"]["money"], serde_json::json!({"amount": "10000", "currency": "IDR"}));
    let paid = bench.run(&["payout", "wait", "A-1", "--for", "60"]).expect(0);
    assert!(paid.out.contains("SUCCESS\n"), "{}", paid.out);
    let read = bench.run(&["payout", "get", "A-1", "--json"]).expect(0);
    assert_eq!(read.json()["payout"]["status"], "SUCCESS");

    let again = bench.run(&["payout", "create", "A-1", "--request", &file, "--json"]).expect(1);
    assert_eq!(again.json()["error"]["kind"], "duplicate_payout");
    let resumed = bench.run(&["payout", "create", "A-1", "--request", &file, "--resume", "--json"]).expect(0);
    assert_eq!(resumed.json()["accepted"]["recovered"], true);
    assert_eq!(bench.executed(), ["A-1"]);
}

#[test]
fn a_request_comes_from_standard_input_and_is_refused_with_the_names_of_its_fields() {
    let bench = Bench::new();
    let create = ["payout", "create", "A-1", "--request", "-", "--json"];
    let bad = format!(r#"{{"amount": "1E+05", "currency": "IDR", "account_number": "{ACCOUNT}", "amount": "1"}}"#);
    let ended = bench.run_with_input(&create, &bad).expect(2);
    let problems = ended.json()["problems"].clone();
    let fields: Vec<&str> = problems.as_array().unwrap().iter().filter_map(|each| each["field"].as_str()).collect();
    assert!(fields.contains(&"amount"), "{problems}");
    for bad in ["", "[]", "{", "{\"amount\": \"1\n0\"}", r#"{"id": "A-2"}"#] {
        bench.run_with_input(&create, bad).expect(2);
    }
    assert_eq!(bench.sandbox.calls(CREATE), 0);
    let good = format!(
        r#"{{"amount": 10000, "currency": "IDR", "operator_code": "BNK_000", "account_name": "{NAME}",
             "account_number": "{ACCOUNT}"}}"#
    );
    bench.run_with_input(&create, &good).expect(0);
    assert_eq!(bench.executed(), ["A-1"]);
}

#[test]
fn a_lost_answer_is_in_doubt_until_it_is_resumed() {
    let bench = Bench::new();
    bench.fault(When::always(CREATE), Effect::ExecuteThenClose);
    bench.fault(When::always(Operation::GetPayout), Effect::Status { status: 503 });
    let file = request(&bench, ACCOUNT);
    let create = ["payout", "create", "A-1", "--request", &file, "--total-timeout", "2", "--json"];
    let unknown = bench.run(&create).expect(3);
    assert_eq!(unknown.json()["error"]["kind"], "outcome_unknown");
    assert_eq!(unknown.json()["error"]["money_may_have_moved"], true);
    bench.sandbox.clear_faults();
    bench.run(&[&create[..], &["--resume"]].concat()).expect(0);
    assert_eq!(bench.executed(), ["A-1"]);
}

#[test]
fn a_payout_that_is_final_without_money_is_told_from_one_that_is_not_final() {
    let bench = Bench::new();
    bench.run(&["payout", "create", "A-1", "--request", &request(&bench, "9000000001")]).expect(0);
    bench.run(&["payout", "create", "A-2", "--request", &request(&bench, "9000000099")]).expect(0);
    let failed = bench.run(&["payout", "wait", "A-1"]).expect(7);
    assert!(failed.out.contains("FAILED") && failed.out.contains("SYSTEM"), "{}", failed.out);
    let waiting = bench.run(&["payout", "wait", "A-2", "--for", "1", "--json"]).expect(6);
    assert_eq!(waiting.json()["error"]["payout"]["status"], "PROCESSING");
    bench.run(&["payout", "get", "A-1"]).expect(0);
    bench.run(&["payout", "get", "A-3"]).expect(1);
}

#[test]
fn the_first_ctrl_c_waits_for_a_create_and_the_second_leaves_it_in_doubt() {
    let bench = Bench::new();
    let file = request(&bench, ACCOUNT);
    bench.fault(When::always(CREATE), Effect::Hold);
    let mut running = bench.start(&["payout", "create", "A-1", "--request", &file]);
    bench.wait_for_calls(CREATE, 1);
    running.interrupt();
    running.wait_for("is on its way, and is waited for");
    bench.sandbox.clear_faults();
    running.end().expect(0);

    bench.fault(When::always(CREATE), Effect::Hold);
    let mut running = bench.start(&["payout", "create", "A-2", "--request", &file, "--json"]);
    bench.wait_for_calls(CREATE, 2);
    running.interrupt();
    running.wait_for("is on its way, and is waited for");
    running.interrupt();
    let left = running.end().expect(3);
    assert_eq!(left.json()["error"]["kind"], "outcome_unknown");
    bench.sandbox.clear_faults();
    bench.run(&["payout", "create", "A-2", "--request", &file, "--resume"]).expect(0);
    assert_eq!(bench.executed(), ["A-1", "A-2"]);
}

#[test]
fn ctrl_c_ends_a_wait() {
    let bench = Bench::new();
    bench.run(&["payout", "create", "A-1", "--request", &request(&bench, "9000000099")]).expect(0);
    let running = bench.start(&["payout", "wait", "A-1"]);
    bench.wait_for_calls(Operation::GetPayout, 1);
    running.interrupt();
    let ended = running.end().expect(6);
    assert!(ended.err.contains("the same command goes on"), "{}", ended.err);
}

#[test]
fn the_secret_is_in_the_environment_or_in_a_file() {
    let bench = Bench::new();
    let file = bench.file("secret", "canary-secret-b5c1f0\n").display().to_string();
    bench.run_with(&["balances", "--secret-file", &file], |command| command.env_remove("KOMOPAY_SECRET")).expect(0);
    for (missing, named) in
        [("KOMOPAY_SECRET", "secret"), ("KOMOPAY_BASE_URL", "base_url"), ("KOMOPAY_MERCHANT_CODE", "merchant_code")]
    {
        let ended = bench.run_with(&["balances", "--json"], |command| command.env(missing, "")).expect(2);
        assert_eq!(ended.json()["error"]["field"], named);
    }
    bench.run(&["balances", "--secret", "canary"]).expect(2);
    let wrong = bench.run_with(&["balances"], |command| command.env("KOMOPAY_SECRET", "wrong")).expect(1);
    assert!(wrong.out.is_empty() && wrong.err.starts_with("komopay: "), "{}", wrong.err);
}

#[test]
fn a_log_that_is_wanted_is_written_to_standard_error() {
    let bench = Bench::new();
    let logging = |wanted: &str| bench.run_with(&["balances", "--json"], |command| command.env("RUST_LOG", wanted));
    assert_eq!(logging("").expect(0).err, "");
    let debug = logging("warn,komopay=debug").expect(0);
    assert!(debug.err.contains("DEBUG") && !debug.err.contains("canary"), "{}", debug.err);
    assert_eq!(logging("komopay=loud").expect(2).json()["error"]["field"], "RUST_LOG");
}

#[test]
fn balances_and_operators_are_listed() {
    let bench = Bench::new();
    let balances = bench.run(&["balances", "IDR", "--json"]).expect(0);
    assert_eq!(balances.json()["balances"][0]["currency"], "IDR");
    let all = bench.run(&["balances"]).expect(0).out;
    assert!(all.starts_with("currency ") && all.contains("\nIDR "), "{all}");
    assert!(bench.run(&["operators"]).expect(0).out.contains("BNK_000"));
}
