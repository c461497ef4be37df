//! What is asked of a journal's file.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

fn file() -> (tempfile::TempDir, PathBuf, JournalLocation) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.journal");
    let location = JournalLocation::Sqlite(path.clone());
    (folder, path, location)
}

fn rights(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_file_and_all_beside_it_are_for_its_user_only() {
    let (folder, path, location) = file();
    let db = open(&location).await;
    count(&db).await;
    let all: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(all.len() >= 4, "the log, its index, the lock and the journal: {all:?}");
    assert!(all.iter().all(|path| rights(path) == 0o600), "{all:?}");
    drop(db);
    for beside in ["", "-lock"] {
        let path = PathBuf::from(format!("{}{beside}", path.display()));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o606)).unwrap();
        let refused = refusal(&location).await;
        assert_eq!(refused.field(), Some("journal"));
        assert!(refused.message().contains("chmod o= "), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(refusal(&location).await.message().contains("chmod o-w "));
}

#[tokio::test]
async fn a_file_of_another_user_or_another_program_is_refused() {
    let (_folder, path, location) = file();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE theirs (id INTEGER)").unwrap();
    drop(connection);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(refusal(&location).await.message().contains("something else than a journal"));
    std::fs::write(&path, "no database at all, and long enough that SQLite looks at it".repeat(20)).unwrap();
    assert_eq!(refusal(&location).await.field(), Some("journal"));
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let location = if is_root {
        std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
        location
    } else {
        JournalLocation::Sqlite("/etc/passwd".into())
    };
    let refused = refusal(&location).await;
    assert!(refused.message().contains("chown ") || !is_root, "{refused}");
}

/// As a program does that is being started: until it runs, it has what was open in the process that starts it.
#[tokio::test]
async fn a_file_that_is_about_to_be_let_go_of_is_waited_for() {
    let (_folder, path, location) = file();
    drop(open(&location).await);
    let held = std::fs::File::open(format!("{}-lock", path.display())).unwrap();
    held.lock().unwrap();
    let letting_go = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        drop(held);
    });
    count(&open(&location).await).await;
    letting_go.join().unwrap();
}

/// Run by the test below, as a process of its own.
#[tokio::test]
async fn second_process() {
    let Some(path) = std::env::var_os("KOMOPAY_TEST_JOURNAL") else { return };
    let refused = refusal(&JournalLocation::Sqlite(path.into())).await;
    assert!(refused.message().contains("another process works with this journal"), "{refused}");
    println!("it was refused");
}

#[tokio::test]
async fn a_second_process_is_refused_and_one_after_it_is_not() {
    let (_folder, path, location) = file();
    let db = open(&location).await;
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut second = Command::new(std::env::current_exe().unwrap());
    second.args(["--exact", "db::tests::sqlite::second_process", "--nocapture"]).env("KOMOPAY_TEST_JOURNAL", &path);
    let output = second.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("it was refused"), "{said}");
    // The same process would have two writers, too.
    assert!(refusal(&location).await.message().contains("another part of this one"));
    drop(db);
    assert_eq!(count(&open(&location).await).await, 1);
}

#[tokio::test]
async fn a_commit_survives_the_end_of_the_process_without_a_goodbye() {
    let (folder, path, location) = file();
    let db = open(&location).await;
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(1)).await.unwrap();
    tx.commit().await.unwrap();
    let mut open_tx = db.begin(Durability::Full).await.unwrap();
    open_tx.execute(INSERT, &thing(2)).await.unwrap();
    // What the disk has at this moment.
    let copy = folder.path().join("copy.journal");
    for beside in ["", "-wal"] {
        let [from, to] = [&path, &copy].map(|path| PathBuf::from(format!("{}{beside}", path.display())));
        std::fs::copy(from, to).unwrap();
    }
    assert_eq!(count(&open(&JournalLocation::Sqlite(copy)).await).await, 1);
}

#[tokio::test]
async fn a_transaction_waits_for_the_one_before_it() {
    let (_folder, _, location) = file();
    let db = open(&location).await;
    let mut first = db.begin(Durability::Full).await.unwrap();
    first.execute(INSERT, &thing(1)).await.unwrap();
    let second = tokio::spawn({
        let db = db.clone();
        async move { count(&db).await }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), 1);
}

#[test]
fn a_location_is_read_and_never_shows_a_password() {
    let url = "postgresql://payer:p@ss?w/ord@db.example.com:5433,b.example.com/payouts?password=p@ss?w/ord";
    let location: JournalLocation = url.parse().unwrap();
    assert!(!format!("{location:?} {location}").contains("ss?"), "{location:?}");
    for path in ["sqlite:/var/lib/a.journal", "/var/lib/a.journal"] {
        assert_eq!(path.parse::<JournalLocation>().unwrap(), JournalLocation::Sqlite("/var/lib/a.journal".into()));
    }
    for wrong in ["", "sqlite:", ":memory:", "mysql://localhost/a"] {
        let error = wrong.parse::<JournalLocation>().unwrap_err();
        assert_eq!(error.field(), Some("journal"), "{wrong}");
    }
}
