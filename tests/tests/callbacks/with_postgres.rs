//! One store in PostgreSQL, for the clients of many hosts. Left out where no server can be started.

use std::sync::Arc;

use komopay_batches::PostgresChangeStore;
use komopay_core::ChangeStore;
use komopay_test_postgres::Server;

use crate::{belonging, changes};

/// A store in the schema of this number: a new one, or another host's view of it.
fn open(server: &Server, number: usize) -> Arc<dyn ChangeStore> {
    let url = format!("{}?options=-csearch_path%3Dstore_{number}", server.url());
    Arc::new(PostgresChangeStore::open(&url).unwrap())
}

#[test]
fn it_is_refused_to_another_platform_merchant_or_mode() {
    let server = Server::start();
    belonging::refuses_others(&open(&server, 1));
    // Also at another host, which opens it for itself.
    assert_eq!(open(&server, 1).claim("another").unwrap(), open(&server, 1).claim("a third").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hosts_tell_each_change_once() {
    let server = Server::start();
    changes::converge(8, |round| open(&server, round)).await;
}
