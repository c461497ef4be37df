//! A journal on a PostgreSQL server, for many processes and hosts.
//!
//! Nothing is kept in a session, so that a pooler may stand between in its transaction mode: statements have no names,
//! and what is set is set in the transaction.

mod settings;
mod tls;

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::future::try_join_all;
use komopay_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::durability::Durability;
use super::fault;
use super::location::JournalLocation;
use super::migration::Forms;
use super::value::{Row, Value};
use settings::Settings;

/// Transactions that one process may have at a time.
const CONNECTIONS: usize = 10;
/// How long to wait for one of them.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a new connection may take, with TLS and the password.
const CONNECTING: Duration = Duration::from_secs(20);
/// How long the server may take for an answer. It gives up itself before that: see [`Server::beginning`].
const ANSWERING: Duration = Duration::from_secs(40);
/// The oldest version whose behaviour is relied on.
const OLDEST: i64 = 13;
/// Held while tables are made: "komopay" in ASCII.
const MIGRATING: i64 = 0x6b_6f6d_6f70_6179;
/// Statements that are on their way at a time, when one is run for many rows.
const AHEAD: usize = 256;

/// What tells a server from another, and from itself before a restore or a failover.
const IDENTITY: &str = "(SELECT system_identifier FROM pg_control_system())::text || '/' ||
    left(pg_walfile_name(pg_current_wal_lsn()), 8)";

/// The server of a journal.
pub(super) struct Server {
    pool: Pool,
    schema: String,
    identity: Option<String>,
    /// Another server has answered than the one that was opened.
    is_replaced: AtomicBool,
    process: u32,
}

impl Server {
    pub(super) async fn open(url: &SecretString, location: &JournalLocation, forms: &Forms) -> Result<Self> {
        let Settings { config, tls, schema } = Settings::read(url.expose_secret())?;
        // A pooler has no use for what a session would have to forget.
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config, MakeRustlsConnect::new(tls), manager))
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(CONNECTING))
            .build()
            .map_err(|error| Error::internal(format!("the connections to the database: {error}")))?;
        let mut server =
            Self { pool, schema, identity: None, is_replaced: AtomicBool::new(false), process: std::process::id() };
        server.check().await?;
        if forms.stops_at_failover {
            server.identity = server.look(location).await?;
        }
        server.migrate(forms).await?;
        Ok(server)
    }

    pub(super) fn identity(&self) -> Option<&str> {
        self.identity.as_deref()
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Acquire)
    }

    /// Refuses a server that could lose what it has said is committed.
    async fn check(&self) -> Result<()> {
        const ASKED: &str = "SELECT current_setting('server_version_num')::bigint / 10000, pg_is_in_recovery(),
            current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit')";
        let client = self.client().await?;
        let said = asked(&client, ASKED).await?;
        let [version, is_standby, fsync, pages, commit] = &said[..] else { return Err(unreadable()) };
        if version.parse().is_ok_and(|version: i64| version < OLDEST) {
            return Err(refused(&format!("is PostgreSQL {version}; version {OLDEST} is the oldest that will do")));
        }
        if is_standby == "t" {
            return Err(fault::standby());
        }
        for (setting, value) in [("fsync", fsync), ("full_page_writes", pages), ("synchronous_commit", commit)] {
            if value == "off" {
                return Err(unsafe_setting(setting));
            }
        }
        Ok(())
    }

    /// The identity, if the role may read it.
    async fn look(&self, location: &JournalLocation) -> Result<Option<String>> {
        let client = self.client().await?;
        let identity = match answered(client.simple_query(&format!("SELECT {IDENTITY}"))).await? {
            Ok(answer) => first(&answer).into_iter().next(),
            Err(error) if fault::is_of_connection(&error) => return Err(fault::of(&error)),
            Err(error) => {
                tracing::warn!(
                    target: "komopay",
                    "{location}: whether the server was restored from a backup, or a standby took over, cannot be \
                     seen: {}. Its role needs the right to execute pg_control_system(), pg_current_wal_lsn() and \
                     pg_walfile_name()",
                    fault::of(&error).message()
                );
                None
            }
        };
        Ok(identity)
    }

    async fn client(&self) -> Result<Object> {
        if self.process != std::process::id() {
            return Err(Error::setting(
                "journal",
                "was opened in another process, which forked this one; open it after the fork",
            ));
        }
        self.pool.get().await.map_err(|error| fault::of_pool(error, PATIENCE))
    }

    /// Begins a transaction. A connection that broke while nobody used it is replaced: nothing was asked on it yet.
    pub(super) async fn begin(&self, durability: Durability) -> Result<Tx> {
        let beginning = self.beginning(durability);
        loop {
            let client = self.client().await?;
            let was_used = Object::metrics(&client).recycle_count > 0;
            let tx = Tx { client: Some(client) };
            let said = match answered(tx.client()?.simple_query(&beginning)).await {
                Ok(Ok(answer)) => first(&answer),
                Ok(Err(error)) => {
                    tx.discard();
                    if was_used && fault::is_of_connection(&error) {
                        continue;
                    }
                    return Err(fault::of(&error));
                }
                Err(_) if was_used => {
                    tx.discard();
                    continue;
                }
                Err(error) => {
                    tx.discard();
                    return Err(error);
                }
            };
            if said.first().is_some_and(|commit| commit == "off") {
                return Err(unsafe_setting("synchronous_commit"));
            }
            if self.identity.is_some() && self.identity.as_ref() != said.get(1) {
                self.is_replaced.store(true, Ordering::Release);
                return Err(Error::unavailable(
                    "the database: another PostgreSQL server answers than before, or a standby took over, or it was \
                     restored from a backup. Open it again, so that what may have been lost is looked at",
                ));
            }
            return Ok(tx);
        }
    }

    /// All that a transaction has set, in one round trip. A transaction that its worker forgets, since it was stopped,
    /// is ended by the server, and keeps nobody waiting for its locks.
    fn beginning(&self, durability: Durability) -> String {
        let lazy = match durability {
            Durability::Full => "",
            Durability::Lazy => "SET LOCAL synchronous_commit = off;",
        };
        let identity = if self.identity.is_some() { IDENTITY } else { "NULL" };
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
            SET LOCAL statement_timeout = '30s';
            SET LOCAL lock_timeout = '30s';
            SET LOCAL idle_in_transaction_session_timeout = '60s';
            SET LOCAL search_path = \"{}\", pg_temp;
            SELECT current_setting('synchronous_commit'), {identity};
            {lazy}",
            self.schema
        )
    }

    /// Brings the tables to their newest form. Where they have it, no right is needed but to read.
    async fn migrate(&self, forms: &Forms) -> Result<()> {
        let mut tx = self.begin(Durability::Full).await?;
        let form = self.form(&mut tx, forms).await?;
        if form.is_none_or(|form| form < forms.newest()) {
            // Whoever came first has made them, when the lock is free.
            tx.query("SELECT pg_advisory_xact_lock($1)", &[MIGRATING.into()]).await?;
            let form = self.form(&mut tx, forms).await?;
            if form.is_none() {
                self.note(&mut tx, forms).await?;
            }
            for migration in forms.missing(form.unwrap_or_default())? {
                tx.script(migration.postgres).await?;
            }
            tx.execute(&forms.write(form.is_none()), &[forms.newest().into()]).await?;
            return tx.commit().await;
        }
        forms.missing(form.unwrap_or_default())?;
        tx.commit().await
    }

    /// The form of the tables, if there are any.
    ///
    /// It is looked up in the catalogue's tables: what `to_regclass` says of a table that another transaction has just
    /// made is what it has said before.
    async fn form(&self, tx: &mut Tx, forms: &Forms) -> Result<Option<i64>> {
        const TABLES: &str = "SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = $1 AND relname = $2";
        if !self.is_any(tx, TABLES, &[forms.table.into()]).await? {
            return Ok(None);
        }
        let rows = tx.query(&format!("SELECT form FROM \"{}\".{}", self.schema, forms.table), &[]).await?;
        let damaged = || Error::internal("the database is damaged: it does not say what form its tables have");
        rows.first().ok_or_else(damaged)?.int(0).map(Some)
    }

    async fn note(&self, tx: &mut Tx, forms: &Forms) -> Result<()> {
        if !self.is_any(tx, "SELECT count(*) FROM pg_namespace WHERE nspname = $1", &[]).await? {
            tx.script(&format!("CREATE SCHEMA \"{}\"", self.schema)).await?;
        }
        tx.execute(&forms.note(), &[]).await.map(drop)
    }

    async fn is_any(&self, tx: &mut Tx, of_schema: &str, named: &[Value]) -> Result<bool> {
        let counted = tx.query(of_schema, &[&[self.schema.clone().into()], named].concat()).await?;
        counted.first().map_or(Ok(false), |row| Ok(row.int(0)? > 0))
    }
}

/// A transaction, on a connection of its own.
pub(super) struct Tx {
    // Taken when it is over.
    client: Option<Object>,
}

impl Tx {
    fn client(&self) -> Result<&Object> {
        self.client.as_ref().ok_or_else(|| Error::internal("a transaction was used after its end"))
    }

    pub(super) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let written = answered(self.client()?.execute_typed(sql, &typed(params))).await;
        self.checked(written)
    }

    /// The rows travel without waiting for one another.
    pub(super) async fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<u64> {
        let mut written = 0;
        for rows in rows.chunks(AHEAD) {
            let client = self.client()?;
            let sent = rows.iter().map(|row| async move { client.execute_typed(sql, &typed(row)).await });
            let answer = answered(try_join_all(sent)).await;
            written += self.checked(answer)?.into_iter().sum::<u64>();
        }
        Ok(written)
    }

    pub(super) async fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let answer = answered(self.client()?.query_typed(sql, &typed(params))).await;
        let column = |row: &tokio_postgres::Row, column| row.try_get(column).map_err(|error| fault::of(&error));
        let read = |row| (0..tokio_postgres::Row::len(row)).map(|index| column(row, index)).collect::<Result<_>>();
        self.checked(answer)?.iter().map(|row| Ok(Row::new(read(row)?))).collect()
    }

    pub(super) async fn now(&self) -> Result<i64> {
        const NOW: &str = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint::text";
        let said = asked(self.client()?, NOW).await?;
        said.first().and_then(|now| now.parse().ok()).ok_or_else(unreadable)
    }

    async fn script(&mut self, sql: &str) -> Result<()> {
        let ran = answered(self.client()?.batch_execute(sql)).await;
        self.checked(ran)
    }

    /// A commit is not ended by a time of the server's: one that waits for a standby would count as one if it were.
    pub(super) async fn commit(mut self) -> Result<()> {
        const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";
        let open = |error: &Error| {
            let text = error.message();
            Error::unavailable(format!("a transaction may have been committed, or not: {text}"))
        };
        match answered(self.client()?.batch_execute(COMMIT)).await {
            Ok(Ok(())) => {
                self.client = None;
                Ok(())
            }
            Ok(Err(error)) if fault::leaves_open(&error) => {
                self.discard();
                Err(open(&fault::of(&error)))
            }
            Ok(Err(error)) => Err(fault::of(&error)),
            Err(error) => {
                self.discard();
                Err(open(&error))
            }
        }
    }

    /// What came of a statement. A connection without an answer is of no more use.
    fn checked<T>(&mut self, answer: Result<Result<T, tokio_postgres::Error>>) -> Result<T> {
        let error = match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if !fault::is_of_connection(&error) => return Err(fault::of(&error)),
            Ok(Err(error)) => fault::of(&error),
            Err(error) => error,
        };
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
        Err(error)
    }

    /// Closes the connection, with which the server ends what it had begun.
    fn discard(mut self) {
        if let Some(client) = self.client.take() {
            drop(Object::take(client));
        }
    }
}

impl Drop for Tx {
    /// The next user of the connection finds nothing begun.
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            drop(Object::take(client));
            return;
        };
        runtime.spawn(async move {
            if !matches!(answered(client.batch_execute("ROLLBACK")).await, Ok(Ok(()))) {
                drop(Object::take(client));
            }
        });
    }
}

/// The answer, if there is one in time.
async fn answered<T>(asked: impl Future<Output = T>) -> Result<T> {
    let late = || format!("the database: the PostgreSQL server gave no answer in {} seconds", ANSWERING.as_secs());
    timeout(ANSWERING, asked).await.map_err(|_| Error::unavailable(late()))
}

/// The columns of the first row of an answer, as texts.
async fn asked(client: &Object, sql: &str) -> Result<Vec<String>> {
    let answer = answered(client.simple_query(sql)).await?;
    answer.map(|answer| first(&answer)).map_err(|error| fault::of(&error))
}

fn first(answer: &[SimpleQueryMessage]) -> Vec<String> {
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let text = |row: &tokio_postgres::SimpleQueryRow, column| row.get(column).unwrap_or_default().to_owned();
    row.map(|row| (0..row.len()).map(|column| text(row, column)).collect()).unwrap_or_default()
}

fn refused(problem: &str) -> Error {
    Error::setting("journal", format!("the PostgreSQL server {problem}"))
}

fn unsafe_setting(setting: &str) -> Error {
    refused(&format!(
        "may lose what it has said is committed: {setting} is off. What is written down before money moves has to be \
         there after a crash: set it to on, for this role at least where that can be"
    ))
}

fn unreadable() -> Error {
    Error::internal("the database: the PostgreSQL server gave an answer that cannot be understood")
}

/// The values with their types: a statement with types needs no name, and one round trip.
fn typed(params: &[Value]) -> Vec<(&(dyn ToSql + Sync), Type)> {
    let kind = |value: &Value| match value {
        // The server sees what it has to be.
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    };
    params.iter().map(|value| (value as &(dyn ToSql + Sync), kind(value))).collect()
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(&Type::INT8, out),
            Self::Text(text) => text.to_sql(&Type::TEXT, out),
            Self::Blob(bytes) => bytes.to_sql(&Type::BYTEA, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(kind, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => {
                Self::Text(String::from_sql(kind, raw)?)
            }
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::VOID => Self::Null,
            _ => return Err(format!("a column is of the type {kind}: cast it to bigint, text or bytea").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
