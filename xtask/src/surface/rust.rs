//! What users of the Rust crate see: the items that the core's `lib.rs` exports, read from their source.

use std::fs;
use std::path::{Path, PathBuf};

use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Ident, ImplItem, Item, ItemEnum, ItemImpl, ItemMacro, ItemStruct, Token, UseTree, Variant, Visibility,
};

use super::names::{Names, snake_case};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

pub(super) fn names(workspace: &Workspace) -> Outcome<Names> {
    let source = workspace.root().join("core").join("src");
    let mut surface = Surface { exported: Vec::new(), names: Names::new() };
    for item in items(&source.join("lib.rs"))? {
        if let Item::Use(item) = item
            && matches!(item.vis, Visibility::Public(_))
        {
            leaves(&item.tree, &mut surface.exported);
        }
    }
    for path in files(&source)? {
        for item in items(&path)? {
            surface.add(&item).map_err(Failure::while_doing(path.display()))?;
        }
    }
    Ok(surface.names)
}

struct Surface {
    exported: Vec<String>,
    names: Names,
}

impl Surface {
    fn add(&mut self, item: &Item) -> syn::Result<()> {
        match item {
            Item::Struct(ItemStruct { ident, fields, .. }) => {
                for field in fields.iter().filter(|field| matches!(field.vis, Visibility::Public(_))) {
                    if let Some(name) = &field.ident {
                        self.add_name(ident, name);
                    }
                }
            }
            Item::Enum(ItemEnum { ident, variants, .. }) => {
                variants.iter().for_each(|variant| self.add_name(ident, &variant.ident));
            }
            Item::Impl(ItemImpl { trait_: None, self_ty, items, .. }) => {
                let syn::Type::Path(path) = &**self_ty else { return Ok(()) };
                let Some(owner) = path.path.segments.last().map(|name| &name.ident) else { return Ok(()) };
                for item in items {
                    if let ImplItem::Fn(function) = item
                        && matches!(function.vis, Visibility::Public(_))
                        && function.sig.receiver().is_some()
                    {
                        self.add_name(owner, &function.sig.ident);
                    }
                }
            }
            Item::Macro(ItemMacro { ident: None, mac, .. }) if mac.path.is_ident("open_codes") => {
                let (_, owner, variants) = open_codes.parse2(mac.tokens.clone())?;
                variants.iter().for_each(|variant| self.add_name(&owner, &variant.ident));
                // What the macro gives every list of codes.
                for given in ["Unknown", "as_str"] {
                    self.add_name(&owner, &Ident::new(given, owner.span()));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_name(&mut self, owner: &Ident, member: &Ident) {
        if self.exported.iter().any(|exported| owner == exported) {
            let member = member.to_string();
            // The other languages name what Rust has a convention for.
            let member = if member == "as_str" { "code".to_owned() } else { snake_case(&member) };
            self.names.insert(format!("{owner}.{member}"));
        }
    }
}

/// `/// Docs\nName { /// Docs\nVariant = "CODE", ... }`.
pub(crate) fn open_codes(
    input: ParseStream<'_>,
) -> syn::Result<(Vec<Attribute>, Ident, Punctuated<Variant, Token![,]>)> {
    let about = input.call(Attribute::parse_outer)?;
    let name = input.parse()?;
    let body;
    syn::braced!(body in input);
    Ok((about, name, Punctuated::parse_terminated(&body)?))
}

fn leaves(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => leaves(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, names)),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}

fn items(path: &Path) -> Outcome<Vec<Item>> {
    let text = fs::read_to_string(path).map_err(Failure::while_doing(path.display()))?;
    Ok(syn::parse_file(&text).map_err(Failure::while_doing(path.display()))?.items)
}

/// All Rust files below a folder.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::while_doing(folder.display()))? {
        let path = entry.map_err(Failure::while_doing(folder.display()))?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}
