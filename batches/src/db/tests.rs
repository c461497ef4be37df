//! The same transactions on a file and on real servers.

mod sqlite;
mod with_postgres;

use komopay_core::Error;

use super::*;

const FIRST: Migration = Migration {
    number: 1,
    sqlite: "CREATE TABLE thing (id INTEGER NOT NULL PRIMARY KEY, name TEXT, body BLOB) STRICT;",
    postgres: "CREATE TABLE thing (id BIGINT NOT NULL PRIMARY KEY, name TEXT, body BYTEA);",
};

const ONE: &[Migration] = &[FIRST];

const TWO: &[Migration] = &[
    FIRST,
    Migration {
        number: 2,
        sqlite: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE INDEX names ON thing (name);",
        postgres: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE INDEX names ON thing (name);",
    },
];

const INSERT: &str = "INSERT INTO thing (id, name, body) VALUES ($1, $2, $3)";
const COUNT: &str = "SELECT count(*) FROM thing";

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
