//! The licences that go along with the wheels and the jar: the project's own, and those of every crate in the lock file
//! that the native libraries may hold, on whatever platform. `bindings-python/licenses` is where wheel and jar take
//! them from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// Where the licences stand, and of which crates: what merchants pay with, and what their tests need.
const FOLDERS: [(&str, &[&str]); 2] = [
    ("bindings-python/licenses", &["komopay-python", "komopay-ffi"]),
    ("bindings-python/testing/licenses", &["komopay-python-testing"]),
];

/// How the files are called that hold a licence, or what it asks to be told with it.
const NAMES: [&str; 6] = ["license", "licence", "copying", "notice", "unlicense", "copyright"];

/// The licences of the project.
pub(crate) const OWN: [&str; 2] = ["LICENSE-MIT", "LICENSE-APACHE"];

const THIRD_PARTY: &str = "THIRD-PARTY.txt";

/// The names of all files, as they are looked for in what was built.
pub(crate) const FILES: [&str; 3] = [OWN[0], OWN[1], THIRD_PARTY];

/// What `cargo metadata` tells.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    authors: Vec<String>,
    license: Option<String>,
    repository: Option<String>,
    /// None of a crate of ours.
    source: Option<String>,
    manifest_path: PathBuf,
}

/// Writes the files anew.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    for (path, text) in files(workspace)? {
        let failed = |error| Failure::while_doing(format!("cannot write {}", path.display()))(error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&path, text).map_err(failed)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// Whether they are those of the lock file.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    for (path, text) in files(workspace)? {
        if !fs::read_to_string(&path).is_ok_and(|there| there == text) {
            let path = path.display();
            return Err(Failure::new(format!("{path} is not that of the lock file: run `cargo xtask licenses`")));
        }
    }
    Ok(())
}

/// Whether each of them is in this archive: a wheel or a jar.
pub(crate) fn check_archive(archive: Program) -> Outcome {
    let list = archive.output()?;
    for name in FILES {
        if !list.lines().any(|line| line.split_whitespace().any(|word| word.ends_with(&format!("/{name}")))) {
            return Err(Failure::new(format!("{name} is missing in what was built, which holds:\n{list}")));
        }
    }
    Ok(())
}

fn files(workspace: &Workspace) -> Outcome<Vec<(PathBuf, String)>> {
    let mut files = Vec::new();
    for (folder, roots) in FOLDERS {
        let folder = workspace.root().join(folder);
        for name in OWN {
            files.push((folder.join(name), read(&workspace.root().join(name))?));
        }
        files.push((folder.join(THIRD_PARTY), third_party(workspace, roots)?));
    }
    Ok(files)
}

fn read(path: &Path) -> Outcome<String> {
    let text = fs::read(path).map_err(Failure::while_doing(format!("cannot read {}", path.display())))?;
    Ok(String::from_utf8_lossy(&text).replace("\r\n", "\n"))
}

/// Every crate with its licence and its place, and below each text once, with those that came with it.
fn third_party(workspace: &Workspace, roots: &[&str]) -> Outcome<String> {
    let json = Program::cargo(workspace).args("metadata --locked --format-version 1").output()?;
    let metadata: Metadata = serde_json::from_str(&json).map_err(Failure::while_doing("cargo metadata"))?;
    let linked = linked(workspace, roots)?;
    let is_linked = |it: &&Package| it.source.is_some() && linked.contains(&format!("{} v{}", it.name, it.version));
    let mut crates: Vec<_> = metadata.packages.iter().filter(is_linked).collect();
    crates.sort_by_key(|it| (&it.name, &it.version));

    let mut list = String::new();
    // Told apart by their words alone: many differ in how lines are broken.
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for it in crates {
        let (name, license) = (format!("{} {}", it.name, it.version), it.license.as_deref().unwrap_or("see below"));
        let place = it.repository.as_deref().unwrap_or("no address is told");
        let _ = writeln!(list, "{name}: {license}, {place}");
        for text in texts_of(workspace, it)? {
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            texts.entry(words).or_insert_with(|| (text, Vec::new())).1.push(name.clone());
        }
    }
    let mut texts: Vec<_> = texts.into_values().map(|(text, names)| (names, text)).collect();
    texts.sort();
    let mut all = format!(
        "What the native libraries of komopay hold besides its own code: crates of Rust, and the standard library of \
         Rust\n\
         (MIT OR Apache-2.0, https://github.com/rust-lang/rust). SQLite, in libsqlite3-sys, is in the public domain.\n\
         The source of each crate is at the address beside it. Written by `cargo xtask licenses`.\n\n{list}"
    );
    for (names, text) in texts {
        let _ = write!(all, "\n{}\n{}\n\n{}\n", "=".repeat(120), names.join(", "), text.trim_end());
    }
    Ok(all)
}

/// All that is linked into what is built of these crates, on any platform: `name v1.2.3`.
fn linked(workspace: &Workspace, roots: &[&str]) -> Outcome<BTreeSet<String>> {
    let mut linked = BTreeSet::new();
    for root in roots {
        let tree = Program::cargo(workspace).args("tree --locked --edges normal,no-proc-macro --target all");
        let tree = tree.args("--prefix none --package").arg(root).output()?;
        linked.extend(tree.lines().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")));
    }
    Ok(linked)
}

/// The texts that a crate comes with; if there is none, that of a licence that it names.
fn texts_of(workspace: &Workspace, it: &Package) -> Outcome<Vec<String>> {
    let folder = it.manifest_path.parent().unwrap_or(Path::new("."));
    let failed = |error| Failure::while_doing(format!("cannot read {}", folder.display()))(error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            paths.push(path);
        }
    }
    paths.sort();
    if !paths.is_empty() {
        return paths.iter().map(|path| read(path)).collect();
    }
    let license = it.license.as_deref().unwrap_or_default();
    let text = if license.contains("Apache-2.0") {
        read(&workspace.root().join("LICENSE-APACHE"))?
    } else if license.contains("MPL-2.0") {
        read(&workspace.root().join("xtask").join("licenses").join("MPL-2.0.txt"))?
    } else if license.contains("MIT") {
        let text = read(&workspace.root().join("LICENSE-MIT"))?;
        let authors = if it.authors.is_empty() { format!("the authors of {}", it.name) } else { it.authors.join(", ") };
        let ours = text.lines().find(|line| line.starts_with("Copyright")).unwrap_or_default();
        text.replacen(ours, &format!("Copyright (c) {authors}"), 1)
    } else {
        let problem = "comes without the text of its licence: put it beside xtask/licenses/MPL-2.0.txt";
        return Err(Failure::new(format!("{} ({license}) {problem}, and name it in xtask/src/licenses.rs", it.name)));
    };
    Ok(vec![text])
}
