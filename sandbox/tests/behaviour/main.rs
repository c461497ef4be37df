//! The sandbox over real sockets, as a client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod client;
mod start;

mod catalogue;
mod contract;
mod control;
mod creates;
mod faults;
mod idle;
mod program;
mod reads;
mod refusals;
mod tls;
mod tokens;
