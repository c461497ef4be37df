//! Lays ready the Rust that the documents show, so that `tests/docs.rs` compiles it as it stands: nobody else would
//! see that a name has changed, or that a line of `use` is missing.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

const DOCUMENTS: [&str; 3] = ["README.md", "sandbox/README.md", "docs/callbacks.md"];

/// What a snippet may take as given, because the text around it speaks of it.
const GIVEN: &str = "client: &komopay_core::Client, sandbox: &komopay_sandbox::Sandbox, body: &[u8], url: &str";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut code = String::new();
    let mut shown = 0;
    for document in DOCUMENTS {
        println!("cargo::rerun-if-changed=../{document}");
        let text = fs::read_to_string(root.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"));
        for snippet in text.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            writeln!(
                code,
                "/// {document}\nasync fn shown{shown}({GIVEN}) -> Result<(), Box<dyn std::error::Error>> \
                 {{\n{snippet}\nOk(())\n}}"
            )
            .expect("a text takes text");
            shown += 1;
        }
    }
    writeln!(code, "const SHOWN: usize = {shown};").expect("a text takes text");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("shown.rs"), code).expect("the folder of the build can be written");
}
