//! The lists of codes of the core and of batches, and Python's classes of them, which are written from there.

use std::fmt::Write;
use std::fs;

use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Item, Lit, Meta, Token, Variant};

use crate::failure::{Failure, Outcome};
use crate::surface::{open_codes, snake_case};
use crate::workspace::Workspace;

/// A module of Python with classes of codes.
struct Module {
    file: &'static str,
    /// What it is about.
    about: &'static str,
    /// Where the lists are: those of the platform are open, those of this SDK may become longer.
    sources: &'static [&'static str],
    enums: &'static [&'static str],
}

const MODULES: [Module; 2] = [
    Module {
        file: "bindings-python/python/komopay/codes.py",
        about: "The codes of payouts and errors.",
        sources: &["core/src/values/codes.rs", "core/src/catalogue/models.rs", "core/src/error.rs"],
        enums: &["ErrorKind", "Concern"],
    },
    Module {
        file: "bindings-python/python/komopay/batches/codes.py",
        about: "The codes of batches.",
        sources: &[
            "batches/src/attention.rs",
            "batches/src/batch.rs",
            "batches/src/item.rs",
            "batches/src/plan/findings.rs",
        ],
        enums: &["Attention", "BatchState", "ItemState"],
    },
];

const HEAD: &str = r#" Each list is open: what is not known is kept as it came.

A code is a `str`, and equal to its text. Those of a list that are known can be iterated over, and each is one object,
wherever it comes from. Written by `cargo xtask stub`, from the lists in Rust.
"""

from __future__ import annotations

from komopay._code import Code

# Importing typing costs more than all the rest of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar
"#;

/// A list of codes: its name, its documentation, and each of its codes.
struct Codes {
    name: String,
    about: String,
    entries: Vec<Code>,
}

struct Code {
    code: String,
    about: String,
}

/// Writes Python's classes anew.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    for module in &MODULES {
        let (file, path) = (module.file, workspace.root().join(module.file));
        fs::write(path, written(workspace, module)?).map_err(Failure::while_doing(format!("cannot write {file}")))?;
    }
    Ok(())
}

/// Holds them against the lists.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    for module in &MODULES {
        let (file, path) = (module.file, workspace.root().join(module.file));
        let committed = fs::read_to_string(path).map_err(Failure::while_doing(format!("cannot read {file}")))?;
        if written(workspace, module)? != committed {
            return Err(Failure::new(format!("{file} is not what the lists in Rust say: run `cargo xtask stub`")));
        }
    }
    Ok(())
}

fn written(workspace: &Workspace, module: &Module) -> Outcome<String> {
    let mut lists = Vec::new();
    for source in module.sources {
        let path = workspace.root().join(source);
        let text = fs::read_to_string(&path).map_err(Failure::while_doing(path.display()))?;
        for item in syn::parse_file(&text).map_err(Failure::while_doing(path.display()))?.items {
            lists.extend(read(&item, module.enums).map_err(Failure::while_doing(path.display()))?);
        }
    }
    lists.sort_by(|one: &Codes, other| one.name.cmp(&other.name));
    let names: Vec<&str> = lists.iter().map(|list| list.name.as_str()).collect();
    let exported = names.iter().fold(String::new(), |text, name| text + &format!("    \"{name}\",\n"));
    let classes = lists.iter().map(class).collect::<String>();
    Ok(format!("\"\"\"{}{HEAD}\n__all__ = [\n{exported}]\n{classes}", module.about))
}

fn class(list: &Codes) -> String {
    let Codes { name, about, entries } = list;
    let known = |code: &str| {
        let member = code.to_uppercase();
        format!("{name}(\"{code}\") is {name}.{member}, {name}.{member} == \"{code}\"")
    };
    // The first that has room in a line.
    let shown = entries.iter().find(|entry| known(&entry.code).len() <= 108).or(entries.first());
    let example = shown.map_or_else(String::new, |Code { code, .. }| {
        let known = known(code);
        let unknown = format!("{name}(\"another\").is_known");
        format!("        >>> {known}\n        (True, True)\n        >>> {unknown}\n        False\n")
    });
    let head = format!("\n\nclass {name}(Code):\n    \"\"\"{about}\n\n    Example:\n\n{example}    \"\"\"\n\n");
    let (mut declared, mut made) = (String::new(), String::new());
    for Code { code, about } in entries {
        let member = code.to_uppercase();
        // Writing to a String cannot fail.
        let _ = writeln!(declared, "    {member}: ClassVar[{name}]\n    \"\"\"{about}\"\"\"");
        let _ = writeln!(made, "{name}.{member} = {name}._member(\"{code}\")");
    }
    format!("{head}{declared}\n\n{made}")
}

/// The list of an item, if it is one.
fn read(item: &Item, enums: &[&str]) -> syn::Result<Option<Codes>> {
    let is_list = |item: &syn::ItemMacro| ["open_codes", "kinds"].iter().any(|name| item.mac.path.is_ident(name));
    match item {
        Item::Macro(item) if item.ident.is_none() && is_list(item) => {
            let (about, name, variants) = open_codes.parse2(item.mac.tokens.clone())?;
            Ok(Some(listed(&about, &name, &variants)))
        }
        Item::Enum(item) if enums.iter().any(|name| item.ident == name) => {
            Ok(Some(listed(&item.attrs, &item.ident, &item.variants)))
        }
        _ => Ok(None),
    }
}

fn listed(about: &[Attribute], name: &Ident, variants: &Punctuated<Variant, Token![,]>) -> Codes {
    let code = |variant: &Variant| match &variant.discriminant {
        Some((_, Expr::Lit(ExprLit { lit: Lit::Str(code), .. }))) => code.value(),
        _ => snake_case(&variant.ident.to_string()),
    };
    let entries = variants.iter().map(|variant| Code { code: code(variant), about: documentation(&variant.attrs) });
    Codes { name: name.to_string(), about: documentation(about), entries: entries.collect() }
}

/// The documentation, without the links that only Rust has.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) => Some(line.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join("\n    ");
    text.replace("[`", "`").replace("`]", "`").replace("Error::", "")
}
