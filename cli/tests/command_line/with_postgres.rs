//! Batches whose journal several processes share. Where no server can be started, `cargo xtask test` leaves out what
//! has this name.

use komopay_sandbox::{Effect, Operation, When};
use komopay_test_postgres::Server;

use crate::batches::{ids, payroll, started};
use crate::bench::{ACCOUNT, Bench};

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
