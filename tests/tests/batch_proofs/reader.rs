//! The journal as it is, read past the product.

use std::path::{Path, PathBuf};

use deadpool_postgres::{Manager, Pool, PoolError};
use rusqlite::{Connection, OpenFlags};
use tokio_postgres::NoTls;

/// Where a journal is.
#[derive(Clone)]
pub enum Place {
    /// A file.
    File(PathBuf),
    /// A schema of a server.
    Server(Schema),
}

/// A schema of a server, read over connections that are kept: making one costs the server more than an answer.
#[derive(Clone)]
pub struct Schema {
    /// How its database is reached.
    pub url: String,
    pub name: String,
    connections: Pool,
}

impl Schema {
    pub fn new(url: String, name: String) -> Self {
        let connections = Pool::builder(Manager::new(url.parse().unwrap(), NoTls)).build().unwrap();
        Self { url, name, connections }
    }

    async fn items(&self, payout_id: Option<&str>) -> Result<Vec<Item>, PoolError> {
        let (client, schema) = (self.connections.get().await?, &self.name);
        let all = format!(
            "SELECT item.payout_id, item.line, item.state, chunk.state FROM \"{schema}\".item JOIN \"{schema}\".chunk \
             ON chunk.batch = item.batch AND chunk.number = item.chunk"
        );
        let rows = match payout_id {
            Some(id) => client.query(&format!("{all} WHERE item.payout_id = $1"), &[&id]).await,
            None => client.query(&all, &[]).await,
        };
        let item = |row: &tokio_postgres::Row| Item {
            payout_id: row.get(0),
            line: row.get(1),
            state: row.get(2),
            chunk: row.get(3),
        };
        Ok(rows?.iter().map(item).collect())
    }
}

/// An item, and the chunk that it is in.
#[derive(Clone, Debug)]
pub struct Item {
    pub payout_id: String,
    pub line: i64,
    pub state: String,
    pub chunk: String,
}

impl Item {
    /// Whether the journal says now that nothing of it was sent, or that it was not made.
    pub fn is_said_not_made(&self) -> bool {
        match self.state.as_str() {
            "rejected" | "cancelled" => true,
            "planned" => matches!(self.chunk.as_str(), "planned" | "claimed" | "done"),
            _ => false,
        }
    }
}

impl Place {
    /// All items, or the one of this id.
    pub async fn items(&self, payout_id: Option<&str>) -> Vec<Item> {
        match self {
            Self::File(path) => of_file(path, payout_id),
            Self::Server(schema) => schema.items(payout_id).await.unwrap(),
        }
    }

    /// Whether this id is said not to be sent, or not made, right now, and how; for who cannot wait. Nothing is said
    /// while the server is down.
    pub fn denial_now(&self, payout_id: &str) -> Option<String> {
        let items = match self {
            Self::File(path) => of_file(path, Some(payout_id)),
            Self::Server(schema) => tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(schema.items(Some(payout_id))).ok()
            })?,
        };
        let item = items.first();
        item.is_none_or(Item::is_said_not_made).then(|| format!("{item:?}"))
    }
}

pub fn of_file(path: &Path, payout_id: Option<&str>) -> Vec<Item> {
    let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    file.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let all = "SELECT item.payout_id, item.line, item.state, chunk.state FROM item JOIN chunk \
               ON chunk.batch = item.batch AND chunk.number = item.chunk WHERE ?1 IS NULL OR item.payout_id = ?1";
    let one = all.replace("?1 IS NULL OR ", "");
    let mut statement = file.prepare(if payout_id.is_some() { &one } else { all }).unwrap();
    let items = statement.query_map([payout_id], |row| {
        Ok(Item { payout_id: row.get(0)?, line: row.get(1)?, state: row.get(2)?, chunk: row.get(3)? })
    });
    items.unwrap().map(Result::unwrap).collect()
}
