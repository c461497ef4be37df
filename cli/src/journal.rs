//! The journal of batches: where it is, and its keys.

use std::path::PathBuf;

use clap::Args;
use komopay_batches::{Batches, JournalLocation, Keys};
use komopay_core::{Client, Error, Result};
use secrecy::ExposeSecret;

use crate::client::ClientArguments;
use crate::secret;

/// Where batches are written down. The keys are in `KOMOPAY_JOURNAL_KEY`, or in a file.
#[derive(Args)]
#[command(next_help_heading = "Journal")]
pub struct JournalArguments {
    /// A file, or a PostgreSQL server (`postgresql://USER@HOST/DATABASE`). One with a password is given in
    /// `KOMOPAY_JOURNAL` alone, which is also what holds without this option.
    #[arg(long, value_name = "FILE|URL")]
    journal: Option<String>,
    /// A file with the journal's keys, made by `batch key`. Without one, they are in `KOMOPAY_JOURNAL_KEY`.
    #[arg(long, value_name = "FILE", env = "KOMOPAY_JOURNAL_KEY_FILE")]
    journal_key_file: Option<PathBuf>,
    #[command(flatten)]
    client: ClientArguments,
}

impl JournalArguments {
    /// The batches of this journal, paid by this client.
    ///
    /// # Errors
    /// `configuration`, naming the setting that is missing or cannot be used; `unavailable`, naming `journal`.
    pub async fn open(self) -> Result<Batches> {
        self.journal()?.open().await
    }

    /// What opens it, any number of times.
    ///
    /// # Errors
    /// `configuration`, naming the setting that is missing or cannot be used.
    pub fn journal(self) -> Result<Journal> {
        let location = match self.journal {
            Some(text) if has_password(&text) => {
                let problem = "has a password, which other users of this machine would see: set KOMOPAY_JOURNAL to it, \
                               and leave --journal out";
                return Err(Error::setting("journal", problem));
            }
            Some(text) => text.into(),
            None => secret::read("journal", None, "KOMOPAY_JOURNAL")?.ok_or_else(|| {
                let problem = "is missing: give --journal or set KOMOPAY_JOURNAL, to a file or a PostgreSQL server";
                Error::setting("journal", problem)
            })?,
        };
        let location: JournalLocation = location.expose_secret().parse()?;
        let file = self.journal_key_file.filter(|file| !file.as_os_str().is_empty());
        let Some(keys) = secret::read("journal_key", file.as_deref(), "KOMOPAY_JOURNAL_KEY")? else {
            let problem = "is missing: make one with `komopay batch key`, keep it safe, and set KOMOPAY_JOURNAL_KEY or \
                           give --journal-key-file";
            return Err(Error::setting("journal_key", problem));
        };
        let keys = Keys::parse(keys.expose_secret())?;
        Ok(Journal { client: self.client.client()?, location, keys })
    }
}

/// A journal that may be away for a while.
pub struct Journal {
    client: Client,
    location: JournalLocation,
    keys: Keys,
}

impl Journal {
    /// # Errors
    /// `configuration`, naming `journal` or `journal_key`; `unavailable`, naming `journal`.
    pub async fn open(&self) -> Result<Batches> {
        Batches::open(self.client.clone(), &self.location, self.keys.clone()).await
    }
}

/// Whether a URL has a password, in its user's part or in its options.
fn has_password(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || rest.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn a_password_is_seen_wherever_it_stands() {
        assert!(has_password("postgresql://payer:hidden@db/payouts"));
        assert!(has_password("postgresql://db/payouts?password=hidden"));
        for without in ["payroll.journal", "sqlite:a:b@c", "postgresql://payer@db:5432/payouts"] {
            assert!(!has_password(without), "{without}");
        }
    }
}
