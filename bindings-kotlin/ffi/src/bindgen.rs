//! Writes the Kotlin and Swift code of this crate; `cargo xtask` runs it.

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("operations") => print!("{}", komopay_ffi::tables::operations()),
        _ => uniffi::uniffi_bindgen_main(),
    }
}
