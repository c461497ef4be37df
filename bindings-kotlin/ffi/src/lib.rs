//! The native half of the Kotlin and Swift bindings: it mirrors the core's types for `UniFFI`, and runs its calls.
//!
//! Whatever decides something about money or HTTP is in `komopay-core`. Over the code generated from here each language
//! has a thin front (`id.komopay`, `KomoPay`) with its own exceptions, `Money` and client.
//!
//! | file | what is in it |
//! |---|---|
//! | `client.rs` | `NativeClient`: one method per operation |
//! | `options.rs`, `waits.rs` | those of its methods that make another object |
//! | `callbacks.rs` | its methods around callbacks, and their values |
//! | `config.rs`, `credentials.rs`, `change_store.rs` | settings, made into the core's `Config` |
//! | `values.rs` | the values that go in and come out: `build.rs` reads them from the core's source |
//! | `money.rs`, `access.rs` | those that are another value here |
//! | `checks.rs` | what needs no client |
//! | `error.rs` | the core's errors |
//! | `tables.rs` | what the JVM knows without asking, written into its code |
//! | `scalar.rs` | time spans and whole numbers, in the types that each language uses for them |
//! | `jni.rs` | the JVM's own way across, with its half of `operations.rs`, which `build.rs` uses |
//! | `runtime.rs` | the one runtime, and what a cancelled or panicking call becomes |
//! | `live.rs` | the clients, and what becomes of their creates at the end of the process |
//! | `log.rs` | the core's log, for the log of the application |

#![allow(
    clippy::trivially_copy_pass_by_ref,
    clippy::needless_pass_by_value,
    reason = "UniFFI prescribes how arguments come"
)]
#![allow(clippy::struct_field_names, clippy::enum_variant_names, reason = "the same names in every language")]

mod access;
mod callbacks;
mod change_store;
mod checks;
mod client;
mod config;
mod credentials;
mod error;
#[cfg(feature = "jvm")]
mod jni;
mod live;
mod log;
mod money;
mod options;
mod runtime;
mod scalar;
#[cfg(feature = "bindgen")]
pub mod tables;
mod values;
mod waits;

uniffi::setup_scaffolding!();

/// KomoPay's own sandbox host, with test data. The live host is given to each merchant.
#[uniffi::export]
fn sandbox_url() -> String {
    komopay_core::SANDBOX_URL.to_owned()
}

/// The version of this library.
#[uniffi::export]
fn library_version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
