//! What is the same on a file and on a server.

use super::*;

/// A place for journals of each kind, which is gone with it.
struct Places {
    _folder: tempfile::TempDir,
    _server: Server,
    locations: Vec<JournalLocation>,
}

fn places() -> Places {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::start());
    let locations = [folder.path().join("a.journal").display().to_string(), server.url()];
    let locations = locations.iter().map(|text| text.parse().unwrap()).collect();
    Places { _folder: folder, _server: server, locations }
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
        assert_eq!(rows[0].opt_blob(2).unwrap().unwrap(), [0, 255, 7]);
        assert_eq!((rows[1].opt_text(1).unwrap(), rows[1].opt_blob(2).unwrap()), (None, None));
        let damaged = rows[1].text(1).unwrap_err();
        assert!(damaged.message().contains("damaged: column 1 of an answer has nothing, not a text"), "{damaged}");
    }
}

#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_not_committed() {
    let places = places();
    for location in &places.locations {
        let db = open(location).await;
        let mut tx = db.begin(Durability::Full).await.unwrap();
        tx.execute(INSERT, &thing(1)).await.unwrap();
        let failed = tx.execute(INSERT, &thing(1)).await.unwrap_err();
        assert_eq!(failed.kind(), komopay_core::ErrorKind::Internal);
        assert!(!failed.message().contains("thing 1"), "{failed}");
        let error = tx.commit().await.unwrap_err();
        assert!(error.message().contains("after one of its statements had failed"), "{error}");
        assert_eq!(count(&db).await, 0);
        let mut tx = db.begin(Durability::Full).await.unwrap();
        let failed = tx.execute_many(INSERT, &[thing(1), thing(2), thing(1), thing(3)]).await;
        assert!(failed.is_err() && tx.query(COUNT, &[]).await.is_err());
        drop(tx);
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test]
async fn a_statement_without_all_its_values_is_refused() {
    let places = places();
    for location in &places.locations {
        let db = open(location).await;
        let mut tx = db.begin(Durability::Full).await.unwrap();
        assert!(tx.execute(INSERT, &thing(1)[..2]).await.is_err());
        drop(tx);
        assert_eq!(count(&db).await, 0);
    }
}

#[tokio::test]
async fn many_rows_are_run_in_their_order() {
    const LATER: &str = "UPDATE thing SET name = $1 WHERE id = 0";
    let places = places();
    for location in &places.locations {
        let db = open(location).await;
        let mut tx = db.begin(Durability::Full).await.unwrap();
        let rows: Vec<_> = (0..1000).map(thing).collect();
        assert_eq!(tx.execute_many(INSERT, &rows).await.unwrap(), 1000);
        let names: Vec<_> = (0..600).map(|number| vec![format!("{number}").into()]).collect();
        assert_eq!(tx.execute_many(LATER, &names).await.unwrap(), 600);
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1000);
        let mut tx = db.begin(Durability::Full).await.unwrap();
        let name = tx.query("SELECT name FROM thing WHERE id = 0", &[]).await.unwrap()[0].text(0).unwrap();
        assert_eq!(name, "599");
    }
}

#[tokio::test]
async fn time_is_the_databases_and_a_test_moves_it_on() {
    let places = places();
    for location in &places.locations {
        let clock = Clock::default();
        let db = Db::open(location, clock.clone(), ONE).await.unwrap();
        let here = jiff::Timestamp::now().as_microsecond();
        let mut tx = db.begin(Durability::Full).await.unwrap();
        let now = tx.now().await.unwrap();
        assert!((here..here + 60_000_000).contains(&now), "{now} is later than {here}");
        // Both looks may come within the same microsecond.
        let (mut later, mut looks) = (now, 0..10_000);
        while later == now && looks.next().is_some() {
            later = tx.now().await.unwrap();
        }
        assert!(later > now, "it is the time at which the transaction began");
        clock.advance(3_600_000_000);
        assert!(tx.now().await.unwrap() >= now + 3_600_000_000);
    }
}

#[tokio::test]
async fn tables_are_brought_to_the_newest_form_and_newer_ones_are_refused() {
    let places = places();
    for location in &places.locations {
        let db = open(location).await;
        let mut tx = db.begin(Durability::Full).await.unwrap();
        tx.execute(INSERT, &thing(1)).await.unwrap();
        tx.commit().await.unwrap();
        drop(db);
        for _ in 0..2 {
            let db = Db::open(location, Clock::default(), TWO).await.unwrap();
            let mut tx = db.begin(Durability::Full).await.unwrap();
            assert_eq!(tx.query("SELECT extra FROM thing", &[]).await.unwrap().len(), 1);
        }
        let refused = refusal(location).await;
        assert_eq!((refused.kind(), refused.field()), (komopay_core::ErrorKind::Configuration, Some("journal")));
        assert!(refused.message().contains("form 2, and this version knows forms up to 1"), "{refused}");
    }
}

#[tokio::test]
async fn a_step_that_fails_leaves_the_form_before_it() {
    const BROKEN: &[Migration] = &[
        FIRST,
        Migration {
            number: 2,
            sqlite: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE TABLE thing (id INTEGER);",
            postgres: "ALTER TABLE thing ADD COLUMN extra TEXT; CREATE TABLE thing (id BIGINT);",
        },
    ];
    let places = places();
    for location in &places.locations {
        drop(open(location).await);
        assert!(Db::open(location, Clock::default(), BROKEN).await.is_err());
        let db = open(location).await;
        let mut tx = db.begin(Durability::Full).await.unwrap();
        assert!(tx.query("SELECT extra FROM thing", &[]).await.is_err());
    }
}

#[tokio::test]
async fn only_a_server_has_an_identity() {
    let places = places();
    let [file, server] = &places.locations[..] else { unreachable!() };
    let (file, server) = (open(file).await, open(server).await);
    assert_eq!(file.identity(), None);
    let identity = server.identity().unwrap();
    let (system, timeline) = identity.split_once('/').unwrap();
    assert!(system.parse::<u64>().is_ok() && timeline == "00000001", "{identity}");
}
