//! What the documents say of the code is compared with the code.

use komopay_core::ErrorKind;
use serde_json::Value;

fn read(path: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    std::fs::read_to_string(format!("{root}/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn python_class(kind: ErrorKind) -> String {
    let words = kind.as_str().split('_').map(|word| format!("{}{}", word[..1].to_uppercase(), &word[1..]));
    words.collect::<String>() + "Error"
}

#[test]
fn the_error_table_is_the_cores_own() {
    let yes_or_no = |yes| if yes { "yes" } else { "no" };
    let rows: Vec<String> = ErrorKind::ALL
        .iter()
        .map(|kind| {
            let moved = if kind.money_may_have_moved() { "**yes**" } else { "no" };
            let (when, retryable) = (kind.when(), yes_or_no(kind.retryable()));
            format!("| `{kind}` | {when} | {retryable} | {moved} | `{}` |", python_class(*kind))
        })
        .collect();
    let document = read("docs/errors.md");
    let written: Vec<&str> = document.lines().filter(|line| line.ends_with("Error` |")).collect();
    assert_eq!(written, rows, "docs/errors.md should have:\n{}", rows.join("\n"));
}

#[test]
fn every_kind_is_listed_once_and_a_state_that_may_hold_money_is_never_called_done() {
    let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 16);
    for kind in ErrorKind::ALL {
        let expected = matches!(kind, ErrorKind::DuplicatePayout | ErrorKind::NotFinal | ErrorKind::OutcomeUnknown);
        assert_eq!(kind.money_may_have_moved(), expected, "{kind}");
    }
}

#[test]
fn every_mutation_still_finds_its_place() {
    let mutations: Value = serde_json::from_str(&read("tests/mutations.json")).unwrap();
    for mutation in mutations.as_array().unwrap() {
        let text = |key: &str| mutation[key].as_str().unwrap();
        let places = read(text("file")).matches(text("from")).count();
        assert_eq!(places, 1, "{} ({})", text("fault"), text("file"));
    }
}

/// What the documents show in Rust. That it compiles is the test.
#[allow(unused, clippy::all, clippy::pedantic, reason = "it is shown to people")]
mod shown {
    include!(concat!(env!("OUT_DIR"), "/shown.rs"));

    #[test]
    fn the_rust_of_the_documents_is_found_and_compiles_as_it_stands() {
        assert!(SHOWN >= 5, "{SHOWN}");
    }
}
