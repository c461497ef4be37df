//! Lays ready the Rust that the documents show, so that `tests/docs.rs` compiles it as it stands: nobody else would
//! see that a name has changed, or that a line of `use` is missing.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

/// Where the pages are, and those READMEs that show Rust.
const FOLDER: &str = "docs";
const READMES: [&str; 2] = ["README.md", "sandbox/README.md"];

/// What a snippet may take as given, because the text around it speaks of it.
const GIVEN: &str = "client: &komopay_core::Client, sandbox: &komopay_sandbox::Sandbox, body: &[u8], url: &str";

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut code = String::new();
    let mut shown = 0;
    println!("cargo::rerun-if-changed=../{FOLDER}");
    let folder = fs::read_dir(root.join(FOLDER)).unwrap_or_else(|error| panic!("{FOLDER}: {error}"));
    let mut documents: Vec<_> = folder.map(|entry| entry.expect("the folder can be read").path()).collect();
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    documents.sort();
    for readme in READMES {
        println!("cargo::rerun-if-changed=../{readme}");
        documents.push(root.join(readme));
    }
    for document in documents {
        let text = fs::read_to_string(&document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        let document = document.file_name().unwrap_or_default().display();
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
