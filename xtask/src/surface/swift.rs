//! What users of the Swift package see: the public symbols that its compiler lists.

use std::fs;

use serde::Deserialize;

use super::names::{Names, snake_case};
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// The functions of no type. The generated code is in the same module, and has more of them.
const FUNCTIONS: [&str; 4] = ["errorKinds", "libraryVersion", "sandboxUrl", "setLogger"];

/// What cases hold: the error itself tells what is in its own, and `Credentials.provider` makes the other one.
const HELD: [&str; 2] = ["Failure", "NativeTokenProvider"];

/// What the protocols of the standard library ask for.
const OF_PROTOCOLS: [&str; 9] = [
    "customMirror",
    "debugDescription",
    "description",
    "errorDescription",
    "hash",
    "hashValue",
    "helpAnchor",
    "localizedDescription",
    "recoverySuggestion",
];

#[derive(Deserialize)]
struct SymbolGraph {
    symbols: Vec<Symbol>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Symbol {
    kind: Kind,
    path_components: Vec<String>,
}

#[derive(Deserialize)]
struct Kind {
    identifier: String,
}

pub(super) fn names(workspace: &Workspace) -> Outcome<Names> {
    let path = workspace.folder("swift").join("symbols").join("KomoPay.symbols.json");
    let text = fs::read_to_string(&path).map_err(Failure::while_doing(path.display()))?;
    let graph: SymbolGraph = serde_json::from_str(&text).map_err(Failure::while_doing(path.display()))?;
    let mut names = Names::new();
    for Symbol { kind, path_components } in graph.symbols {
        let [owner, signature] = path_components.as_slice() else {
            let name = path_components.first().and_then(|name| name.split('(').next()).unwrap_or_default();
            if kind.identifier == "swift.func" && !FUNCTIONS.contains(&name) {
                return Err(Failure::new(format!("{name} is generated, and public")));
            }
            continue;
        };
        let (member, labels) = signature.split_once('(').unwrap_or((signature, ""));
        let is_of_error = owner == "KomopayError";
        if HELD.contains(&owner.as_str())
            // The reason of a 406 has a field of this name.
            || (OF_PROTOCOLS.contains(&member) && owner != "Reason")
            // `LocalizedError` asks for it; elsewhere it is a field of ours.
            || (is_of_error && member == "failureReason")
            || !matches!(kind.identifier.as_str(), "swift.property" | "swift.method" | "swift.enum.case")
        {
            continue;
        }
        let is_case = kind.identifier == "swift.enum.case";
        let owner = match owner.as_str() {
            "KomopayError" if is_case => "ErrorKind",
            "KomopayError" => "Error",
            owner => owner,
        };
        names.insert(format!("{owner}.{}", snake_case(member)));
        // Elsewhere a method of a payout is a type of its own.
        if is_case && owner == "PayoutMethod" {
            let mut letters = member.chars();
            let class = letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters);
            let class: String = class.collect();
            let labels = labels.trim_end_matches(')').split(':').filter(|label| !label.is_empty());
            names.extend(labels.map(|label| format!("{class}.{}", snake_case(label))));
        }
    }
    Ok(names)
}
