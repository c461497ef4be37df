//! The sandbox over real sockets, as a client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod client;
mod receiver;
mod start;

mod callback_faults;
mod callbacks;
mod catalogue;
mod contract;
mod control;
mod corrections;
mod creates;
mod faults;
mod idle;
mod misdelivered;
mod page;
mod program;
mod reads;
mod refusals;
mod tls;
mod tokens;
