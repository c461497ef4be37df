//! Batches whose journal several processes share. Where no server can be started, `cargo xtask test` leaves out what
//! has this name.

use komopay_batches::{Keys, Outbox};
use komopay_core::{BankAccount, BankTransfer, Money, PayoutId, PayoutRequest};
use komopay_sandbox::{Effect, Operation, When};
use komopay_test_postgres::Server;

use crate::batches::{HEADER, ids, payroll, started};
use crate::bench::{ACCOUNT, Bench, KEY, NAME};

const CREATE: Operation = Operation::CreatePayout;

fn bench(server: &Server) -> Bench {
    let mut bench = Bench::new();
    bench.journal = server.url();
    bench
}

#[test]
fn two_workers_pay_a_batch_that_a_third_process_pauses() {
    let server = Server::start();
    let bench = bench(&server);
    let file = payroll(&bench, 200, ACCOUNT);
    started(&bench, &file, &["--concurrency", "1"]);
    bench.fault(When::always(CREATE), Effect::Hold);
    let workers = [bench.start(&["batch", "work", "B-1"]), bench.start(&["batch", "work", "B-1"])];
    bench.wait_for_calls(CREATE, 2);
    bench.run(&["batch", "pause", "B-1", "--by", "checker", "--why", "lunch"]).expect(0);
    bench.sandbox.clear_faults();
    for worker in workers {
        assert!(worker.end().expect(6).out.contains("why: lunch"));
    }
    let paid = bench.executed().len();
    assert!((2..200).contains(&paid), "{paid}");
    bench.run(&["batch", "resume", "B-1", "--by", "checker"]).expect(0);
    let workers = [bench.start(&["batch", "work", "B-1"]), bench.start(&["batch", "work", "B-1"])];
    for worker in workers {
        worker.end().expect(0);
    }
    assert_eq!(bench.executed(), ids(200));
}

#[test]
fn an_outbox_is_opened_with_ceilings_and_awaits_approval() {
    let server = Server::start();
    let bench = bench(&server);
    let open = ["batch", "open-outbox", "O-1", "--by", "maker", "--ceiling", "IDR=5000000/20000000", "--json"];
    let digest = bench.run(&open).expect(4).json()["digest"].as_str().unwrap().to_owned();
    bench.run(&["batch", "approve", "O-1", "--by", "checker", "--digest", &digest]).expect(0);
    bench.run(&["batch", "open-outbox", "O-2", "--by", "maker"]).expect(2);
    bench.run(&["batch", "open-outbox", "O-2", "--by", "maker", "--ceiling", "IDR=5"]).expect(2);
}

/// Plans, approves and starts a batch of one row, by its id.
fn another(bench: &Bench, id: &str) {
    let row = format!("E-1,{id}-1,10000,IDR,BNK_000,{NAME},{ACCOUNT}\n");
    let file = bench.file("another.csv", &format!("{HEADER}{row}")).display().to_string();
    let plan = ["batch", "plan", id, &file, "--by", "maker", "--json", "--paid-lately-days", "0"];
    let digest = bench.run(&plan).expect(4).json()["digest"].as_str().unwrap().to_owned();
    bench.run(&["batch", "approve", id, "--by", "checker", "--digest", &digest, "--why", "seen"]).expect(0);
    bench.run(&["batch", "start", id, "--by", "checker"]).expect(0);
}

#[test]
fn a_worker_for_ever_pays_what_becomes_due_and_ends_after_what_is_in_flight() {
    let server = Server::start();
    let bench = bench(&server);
    let mut worker = bench.start(&["batch", "work", "--forever"]);
    another(&bench, "B-1");
    another(&bench, "B-2");
    worker.wait_for("is closed");
    worker.wait_for("is closed");
    assert_eq!(bench.executed(), ["B-1-1", "B-2-1"]);

    bench.fault(When::always(CREATE), Effect::Hold);
    another(&bench, "B-3");
    bench.wait_for_calls(CREATE, 3);
    worker.terminate();
    worker.wait_for("it stops after what is in flight");
    bench.sandbox.clear_faults();
    let ended = worker.end().expect(0);
    assert!(ended.out.contains("it was asked to end"), "{}", ended.out);
    assert_eq!(bench.executed(), ["B-1-1", "B-2-1", "B-3-1"]);
    // What it had in flight is written down.
    let status = bench.run(&["batch", "status", "B-3"]);
    assert!(status.out.contains("accepted 1") || status.out.contains("succeeded 1"), "{}", status.out);
}

#[test]
fn a_worker_for_ever_is_there_for_the_batch_that_was_named() {
    let server = Server::start();
    let bench = bench(&server);
    bench.run(&["batch", "work", "B-2", "--forever"]).expect(2);
    bench.run(&["batch", "work"]).expect(2);
    bench.run(&["batch", "work", "--forever", "--for", "1"]).expect(2);
    another(&bench, "B-1");
    another(&bench, "B-2");
    let mut worker = bench.start(&["batch", "work", "B-2", "--forever"]);
    worker.wait_for("B-2 is closed");
    worker.interrupt();
    worker.end().expect(0);
    assert_eq!(bench.executed(), ["B-2-1"]);
    // For all of them, until nothing is left.
    bench.run(&["batch", "work", "--for", "60"]).expect(0);
    assert_eq!(bench.executed(), ["B-1-1", "B-2-1"]);
}

#[test]
fn a_worker_for_ever_waits_for_a_journal_that_is_away_and_tells_that_once() {
    let mut server = Server::start();
    let bench = bench(&server);
    server.kill();
    let mut worker = bench.start(&["batch", "work", "--forever"]);
    worker.wait_for("it is tried again until it is there");
    server.restart();
    another(&bench, "B-1");
    worker.wait_for("B-1 is closed");
    server.kill();
    worker.wait_for("it is tried again until it is there");
    server.restart();
    worker.wait_for("the journal is back");
    another(&bench, "B-2");
    worker.wait_for("B-2 is closed");
    // Asked to end while it waits.
    server.kill();
    worker.wait_for("it is tried again until it is there");
    worker.terminate();
    let ended = worker.end().expect(0);
    assert_eq!(ended.err.matches("it is tried again until it is there").count(), 3, "{}", ended.err);
    assert_eq!(bench.executed(), ["B-1-1", "B-2-1"]);
}

#[test]
fn a_worker_for_ever_goes_on_with_the_standby_that_took_over() {
    let mut server = Server::start();
    let standby = server.standby();
    let mut bench = bench(&server);
    let (first, second) = (server.port(), standby.port());
    bench.journal = server.url().replace(&format!(":{first}/"), &format!(":{first},127.0.0.1:{second}/"));
    let mut worker = bench.start(&["batch", "work", "--forever"]);
    another(&bench, "B-1");
    worker.wait_for("B-1 is closed");
    server.kill();
    worker.wait_for("it is tried again until it is there");
    standby.promote();
    worker.wait_for("the journal is back");
    // Nothing is sent for a while, since something may have been lost.
    assert_eq!(standby.sql("SELECT not_before IS NOT NULL FROM komopay.owner"), "t");
    worker.terminate();
    worker.end().expect(0);
}

#[test]
fn a_worker_for_ever_pays_what_comes_into_an_outbox() {
    let server = Server::start();
    let bench = bench(&server);
    let open = ["batch", "open-outbox", "O-1", "--by", "maker", "--ceiling", "IDR=5000000/20000000", "--json"];
    let digest = bench.run(&open).expect(4).json()["digest"].as_str().unwrap().to_owned();
    bench.run(&["batch", "approve", "O-1", "--by", "checker", "--digest", &digest]).expect(0);
    bench.run(&["batch", "start", "O-1", "--by", "checker"]).expect(0);
    let worker = bench.start(&["batch", "work", "--forever"]);
    let transfer = BankTransfer::new("BNK_000", BankAccount::new(NAME, ACCOUNT));
    let request = PayoutRequest::new(Money::new("10000", "IDR").unwrap(), transfer);
    let outbox = Outbox::new("O-1", Keys::parse(KEY).unwrap()).unwrap();
    for number in 1..=2 {
        let row = outbox.row(&format!("E-{number}"), Some(PayoutId::new(format!("P-{number}")).unwrap()), &request);
        let row = row.unwrap();
        let body = row.body.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let _ = server.sql(&format!(
            "INSERT INTO komopay.outbox \
             (batch, key, payout_id, currency, amount, method, operator, fingerprint, key_id, body) \
             VALUES ('O-1', '{}', '{}', '{}', '{}', '{}', 'BNK_000', '{}', '{}', '\\x{body}')",
            row.key, row.payout_id, row.currency, row.amount, row.method, row.fingerprint, row.key_id
        ));
        bench.wait_for_calls(CREATE, number);
    }
    worker.terminate();
    worker.end().expect(0);
    assert_eq!(bench.executed(), ["P-1", "P-2"]);
}
