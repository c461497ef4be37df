//! What is asked of a journal's server. Where none can be started, `cargo xtask test` leaves out what has this name.

mod both;

use komopay_core::ErrorKind;
use komopay_test_postgres::{Certificates, PASSWORD, Pooler, Server};

use super::*;

fn at(url: &str) -> JournalLocation {
    url.parse().unwrap()
}

/// A setting to mend: told by its name, and without the password.
fn assert_setting(error: &Error, says: &str) {
    assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("journal")), "{error}");
    assert!(error.message().contains(says), "{error}");
    assert!(!error.message().contains(PASSWORD) && !format!("{error:?}").contains(PASSWORD));
}

async fn add(db: &Db, id: i64) {
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(id)).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_one_worker_has_claimed_another_passes_over() {
    const NAME: &str = "SELECT name FROM thing WHERE id = 1";
    const CLAIM: &str = "SELECT id FROM thing ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED";
    let server = Server::start();
    let (one, other) = (open(&at(&server.url())).await, open(&at(&server.url())).await);
    for id in [1, 2] {
        add(&one, id).await;
    }
    let mut first = one.begin(Durability::Full).await.unwrap();
    let mut second = other.begin(Durability::Full).await.unwrap();
    assert_eq!(first.query(CLAIM, &[]).await.unwrap()[0].int(0).unwrap(), 1);
    first.execute("UPDATE thing SET name = $1 WHERE id = 1", &["claimed".into()]).await.unwrap();
    assert_eq!(second.query(CLAIM, &[]).await.unwrap()[0].int(0).unwrap(), 2);
    assert_eq!(second.query(NAME, &[]).await.unwrap()[0].text(0).unwrap(), "thing 1", "nothing is seen beforehand");
    first.commit().await.unwrap();
    assert_eq!(second.query(NAME, &[]).await.unwrap()[0].text(0).unwrap(), "claimed");
}

#[tokio::test]
async fn many_who_open_at_once_make_the_tables_once() {
    let server = Server::start();
    let location = at(&server.url());
    let all = (0..8).map(|_| Db::open(&location, Clock::default(), TWO));
    for opened in futures_util::future::join_all(all).await {
        assert_eq!(count(&opened.unwrap()).await, 0);
    }
    assert_eq!(server.sql("SELECT form FROM komopay.komopay_journal"), "2");
}

#[tokio::test]
async fn a_role_with_the_rights_to_the_rows_is_enough_where_the_tables_are_there() {
    let server = Server::start();
    let _ = server
        .sql(&format!("CREATE ROLE payer LOGIN PASSWORD '{PASSWORD}'; REVOKE CREATE ON DATABASE postgres FROM PUBLIC"));
    let location = at(&server.url_of("payer"));
    assert_setting(&refusal(&location).await, "permission denied for database postgres");
    drop(open(&at(&server.url())).await);
    assert_setting(&refusal(&location).await, "permission denied for schema komopay");
    let _ = server.sql(
        "GRANT USAGE ON SCHEMA komopay TO payer; GRANT SELECT, INSERT ON komopay.thing TO payer;
        GRANT SELECT ON komopay.komopay_journal TO payer",
    );
    let db = open(&location).await;
    add(&db, 1).await;
    assert!(db.identity().is_some(), "everybody may ask who the server is");
    let newer = Db::open(&location, Clock::default(), TWO).await.err().unwrap();
    assert_setting(&newer, "must be owner of table thing");
    // Where that was taken away, it is not known, and all else goes on.
    let _ = server.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let db = open(&location).await;
    assert_eq!((db.identity(), count(&db).await), (None, 1));
}

#[tokio::test]
async fn the_tables_are_in_the_schema_that_the_url_names() {
    let server = Server::start();
    for (option, schema) in [("", "komopay"), ("?options=-csearch_path%3Dmoney_out", "money_out")] {
        add(&open(&at(&format!("{}{option}", server.url()))).await, 1).await;
        assert_eq!(server.sql(&format!("SELECT count(*) FROM {schema}.thing")), "1");
    }
    for wrong in ["?options=-c%20search_path%3Da,b", "?options=--search_path%3DA%22;", "?sslmode=prefer", "?sslcert=a"]
    {
        let refused = refusal(&at(&format!("{}{wrong}", server.url()))).await;
        assert_setting(&refused, "the URL of the PostgreSQL server has a");
    }
}

#[tokio::test]
async fn a_wrong_password_or_an_unknown_database_is_a_setting_to_mend() {
    let server = Server::start();
    let wrong = server.url().replace(PASSWORD, "another-canary-password");
    let refused = refusal(&at(&wrong)).await;
    assert_setting(&refused, "refused the user or the password");
    assert!(!refused.message().contains("another-canary"), "{refused}");
    assert_setting(&refusal(&at(&server.url().replace("/postgres", "/missing"))).await, "\"missing\" does not exist");
    let unreadable = at("postgresql://payer:canary%zz@localhost:port/a");
    let refused = refusal(&unreadable).await;
    assert!(refused.message().contains("cannot be read") && !refused.message().contains("canary"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let refused = refusal(&at(&format!("postgresql://payer:{PASSWORD}@127.0.0.1:{port}/a"))).await;
    assert_eq!(refused.kind(), ErrorKind::Unavailable, "{refused}");
    assert!(refused.message().contains("refused") && !refused.message().contains(PASSWORD), "{refused}");
}

#[tokio::test]
async fn a_server_that_could_lose_a_commit_is_refused() {
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let server = Server::start_with(&[&format!("{setting} = off")]);
        assert_setting(&refusal(&at(&server.url())).await, &format!("{setting} is off"));
    }
    // Also where it is switched off later: each transaction looks.
    let server = Server::start();
    let db = open(&at(&server.url())).await;
    add(&db, 1).await;
    let _ = server.sql("ALTER SYSTEM SET synchronous_commit = off");
    let _ = server.sql("SELECT pg_reload_conf()");
    let refused = loop {
        if let Err(error) = db.begin(Durability::Full).await {
            break error;
        }
        tokio::task::yield_now().await;
    };
    assert_setting(&refused, "synchronous_commit is off");
}

#[tokio::test]
async fn only_what_may_be_forgotten_is_committed_without_waiting_for_the_disk() {
    const ASKED: &str = "SELECT current_setting('synchronous_commit')";
    let server = Server::start();
    let db = open(&at(&server.url())).await;
    for (durability, setting) in [(Durability::Lazy, "off"), (Durability::Full, "on")] {
        let mut tx = db.begin(durability).await.unwrap();
        assert_eq!(tx.query(ASKED, &[]).await.unwrap()[0].text(0).unwrap(), setting);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_standby_is_refused_and_one_that_took_over_is_seen() {
    let mut server = Server::start();
    drop(open(&at(&server.url())).await);
    let standby = server.standby();
    // Another one may take over at any time, and so may this one.
    let refused = refusal(&at(&standby.url())).await;
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    assert!(refused.message().contains("serves reads only, as a standby does"), "{refused}");
    // Of several the primary is found.
    let both = server
        .url()
        .replace(&format!(":{}", server.port()), &format!(":{},127.0.0.1:{}", standby.port(), server.port()));
    let db = open(&at(&both)).await;
    add(&db, 1).await;
    let before = db.identity().unwrap().to_owned();
    server.kill();
    standby.promote();
    let error = db.begin(Durability::Full).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("a standby took over"), "{error}");
    assert!(db.is_replaced());
    let db = open(&at(&both)).await;
    let after = db.identity().unwrap();
    assert_eq!(before.split_once('/').unwrap().0, after.split_once('/').unwrap().0);
    assert_ne!(before, after);
    assert!(!db.is_replaced());
}

#[tokio::test]
async fn whose_the_server_is_is_looked_at_as_the_url_says() {
    let (certificates, others) = (Certificates::make(), Certificates::make());
    let server = Server::start_with_tls(&certificates);
    let [root, wrong] = [&certificates, &others].map(|of| of.authority().display().to_string());
    let url = |host: &str, options: &str| at(&format!("{}?{options}", server.url().replace("127.0.0.1", host)));
    add(&open(&url("localhost", &format!("sslmode=verify-full&sslrootcert={root}"))).await, 1).await;
    add(&open(&url("localhost", "sslmode=require")).await, 2).await;
    let used = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
    let db = open(&url("localhost", "sslmode=require")).await;
    let mut tx = db.begin(Durability::Full).await.unwrap();
    assert_eq!(tx.query(used, &["komopay".into()]).await.unwrap()[0].int(0).unwrap(), 1);
    for (host, options) in [
        ("localhost", format!("sslmode=verify-full&sslrootcert={wrong}")),
        // The system does not know that authority, and the certificate is for another name.
        ("localhost", "sslmode=verify-full".to_owned()),
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}")),
    ] {
        assert_setting(&refusal(&url(host, &options)).await, "no TLS with the PostgreSQL server: invalid peer");
    }
    assert_setting(&refusal(&url("localhost", "sslmode=disable")).await, "refused the user or the password");
    assert_setting(&refusal(&url("localhost", &format!("sslmode=require&sslrootcert={root}"))).await, "verify-full");
    let plain = Server::start();
    let location = at(&format!("{}?sslmode=require", plain.url().replace("127.0.0.1", "localhost")));
    assert_setting(&refusal(&location).await, "server does not support TLS");
}

#[tokio::test]
async fn a_pooler_may_stand_between() {
    let server = Server::start();
    for mode in ["transaction", "session"] {
        let pooler = Pooler::start(&server, mode);
        let db = open(&at(&pooler.url())).await;
        add(&db, 1).await;
        // Two workers share what the pooler has, and neither sees what the other has set.
        let other = open(&at(&pooler.url())).await;
        let works = (10..30).map(|id| {
            let db = if id % 2 == 0 { &db } else { &other };
            async move {
                let durability = if id % 3 == 0 { Durability::Lazy } else { Durability::Full };
                let mut tx = db.begin(durability).await.unwrap();
                tx.execute_many(INSERT, &[thing(id), thing(id + 100)]).await.unwrap();
                let setting = tx.query("SELECT current_setting('synchronous_commit')", &[]).await.unwrap();
                assert_eq!(setting[0].text(0).unwrap() == "off", id % 3 == 0);
                if id % 5 == 0 { drop(tx) } else { tx.commit().await.unwrap() }
            }
        });
        if mode == "transaction" {
            futures_util::future::join_all(works).await;
            assert_eq!(count(&db).await, 1 + 32);
        }
        let _ = server.sql("DELETE FROM komopay.thing");
    }
    let pooler = Pooler::start(&server, "statement");
    let refused = refusal(&at(&pooler.url())).await;
    assert!(refused.message().contains("statement pooling mode"), "{refused}");
}

#[tokio::test]
async fn a_server_that_dies_is_told_and_the_next_transaction_finds_the_new_one() {
    let mut server = Server::start();
    let db = open(&at(&server.url())).await;
    add(&db, 1).await;
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(2)).await.unwrap();
    let mut idle = db.begin(Durability::Full).await.unwrap();
    idle.query(COUNT, &[]).await.unwrap();
    drop(idle);
    server.kill();
    let error = tx.execute(INSERT, &thing(3)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(tx.commit().await.is_err());
    assert_eq!(db.begin(Durability::Full).await.err().unwrap().kind(), ErrorKind::Unavailable);
    server.restart();
    assert_eq!(count(&db).await, 1);
    add(&db, 2).await;
    assert_eq!(count(&db).await, 2);
}

#[tokio::test]
async fn a_commit_without_an_answer_may_have_been_one() {
    let mut server = Server::start();
    let db = open(&at(&server.url())).await;
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(1)).await.unwrap();
    server.kill();
    let error = tx.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("may have been committed"), "{error}");
    server.restart();
    // Nothing hangs where nothing is said: the clock runs on as soon as there is nothing else to do.
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(1)).await.unwrap();
    let mut other = db.begin(Durability::Full).await.unwrap();
    server.freeze();
    tokio::time::pause();
    let error = tx.commit().await.unwrap_err();
    assert!(error.message().contains("may have been committed") && error.message().contains("40 seconds"), "{error}");
    let error = other.execute(INSERT, &thing(2)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    tokio::time::resume();
    server.thaw();
    drop(other);
    let committed = loop {
        let committed = count(&db).await;
        if committed == 1 {
            break committed;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(committed, 1, "it was one");
}

#[tokio::test]
async fn what_was_cancelled_half_way_is_not_committed() {
    let server = Server::start();
    let db = open(&at(&server.url())).await;
    add(&db, 1).await;
    let mut holder = db.begin(Durability::Full).await.unwrap();
    holder.execute("UPDATE thing SET name = NULL WHERE id = 1", &[]).await.unwrap();
    let mut tx = db.begin(Durability::Full).await.unwrap();
    tx.execute(INSERT, &thing(2)).await.unwrap();
    let waiting = tx.execute("UPDATE thing SET name = 'b' WHERE id = 1", &[]);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(50), waiting).await.is_err());
    assert!(tx.commit().await.is_err());
    holder.commit().await.unwrap();
    assert_eq!(count(&db).await, 1);
}
