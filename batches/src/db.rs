//! One way to speak to SQLite and to PostgreSQL: transactions of the same statements.
//!
//! A statement has one text for both. Its values are `$1`, `$2` and so on; numbers are `BIGINT`, and what is no number
//! of eight bytes in one of the two (a `sum`, say) is cast to one: `CAST(sum(amount) AS BIGINT)`.

mod clock;
mod durability;
mod fault;
mod location;
mod migration;
mod postgres;
mod sqlite;
mod value;

use std::sync::Arc;

use komopay_core::{Error, Result};

pub use clock::Clock;
pub(crate) use durability::{Durability, Lock};
pub use location::JournalLocation;
pub(crate) use migration::{Forms, Migration};
pub(crate) use value::{Row, Value};

/// A database with the tables of a journal. Clones share it.
#[derive(Clone)]
pub(crate) struct Db {
    engine: Engine,
    clock: Clock,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Database>),
    Postgres(Arc<postgres::Server>),
}

impl Db {
    /// Opens it, refuses one that could lose what was committed, and brings its tables to the newest form.
    pub(crate) async fn open(
        location: &JournalLocation,
        clock: Clock,
        migrations: &'static [Migration],
    ) -> Result<Self> {
        Self::open_with(location, clock, &Forms::of_journal(migrations)).await
    }

    /// As [`Db::open`], with other tables.
    pub(crate) async fn open_with(location: &JournalLocation, clock: Clock, forms: &Forms) -> Result<Self> {
        let engine = match location {
            JournalLocation::Sqlite(path) => Engine::Sqlite(Arc::new(sqlite::Database::open(path, forms)?)),
            JournalLocation::Postgres(url) => {
                Engine::Postgres(Arc::new(postgres::Server::open(url, location, forms).await?))
            }
        };
        Ok(Self { engine, clock })
    }

    /// Whether one process at a time has it.
    pub(crate) fn is_exclusive(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    /// What changes if the server is another, or was restored from a backup, or a standby took over: PostgreSQL's
    /// system identifier and timeline. None for a file, and where the role may not read it.
    pub(crate) fn identity(&self) -> Option<&str> {
        match &self.engine {
            Engine::Sqlite(_) => None,
            Engine::Postgres(server) => server.identity(),
        }
    }

    /// Whether what answers is another server than the one that was opened, so that nothing can be done until it is
    /// opened again.
    pub(crate) fn is_replaced(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            Engine::Postgres(server) => server.is_replaced(),
        }
    }

    /// Begins a transaction. In SQLite there is one at a time, and the next one waits here.
    pub(crate) async fn begin(&self, durability: Durability) -> Result<Tx> {
        let engine = match &self.engine {
            Engine::Sqlite(database) => Running::Sqlite(database.begin().await?),
            Engine::Postgres(server) => Running::Postgres(Box::new(server.begin(durability).await?)),
        };
        Ok(Tx { engine, clock: self.clock.clone(), is_sound: true })
    }
}

/// A transaction. Dropped without a commit, it is rolled back.
pub(crate) struct Tx {
    engine: Running,
    clock: Clock,
    /// Every statement was answered, and none failed.
    is_sound: bool,
}

enum Running {
    Sqlite(sqlite::Tx),
    Postgres(Box<postgres::Tx>),
}

impl Tx {
    /// Runs a statement. Gives the number of rows that it wrote.
    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.start()?;
        let written = match &mut self.engine {
            Running::Sqlite(tx) => tx.execute(sql, params),
            Running::Postgres(tx) => tx.execute(sql, params).await,
        };
        self.end(written)
    }

    /// Runs a statement once for each of these rows, in their order. Gives the number of rows that all of them wrote.
    pub(crate) async fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        self.start()?;
        let written = match &mut self.engine {
            Running::Sqlite(tx) => tx.execute_many(sql, rows),
            Running::Postgres(tx) => tx.execute_many(sql, rows).await,
        };
        self.end(written)
    }

    /// Runs a statement, and gives its rows.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.start()?;
        let rows = match &mut self.engine {
            Running::Sqlite(tx) => tx.query(sql, params),
            Running::Postgres(tx) => tx.query(sql, params).await,
        };
        self.end(rows)
    }

    /// Runs a `SELECT` whose rows nobody else changes until this transaction ends. SQLite has one writer in any case.
    pub(crate) async fn query_locking(&mut self, sql: &str, params: &[Value], lock: Lock) -> Result<Vec<Row>> {
        match (&self.engine, lock) {
            (Running::Sqlite(_), _) => self.query(sql, params).await,
            (Running::Postgres(_), Lock::Update) => self.query(&format!("{sql} FOR UPDATE"), params).await,
            (Running::Postgres(_), Lock::SkipLocked) => {
                self.query(&format!("{sql} FOR UPDATE SKIP LOCKED"), params).await
            }
        }
    }

    /// The database's time, now and not when the transaction began, in microseconds since 1970.
    pub(crate) async fn now(&mut self) -> Result<i64> {
        self.start()?;
        let now = match &self.engine {
            Running::Sqlite(_) => Ok(sqlite::now()),
            Running::Postgres(tx) => tx.now().await,
        };
        self.end(now).map(|now| self.clock.shift(now))
    }

    /// Commits it. Nothing of it is to be relied on before this has returned. An error that does not say that it may
    /// have been committed says that it was not.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.start()?;
        match self.engine {
            Running::Sqlite(tx) => tx.commit().await,
            Running::Postgres(tx) => tx.commit().await,
        }
    }

    /// PostgreSQL goes on with nothing after a failure, and answers a commit as if it had been one. What was cancelled
    /// before its answer came may have failed.
    fn start(&mut self) -> Result<()> {
        if self.is_sound {
            self.is_sound = false;
            return Ok(());
        }
        Err(Error::internal("a transaction was used after one of its statements had failed"))
    }

    fn end<T>(&mut self, answer: Result<T>) -> Result<T> {
        self.is_sound = answer.is_ok();
        answer
    }
}

// Servers are started on Unix only.
#[cfg(test)]
#[cfg(unix)]
mod tests;
