//! What the files of a crate import of each other.
//!
//! A parent that declares its children, or re-exports what is theirs, imports nothing; who imports by way of a
//! re-export imports the file behind it. Code for tests alone does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use quote::ToTokens as _;
use syn::{Item, ItemUse, UseTree, Visibility};

use crate::failure::{Failure, Outcome};

/// What each file imports.
pub(super) type Imports = BTreeMap<String, BTreeSet<String>>;

/// A module of the crate, by its path: `["payouts", "create"]`.
pub(super) type Name = Vec<String>;

/// The modules of a crate. A module inside a file has the same file.
#[derive(Default)]
pub(super) struct Source {
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
    pub(super) fn read(folder: &Path) -> Outcome<Self> {
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
            let name: Name = if is_root { Vec::new() } else { child(at, &stem) };
            if path.is_dir() {
                self.read_folder(&path, &name)?;
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).map_err(failed)?;
                let file = syn::parse_file(&text).map_err(Failure::while_doing(path.display().to_string()))?;
                self.add(name, &child(at, &format!("{stem}.rs")).join("/"), file.items);
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, name: Name, file: &str, items: Vec<Item>) {
        let mut module = Module { file: file.to_owned(), ..Module::default() };
        for item in items {
            let text = item.to_token_stream().to_string();
            match item {
                _ if text.starts_with("# [cfg (test)]") => {}
                Item::Mod(inner) => {
                    if let Some((_, items)) = inner.content {
                        self.add(child(&name, &inner.ident.to_string()), file, items);
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

    pub(super) fn imports(&self) -> Imports {
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
            for path in paths(&module.code) {
                add(&path, true);
            }
        }
        imports
    }

    fn is_child(&self, at: &[String], path: &[String]) -> bool {
        let first = path.iter().find(|segment| *segment != "self");
        first.is_some_and(|first| self.modules.contains_key(&child(at, first)))
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
            let next = if segment == "super" { here.split_last()?.1.to_vec() } else { child(&here, segment) };
            if self.modules.contains_key(&next) {
                (here, rest) = (next, after);
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

fn child(parent: &[String], name: &str) -> Name {
    parent.iter().cloned().chain([name.to_owned()]).collect()
}

fn add_uses(tree: &UseTree, before: &[String], exported: bool, uses: &mut Vec<Use>) {
    let mut add = |last: &str, name: String| {
        let path = if last == "self" || last == "*" { before.to_vec() } else { child(before, last) };
        let name = if name == "self" { before.last().cloned().unwrap_or_default() } else { name };
        uses.push(Use { path, name, exported });
    };
    match tree {
        UseTree::Path(path) => add_uses(&path.tree, &child(before, &path.ident.to_string()), exported, uses),
        UseTree::Group(group) => group.items.iter().for_each(|each| add_uses(each, before, exported, uses)),
        UseTree::Name(name) => add(&name.ident.to_string(), name.ident.to_string()),
        UseTree::Rename(name) => add(&name.ident.to_string(), name.rename.to_string()),
        UseTree::Glob(_) => add("*", "*".to_owned()),
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
