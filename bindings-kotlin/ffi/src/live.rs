//! The clients of this library, seen to the end of the process.
//!
//! A create outlives the client that the other language has dropped, but not the process. So both are known here: whoever
//! ends the process learns which creates nobody will hear of.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use komopay_core::{Client, PayoutId};

use crate::runtime;

/// How long the end of the process waits for creates under way.
const GRACE: Duration = Duration::from_secs(5);

/// The clients that the other language has, and those it dropped while creates of theirs were under way.
#[derive(Default)]
struct Known {
    clients: HashMap<u64, Entry>,
    made: u64,
    /// The process ends: no call starts any more.
    ended: bool,
}

struct Entry {
    client: Client,
    dropped: bool,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn known() -> MutexGuard<'static, Known> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A client of the core that is known here.
pub struct Live {
    client: Client,
    number: u64,
}

impl Live {
    pub fn new(client: Client) -> Self {
        let mut known = known();
        known.clients.retain(|_, entry| !entry.dropped || !entry.client.creates_under_way().is_empty());
        known.made += 1;
        let number = known.made;
        known.clients.insert(number, Entry { client: client.clone(), dropped: false });
        if known.ended {
            client.refuse_calls();
        }
        Self { client, number }
    }
}

impl Deref for Live {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut known = known();
        if self.client.creates_under_way().is_empty() {
            known.clients.remove(&self.number);
        } else if let Some(entry) = known.clients.get_mut(&self.number) {
            entry.dropped = true;
        }
    }
}

impl Known {
    fn all(&self) -> Vec<Client> {
        self.clients.values().map(|entry| entry.client.clone()).collect()
    }
}

/// Whether any create is under way, also of a client that was closed or dropped.
#[uniffi::export]
fn any_create_under_way() -> bool {
    let clients = known().all();
    clients.iter().any(|client| !client.creates_under_way().is_empty())
}

/// Before the process ends: refuses calls from now on, gives the creates under way a short time, and names in the log and
/// in the result those that did not end in it.
#[uniffi::export]
fn end_of_process() -> Vec<String> {
    let clients = {
        let mut known = known();
        known.ended = true;
        known.all()
    };
    // All are told first; then each is waited for.
    clients.iter().for_each(Client::refuse_calls);
    let closing = clients.clone();
    runtime::wait_briefly(GRACE, async move {
        for client in &closing {
            client.close().await;
        }
    });
    let left_behind: Vec<PayoutId> = clients.iter().flat_map(Client::creates_under_way).collect();
    for id in &left_behind {
        tracing::warn!(
            target: "komopay",
            payout_id = %id,
            "the process ends before this create has; it may have been made. To learn its outcome, call create_payout \
             with the same id, the same request and resume"
        );
    }
    left_behind.into_iter().map(|id| id.to_string()).collect()
}
