//! Clocks that jump by hours.
#![cfg(target_os = "linux")]

// Where that is missing, `cargo xtask test` leaves these out by the name of the module, and says so.
mod with_libfaketime;
