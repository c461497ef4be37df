//! Writes the Kotlin and Swift code of this crate; `cargo xtask` runs it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
