//! The public surface of the four languages, side by side in one committed file.
//!
//! Each language's part of the checks reads what its users can see ([`check`]) and holds it against its column of the file;
//! `cargo xtask surface` writes the file anew. What one language has and another lacks needs
//! a reason, or nothing passes.

mod kotlin;
mod python;
mod rust;
mod swift;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

const FILE: &str = "docs/surface.md";

const HEAD: &str = "# The public surface\n\n\
    Every call, setting, field, code and error kind that users see, under its one name; each language writes it in its own \
    case. `cargo xtask surface` writes this file, and `cargo xtask test` holds each language against it.\n\n\
    | name | Rust | Python | Kotlin | Swift | why not everywhere |\n|---|---|---|---|---|---|\n";

/// What is not in every language, and why. A name may end in `*`.
const NOT_EVERYWHERE: &[(&str, &str)] = &[
    ("Client.creates_under_way", "for bindings, at the end of a process"),
    ("Client.from_env", "for back ends in Python; others read their environment themselves"),
    ("Config.credentials", "Python takes them as keywords"),
    ("Config.language", "for bindings"),
    ("Config.merchant_code", "elsewhere in Credentials"),
    ("Config.secret", "elsewhere in Credentials"),
    ("Config.token", "elsewhere in Credentials"),
    ("Credentials.*", "Python takes them as keywords"),
    ("ErrorKind.code", "Python's kind is that text"),
    ("ErrorKind.money_may_have_moved", "Python has it on the error"),
    ("ErrorKind.retryable", "Python has it on the error"),
    ("ErrorKind.when", "for docs/errors.md"),
    ("FailureCode.*", "Python's codes are texts"),
    ("Leavable.*", "for bindings"),
    ("LogLevel.*", "Rust logs by tracing, Python by logging"),
    ("MethodCode.*", "Python's codes are texts"),
    ("PaymentOptionFilter.*", "Python takes its parts as keywords"),
    ("PaymentTypeCode.*", "Python's codes are texts"),
    ("Payout.is_final", "elsewhere of its status"),
    ("PayoutId.code", "elsewhere an id is a text"),
    ("PayoutMethod.*", "Python takes the transfers themselves"),
    ("PayoutStatus.code", "Python's codes are texts"),
    ("PayoutStatus.is_final", "in Python of the payout"),
    ("PayoutStatus.unknown", "Python's codes are texts"),
    ("RawJson.code", "elsewhere a text"),
    ("TokenProvider.provide", "elsewhere a function"),
    ("TokenScope.*", "Python takes its name"),
];

/// A language that users see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    Python,
    Kotlin,
    Swift,
}

impl Language {
    const ALL: [Self; 4] = [Self::Rust, Self::Python, Self::Kotlin, Self::Swift];

    fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Kotlin => "kotlin",
            Self::Swift => "swift",
        }
    }
}

/// The names that users of one language see: `Type.member`, in `snake_case`.
type Names = BTreeSet<String>;

/// Reads what users of this language see, and holds it against the committed file.
pub(crate) fn check(workspace: &Workspace, language: Language) -> Outcome {
    let seen = seen(workspace, language)?;
    let committed = fs::read_to_string(workspace.root().join(FILE)).map_err(Failure::while_doing(FILE))?;
    let listed = column(&committed, language);
    let lines = |sign: &str, names: Vec<&String>| {
        names.into_iter().fold(String::new(), |text, name| text + "\n  " + sign + " " + name)
    };
    let difference = lines("+", seen.difference(&listed).collect()) + &lines("-", listed.difference(&seen).collect());
    if !difference.is_empty() {
        return Err(Failure::new(format!(
            "the public surface of {} is not the one in {FILE}. If that is meant, run `cargo xtask surface`:{difference}",
            language.name()
        )));
    }
    if let Some(name) = unexplained(&committed) {
        return Err(Failure::new(format!("{FILE}: {name} is not in every language, and no reason is given")));
    }
    println!("   {} names are public, as {FILE} lists them", seen.len());
    Ok(())
}

/// Writes the committed file anew.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    let mut rows: BTreeMap<String, [bool; 4]> = BTreeMap::new();
    for (place, language) in Language::ALL.into_iter().enumerate() {
        for name in seen(workspace, language)? {
            if let Some(here) = rows.entry(name).or_default().get_mut(place) {
                *here = true;
            }
        }
    }
    let mut file = HEAD.to_owned();
    let mut unexplained = String::new();
    let mut used = BTreeSet::new();
    for (name, here) in rows {
        let reason = NOT_EVERYWHERE.iter().find(|(pattern, _)| matches(pattern, &name));
        let everywhere = here.iter().all(|here| *here);
        let why = match reason {
            Some((pattern, why)) if !everywhere => {
                used.insert(*pattern);
                *why
            }
            _ => "",
        };
        if !everywhere && why.is_empty() {
            unexplained.extend(["\n  ", &name]);
        }
        let marks = here.map(|here| if here { "yes" } else { "" }).join(" | ");
        writeln!(file, "| `{name}` | {marks} | {why} |").map_err(Failure::while_doing("cannot write a line"))?;
    }
    if !unexplained.is_empty() {
        return Err(Failure::new(format!(
            "these are not in every language, and no reason is given in xtask/src/surface.rs:{unexplained}"
        )));
    }
    if let Some((pattern, _)) = NOT_EVERYWHERE.iter().find(|(pattern, _)| !used.contains(pattern)) {
        return Err(Failure::new(format!("the reason for {pattern} in xtask/src/surface.rs is not needed any more")));
    }
    fs::write(workspace.root().join(FILE), file).map_err(Failure::while_doing(format!("cannot write {FILE}")))
}

/// What users of this language see. For Kotlin and Swift, of what their last checks built.
fn seen(workspace: &Workspace, language: Language) -> Outcome<Names> {
    let names = match language {
        Language::Rust => rust::names(workspace),
        Language::Python => python::names(workspace),
        Language::Kotlin => kotlin::names(workspace),
        Language::Swift => swift::names(workspace),
    };
    let name = language.name();
    match names {
        Err(failure) => Err(Failure::new(format!("{failure}. Has `cargo xtask test {name}` been run?"))),
        Ok(names) if names.is_empty() => Err(Failure::new(format!("nothing of the {name} surface was found"))),
        names => names,
    }
}

/// The names with a mark in the column of this language.
fn column(file: &str, language: Language) -> Names {
    let rows = file.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| {
        let (name, cells) = row.split_once("` |")?;
        let mark = cells.split('|').nth(Language::ALL.iter().position(|other| *other == language)?)?;
        (mark.trim() == "yes").then(|| name.to_owned())
    })
    .collect()
}

/// A name that is not in every language, without a reason.
fn unexplained(file: &str) -> Option<&str> {
    file.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |")).find_map(|(name, cells)| {
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let (marks, why) = cells.split_at_checked(Language::ALL.len())?;
        let is_explained = why.first().is_some_and(|why| !why.is_empty());
        (!is_explained && marks.iter().any(|mark| *mark != "yes")).then_some(name)
    })
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

/// `payoutId`, `PayoutId` and `PAYOUT_ID` as `payout_id`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    for letter in name.chars() {
        let begins_a_word =
            letter.is_ascii_uppercase() && before.is_some_and(|before: char| before.is_ascii_lowercase());
        if begins_a_word {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        before = Some(letter);
    }
    text.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_in_every_case() {
        for name in ["payoutId", "PayoutId", "PAYOUT_ID", "payout_id"] {
            assert_eq!(snake_case(name), "payout_id");
        }
        assert_eq!(snake_case("from_"), "from");
    }

    #[test]
    fn a_column_holds_the_names_marked_in_it() {
        let file = format!("{HEAD}| `A.a` | yes | yes |  |  | why |\n| `A.b` | yes |  | yes |  | why |\n");
        assert_eq!(column(&file, Language::Rust).len(), 2);
        assert_eq!(column(&file, Language::Kotlin), Names::from(["A.b".to_owned()]));
        assert!(column(&file, Language::Swift).is_empty());
    }

    #[test]
    fn what_is_not_everywhere_needs_a_reason() {
        let row = |marks: &str, why: &str| {
            format!("{HEAD}| `A.a` | yes | yes | yes | yes |  |\n| `A.b` | {marks} | {why} |\n")
        };
        assert_eq!(unexplained(&row("yes | yes |  | yes", "Java has none")), None);
        assert_eq!(unexplained(&row("yes | yes |  | yes", "")), Some("A.b"));
        assert_eq!(unexplained(&row("yes | yes | yes | yes", "")), None);
    }

    #[test]
    fn no_reason_is_given_twice() {
        for (place, (pattern, _)) in NOT_EVERYWHERE.iter().enumerate() {
            assert!(NOT_EVERYWHERE.iter().skip(place + 1).all(|(other, _)| !matches(pattern, other)), "{pattern}");
        }
    }
}
