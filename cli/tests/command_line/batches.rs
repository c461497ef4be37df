//! `batch`.

use std::fmt::Write;
use std::time::Duration;

use komopay_sandbox::{Effect, Operation, When};

use crate::bench::{ACCOUNT, Bench, NAME};

const CREATE: Operation = Operation::CreatePayout;
pub const HEADER: &str = "id,payout_id,amount,currency,operator_code,account_name,account_number\n";

/// A file of so many rows, whose payout ids are theirs.
pub fn payroll(bench: &Bench, rows: u32, number: &str) -> String {
    let mut text = HEADER.to_owned();
    for row in 0..rows {
        writeln!(text, "E-{row},P-{row:05},1000{row},IDR,BNK_000,{NAME},{number}").unwrap();
    }
    bench.file("payroll.csv", &text).display().to_string()
}

pub fn ids(rows: u32) -> Vec<String> {
    (0..rows).map(|row| format!("P-{row:05}")).collect()
}

/// Plans a batch, has it approved, and starts it.
pub fn started(bench: &Bench, file: &str, rules: &[&str]) {
    let plan = ["batch", "plan", "B-1", file, "--by", "maker", "--json", "--paid-lately-days", "0"];
    let planned = bench.run(&[&plan[..], rules].concat()).expect(4);
    let digest = planned.json()["digest"].as_str().unwrap().to_owned();
    bench.run(&["batch", "approve", "B-1", "--by", "checker", "--digest", &digest, "--why", "seen"]).expect(0);
    bench.run(&["batch", "start", "B-1", "--by", "checker"]).expect(0);
}

#[test]
fn a_file_is_planned_approved_started_and_paid() {
    let bench = Bench::new();
    let file = payroll(&bench, 40, ACCOUNT);
    let sum = (0..40).map(|row: u32| format!("1000{row}").parse::<u64>().unwrap()).sum::<u64>();
    let plan = ["batch", "plan", "B-1", &file, "--by", "maker", "--count", "40", "--sum", &format!("IDR={sum}")];
    let planned = bench.run(&plan).expect(4);
    assert!(planned.out.contains("40 rows, of which 40 are good"), "{}", planned.out);
    let planned = bench.run(&[&plan[..], &["--json"]].concat()).expect(4);
    let digest = planned.json()["digest"].as_str().unwrap().to_owned();
    assert_eq!(planned.json()["totals"][0]["sum"]["amount"], sum.to_string());

    bench.run(&["batch", "status", "B-1"]).expect(4);
    bench.run(&["batch", "start", "B-1", "--by", "maker"]).expect(4);
    bench.run(&["batch", "work", "B-1"]).expect(4);
    let approve = |by, digest| bench.run(&["batch", "approve", "B-1", "--by", by, "--digest", digest, "--why", "seen"]);
    approve("maker", &digest).expect(2);
    approve("checker", "kb1:0:0").expect(2);
    approve("checker", &digest).expect(0);
    assert_eq!(bench.sandbox.calls(CREATE), 0);
    let approved = bench.run(&["batch", "status", "B-1"]).expect(6);
    assert!(approved.out.contains("next: komopay batch start B-1"), "{}", approved.out);

    bench.run(&["batch", "start", "B-1", "--by", "checker"]).expect(0);
    let worked = bench.run(&["batch", "work", "B-1"]).expect(0);
    assert!(worked.out.contains("B-1 is closed: succeeded 40"), "{}", worked.out);
    assert!(worked.err.contains("of 40 final"), "{}", worked.err);
    assert_eq!(bench.executed(), ids(40));

    // Once more is harmless.
    bench.run(&plan).expect(0);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    let status = bench.run(&["batch", "status", "B-1", "--events", "--json"]).expect(0);
    assert_eq!(status.json()["state"], "closed");
    let who: Vec<_> = status.json()["events"].as_array().unwrap().iter().map(|event| event["who"].clone()).collect();
    assert!(who.contains(&"maker".into()) && who.contains(&"checker".into()), "{who:?}");
    assert_eq!(bench.executed(), ids(40));
}

#[test]
fn bad_rows_and_wrong_totals_are_bad_input_unless_the_good_ones_were_chosen() {
    let bench = Bench::new();
    let rows = format!(
        "{HEADER}E-1,P-1,10000,IDR,BNK_000,{NAME},{ACCOUNT}\nE-2,P-2,1E+05,IDR,BNK_000,{NAME},{ACCOUNT}\n\
         E-1,P-3,10000,IDR,BNK_000,{NAME},{ACCOUNT}\n"
    );
    let file = bench.file("payroll.csv", &rows).display().to_string();
    let plan = ["batch", "plan", "B-1", &file, "--by", "maker"];
    let bad = bench.run(&[&plan[..], &["--json"]].concat()).expect(2);
    let problems = bad.json()["row_problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 2, "{problems}");
    assert_eq!((&problems[1]["row"], &problems[1]["field"]), (&4.into(), &"id".into()), "{problems}");
    assert!(bench.run(&plan).expect(2).out.contains("bad: row 3, amount: "));
    bench.run(&["batch", "status", "B-1"]).expect(2);
    let all = bench.run(&["batch", "problems", "B-1"]).expect(2).out;
    assert!(all.starts_with("row 3, amount: ") && all.lines().count() == 2, "{all}");
    bench.run(&[&plan[..], &["--valid-only", "--count", "2"]].concat()).expect(2);
    bench.run(&[&plan[..], &["--valid-only", "--count", "1"]].concat()).expect(4);
    bench.run(&["batch", "plan", "B-2", "payroll.xlsx", "--by", "maker"]).expect(2);
    assert_eq!(bench.sandbox.calls(CREATE), 0);
}

#[test]
fn columns_and_other_formats_are_read() {
    let bench = Bench::new();
    let line = format!(
        r#"{{"invoice": "E-1", "payout_id": "P-00000", "amount": 10000, "currency": "IDR", "operator_code": "BNK_000",
        "account_name": "{NAME}", "account_number": "{ACCOUNT}"}}"#
    )
    .replace('\n', " ");
    let plan = ["batch", "plan", "B-1", "-", "--format", "jsonl", "--column", "id=invoice", "--by", "maker"];
    bench.run_with_input(&plan, &line).expect(4);
    let semicolons = format!("{HEADER}E-1,P-1,10000,IDR,BNK_000,{NAME},{ACCOUNT}\n").replace(',', ";");
    bench
        .run_with_input(&["batch", "plan", "B-2", "-", "--format", "csv", "--delimiter", ";", "--by", "m"], &semicolons)
        .expect(4);
    let ended = bench.run(&["batch", "plan", "B-3", "-", "--format", "csv", "--column", "nr=x", "--by", "m", "--json"]);
    assert_eq!(ended.expect(2).json()["error"]["field"], "columns");
}

#[test]
fn a_rule_stops_a_batch_and_a_person_lets_it_go_on() {
    let bench = Bench::new();
    let file = payroll(&bench, 100, ACCOUNT);
    started(&bench, &file, &["--max-refusals", "3", "--concurrency", "1"]);
    let refusal = Effect::Rejected { code: "INVALID_ACCOUNT_NUMBER".to_owned(), uses_id_up: false };
    bench.fault(When::always(CREATE), refusal);
    let stopped = bench.run(&["batch", "work", "B-1"]).expect(5);
    assert!(stopped.out.contains("max_refusals"), "{}", stopped.out);
    bench.sandbox.clear_faults();
    bench.run(&["batch", "work", "B-1"]).expect(5);
    assert!(bench.executed().is_empty());
    bench.run(&["batch", "cancel", "B-1", "--by", "checker", "--why", "a wrong file"]).expect(0);
    let status = bench.run(&["batch", "work", "B-1"]).expect(0);
    assert!(status.out.contains("B-1 is cancelled"), "{}", status.out);
    assert!(bench.executed().is_empty());
}

#[test]
fn a_batch_is_paused_and_resumed() {
    let bench = Bench::new();
    let file = payroll(&bench, 3, ACCOUNT);
    started(&bench, &file, &[]);
    bench.run(&["batch", "pause", "B-1", "--by", "checker", "--why", "lunch"]).expect(0);
    let paused = bench.run(&["batch", "work", "B-1"]).expect(6);
    assert!(paused.out.contains("why: lunch"), "{}", paused.out);
    assert!(bench.executed().is_empty());
    bench.run(&["batch", "resume", "B-1", "--by", "checker"]).expect(0);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    assert_eq!(bench.executed(), ids(3));
}

#[test]
fn ctrl_c_stops_after_what_is_in_flight_and_the_same_command_goes_on() {
    let bench = Bench::new();
    let file = payroll(&bench, 64, ACCOUNT);
    started(&bench, &file, &["--concurrency", "2"]);
    bench.fault(When::always(CREATE), Effect::Hold);
    let mut running = bench.start(&["batch", "work", "B-1"]);
    bench.wait_for_calls(CREATE, 2);
    running.interrupt();
    running.wait_for("it stops after what is in flight");
    bench.sandbox.clear_faults();
    let stopped = running.end().expect(6);
    assert!(stopped.out.contains("next: komopay batch work B-1"), "{}", stopped.out);
    assert_eq!(bench.executed().len(), 2);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    assert_eq!(bench.executed(), ids(64));
}

#[test]
fn a_second_ctrl_c_leaves_items_in_doubt() {
    let bench = Bench::with(|sandbox| sandbox.processing_time(Duration::from_millis(5)));
    let file = payroll(&bench, 4, ACCOUNT);
    started(&bench, &file, &[]);
    bench.fault(When::always(CREATE), Effect::Hold);
    let mut running = bench.start(&["batch", "work", "B-1"]);
    bench.wait_for_calls(CREATE, 4);
    running.interrupt();
    running.wait_for("it stops after what is in flight");
    running.terminate();
    let left = running.end().expect(3);
    assert!(left.err.contains("komopay batch work B-1"), "{}", left.err);
    bench.sandbox.clear_faults();
    assert_eq!(bench.executed(), ids(4));
}

#[test]
fn a_worker_ends_when_its_time_is_over() {
    let bench = Bench::new();
    let file = payroll(&bench, 2, "9000000099");
    started(&bench, &file, &[]);
    let ended = bench.run(&["batch", "work", "B-1", "--for", "1"]).expect(6);
    assert!(ended.out.contains("accepted 2"), "{}", ended.out);
}

#[test]
fn an_item_whose_id_is_taken_needs_a_person_who_settles_it() {
    let bench = Bench::new();
    let other = format!(
        r#"{{"amount": 7, "currency": "IDR", "operator_code": "BNK_000", "account_name": "{NAME}",
             "account_number": "{ACCOUNT}"}}"#
    );
    bench.run_with_input(&["payout", "create", "P-00000", "--request", "-"], &other).expect(0);
    let file = payroll(&bench, 2, ACCOUNT);
    started(&bench, &file, &[]);
    let worked = bench.run(&["batch", "work", "B-1"]).expect(3);
    assert!(worked.out.contains("needs person 1") && worked.out.contains("batch settle B-1 ITEM"), "{}", worked.out);
    bench.run(&["batch", "status", "B-1"]).expect(3);
    let settle = ["batch", "settle", "B-1", "E-0", "--by", "checker", "--why", "it is another's"];
    let settled = bench.run(&[&settle[..], &["--not-made"]].concat()).expect(0);
    assert!(!settled.out.contains("needs person") && settled.out.contains("succeeded 1"), "{}", settled.out);
    bench.run(&["batch", "status", "B-1"]).expect(0);
    assert_eq!(bench.executed(), ids(2));
}

#[test]
fn an_item_that_failed_is_tried_again_under_a_new_id() {
    let bench = Bench::new();
    let file = payroll(&bench, 1, "9000000001");
    started(&bench, &file, &[]);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    let retry = ["batch", "retry", "B-1", "E-0", "--by", "checker", "--why", "the bank says so", "--json"];
    let new = bench.run(&retry).expect(0).json()["done"]["new_item"].clone();
    assert_ne!(new, "E-0");
    bench.run(&retry).expect(2);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    assert_eq!(bench.executed().len(), 2);
    let settle = ["batch", "settle", "B-1", "E-0", "--by", "checker", "--why", "looked"];
    bench.run(&[&settle[..], &["--made"]].concat()).expect(2);
    bench.run(&[&settle[..], &["--made", "--not-made"]].concat()).expect(2);
    bench.run(&settle).expect(2);
}

#[test]
fn a_report_is_written_whole_and_says_what_came_of_each_item() {
    let bench = Bench::new();
    let rows =
        format!("{HEADER}E-1,P-1,10000,IDR,BNK_000,{NAME},{ACCOUNT}\nE-2,P-2,20000,IDR,BNK_000,{NAME},9000000001\n");
    let file = bench.file("payroll.csv", &rows).display().to_string();
    started(&bench, &file, &[]);
    bench.run(&["batch", "work", "B-1"]).expect(0);
    let report = ["batch", "report", "B-1", "--html", "b.html", "--csv", "b.csv", "--jsonl", "b.jsonl", "--json"];
    let shown = bench.run(&report).expect(0).json();
    assert_eq!(shown["totals"][0]["input"]["sum"]["amount"], "30000");
    assert_eq!(shown["totals"][0]["states"][0]["state"], "succeeded");
    let read = |name: &str| std::fs::read_to_string(bench.folder.path().join(name)).unwrap();
    let (page, table, lines) = (read("b.html"), read("b.csv"), read("b.jsonl"));
    assert!(page.trim_end().ends_with("</html>"), "{page}");
    assert_eq!((table.lines().count(), lines.lines().count()), (3, 3), "{table} {lines}");
    for text in [&page, &table, &lines] {
        assert!(!text.contains(ACCOUNT) && !text.contains(NAME) && text.contains("E-2"), "{text}");
    }
    assert!(bench.run(&["batch", "report", "B-1"]).expect(0).out.contains("failed"));
    bench.run(&["batch", "report", "B-1", "--csv", "none/b.csv"]).expect(2);
    assert!(!bench.folder.path().join("none").exists());
}

#[test]
fn what_needs_no_journal_needs_no_settings() {
    let bench = Bench::new();
    let bare = |arguments: &[&str]| bench.run_with(arguments, |command| command.env_clear());
    let template = bare(&["batch", "template", "--method", "CRYPTO_TRANSFER"]).expect(0);
    assert!(template.out.starts_with("id,payout_id,amount,currency,method"), "{}", template.out);
    let (one, other) = (bare(&["batch", "key"]).expect(0).out, bare(&["batch", "key"]).expect(0).out);
    assert_ne!(one, other);
    let file = bench.file("keys", &format!("{one}{other}")).display().to_string();
    let status = ["batch", "status", "B-1", "--journal", "other.journal", "--journal-key-file", &file, "--json"];
    assert_eq!(bench.run(&status).expect(2).json()["error"]["field"], "batch_id");
    let status = ["batch", "status", "B-1", "--journal", "postgresql://payer:canary@db/payouts", "--json"];
    assert_eq!(bench.run(&status).expect(2).json()["error"]["field"], "journal");
    for missing in ["KOMOPAY_JOURNAL", "KOMOPAY_JOURNAL_KEY"] {
        let ended = bench.run_with(&["batch", "status", "B-1"], |command| command.env_remove(missing)).expect(2);
        assert!(ended.err.contains("is missing"), "{}", ended.err);
    }
    bench.run(&["batch", "restored", "--by", "checker", "--why", "a new disk"]).expect(0);
    bench.run(&["batch", "erase-payees", "--ended-for-days", "30"]).expect(0);
    assert!(bench.run(&["--help"]).expect(0).out.contains("Exit codes:"));
}
