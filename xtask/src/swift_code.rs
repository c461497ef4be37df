//! Mends the Swift code that `UniFFI` generates: it is in one module with what users name, and declares all of it
//! public. What is not found there any more is a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::error_kinds;
use crate::failure::{Failure, Outcome};
use crate::kotlin_code::{HISTORY, INNER};

/// What public cases hold, and the functions that users call.
const PUBLIC: [&str; 5] = ["Failure", "NativeTokenProvider", "errorKinds", "libraryVersion", "sandboxUrl"];

/// How the names of converters and of what drives them begin.
const HELPERS: [&str; 2] = ["FfiConverter", "uniffi"];

/// What times, spans and numbers are called in generated code, and what they are.
const ALIASES: [(&str, &str); 4] =
    [("ChangeNumber", "Int64"), ("Moment", "Date"), ("Span", "TimeInterval"), ("Whole", "Int")];

/// How a value says that it shows itself by a text of the core.
const SHOWN: &str = "CustomStringConvertible";

/// Takes `public` and `open` away from what users of the module never name, lets values show nothing but their text,
/// and writes what follows from the kinds of errors.
pub(crate) fn mend(file: &Path) -> Outcome {
    let code = fs::read_to_string(file).map_err(Failure::while_doing(format!("cannot read {}", file.display())))?;
    let mut found = BTreeSet::new();
    let mended = mended(&code, &mut found)? + &error_kinds::conversions(&code)?;
    let wanted = INNER.iter().chain(&PUBLIC).chain(&HELPERS).chain([&SHOWN, &HISTORY]);
    let missing: Vec<_> = wanted.filter(|name| !found.contains(**name)).collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!("UniFFI writes {missing:?} in another way now")));
    }
    fs::write(file, mended).map_err(Failure::while_doing(format!("cannot write {}", file.display())))
}

/// The code with its helpers hidden, and in `found` what was known of it.
fn mended(code: &str, found: &mut BTreeSet<&'static str>) -> Outcome<String> {
    let (mut mended, mut masks, mut depth) = (String::new(), Vec::new(), 0);
    // The value that is being declared, and its fields.
    let (mut shown, mut fields) = (None, Vec::new());
    for line in code.lines() {
        let declared = line.strip_prefix("public ").or_else(|| line.strip_prefix("open ")).unwrap_or(line);
        let mut words = declared.split([' ', '(', ':', '<']);
        let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is_declared = depth == 0 && ["class", "enum", "func", "protocol", "struct", "typealias"].contains(&kind);
        if is_declared && declared.contains(SHOWN) {
            found.insert(SHOWN);
            masks.push(format!(
                "extension {name}: CustomReflectable {{ public var customMirror: Mirror {{ .masking(self) }} }}\n"
            ));
            shown = Some(name);
        }
        if (depth, line) == (1, "}") {
            let ended = std::mem::take(&mut fields);
            if let Some(name) = shown.take().filter(|_| ended.contains(&HISTORY)) {
                found.insert(HISTORY);
                masks.push(equality(name, &ended));
            }
        }
        mended += match () {
            // Before an error, which stands in the next line.
            () if depth == 0 && declared.is_empty() => "",
            () if is_declared && !is_public(kind, name, found) => declared,
            // What can be inherited from is a helper.
            () if line.starts_with("open ") => declared,
            () => line,
        };
        mended.push('\n');
        let field = line.strip_prefix("    public let ").and_then(|rest| rest.split_once(": "));
        if let (1, Some((field, _))) = (depth, field) {
            fields.push(field);
        }
        depth += line.matches(['{', '}']).map(|brace| if brace == "{" { 1 } else { -1 }).sum::<i32>();
    }
    if depth != 0 {
        return Err(Failure::new("UniFFI writes braces into texts now"));
    }
    let known = |code: String, (alias, kind): (&str, &str)| {
        [": ", "-> "].iter().fold(code, |code, sign| code.replace(&format!("{sign}{alias}"), &format!("{sign}{kind}")))
    };
    Ok(ALIASES.into_iter().fold(mended, known) + &masks.concat())
}

/// How values are equal: how one was learned is no part of what it is.
fn equality(name: &str, fields: &[&str]) -> String {
    let own = fields.iter().filter(|field| **field != HISTORY);
    let lines = |line: &dyn Fn(&str) -> String| own.clone().map(|field| line(field)).collect::<Vec<_>>().concat();
    let equal = lines(&|field| format!("        if left.{field} != right.{field} {{ return false }}\n"));
    let hashed = lines(&|field| format!("        hasher.combine({field})\n"));
    format!(
        "extension {name} {{\n    public static func == (left: {name}, right: {name}) -> Bool {{\n{equal}        \
         return true\n    }}\n\n    public func hash(into hasher: inout Hasher) {{\n{hashed}    }}\n}}\n"
    )
}

/// Whether users name what is declared so.
fn is_public(kind: &str, name: &str, found: &mut BTreeSet<&'static str>) -> bool {
    let helper = HELPERS.iter().find(|begin| name.starts_with(**begin));
    let inner = INNER.iter().find(|inner| **inner == name);
    let public = PUBLIC.iter().find(|public| **public == name);
    found.extend(helper.into_iter().chain(inner).chain(public));
    let is_value = matches!(kind, "enum" | "struct") && helper.is_none() && inner.is_none();
    is_value || public.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_hidden_and_what_users_name_is_not() {
        let hide = |code: &str| mended(code, &mut BTreeSet::new()).unwrap();
        for (code, hidden) in [
            (
                "open class NativeClient: Some {\nopen func cancel() {}\n}\n",
                "class NativeClient: Some {\nfunc cancel() {}\n}\n",
            ),
            ("public func FfiConverterTypePayout_lift() {\n}\n", "func FfiConverterTypePayout_lift() {\n}\n"),
            ("public func lostCreate() {\n}\n", "func lostCreate() {\n}\n"),
            ("public \nenum CallFailure: Swift.Error {}\n", "\nenum CallFailure: Swift.Error {}\n"),
            ("public typealias Span = Double\n", "typealias Span = Double\n"),
        ] {
            assert_eq!(hide(code), hidden);
        }
        for code in ["public struct Payout {\npublic func isFinal() {\n}\n}\n", "public func sandboxUrl() {\n}\n"] {
            assert_eq!(hide(code), code);
        }
        assert!(mended("struct A {\n", &mut BTreeSet::new()).is_err());
    }

    #[test]
    fn what_shows_a_text_of_the_core_shows_nothing_besides() {
        let code =
            "public struct Payout: Equatable, CustomStringConvertible {\n}\npublic struct Reason: Equatable {\n}\n";
        let mask = "extension Payout: CustomReflectable { public var customMirror: Mirror { .masking(self) } }\n";
        assert_eq!(mended(code, &mut BTreeSet::new()).unwrap(), format!("{code}{mask}"));
    }

    #[test]
    fn how_a_value_was_learned_is_no_part_of_what_it_is() {
        let code = "public struct Payout: Equatable, CustomStringConvertible {\n    public let id: String\n    \
            public let attempts: [Attempt]\npublic var description: String {\n}\n}\n\
            public struct Failure: Equatable {\n    public let attempts: [Attempt]\n}\n";
        let written = mended(code, &mut BTreeSet::new()).unwrap();
        assert_eq!(written.matches("public static func ==").count(), 1, "{written}");
        for part in ["        if left.id != right.id { return false }\n", "        hasher.combine(id)\n"] {
            assert!(written.contains(part), "{part} is not in {written}");
        }
        assert!(!written.contains("left.attempts") && !written.contains("combine(attempts)"), "{written}");
    }
}
