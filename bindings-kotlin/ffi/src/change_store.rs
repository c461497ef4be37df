//! Where changes are kept.

use std::sync::Arc;

use komopay_core::{Error, MemoryChangeStore};

/// Where the changes of payouts are kept until the application has handled them.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ChangeStore {
    /// In memory, for this client alone: for tests, and for a program that may forget what it was told when it ends.
    Memory,
    /// In an SQLite file, which outlives the process and which the processes of one machine share. Not for a network
    /// drive. It belongs to the base URL, the merchant code (or to none: a token) and the `isTest` of the first client
    /// that is made with it, and is refused to others; so is a file that others could have written: of another user,
    /// with rights for everybody, a symbolic link, or in a folder where everybody may replace it.
    Sqlite {
        /// The file. It is made, for its owner only, if there is none; its folder must be there.
        path: String,
    },
}

impl ChangeStore {
    pub fn open(&self) -> Result<Arc<dyn komopay_core::ChangeStore>, Error> {
        match self {
            Self::Memory => Ok(Arc::new(MemoryChangeStore::new())),
            Self::Sqlite { path } => sqlite(path),
        }
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str) -> Result<Arc<dyn komopay_core::ChangeStore>, Error> {
    let store = komopay_core::SqliteChangeStore::open(path).map_err(|error| Error::setting("change_store", error))?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "sqlite"))]
fn sqlite(_: &str) -> Result<Arc<dyn komopay_core::ChangeStore>, Error> {
    Err(Error::setting("change_store", "this library was built without SQLite; changes are for servers"))
}
