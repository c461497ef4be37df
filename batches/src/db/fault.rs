//! What a failure of PostgreSQL is to a merchant: settings to mend, a server out of reach, or a fault of ours.
//!
//! Nothing that is stored is repeated: of what the server says, its message is, but for the kinds that quote values;
//! never its details.

use std::error::Error as StdError;
use std::io;

use deadpool_postgres::{PoolError, TimeoutType};
use komopay_core::Error;
use tokio_postgres::error::{DbError, SqlState};

/// Why no connection could be had.
pub(super) fn of_pool(error: PoolError, wait: std::time::Duration) -> Error {
    let wait = wait.as_secs();
    match error {
        PoolError::Backend(error) => of(&error),
        PoolError::Timeout(TimeoutType::Wait) => {
            Error::unavailable(format!("the database: every connection was busy for {wait} seconds"))
        }
        PoolError::Timeout(_) => Error::unavailable("the database: the PostgreSQL server could not be reached in time"),
        error => Error::internal(format!("the connections to the database: {error}")),
    }
}

/// Why a statement was not answered as it should be.
pub(super) fn of(error: &tokio_postgres::Error) -> Error {
    if let Some(said) = error.as_db_error() {
        return of_server(said);
    }
    let text = chain(error);
    let mut source: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = source {
        if let Some(problem) = tls_error(cause) {
            let is_ours = matches!(problem, rustls::Error::InvalidCertificate(_) | rustls::Error::General(_));
            let said = format!("no TLS with the PostgreSQL server: {problem}");
            return if is_ours { Error::setting("journal", said) } else { Error::unavailable(said) };
        }
        if cause.is::<io::Error>() {
            return Error::unavailable(format!("the database: {text}"));
        }
        source = cause.source();
    }
    if error.is_closed() {
        return Error::unavailable("the database: the connection to the PostgreSQL server was closed");
    }
    // tokio-postgres tells its kinds by their texts only.
    if ["error performing TLS", "authentication error", "invalid configuration"].iter().any(|of| text.starts_with(of)) {
        return Error::setting("journal", format!("PostgreSQL: {text}"));
    }
    Error::internal(format!("the database: PostgreSQL: {text}"))
}

/// Whether the connection is of no more use after it, whatever was asked.
pub(super) fn is_of_connection(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none_or(|said| said.severity() == "FATAL" || said.severity() == "PANIC")
}

/// Whether it may be that a commit that failed so was one: there was no answer, or the server was going down.
pub(super) fn leaves_open(error: &tokio_postgres::Error) -> bool {
    let class = error.code().map(|code| class(code).to_owned());
    !class.is_some_and(|class| ["22", "23", "25", "40", "42", "P0"].contains(&class.as_str()))
}

fn of_server(said: &DbError) -> Error {
    let code = said.code();
    let what = format!("PostgreSQL: {} ({})", said.message(), code.code());
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION
        || *code == SqlState::FEATURE_NOT_SUPPORTED && said.message().contains("recovery")
    {
        return standby();
    }
    let is_setting = [
        SqlState::INSUFFICIENT_PRIVILEGE,
        SqlState::UNDEFINED_TABLE,
        SqlState::UNDEFINED_OBJECT,
        SqlState::UNDEFINED_FUNCTION,
        SqlState::INVALID_CATALOG_NAME,
        SqlState::INVALID_SCHEMA_NAME,
    ];
    match class(code) {
        "28" => Error::setting("journal", format!("the PostgreSQL server refused the user or the password: {what}")),
        _ if is_setting.contains(code) => Error::setting("journal", what),
        // No connection, no resources, an operator, a lock, a deadlock, the disk.
        "08" | "53" | "55" | "57" | "40" | "58" => Error::unavailable(format!("the database: {what}")),
        // These quote what was sent.
        "22" | "23" => {
            let constraint = said.constraint().map(|name| format!(" ({name})")).unwrap_or_default();
            Error::internal(format!("a statement failed: PostgreSQL: {}{constraint}", code.code()))
        }
        _ => Error::internal(format!("a statement failed: {what}")),
    }
}

/// Only reads are served. It may be that another one takes over just now, so that this is not for ever.
pub(super) fn standby() -> Error {
    Error::unavailable(
        "the database: the PostgreSQL server serves reads only, as a standby does. What is written down before money \
         moves has to be on the primary: if this lasts, give its address, or several hosts, of which the one that can \
         be written to is taken",
    )
}

fn class(code: &SqlState) -> &str {
    code.code().get(..2).unwrap_or_default()
}

/// rustls's error, which travels inside an `io::Error`, perhaps inside another: `source` passes over what they hold.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    match error.downcast_ref::<io::Error>() {
        Some(io) => tls_error(io.get_ref()?),
        None => error.downcast_ref(),
    }
}

/// An error's text with its causes: its own says too little.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
