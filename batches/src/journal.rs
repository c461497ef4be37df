//! The journal: what is written down before money moves, and what is made of it after a crash.
//!
//! Nothing is sent before the commit is acknowledged that says so. Every move that is written here is legal by the pure
//! rules of `chunk.rs`, `item.rs` and `batch.rs`.

mod claims;
mod decisions;
mod events;
mod outbox;
mod planning;
mod rate;
mod reading;
mod records;

pub(crate) use claims::{Claimed, Ended, NewRegistration, Turn, Wanted};
pub use events::BatchEvent;
pub(crate) use events::RULE;
pub use outbox::OutboxRow;
pub(crate) use outbox::Taken;
pub(crate) use planning::{Changes, Finished, Planning, Stored};
pub(crate) use rate::Lease;
pub(crate) use reading::Place;
pub(crate) use records::{BatchRecord, ItemRecord, KeptPlan};

use komopay_core::{Error, Result};

use crate::chunk::Fence;
use crate::db::{Clock, Db, Durability, JournalLocation, Lock, Migration, Tx};
use crate::seal::Keys;

/// The forms of the tables, in order. A form that was released is never changed: another one follows it.
const MIGRATIONS: [Migration; 1] = [Migration {
    number: 1,
    sqlite: include_str!("journal/migrations/1-sqlite.sql"),
    postgres: include_str!("journal/migrations/1-postgres.sql"),
}];

/// The journal of one merchant.
#[derive(Clone)]
pub(crate) struct Journal {
    pub db: Db,
    pub keys: Keys,
    pub fence: Fence,
}

impl Journal {
    /// Opens it, and makes its tables if there are none. What a process left that died is due at once, where only one
    /// at a time has the journal.
    pub async fn open(location: &JournalLocation, keys: Keys, owner: &str, fence: Fence, clock: Clock) -> Result<Self> {
        let db = Db::open(location, clock, &MIGRATIONS).await?;
        let journal = Self { db, keys, fence };
        journal.claim_for(owner).await?;
        Ok(journal)
    }

    /// Notes whose journal it is, or refuses another's.
    async fn claim_for(&self, owner: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        let insert = "INSERT INTO owner (one, settings, server) VALUES (1, $1, $2) ON CONFLICT (one) DO NOTHING";
        let server = self.db.identity().map(str::to_owned);
        tx.execute(insert, &[owner.into(), server.clone().into()]).await?;
        let noted = tx.query_locking("SELECT settings, server FROM owner WHERE one = 1", &[], Lock::Update).await?;
        let Some(row) = noted.first() else { return Err(damaged("it has no owner")) };
        if row.text(0)? != owner {
            return Err(Error::setting("journal", "is the journal of another base URL, merchant or mode (is_test)"));
        }
        let was = row.opt_text(1)?;
        if server.is_some() && was != server {
            tx.execute("UPDATE owner SET server = $1 WHERE one = 1", &[server.clone().into()]).await?;
            if was.is_some() {
                let why = "the journal is on another server than before, or a standby took over";
                self.restored_in(&mut tx, RULE, why).await?;
            }
        }
        if self.db.is_exclusive() {
            let due = "UPDATE chunk SET due_at = 0 WHERE state IN ('claimed', 'sending')";
            tx.execute(due, &[]).await?;
        }
        tx.commit().await
    }

    /// A transaction whose commit is acknowledged only when it survives a crash.
    pub async fn begin(&self) -> Result<Tx> {
        self.db.begin(Durability::Full).await
    }
}

/// What stands in a journal is not what was put there.
fn damaged(what: &str) -> Error {
    Error::internal(format!("the journal is damaged: {what}"))
}
