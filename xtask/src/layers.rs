//! Whether files of a crate import each other in a circle, and the picture of its rooms.
//!
//! What a file imports is read in `source`.

mod source;

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;

use self::source::{Imports, Source};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// The crates without a circle, which stay so.
const HELD: [&str; 10] = [
    "core",
    "batches",
    "cli",
    "explorer",
    "sandbox",
    "bindings-common",
    "bindings-python",
    "bindings-python/testing",
    "bindings-kotlin/ffi",
    "xtask",
];

/// Where the picture of the core is.
const PICTURE: &str = "docs/architecture.md";

/// Fails at the first circle in one of the crates, and names it, and if the picture of the core is not as the code.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    for name in HELD {
        let imports = Source::read(&workspace.root().join(name).join("src"))?.imports();
        if let Some(circle) = circle(&imports) {
            let circle = circle.join(" -> ");
            return Err(Failure::new(format!("{name}/src: files import each other in a circle: {circle}")));
        }
        println!("{name}: {} files, no circle", imports.len());
        let document = fs::read_to_string(workspace.root().join(PICTURE))
            .map_err(Failure::while_doing(format!("cannot read {PICTURE}")))?;
        if name == "core" && !document.contains(&picture(&imports)) {
            let text = "is not as the code: put what `cargo xtask layers core` prints into it, if it shall be so";
            return Err(Failure::new(format!("the picture of the layers in {PICTURE} {text}")));
        }
    }
    Ok(())
}

/// As a block of a document.
fn picture(imports: &Imports) -> String {
    format!("```mermaid\n{}\n```\n", mermaid(&rooms(imports)))
}

/// Prints the rooms of a crate as a Mermaid graph: an arrow goes to what is imported.
pub(crate) fn print(workspace: &Workspace, folder: &str) -> Outcome {
    let imports = Source::read(&workspace.root().join(folder).join("src"))?.imports();
    if let Some(circle) = circle(&imports) {
        println!("%% a circle: {}", circle.join(" -> "));
    }
    println!("{}", mermaid(&rooms(&imports)));
    Ok(())
}

/// The shortest circle of those that begin with the first file that is in one.
fn circle(imports: &Imports) -> Option<Vec<&str>> {
    imports.keys().find_map(|start| way(imports, start, start))
}

/// The shortest way from one to another by at least one step.
fn way<'a>(imports: &'a Imports, start: &'a str, end: &str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(*way.last()?).into_iter().flatten() {
            let longer = [&way[..], &[next.as_str()]].concat();
            if next == end {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// The same by rooms: a folder, or a file beside the folders.
fn rooms(imports: &Imports) -> Imports {
    let room = |file: &str| file.split(['/', '.']).next().unwrap_or_default().to_owned();
    let mut rooms = Imports::new();
    for (file, imported) in imports {
        let all = rooms.entry(room(file)).or_default();
        all.extend(imported.iter().map(|file| room(file)).filter(|other| *other != room(file)));
    }
    rooms
}

/// Without the arrows that a longer way says already; with all of them, if there is a circle.
fn mermaid(imports: &Imports) -> String {
    let mut graph = "graph TD".to_owned();
    let all = circle(imports).is_some();
    for (from, imported) in imports {
        for to in imported {
            let mut others = imports.clone();
            others.entry(from.clone()).or_default().remove(to);
            if all || way(&others, from, to).is_none() {
                let _ = write!(graph, "\n    {from} --> {to}");
            }
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(files: &[(&str, &str)]) -> Imports {
        let mut source = Source::default();
        for (file, text) in files {
            let name =
                file.trim_end_matches(".rs").split('/').filter(|part| *part != "lib").map(str::to_owned).collect();
            source.add(name, file, syn::parse_file(text).unwrap().items);
        }
        source.imports()
    }

    fn found(files: &[(&str, &str)]) -> String {
        circle(&source(files)).unwrap_or_default().join(" ")
    }

    #[test]
    fn a_circle_is_named_however_its_files_import_each_other() {
        for back in [
            "use crate::a::A;",
            "use super::a::{B as C};",
            "use crate::A;",
            "use crate::*; fn f() -> A { super::a::f() }",
            "fn f() { g(crate::a::f()) }",
            "fn f() { select!(x => crate::a::f()) }",
            "use crate::a; fn f() { a::f() }",
            "mod inner { use super::super::a::A; }",
        ] {
            let root = ("lib.rs", "mod a; mod b; pub use a::A;");
            let files = [root, ("a.rs", "use crate::b::B; pub struct A;"), ("b.rs", back)];
            assert_eq!(found(&files), "a.rs b.rs a.rs", "{back}");
        }
    }

    #[test]
    fn a_parent_that_declares_and_exports_is_in_no_circle_and_one_that_uses_its_children_is() {
        let child = ("a/b.rs", "use super::A; pub struct B;");
        assert_eq!(found(&[("lib.rs", "mod a;"), ("a.rs", "mod b; pub use b::B; pub struct A;"), child]), "");
        let uses = ("a.rs", "mod b; use b::B; pub struct A(B);");
        assert_eq!(found(&[("lib.rs", "mod a;"), uses, child]), "a.rs a/b.rs a.rs");
    }

    #[test]
    fn tests_and_other_crates_count_for_nothing() {
        let a = ("a.rs", "use std::b::B; use b::c::D; #[cfg(test)] mod tests { use crate::b::B; }");
        assert_eq!(found(&[("lib.rs", "mod a; mod b;"), a, ("b.rs", "use crate::a::A;")]), "");
    }

    #[test]
    fn the_picture_leaves_out_what_a_longer_way_says() {
        let files = [("a.rs", "use crate::b::B; use crate::c::C;"), ("b.rs", "use crate::c::C;"), ("c.rs", "")];
        assert_eq!(mermaid(&rooms(&source(&files))), "graph TD\n    a --> b\n    b --> c");
    }
}
