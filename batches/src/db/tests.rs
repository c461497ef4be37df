//! The same transactions on a file and on real servers.

mod postgres;
mod sqlite;

use komopay_core::Error;
use komopay_test_postgres::Server;

use super::*;

const ONE: &[Migration] = &[Migration {
    number: 1,
    sqlite: "CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, name TEXT, body BLOB) STRICT;",
    postgres: "CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, name TEXT, body BYTEA);",
}];

const TWO: &[Migration] = &[
    ONE[0],
    Migration {
        number: 2,
        sqlite: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE INDEX names ON thing (name);",
        postgres: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE INDEX names ON thing (name);",
    },
];

const INSERT: &str = "INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)";
const COUNT: &str = "SELECT count(*) FROM thing";

/// A place for journals of each kind, which is gone with it.
struct Places {
    _folder: tempfile::TempDir,
    _server: Server,
    locations: Vec<JournalLocation>,
}

fn places() -> Places {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    let locations = vec![folder.path().join("a.journal").display().to_string(), server.url()];
    let locations = locations.iter().map(|text| text.parse().unwrap()).collect();
    Places { _folder: folder, _server: server, locations }
}

async fn open(location: &JournalLocation) -> Db {
    Db::open(location, Clock::default(), ONE).await.unwrap()
}

async fn refusal(location: &JournalLocation) -> Error {
    Db::open(location, Clock::default(), ONE).await.err().expect("it is refused")
}

fn thing(id: i64) -> Vec<Value> {
    vec![id.into(), format!("thing {id}").into(), vec![0, 255, 7].into()]
}

async fn count(db: &Db) -> i64 {
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.query(COUNT, &[]).await.unwrap()[0].int(0).unwrap()
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn what_is_committed_is_there_and_what_is_dropped_is_not() {
    let places = places();
    for location in &places.locations {
        let db = open(location).await;
        let mut tx = is_send(db.begin(Durability::Full)).await.unwrap();
        assert_eq!(is_send(tx.execute(INSERT, &thing(1))).await.unwrap(), 1);
        assert_eq!(is_send(tx.execute_many(INSERT, &[thing(2), thing(3)])).await.unwrap(), 2);
        tx.execute(INSERT, &[4.into(), Value::Null, None::<Vec<u8>>.into()]).await.unwrap();
        is_send(tx.commit()).await.unwrap();
        let mut tx = db.begin(Durability::Lazy).await.unwrap();
        tx.execute(INSERT, &thing(5)).await.unwrap();
        drop(tx);
        assert_eq!(count(&db).await, 4);
        drop(db);
        let db = open(location).await;
        let mut tx = db.begin(Durability::Lazy).await.unwrap();
        let from = [3.into()];
        let rows = is_send(tx.query("SELECT id, name, body FROM thing WHERE id >= $1 ORDER BY id", &from));
        let rows = rows.await.unwrap();
        assert_eq!((rows[0].int(0).unwrap(), rows[0].text(1).unwrap()), (3, "thing 3".to_owned()));
        assert_eq!(rows[0].blob(2).unwrap(), [0, 255, 7]);
        assert_eq!((rows[1].opt_text(1).unwrap(), rows[1].opt_blob(2).unwrap()), (None, None));
        let damaged = rows[1].text(1).unwrap_err();
        assert!(damaged.message().contains("damaged: column 1 of an answer has nothing, not a text"), "{damaged}");
    }
}
