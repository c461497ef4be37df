//! What the bindings of all languages do alike. They convert types and map errors, and have little else of their own.
//!
//! | file | what is in it |
//! |---|---|
//! | `runtime.rs` | the tokio runtimes of a process, started by its first call |
//! | `driver.rs` | a call on the thread that waits for it |
//! | `task.rs`, `cancellable.rs` | a call on a runtime with threads, which its caller can cancel at once |
//! | `clients.rs` | the clients of a process, and what becomes of their creates at its end |
//! | `log.rs` | the core's log, brought to whoever made the call |
//!
//! What a create is whose end nobody has seen, the core says: [`Error::lost_create`](komopay_core::Error::lost_create).

#![forbid(unsafe_code)]

mod cancellable;
pub mod clients;
mod driver;
pub mod log;
mod runtime;
mod task;

pub use clients::Clients;
pub use driver::{Driver, Seat, has_little_stack};
pub use runtime::{Ending, SharedRuntime};
pub use task::Task;
