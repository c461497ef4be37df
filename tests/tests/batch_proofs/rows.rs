//! The same file again and again; and what of a payee is to be seen where a batch leaves its traces.

use std::path::{Path, PathBuf};

use komopay_batches::{BatchSettings, ReportWriter};
use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
use komopay_test_postgres::Server;
use komopay_tests::canary;

use crate::reader::Place;
use crate::stage::{BATCH, FENCE, HEAD, Stage, file, plan, row};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_a_hundred_times_in_any_order_is_no_new_payout() {
    const ROWS: usize = 50;
    let shuffled = || {
        let mut rows: Vec<String> = (0..ROWS).map(row).collect();
        fastrand::shuffle(&mut rows);
        format!("{HEAD}\n{}", rows.join("\n"))
    };
    let stage = Stage::file(Sandbox::builder()).await;
    let batches = stage.batches().await;
    let digest = plan(&batches, BatchSettings::default(), &file(ROWS)).await.digest;
    for _ in 0..50 {
        let again = plan(&batches, BatchSettings::default(), &shuffled()).await;
        assert_eq!((again.inserted, again.changed, again.removed), (0, 0, 0));
        assert_eq!(again.digest, digest, "the order of rows is no part of it");
    }
    drop(batches);
    let stage = stage.started(ROWS, 8).await;
    assert_eq!(stage.to_the_end().await, "closed");
    let batches = stage.batches().await;
    for _ in 0..50 {
        let again = plan(&batches, BatchSettings::default(), &shuffled()).await;
        assert_eq!((again.inserted, again.changed, again.removed, again.plan.bad_rows), (0, 0, 0, 0));
    }
    drop(batches);
    assert_eq!(stage.to_the_end().await, "closed");
    stage.assert_all_paid("the same file 100 times").await;
    println!("proven: 100 times the same file in another order, without a new payout");
}

/// What of payees, secrets and tokens must be nowhere: in the words of a row, and as others write them.
const PERSONAL: [&str; 8] = [
    canary::ACCOUNT,
    "Canaria Verity Quux",
    "CANARIA VERITY QUUX",
    "canaria.quux",
    canary::SECRET,
    canary::TOKEN,
    canary::TOKEN_TOO,
    // What was in a row that is refused.
    "99118822773366",
];

/// All files in a folder, with what is in them.
fn read(path: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().flat_map(|entry| read(&entry.unwrap().path())).collect();
    }
    // What is no file, such as a socket, cannot be read.
    std::fs::read(path).map(|bytes| (path.to_owned(), bytes)).into_iter().collect()
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// How many bytes of files were searched.
fn search(path: &Path) -> usize {
    let files = read(path);
    for (path, bytes) in &files {
        for word in PERSONAL {
            assert!(!holds(bytes, word), "{} holds {word}", path.display());
        }
    }
    // What a journal does hold is found.
    assert!(files.iter().any(|(_, bytes)| holds(bytes, "P-39")), "no journal is in {}", path.display());
    files.iter().map(|(_, bytes)| bytes.len()).sum()
}

/// A file whose payees are canaries, and which has a bad row.
fn personal_file() -> String {
    let head = "id,payout_id,amount,currency,operator_code,account_name,account_number,email_address";
    let rows: Vec<String> = (0..40)
        .map(|row| {
            let number = canary::ACCOUNT;
            format!("E-{row},P-{row},{},IDR,BNK_000,Canaria Verity Quux,{number},canaria.quux@x.test", 10_000 + row)
        })
        .collect();
    let bad = "E-bad,P-bad,nothing,IDR,BNK_000,Canaria Verity Quux,99118822773366,canaria.quux@x.test";
    format!("{head}\n{}\n{bad}", rows.join("\n"))
}

/// Everything that may go wrong goes wrong with a batch of canaries.
async fn traced(mut stage: Stage) -> Stage {
    let log = stage.folder.path().join("log");
    stage.environment.push(("KOMOPAY_WORKER_LOG".to_owned(), log.to_str().unwrap().to_owned()));
    let batches = stage.batches().await;
    let rows = komopay_batches::CsvRows::new(
        std::io::Cursor::new(personal_file().into_bytes()),
        BATCH,
        komopay_batches::Columns::default(),
        ',',
    );
    let new = komopay_batches::NewBatch { valid_only: true, ..komopay_batches::NewBatch::new(BATCH, "maker") };
    let planned = batches.plan(new, rows.unwrap()).await.unwrap();
    assert_eq!(planned.plan.bad_rows, 1);
    std::fs::write(stage.folder.path().join("plan"), format!("{planned:?}")).unwrap();
    batches.approve(BATCH, "approver", &planned.digest.unwrap(), Some("as agreed")).await.unwrap();
    batches.start(BATCH, "operator", None).await.unwrap();
    drop(batches);
    for (nth, effect) in [
        (2, Effect::EchoAccount { status: 406 }),
        (4, Effect::EchoAccount { status: 400 }),
        (6, Effect::ExecuteThenStatus { status: 502 }),
        (8, Effect::EchoAccount { status: 500 }),
        (10, Effect::Rejected { code: "INVALID_ACCOUNT_NUMBER".to_owned(), uses_id_up: true }),
    ] {
        stage.sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, nth), effect));
    }
    stage.worker(Some("SIGKILL:AfterSend:20")).end().await;
    // As it is after a crash, with a log that was not written back.
    if let Place::File(path) = stage.place() {
        assert!(search(path.parent().unwrap()) > 0);
    }
    stage.pass(FENCE).await;
    stage.to_the_end().await;
    let batches = stage.batches().await;
    let (mut csv, mut lines, mut page) = (Vec::new(), Vec::new(), Vec::new());
    batches.report(BATCH, ReportWriter::csv(&mut csv)).await.unwrap();
    batches.report(BATCH, ReportWriter::json_lines(&mut lines)).await.unwrap();
    batches.report(BATCH, ReportWriter::html(&mut page, None)).await.unwrap();
    for (name, text) in [("report.csv", csv), ("report.jsonl", lines), ("report.html", page)] {
        std::fs::write(stage.folder.path().join(name), text).unwrap();
    }
    let shown = format!("{:?} {:?}", batches.status(BATCH).await.unwrap(), batches.events(BATCH).await.unwrap());
    std::fs::write(stage.folder.path().join("shown"), shown).unwrap();
    drop(batches);
    assert!(std::fs::metadata(&log).unwrap().len() > 10_000, "workers write a log");
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_payee_is_in_a_file_of_a_batch() {
    let stage = traced(Stage::file(Sandbox::builder()).await).await;
    println!("proven: {} bytes of journal, log, errors and report without a payee", search(stage.folder.path()));
}

pub mod with_postgres {
    use super::{Sandbox, Server, Stage, search, traced};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_payee_is_in_a_file_of_the_server() {
        let server = Server::start();
        let stage = traced(Stage::server(Sandbox::builder(), &server).await).await;
        let _ = server.sql("CHECKPOINT");
        let searched = search(stage.folder.path()) + search(server.folder());
        println!("proven: {searched} bytes of a server, log, errors and report without a payee");
    }
}
