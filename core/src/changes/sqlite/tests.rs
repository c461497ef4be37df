//! The store in an SQLite file: its promises, whose the file is, and what was in it before.

use std::process::Command;
use std::sync::Arc;

use super::super::store::promises::{keeps_its_promises, one_of_many_wins, prunes_only_what_is_over};
use super::*;

fn change(payout_id: &str) -> ChangeRecord {
    ChangeRecord {
        payout_id: PayoutId::new(payout_id).unwrap(),
        sequence: 1,
        previous_status: None,
        payout: "{}".to_owned(),
    }
}

#[test]
fn the_store_in_a_file_keeps_its_promises() {
    let folder = tempfile::tempdir().unwrap();
    keeps_its_promises(&SqliteChangeStore::open(folder.path().join("one.sqlite")).unwrap());
    one_of_many_wins(&Arc::new(SqliteChangeStore::open(folder.path().join("many.sqlite")).unwrap()));
    let pruned = prunes_only_what_is_over(&SqliteChangeStore::open(folder.path().join("over.sqlite")).unwrap());
    assert_eq!(pruned, 4, "A1, A2, B1 and B2");
}

#[test]
fn what_was_recorded_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    let change = change("A");
    assert!(SqliteChangeStore::open(&path).unwrap().record(&change).unwrap());
    let again = SqliteChangeStore::open(&path).unwrap();
    assert_eq!(again.latest(&change.payout_id).unwrap(), Some(change.clone()));
    assert_eq!(again.take(1, Timestamp::now(), Timestamp::MAX).unwrap(), [change]);
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let _store = SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its log and its index");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", file.file_name());
    }
}

#[test]
fn what_is_no_store_of_changes_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    files::make(&text).unwrap();
    std::fs::write(&text, "these are notes of somebody, and no database of ours at all ".repeat(50)).unwrap();
    assert!(SqliteChangeStore::open(&text).is_err());
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are notes"));

    let other = folder.path().join("other.sqlite");
    files::make(&other).unwrap();
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE orders (id TEXT)").unwrap();
    let error = SqliteChangeStore::open(&other).err().unwrap();
    assert!(error.to_string().contains("not a store of changes"), "{error}");
    assert!(SqliteChangeStore::open(folder.path().join("no/such/folder/x")).is_err());
}

/// What another process sees of the file, which it opens, reads and closes.
fn seen_by_another(path: &Path) -> String {
    let mut another = Command::new(std::env::current_exe().unwrap());
    another.args(["--nocapture", "--exact", "changes::sqlite::tests::another_process"]);
    let output = another.env("KOMOPAY_TEST_FILE", path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();
    output.lines().find_map(|line| line.split_once("it sees ")).expect("it tells what it sees").1.to_owned()
}

/// The other process of a test, when one asks for it.
#[test]
fn another_process() {
    let Some(path) = std::env::var_os("KOMOPAY_TEST_FILE") else { return };
    let connection = Connection::open(path).unwrap();
    let mut all = connection.prepare("SELECT payout_id FROM changes ORDER BY number").unwrap();
    let seen = all.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<Vec<String>>>().unwrap();
    println!("it sees {}", seen.join(" "));
}

#[test]
fn a_file_that_is_opened_twice_in_a_process_keeps_its_locks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    let [first, second] = [(); 2].map(|()| SqliteChangeStore::open(&path).unwrap());
    assert!(first.record(&change("A")).unwrap());
    // Who closes a file and finds no lock on it deletes its log, and those who have it open write on into nothing.
    assert_eq!(seen_by_another(&path), "A");
    assert!(folder.path().join("changes.sqlite-wal").exists());
    assert!(first.record(&change("B")).unwrap() && second.record(&change("C")).unwrap());
    assert_eq!(seen_by_another(&path), "A B C");
    drop(first);
    assert!(second.record(&change("D")).unwrap());
    assert_eq!(seen_by_another(&path), "A B C D");
}

#[test]
fn who_finds_nothing_to_take_does_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    let store = SqliteChangeStore::open(&path).unwrap();
    store.on(|connection| connection.busy_timeout(Duration::ZERO)).unwrap();
    assert!(store.record(&change("A")).unwrap());
    store.acknowledge(&change("A").payout_id, 1).unwrap();
    let mut other = Connection::open(&path).unwrap();
    let writing = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    assert!(store.take(10, Timestamp::now(), Timestamp::MAX).unwrap().is_empty());
    assert_eq!(store.prune(Timestamp::MAX, 10).unwrap(), 0);
    assert!(store.record(&change("B")).is_err(), "somebody writes");
    drop(writing);
}

#[test]
fn what_is_looked_at_to_prune_does_not_grow_with_the_payouts() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap();
    let plan = store.on(|connection| {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {OVER_SINCE}"))?;
        plan.query_map([0, 1], |row| row.get::<_, String>(3))?.collect::<rusqlite::Result<Vec<_>>>()
    });
    assert_eq!(plan.unwrap(), ["SEARCH changes USING COVERING INDEX over (over_at>? AND over_at<?)"]);
}

#[test]
fn a_file_of_form_2_is_taken_and_what_is_over_in_it_is_pruned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    files::make(&path).unwrap();
    let older = Connection::open(&path).unwrap();
    older.execute_batch(&format!("PRAGMA journal_mode = WAL; {TABLES} {OWNER}")).unwrap();
    for sequence in 1..=3 {
        older.execute(RECORD, params!["A", sequence, None::<String>, "{}", 0, i64::MIN]).unwrap();
    }
    older.execute("UPDATE changes SET acknowledged = 1 WHERE sequence < 3", []).unwrap();
    drop(older);

    let store = SqliteChangeStore::open(&path).unwrap();
    let recorded = Timestamp::UNIX_EPOCH;
    let before = recorded - Duration::from_secs(1);
    assert_eq!([before, recorded].map(|until| store.prune(until, 9).unwrap()), [0, 2]);
    assert_eq!(store.take(9, recorded, Timestamp::MAX).unwrap(), [ChangeRecord { sequence: 3, ..change("A") }]);
}

#[test]
fn a_store_of_the_process_that_forked_this_one_says_so_and_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = SqliteChangeStore::open(folder.path().join("changes.sqlite")).unwrap();
    store.owner.become_another();
    let connection = Arc::clone(&store.connection);
    // As it is in the child, if a thread of the parent had it.
    let held = connection.lock().unwrap();
    let error = store.record(&change("A")).unwrap_err();
    assert!(error.to_string().ends_with("another process, which forked this one; open it after the fork"), "{error}");
    drop(store);
    drop(held);
    assert_eq!(Arc::strong_count(&connection), 2, "it is never closed");
}

#[test]
fn who_opens_a_new_file_waits_for_another_process_that_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    files::make(&path).unwrap();
    let mut other = Connection::open(&path).unwrap();
    let making = other.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let opening = std::thread::spawn(move || tell.send(SqliteChangeStore::open(path).map(drop)).unwrap());
    assert!(told.recv_timeout(Duration::from_millis(200)).is_err(), "it waits");
    making.commit().unwrap();
    assert_eq!(told.recv().unwrap(), Ok(()));
    opening.join().unwrap();
}

#[test]
fn a_file_that_was_made_before_stores_had_owners_is_taken_once_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    files::make(&path).unwrap();
    let older = Connection::open(&path).unwrap();
    older.execute_batch(&format!("PRAGMA journal_mode = WAL; {TABLES} PRAGMA user_version = 1;")).unwrap();
    let row = params!["A", 1, None::<String>, "{}", 0, i64::MIN];
    older.execute(RECORD, row).unwrap();
    drop(older);

    let store = SqliteChangeStore::open(&path).unwrap();
    assert_eq!(store.latest(&change("A").payout_id).unwrap(), Some(change("A")));
    assert_eq!(store.claim("first").unwrap(), "first");
    assert_eq!(SqliteChangeStore::open(&path).unwrap().claim("second").unwrap(), "first");
    drop(store);
    // A person hands it over.
    Connection::open(&path).unwrap().execute("DELETE FROM owner", []).unwrap();
    assert_eq!(SqliteChangeStore::open(&path).unwrap().claim("second").unwrap(), "second");
}

#[test]
fn a_database_of_another_program_with_our_number_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sqlite");
    files::make(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b); PRAGMA user_version = 1;").unwrap();
    assert!(SqliteChangeStore::open(&path).is_err());
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn of_many_that_claim_a_new_file_all_are_told_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    let claims: Vec<_> = (0..8)
        .map(|number| {
            let path = path.clone();
            std::thread::spawn(move || SqliteChangeStore::open(path).unwrap().claim(&format!("{number}")).unwrap())
        })
        .collect();
    let told: std::collections::HashSet<_> = claims.into_iter().map(|claim| claim.join().unwrap()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_log_of_somebody_elses_is_never_written_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.sqlite");
    assert!(SqliteChangeStore::open(&path).unwrap().record(&change("A")).unwrap());
    // What would be in the file if it were: one change more.
    let copy = folder.path().join("copy.sqlite");
    std::fs::copy(&path, &copy).unwrap();
    let forging = Connection::open(&copy).unwrap();
    let row = params!["FORGED", 1, None::<String>, "{}", 0, i64::MIN];
    forging.execute(RECORD, row).unwrap();
    let log = PathBuf::from(format!("{}-wal", path.display()));
    files::make(&log).unwrap();
    std::fs::write(&log, std::fs::read(format!("{}-wal", copy.display())).unwrap()).unwrap();
    // It is looked at after SQLite has opened it, too: here by another user who was fast enough.
    drop(open(&path).unwrap());
    assert!(log.exists());
    std::fs::remove_file(&log).unwrap();
    let store = SqliteChangeStore::open(&path).unwrap();
    assert_eq!(store.latest(&change("FORGED").payout_id).unwrap(), None);
}
