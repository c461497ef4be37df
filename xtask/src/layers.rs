//! Whether files of a crate import each other in a circle, and the picture of its rooms.
//!
//! A parent that declares its children, or re-exports what is theirs, imports nothing; who imports by way of a re-export
//! imports the file behind it. Code for tests alone does not count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use quote::ToTokens as _;
use syn::{Item, ItemUse, UseTree, Visibility};

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// The crates without a circle, which stay so.
const HELD: [&str; 6] = ["core", "sandbox", "bindings-common", "bindings-python", "bindings-python/testing", "xtask"];

/// Fails at the first circle in one of the crates, and names it.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    for name in HELD {
        let imports = Source::read(&workspace.root().join(name).join("src"))?.imports();
        if let Some(circle) = circle(&imports) {
            let circle = circle.join(" -> ");
            return Err(Failure::new(format!("{name}/src: files import each other in a circle: {circle}")));
        }
        println!("{name}: {} files, no circle", imports.len());
    }
    Ok(())
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

/// What each file imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// A module of the crate, by its path: `["payouts", "create"]`.
type Name = Vec<String>;

/// The modules of a crate. A module inside a file has the same file.
#[derive(Default)]
struct Source {
    modules: BTreeMap<Name, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    uses: Vec<Use>,
    /// All else, as the words that its tokens are.
    code: Vec<String>,
}

/// `use path as name`, where a name of `*` is everything.
struct Use {
    path: Name,
    name: String,
    exported: bool,
}

impl Source {
    fn read(folder: &Path) -> Outcome<Self> {
        let mut source = Self::default();
        source.read_folder(folder, &[])?;
        Ok(source)
    }

    fn read_folder(&mut self, folder: &Path, at: &[String]) -> Outcome {
        let failed = |error| Failure::while_doing(format!("cannot read {}", folder.display()))(error);
        let has_library = folder.join("lib.rs").exists();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let is_root = at.is_empty() && (stem == "lib" || stem == "main");
            // A program beside a library is a crate of its own.
            if at.is_empty() && (stem == "bin" || stem == "main" && has_library) {
                continue;
            }
            let name: Name = if is_root { Vec::new() } else { [at, std::slice::from_ref(&stem)].concat() };
            if path.is_dir() {
                self.read_folder(&path, &name)?;
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).map_err(failed)?;
                let file = syn::parse_file(&text).map_err(Failure::while_doing(path.display().to_string()))?;
                self.add(name, &[at, &[format!("{stem}.rs")]].concat().join("/"), file.items);
            }
        }
        Ok(())
    }

    fn add(&mut self, name: Name, file: &str, items: Vec<Item>) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items {
            let text = item.to_token_stream().to_string();
            match item {
                _ if text.starts_with("# [cfg (test)]") => {}
                Item::Mod(inner) => {
                    if let Some((_, items)) = inner.content {
                        self.add([name.as_slice(), &[inner.ident.to_string()]].concat(), file, items);
                    }
                }
                Item::Use(ItemUse { tree, vis, .. }) => {
                    add_uses(&tree, &[], !matches!(vis, Visibility::Inherited), &mut module.uses);
                }
                _ => module.code.extend(words(&text)),
            }
        }
        self.modules.insert(name, module);
    }

    fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (at, module) in &self.modules {
            let imported = imports.entry(module.file.clone()).or_default();
            let mut add = |path: &[String], a_module_counts: bool| {
                if let Some((target, is_module)) = self.resolve(at, path, 0)
                    && (a_module_counts || !is_module)
                    && target.file != module.file
                {
                    imported.insert(target.file.clone());
                }
            };
            for each in module.uses.iter().filter(|each| !(each.exported && self.is_child(at, &each.path))) {
                // The name of a module alone imports nothing yet: what is used of it does.
                add(&each.path, each.name == "*");
            }
            paths(&module.code).iter().for_each(|path| add(path, true));
        }
        imports
    }

    fn is_child(&self, at: &[String], path: &[String]) -> bool {
        let child = path.iter().find(|segment| *segment != "self");
        child.is_some_and(|child| self.modules.contains_key(&[at, std::slice::from_ref(child)].concat()))
    }

    /// The module in which a path ends, and whether the path names the module itself. None, if it is not of this crate.
    fn resolve(&self, at: &[String], path: &[String], depth: usize) -> Option<(&Module, bool)> {
        let (first, mut rest) = path.split_first()?;
        let mut here: Name = match first.as_str() {
            "crate" => Vec::new(),
            "self" => at.to_vec(),
            "super" => at.split_last()?.1.to_vec(),
            _ => {
                rest = path;
                at.to_vec()
            }
        };
        let is_relative = rest.len() == path.len();
        while let Some((segment, after)) = rest.split_first() {
            let child = if segment == "super" {
                here.split_last()?.1.to_vec()
            } else {
                [&here[..], &[segment.clone()]].concat()
            };
            if self.modules.contains_key(&child) {
                (here, rest) = (child, after);
                continue;
            }
            let module = self.modules.get(&here)?;
            // Re-exports lead on; an ordinary `use` does so in its own file only.
            let known = |each: &&Use| each.name == *segment && (each.exported || here == at);
            if let Some(known) = module.uses.iter().find(known).filter(|_| depth < 8) {
                let whole = [&known.path[..], after].concat();
                return self.resolve(&here, &whole, depth + 1);
            }
            let from_here = is_relative && rest.len() == path.len();
            return if from_here { None } else { Some((module, false)) };
        }
        Some((self.modules.get(&here)?, true))
    }
}

fn add_uses(tree: &UseTree, before: &[String], exported: bool, uses: &mut Vec<Use>) {
    let mut add = |last: &str, name: String| {
        let path = if last == "self" || last == "*" { before.to_vec() } else { [before, &[last.to_owned()]].concat() };
        let name = if name == "self" { before.last().cloned().unwrap_or_default() } else { name };
        uses.push(Use { path, name, exported });
    };
    match tree {
        UseTree::Path(path) => add_uses(&path.tree, &[before, &[path.ident.to_string()]].concat(), exported, uses),
        UseTree::Group(group) => group.items.iter().for_each(|each| add_uses(each, before, exported, uses)),
        UseTree::Name(name) => add(&name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(name) => add(&name.ident.to_string(), name.rename.to_string()),
        _ => add("*", "*".to_owned()),
    }
}

/// Names, and what stands between those of a path.
fn words(code: &str) -> impl Iterator<Item = String> {
    let between = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
    code.split(between).filter(|word| !word.is_empty()).map(str::to_owned)
}

/// The paths of two names or more in the words of code.
fn paths(code: &[String]) -> BTreeSet<Name> {
    let mut paths = BTreeSet::new();
    let mut words = code.iter().peekable();
    while let Some(word) = words.next() {
        let mut path = vec![word.clone()];
        while words.next_if(|next| *next == "::").is_some() {
            path.extend(words.next().cloned());
        }
        if path.len() > 1 {
            paths.insert(path);
        }
    }
    paths
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
