//! The store in PostgreSQL: its promises, to many hosts.

use super::*;

#[path = "../../../core/src/changes/store/promises.rs"]
mod promises;

/// Left out where no server can be started.
mod with_postgres {
    use std::collections::HashSet;
    use std::thread;

    use komopay_test_postgres::{PASSWORD, Pooler, Server};

    use super::promises::{keeps_its_promises, one_of_many_wins, prunes_only_what_is_over};
    use super::*;

    fn change(payout_id: &str, sequence: u64) -> ChangeRecord {
        ChangeRecord {
            payout_id: PayoutId::new(payout_id).unwrap(),
            sequence,
            previous_status: None,
            payout: "{}".to_owned(),
        }
    }

    /// Each of these has tables of its own.
    fn in_schema(url: &str, schema: &str) -> PostgresChangeStore {
        PostgresChangeStore::open(&format!("{url}?options=-csearch_path%3D{schema}")).unwrap()
    }

    #[test]
    fn the_store_in_postgresql_keeps_its_promises() {
        let server = Server::start();
        keeps_its_promises(&in_schema(&server.url(), "one"));
        one_of_many_wins(&Arc::new(in_schema(&server.url(), "many")));
        assert_eq!(prunes_only_what_is_over(&in_schema(&server.url(), "gone")), 4, "A1, A2, B1 and B2");
    }

    #[test]
    fn it_keeps_them_behind_a_pooler() {
        let server = Server::start();
        let pooler = Pooler::start(&server, "transaction");
        keeps_its_promises(&PostgresChangeStore::open(&pooler.url()).unwrap());
        one_of_many_wins(&Arc::new(PostgresChangeStore::open(&pooler.url()).unwrap()));
    }

    #[test]
    fn of_many_hosts_one_records_one_takes_and_all_are_told_the_same_owner() {
        let server = Server::start();
        let url = server.url();
        let hosts: Vec<_> = (0..6)
            .map(|host| {
                let url = url.clone();
                thread::spawn(move || {
                    let store = PostgresChangeStore::open(&url).unwrap();
                    let owner = store.claim(&format!("{host}")).unwrap();
                    let recorded = (0..10).filter(|id| store.record(&change(&format!("P{id}"), 1)).unwrap()).count();
                    let mut taken = Vec::new();
                    loop {
                        let more = store.take(3, Timestamp::now(), Timestamp::MAX).unwrap();
                        if more.is_empty() {
                            break;
                        }
                        taken.extend(more.into_iter().map(|change| change.payout_id));
                    }
                    (owner, recorded, taken)
                })
            })
            .collect();
        let all: Vec<_> = hosts.into_iter().map(|host| host.join().unwrap()).collect();
        assert_eq!(all.iter().map(|(owner, ..)| owner).collect::<HashSet<_>>().len(), 1);
        assert_eq!(all.iter().map(|(_, recorded, _)| recorded).sum::<usize>(), 10);
        let taken: Vec<_> = all.iter().flat_map(|(.., taken)| taken).collect();
        assert_eq!((taken.len(), taken.iter().collect::<HashSet<_>>().len()), (10, 10));
    }

    #[test]
    fn what_is_recorded_while_it_is_acknowledged_is_pruned_in_the_end() {
        let server = Server::start();
        let stores = [(); 2].map(|()| Arc::new(PostgresChangeStore::open(&server.url()).unwrap()));
        let last = 40;
        assert!(stores[0].record(&change("A", 1)).unwrap());
        for sequence in 1..last {
            let handler = Arc::clone(&stores[1]);
            let thread = thread::spawn(move || handler.acknowledge(&change("A", 1).payout_id, sequence).unwrap());
            assert!(stores[0].record(&change("A", sequence + 1)).unwrap());
            thread.join().unwrap();
        }
        assert_eq!(stores[0].prune(Timestamp::MAX, 100).unwrap(), 39);
        assert_eq!(stores[0].latest(&change("A", 1).payout_id).unwrap(), Some(change("A", last)));
    }

    #[test]
    fn what_is_looked_at_to_take_and_to_prune_does_not_grow_with_the_payouts() {
        let server = Server::start();
        drop(in_schema(&server.url(), "komopay"));
        let _ = server.sql(
            "SET search_path = komopay;
            INSERT INTO komopay_changes (payout_id, sequence, payout, recorded_at, taken_at, taken_until, acknowledged)
                SELECT 'P' || number, 1, '{}', 0, 0, 0, CASE WHEN number % 1000 = 0 THEN 0 ELSE 1 END
                FROM generate_series(1, 20000) AS number;
            ANALYZE komopay_changes",
        );
        let plan = |statement: &str| {
            let values = [("$1", "5"), ("$2", "9"), ("$3", "100"), ("$4", "60")];
            let statement = values.into_iter().fold(statement.to_owned(), |text, (name, to)| text.replace(name, to));
            server.sql(&format!("SET search_path = komopay; EXPLAIN (COSTS OFF) {statement}"))
        };
        let (take, prune) = (plan(TAKE), plan(PRUNE));
        assert!(take.contains("Index Scan using komopay_changes_free"), "{take}");
        assert!(prune.contains("Index Scan using komopay_changes_over"), "{prune}");
        assert!(!take.contains("Seq Scan") && !prune.contains("Seq Scan"), "{take} {prune}");
    }

    #[test]
    fn a_role_with_the_rights_to_the_rows_is_enough() {
        let server = Server::start();
        drop(PostgresChangeStore::open(&server.url()).unwrap());
        let _ = server.sql(&format!(
            "CREATE ROLE shop LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA komopay TO shop;
            GRANT SELECT ON komopay.komopay_changes_form TO shop;
            GRANT SELECT, INSERT ON komopay.komopay_changes_owner TO shop;
            GRANT SELECT, INSERT, UPDATE, DELETE ON komopay.komopay_changes TO shop"
        ));
        keeps_its_promises(&PostgresChangeStore::open(&server.url_of("shop")).unwrap());
    }

    #[test]
    fn a_server_that_was_away_is_found_again() {
        let mut server = Server::start();
        let store = PostgresChangeStore::open(&server.url()).unwrap();
        assert!(store.record(&change("A", 1)).unwrap());
        server.kill();
        let reopened = PostgresChangeStore::open(&server.url()).err().unwrap();
        for error in [store.record(&change("A", 2)).unwrap_err(), reopened] {
            assert!(error.is_unavailable() && !error.to_string().contains(PASSWORD), "{error}");
        }
        server.restart();
        assert!(store.record(&change("A", 2)).unwrap());
        assert_eq!(store.latest(&change("A", 1).payout_id).unwrap(), Some(change("A", 2)));
    }

    #[test]
    fn it_is_opened_and_dropped_on_any_thread() {
        let server = Server::start();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = PostgresChangeStore::open(&server.url()).unwrap();
            assert!(store.record(&change("A", 1)).unwrap());
            let refused = PostgresChangeStore::open(&server.url().replace(PASSWORD, "another")).err().unwrap();
            assert!(refused.to_string().contains("refused the user or the password"), "{refused}");
        });
    }

    #[test]
    fn a_store_of_the_process_that_forked_this_one_says_so() {
        let server = Server::start();
        let mut store = PostgresChangeStore::open(&server.url()).unwrap();
        store.process += 1;
        let error = store.record(&change("A", 1)).unwrap_err();
        assert!(error.to_string().ends_with("which forked this one; open it after the fork"), "{error}");
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let server = Server::start();
        let wrong = server.url().replace(PASSWORD, "another-canary-password");
        for (url, says) in [
            (wrong.as_str(), "refused the user or the password"),
            ("changes.sqlite", "has to be postgresql://"),
            ("mysql://a:canary@b/c", "has to be postgresql://"),
        ] {
            let error = PostgresChangeStore::open(url).err().unwrap();
            assert!(!error.is_unavailable());
            let error = error.to_string();
            assert!(error.contains(says) && !error.contains("canary") && !error.contains("journal"), "{error}");
        }
    }
}
