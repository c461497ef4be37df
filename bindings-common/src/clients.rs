//! The clients of a process, seen to its end.
//!
//! A create outlives the client that the other language has dropped, but not the process. So both are known here:
//! whoever ends the process learns which creates nobody will hear of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use komopay_core::{Client, PayoutId};

/// How long the end of the process waits for creates under way.
pub const GRACE: Duration = Duration::from_secs(5);

/// The clients of a process: those that the other language has, and those it dropped while creates of theirs were under
/// way.
#[derive(Default)]
pub struct Clients(Mutex<Known>);

#[derive(Default)]
struct Known {
    clients: BTreeMap<u64, Entry>,
    made: u64,
    /// The process ends: no call starts any more.
    has_ended: bool,
}

struct Entry {
    client: Client,
    is_dropped: bool,
}

impl Clients {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(Known { clients: BTreeMap::new(), made: 0, has_ended: false }))
    }

    /// Notes a client, until it is dropped and no create of its is under way.
    pub fn note(&'static self, client: Client) -> Noted {
        let mut known = self.lock();
        known.clients.retain(|_, entry| !entry.is_dropped || !entry.client.creates_under_way().is_empty());
        known.made += 1;
        let number = known.made;
        known.clients.insert(number, Entry { client: client.clone(), is_dropped: false });
        if known.has_ended {
            client.refuse_calls();
        }
        Noted { client, number, clients: self }
    }

    /// Whether any create is under way, also of a client that was closed or dropped.
    pub fn any_create_under_way(&self) -> bool {
        self.all().iter().any(|client| !client.creates_under_way().is_empty())
    }

    /// Begins the end of the process: all clients refuse calls from now on, new ones too.
    pub fn end(&self) -> Ending {
        self.lock().has_ended = true;
        let clients = self.all();
        // All are told first; then each is waited for.
        clients.iter().for_each(Client::refuse_calls);
        Ending(clients)
    }

    fn all(&self) -> Vec<Client> {
        self.lock().clients.values().map(|entry| entry.client.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that is known for the end of its process.
pub struct Noted {
    client: Client,
    number: u64,
    clients: &'static Clients,
}

impl Deref for Noted {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let mut known = self.clients.lock();
        if self.client.creates_under_way().is_empty() {
            known.clients.remove(&self.number);
        } else if let Some(entry) = known.clients.get_mut(&self.number) {
            entry.is_dropped = true;
        }
    }
}

/// The clients at the end of their process.
#[derive(Clone)]
pub struct Ending(Vec<Client>);

impl Ending {
    /// Waits for their creates under way.
    pub async fn close(self) {
        for client in &self.0 {
            client.close().await;
        }
    }

    /// The creates that are under way still.
    #[must_use]
    pub fn creates_under_way(&self) -> BTreeSet<PayoutId> {
        self.0.iter().flat_map(Client::creates_under_way).collect()
    }
}

/// Logs that nobody will hear of this create, and the way on: `resume` as the language writes it.
pub fn log_left_behind(id: &PayoutId, why: &str, resume: &str) {
    tracing::warn!(
        target: "komopay",
        payout_id = %id,
        "{why}; it may have been made. To learn its outcome, call create_payout with the same id, the same request and \
         {resume}"
    );
}
