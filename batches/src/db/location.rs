//! Where a journal is kept: in a file of this machine, or on a PostgreSQL server.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use komopay_core::{Error, Result};
use secrecy::{ExposeSecret, SecretString};

/// Where a journal is kept.
///
/// It is read from `sqlite:PATH`, the path of a file, or the URL of a database of a PostgreSQL server
/// (`postgresql://USER:PASSWORD@HOST/DATABASE`). Neither `Debug` nor `Display` shows the URL's user, password and
/// options.
///
/// Of the options of a URL, `sslmode` is `disable` (the default for a socket or a loopback address), `require`
/// (encrypted, but nobody looks whose the server is) or `verify-full` (the default elsewhere); `sslrootcert` is the
/// path of the certificates of one's own authorities,
/// in place of the system's. The tables are in the schema `komopay`, or
/// in another, by `options=-csearch_path%3DNAME`.
///
/// ```
/// use komopay_batches::JournalLocation;
///
/// let file: JournalLocation = "sqlite:payroll.journal".parse()?;
/// assert_eq!(file, JournalLocation::Sqlite("payroll.journal".into()));
/// let server: JournalLocation = "postgresql://payer:hidden@db.example.com/payouts".parse()?;
/// assert_eq!(server.to_string(), "postgresql://db.example.com/payouts");
/// # Ok::<(), komopay_core::Error>(())
/// ```
#[derive(Clone)]
pub enum JournalLocation {
    /// A file of this machine, for the processes of one host, one at a time. Not for a network drive.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server, for any number of processes and hosts: its URL.
    Postgres(SecretString),
}

impl FromStr for JournalLocation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if ["postgresql://", "postgres://"].iter().any(|scheme| text.starts_with(scheme)) {
            return Ok(Self::Postgres(text.into()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        let problem = if path.is_empty() {
            "names no file"
        } else if path == ":memory:" {
            "what is in memory is gone with the process: name a file"
        } else if path.contains("://") {
            "is a URL of an unknown kind: give postgresql://USER:PASSWORD@HOST/DATABASE, sqlite:PATH or a path"
        } else {
            return Ok(Self::Sqlite(path.into()));
        };
        Err(Error::setting("journal", problem))
    }
}

impl PartialEq for JournalLocation {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(path), Self::Sqlite(other)) => path == other,
            (Self::Postgres(url), Self::Postgres(other)) => url.expose_secret() == other.expose_secret(),
            _ => false,
        }
    }
}

impl Eq for JournalLocation {}

impl fmt::Display for JournalLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => write!(f, "postgresql://{}", place(url.expose_secret())),
        }
    }
}

impl fmt::Debug for JournalLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalLocation({self})")
    }
}

/// The hosts and the database of a URL. What is before the last `@` is a user's, and a password need not be encoded
/// well; what is after the `?` may be a password, too.
fn place(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    rest.split_once('?').map_or(rest, |(place, _)| place)
}
