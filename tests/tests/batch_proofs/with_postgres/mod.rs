//! Journals on PostgreSQL, which many workers share.

mod broken;
mod kills;
mod servers;
mod stops;
mod with_libfaketime;
#[cfg(target_os = "linux")]
mod with_namespaces;
