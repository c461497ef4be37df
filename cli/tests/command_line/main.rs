//! The real program, against the real sandbox, over real sockets: its exit codes, what it shows, and the ledger.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batches;
mod bench;
mod payouts;
mod with_postgres;
