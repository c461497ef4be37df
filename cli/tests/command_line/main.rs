//! The real program, against the real sandbox, over real sockets: its exit codes, what it shows, and the ledger.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batches;
mod bench;
mod payouts;
