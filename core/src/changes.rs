//! The changes of payouts: each is recorded once, in the right order (`order`), and kept in a store (`store`) until the
//! application has handled it.

mod change;
#[cfg(feature = "sqlite")]
pub mod files;
#[cfg(test)]
mod model;
mod order;
#[cfg(feature = "sqlite")]
pub mod owner;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use change::PayoutChange;
pub(crate) use change::{Store, acknowledge, needed, on, owner, payout, take};
pub(crate) use order::{Next, Observer, Standing};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteChangeStore;
pub use store::{ChangeRecord, ChangeStore, MemoryChangeStore, StoreError, credible};
