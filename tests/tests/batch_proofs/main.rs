//! Batches whose workers are killed and stopped, with clocks that are wrong and servers that go down: each row is paid
//! once, and what is said not to be made was not.
//!
//! `cargo xtask prove batches` runs these tests by themselves; with `--long` they go much further.

#[cfg(target_os = "linux")]
mod files;
mod kills;
mod reader;
mod rows;
mod stage;
mod with_postgres;
mod worker;
