//! How the library is linked.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // JNA closes the library when its class loader is collected, and the threads of the runtime still run in it.
    if matches!(std::env::var("CARGO_CFG_TARGET_OS").as_deref(), Ok("linux" | "android")) {
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
}
