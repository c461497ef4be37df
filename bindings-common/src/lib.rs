//! What the bindings of all languages do alike. They convert types and map errors, and have little else of their own.
//!
//! | file | what is in it |
//! |---|---|
//! | `runtime.rs` | the one tokio runtime of a process, started by its first call |
//! | `task.rs`, `cancellable.rs` | a call on that runtime, which its caller can cancel at once |
//! | `clients.rs` | the clients of a process, and what becomes of their creates at its end |
//! | `log.rs` | the core's log, brought to whoever made the call |
//!
//! What a create is whose end nobody has seen, the core says: [`Error::lost_create`](komopay_core::Error::lost_create).

#![forbid(unsafe_code)]

mod cancellable;
pub mod clients;
pub mod log;
mod runtime;
mod task;

pub use clients::Clients;
pub use runtime::SharedRuntime;
pub use task::Task;
