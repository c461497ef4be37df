//! What users of the Kotlin library see: the public members of its classes, as the JDK's `javap` lists them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::names::{Names, snake_case};
use crate::command::Program;
use crate::failure::{Failure, Outcome};
use crate::workspace::Workspace;

/// Classes that are `internal` in Kotlin, which Java calls public.
const INTERNAL: [&str; 9] = [
    "Caller",
    "Creating",
    "Ears",
    "HalfACharacter",
    "LeveledLogger",
    "Libraries",
    "OnceAMinute",
    "Slf4jLogger",
    "Written",
];

/// Functions that are no members of the class of their first argument, though they look like it.
const FREE_FUNCTIONS: [&str; 2] = ["setLogger", "heard"];

/// What every Kotlin class has, and operators.
const OF_EVERY_CLASS: [&str; 8] =
    ["equals", "hashCode", "toString", "copy", "compareTo", "plus", "minus", "unaryMinus"];

/// The client in the ways in which it is called, and what stands in for it in tests: all have the same calls.
const CLIENTS: [&str; 6] =
    ["Client", "BlockingClient", "AsyncClient", "PayoutClient", "BlockingPayoutClient", "AsyncPayoutClient"];

/// What codes have for Java alone: an enum to switch over.
const FOR_JAVA: [&str; 2] = ["asEnum", "Value"];

pub(super) fn names(workspace: &Workspace) -> Outcome<Names> {
    let classes = workspace.folder("kotlin").join("maven").join("classes");
    let mut names = Names::new();
    let mut clients = CLIENTS.map(|_| BTreeSet::new());
    // What is generated and stays out of sight is in a package of its own, below this one.
    let folder = classes.join("id").join("komopay");
    let is_internal = |class: &String| class.split('$').next().is_some_and(|class| INTERNAL.contains(&class));
    let list: Vec<String> = public_classes(&folder)?.into_iter().filter(|class| !is_internal(class)).collect();
    let javap = Program::new(workspace, "javap").arg("-public").arg("-cp").arg(&classes);
    let listing = list.iter().fold(javap, |javap, class| javap.arg(format!("id.komopay.{class}"))).output()?;
    for (class, member) in members(&listing) {
        match CLIENTS.iter().zip(&mut clients).find(|(client, _)| **client == class) {
            Some((_, calls)) => calls.insert(member),
            None => names.insert(format!("{class}.{}", snake_case(&member))),
        };
    }
    for class in list {
        if let Some((owner, variant)) = class.split_once('$').filter(|(_, variant)| !FOR_JAVA.contains(variant)) {
            names.insert(format!("{owner}.{}", snake_case(variant)));
        }
    }
    let [client, others @ ..] = &clients;
    for (name, calls) in CLIENTS.iter().skip(1).zip(others) {
        let differing: Vec<&String> = client.symmetric_difference(calls).collect();
        if !differing.is_empty() {
            return Err(Failure::new(format!("Client and {name} differ: {differing:?}")));
        }
    }
    names.extend(client.iter().map(|member| format!("Client.{}", snake_case(member))));
    Ok(names)
}

/// The classes of a folder that a program could name.
fn public_classes(folder: &Path) -> Outcome<Vec<String>> {
    let mut classes = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::while_doing(folder.display()))? {
        let file = entry.map_err(Failure::while_doing(folder.display()))?.file_name();
        let Some(class) = file.to_string_lossy().strip_suffix(".class").map(str::to_owned) else { continue };
        let made_by_the_compiler = |part: &str| {
            part.starts_with(|first: char| !first.is_ascii_uppercase()) || part == "Companion" || part == "WhenMappings"
        };
        if !class.split('$').any(made_by_the_compiler) && !class.ends_with("Kt") && !class.ends_with("Builder") {
            classes.push(class);
        }
    }
    Ok(classes)
}

/// The classes of a listing with their members: properties by their names, functions by theirs, functions that extend
/// another class as members of that one.
fn members(listing: &str) -> Vec<(String, String)> {
    let mut members = Vec::new();
    let mut class = String::new();
    for line in listing.lines() {
        let head =
            line.strip_suffix('{').and_then(|line| line.split(" class ").nth(1).or(line.split(" interface ").nth(1)));
        if let Some(name) = head {
            name.split([' ', '<']).next().unwrap_or_default().clone_into(&mut class);
            continue;
        }
        let Some((head, arguments)) = line.trim().split_once('(') else {
            // An entry of an enum.
            if let Some(entry) = line.trim().strip_suffix(';').filter(|line| line.contains(" static final "))
                && let Some(name) = entry.rsplit(' ').next().filter(|name| is_entry(name))
            {
                members.push((class.clone(), name.to_owned()));
            }
            continue;
        };
        let Some(name) = head.rsplit(' ').next() else { continue };
        let is_static = head.contains(" static ");
        let first = arguments.split([',', ')']).next().unwrap_or_default();
        let is_component = name.strip_prefix("component").is_some_and(|rest| rest.parse::<u8>().is_ok());
        if name.contains(['$', '.']) || is_component || OF_EVERY_CLASS.contains(&name) || FOR_JAVA.contains(&name) {
            continue;
        }
        if is_static {
            if let Some(extended) = first.strip_prefix("id.komopay.").filter(|_| !FREE_FUNCTIONS.contains(&name)) {
                members.push((extended.to_owned(), name.to_owned()));
            }
            continue;
        }
        let property = name.strip_prefix("get").filter(|rest| first.is_empty() && rest.starts_with(char::is_uppercase));
        members.push((class.clone(), property.unwrap_or(name).to_owned()));
    }
    members.into_iter().filter_map(|(class, member)| Some((vocabulary(&class)?, member))).collect()
}

/// An entry of an enum, and not the one instance of an object.
fn is_entry(name: &str) -> bool {
    name != "INSTANCE" && name.chars().all(|letter| !letter.is_lowercase())
}

/// A class under the name that it has in every language. A kind of error has no members of its own, and of what is
/// nested in another class only the methods of a payout do.
fn vocabulary(class: &str) -> Option<String> {
    let name = class.rsplit('.').next().unwrap_or_default();
    match name.split_once('$') {
        Some(("PayoutMethod", method)) => Some(method.to_owned()),
        Some(_) => None,
        None if name == "KomopayException" => Some("Error".to_owned()),
        None if name.ends_with("Exception") => None,
        None => Some(name.to_owned()),
    }
}
