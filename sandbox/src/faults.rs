//! What can break, and which call meets it.

mod active;
mod fault;

pub(crate) use active::{Faults, Turn};
pub use fault::{Effect, Fault, On, When};
