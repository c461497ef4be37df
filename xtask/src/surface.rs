//! The public surface of the four languages, side by side in one committed file.
//!
//! Each language's part of the checks reads what its users can see ([`check`]) and holds it against its column of the
//! file; `cargo xtask surface` writes the file anew. What one language has and another lacks needs a reason, or nothing
//! passes.

mod kotlin;
mod names;
mod python;
mod rust;
mod swift;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use self::names::Names;
pub(crate) use self::names::snake_case;
pub(crate) use self::rust::open_codes;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

use Language::{Kotlin, Python, Rust, Swift};

const FILE: &str = "docs/surface.md";

const HEAD: &str = "# The public surface\n\n\
    Every call, setting, field, code and error kind that users see, under its one name; each language writes it in\n\
    its own case. `cargo xtask surface` writes this file, and `cargo xtask test` holds each language against it.\n\n\
    Batches are not in it, nor `PostgresChangeStore`: they are the crate `komopay-batches`, and in Python\n\
    `komopay.batches` and `komopay.PostgresChangeStore`. Phones make no payroll; Kotlin comes later.\n\n\
    | name | Rust | Python | Kotlin | Swift | why not everywhere |\n|---|---|---|---|---|---|\n";

/// What is not in every language, exactly where it is missing, and why. A name may end in `*`; the first entry holds.
const NOT_EVERYWHERE: &[(&str, &[Language], &str)] = &[
    ("BlockingPayoutCallbacks.*", &[Rust, Python, Swift], "for the adapters of Ktor and Spring Boot"),
    ("BankTransfer.method_code", &[Rust, Kotlin, Swift], "elsewhere of the method"),
    ("Callback.largest_body", &[Rust, Kotlin, Swift], "a constant in Rust; in Kotlin the adapters know it"),
    ("CallAttempt.*", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("CallEnded.*", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("CallEvent.*", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("CallOptions.*", &[Python, Kotlin, Swift], "elsewhere arguments of their own"),
    ("CallOutcome.*", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("CallStarted.*", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("CallbackUrlOptions.*", &[Python, Kotlin, Swift], "elsewhere arguments of their own"),
    ("ChangeHandler.handle", &[Rust, Python, Swift], "elsewhere a function"),
    ("ChangeRecord.*", &[Python, Kotlin, Swift], "for stores of one's own, which are written in Rust"),
    ("ChangeStore.*", &[Rust, Python], "there each store is a class"),
    ("ChunkToken.*", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.attempt_timeout", &[Python, Kotlin, Swift], "for bindings"),
    ("Client.base_url", &[Rust, Python, Swift], "for komopay-opentelemetry; in Python settings tell it"),
    (
        "Client.check_callbacks",
        &[Python, Kotlin, Swift],
        "for bindings, whose adapters are made before a callback comes",
    ),
    ("Client.check_changes", &[Python, Kotlin, Swift], "for bindings, whose workers are made before a change comes"),
    ("Client.chunk_token", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.create_payout_under", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.creates_under_way", &[Python], "Python logs them when the interpreter ends"),
    ("Client.find_payout", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.from_env", &[Rust, Kotlin, Swift], "for back ends in Python; others read their environment themselves"),
    ("Client.owner", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.payout_token", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.refuse_calls", &[Python, Kotlin, Swift], "for bindings, whose callers may not stay to close"),
    ("Client.settle_window", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("Client.settings", &[Rust, Kotlin, Swift], "for who debugs in Python; elsewhere Config tells what was given"),
    ("Client.total_timeout", &[Python, Kotlin, Swift], "for bindings"),
    ("Client.within", &[Python, Kotlin, Swift], "Python's calls take a timeout; elsewhere by with_options"),
    ("Config.credentials", &[Python], "Python takes them as keywords"),
    ("Config.language", &[Python, Kotlin, Swift], "for bindings"),
    ("Config.merchant_code", &[Rust, Kotlin, Swift], "elsewhere in Credentials"),
    ("Config.secret", &[Rust, Kotlin, Swift], "elsewhere in Credentials"),
    ("Config.shown_proxy", &[Python, Kotlin, Swift], "for bindings"),
    ("Config.telemetry", &[Python, Kotlin, Swift], "in Python komopay.telemetry, on the JVM komopay-opentelemetry"),
    ("Config.token", &[Rust, Kotlin, Swift], "elsewhere in Credentials"),
    ("Credentials.*", &[Python], "Python takes them as keywords"),
    ("Concern.code", &[Python], "Python's codes are texts"),
    ("CryptoTransfer.method_code", &[Rust, Kotlin, Swift], "elsewhere of the method"),
    ("Error.token_too_long", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("ErrorKind.callback_status", &[Python], "Python has it on the error"),
    ("ErrorKind.code", &[Python], "Python's codes are texts"),
    ("ErrorKind.concerns", &[Python, Kotlin, Swift], "the error itself tells it"),
    ("ErrorKind.money_may_have_moved", &[Python], "Python has it on the error"),
    ("ErrorKind.retryable", &[Python], "Python has it on the error"),
    ("ErrorKind.when", &[Python, Kotlin, Swift], "for docs/errors.md"),
    ("FailureCode.code", &[Python], "Python's codes are texts"),
    ("FailureCode.unknown", &[Python], "Python's codes are texts"),
    ("FailureListener.failed", &[Rust, Python, Swift], "elsewhere a function"),
    ("Logger.log", &[Rust, Python, Swift], "elsewhere a function"),
    ("Found.*", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("LogLevel.*", &[Rust, Python], "Rust logs by tracing, Python by logging"),
    ("LogRecord.*", &[Rust, Python], "Rust logs by tracing, Python by logging"),
    ("MethodCode.code", &[Python], "Python's codes are texts"),
    ("MethodCode.unknown", &[Python], "Python's codes are texts"),
    ("Money.checked_*", &[Python, Kotlin, Swift], "elsewhere operators"),
    ("Money.is_zero", &[Python, Kotlin, Swift], "elsewhere the amount tells it"),
    ("Money.negated", &[Python, Kotlin, Swift], "elsewhere an operator"),
    ("Money.unambiguous_amount", &[Python, Kotlin, Swift], "for bindings"),
    ("PaymentOptionFilter.*", &[Python], "Python takes its parts as keywords"),
    ("PaymentTypeCode.code", &[Python], "Python's codes are texts"),
    ("PaymentTypeCode.unknown", &[Python], "Python's codes are texts"),
    ("Payout.is_final", &[Rust, Kotlin, Swift], "elsewhere of its status"),
    ("PayoutCallbacks.*", &[Rust, Python, Swift], "for the adapters of Ktor and Spring Boot"),
    ("PayoutId.code", &[Python, Kotlin, Swift], "elsewhere an id is a text"),
    ("PayoutMethod.code", &[Python, Kotlin, Swift], "elsewhere the type of the transfer tells it"),
    ("PayoutMethod.operator_code", &[Python, Kotlin, Swift], "elsewhere of the transfer"),
    ("PayoutMethod.*", &[Python], "Python takes the transfers themselves"),
    ("PayoutRequest.problems", &[Python, Kotlin, Swift], "for komopay-batches"),
    ("PayoutStatus.code", &[Python], "Python's codes are texts"),
    ("PayoutStatus.is_final", &[Python], "in Python of the payout"),
    ("PayoutStatus.unknown", &[Python], "Python's codes are texts"),
    ("PayoutWaits.next", &[Python, Kotlin, Swift], "elsewhere a loop goes over them"),
    ("PayoutWaits.close", &[Rust, Swift], "elsewhere dropping it ends it"),
    ("PayoutWaits.*", &[Rust, Python, Swift], "what a loop of Java needs"),
    ("RawJson.code", &[Python, Kotlin, Swift], "elsewhere a text"),
    ("SignaturePlace.*", &[Python], "Python takes its name"),
    ("SqliteChangeStore.path", &[Rust, Kotlin, Swift], "Rust opens it; elsewhere a part of ChangeStore"),
    ("StoreError.*", &[Python, Kotlin, Swift], "for stores of one's own, which are written in Rust"),
    ("TokenProvider.provide", &[Rust, Python, Swift], "elsewhere a function"),
    ("WaitedPayout.error", &[Rust], "a Result in Rust"),
    ("WaitedPayout.payout", &[Rust], "a Result in Rust"),
    ("WalletTransfer.method_code", &[Rust, Kotlin, Swift], "elsewhere of the method"),
    ("TokenScope.*", &[Python], "Python takes its name"),
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

/// Each name, and in which languages it is, in the order of [`Language::ALL`].
type Rows = BTreeMap<String, [bool; 4]>;

/// Reads what users of this language see, and holds it against the committed file.
pub(crate) fn check(workspace: &Workspace, language: Language) -> Outcome {
    let seen = seen(workspace, language)?;
    let committed = fs::read_to_string(workspace.root().join(FILE)).map_err(Failure::while_doing(FILE))?;
    let listed = column(&rows(&committed), language);
    let lines = |sign: &str, names: Vec<&String>| {
        names.into_iter().fold(String::new(), |text, name| text + "\n  " + sign + " " + name)
    };
    let difference = lines("+", seen.difference(&listed).collect()) + &lines("-", listed.difference(&seen).collect());
    if !difference.is_empty() {
        return Err(Failure::new(format!(
            "the public surface of {} is not the one in {FILE}. If that is meant, run `cargo xtask \
             surface`:{difference}",
            language.name()
        )));
    }
    // The other columns and the reasons too, as they would be written: nothing in the file is edited by hand.
    if file(&rows(&committed))? != committed {
        return Err(Failure::new(format!("{FILE} is not what `cargo xtask surface` writes")));
    }
    println!("   {} names are public, as {FILE} lists them", seen.len());
    Ok(())
}

/// Writes the committed file anew.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    let mut rows = Rows::new();
    for (place, language) in Language::ALL.into_iter().enumerate() {
        for name in seen(workspace, language)? {
            if let Some(here) = rows.entry(name).or_default().get_mut(place) {
                *here = true;
            }
        }
    }
    fs::write(workspace.root().join(FILE), file(&rows)?).map_err(Failure::while_doing(format!("cannot write {FILE}")))
}

/// The file with these rows. What is missing somewhere needs a reason for just that, and every reason must be needed.
fn file(rows: &Rows) -> Outcome<String> {
    let mut file = HEAD.to_owned();
    let mut unexplained = String::new();
    let mut used = BTreeSet::new();
    for (name, here) in rows {
        let lacking: Vec<Language> =
            Language::ALL.into_iter().zip(here).filter(|(_, here)| !**here).map(|(language, _)| language).collect();
        let entry = NOT_EVERYWHERE.iter().find(|(pattern, ..)| matches(pattern, name));
        let why = match entry {
            Some((pattern, languages, why)) if *languages == lacking => {
                used.insert(*pattern);
                *why
            }
            _ if lacking.is_empty() => "",
            _ => {
                let names: Vec<&str> = lacking.into_iter().map(Language::name).collect();
                unexplained.extend(["\n  ", name, " is not in ", &names.join(", ")]);
                continue;
            }
        };
        let marks = here.map(|here| if here { "yes" } else { "" }).join(" | ");
        writeln!(file, "| `{name}` | {marks} | {why} |").map_err(Failure::while_doing("cannot write a line"))?;
    }
    if !unexplained.is_empty() {
        return Err(Failure::new(format!("xtask/src/surface.rs gives no reason for just this:{unexplained}")));
    }
    if let Some((pattern, ..)) = NOT_EVERYWHERE.iter().find(|(pattern, ..)| !used.contains(pattern)) {
        return Err(Failure::new(format!("the reason for {pattern} in xtask/src/surface.rs is not needed any more")));
    }
    Ok(file)
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

/// The rows of the file.
fn rows(file: &str) -> Rows {
    let rows = file.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, cells)| {
        let mut marks = cells.split('|').map(|mark| mark.trim() == "yes");
        (name.to_owned(), [(); 4].map(|()| marks.next().unwrap_or_default()))
    })
    .collect()
}

/// The names with a mark in the column of this language.
fn column(rows: &Rows, language: Language) -> Names {
    let is_in = |here: &[bool; 4]| Language::ALL.into_iter().zip(here).any(|(other, here)| *here && other == language);
    rows.iter().filter(|(_, here)| is_in(here)).map(|(name, _)| name.clone()).collect()
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_holds_the_names_marked_in_it() {
        let rows = rows(&format!("{HEAD}| `A.a` | yes | yes |  |  | why |\n| `A.b` | yes |  | yes |  | why |\n"));
        assert_eq!(column(&rows, Rust).len(), 2);
        assert_eq!(column(&rows, Kotlin), Names::from(["A.b".to_owned()]));
        assert!(column(&rows, Swift).is_empty());
    }

    /// The committed rows, which have every reason, and this one.
    fn file_with(name: &str, here: [bool; 4]) -> Outcome<String> {
        let mut rows = rows(include_str!("../../docs/surface.md"));
        rows.insert(name.to_owned(), here);
        file(&rows)
    }

    #[test]
    fn a_reason_holds_only_for_the_languages_that_it_names() {
        let refused = |name, here| file_with(name, here).unwrap_err().to_string();
        assert!(file_with("TokenScope.new", [true, false, true, true]).unwrap().contains("`TokenScope.new`"));
        assert!(
            refused("TokenScope.new", [true, false, true, false]).contains("TokenScope.new is not in python, swift")
        );
        assert!(refused("A.b", [true, true, false, true]).contains("A.b is not in kotlin"));
        assert!(file_with("A.b", [true; 4]).unwrap().contains("| `A.b` | yes | yes | yes | yes |  |"));
    }

    #[test]
    fn a_reason_that_nothing_needs_is_refused() {
        let needless = file_with("PayoutMethod.code", [true, true, true, true]).unwrap_err().to_string();
        assert!(needless.contains("the reason for PayoutMethod.code"), "{needless}");
    }

    #[test]
    fn the_file_is_as_it_would_be_written() {
        let committed = include_str!("../../docs/surface.md");
        assert_eq!(file(&rows(committed)).unwrap(), committed);
        // Another reason is read over, and so is not what would be written.
        let edited = committed.replace("for bindings |", "for fun |");
        assert_ne!(file(&rows(&edited)).unwrap(), edited);
    }

    #[test]
    fn no_reason_is_given_twice() {
        for (place, (pattern, ..)) in NOT_EVERYWHERE.iter().enumerate() {
            assert!(NOT_EVERYWHERE.iter().skip(place + 1).all(|(other, ..)| !matches(pattern, other)), "{pattern}");
        }
    }
}
