//! Writes the Kotlin and Swift code of this crate; `cargo xtask` runs it.

/// What `build.rs` has written for Kotlin.
const OPERATIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/Operations.kt"));

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("operations") => print!("{OPERATIONS}"),
        _ => uniffi::uniffi_bindgen_main(),
    }
}
