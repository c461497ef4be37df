//! Hides the helpers in the Swift code that `UniFFI` generates: it is in one module with what users name, and declares
//! all of it public. What is not found there any more is a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// What the front makes its own of, and calls.
const HIDDEN: [&str; 23] = [
    "CallbackParts",
    "Cancellation",
    "CancellationProtocol",
    "IssuedToken",
    "Language",
    "MoneyParts",
    "NativeClient",
    "NativeClientProtocol",
    "NativeLogger",
    "NativeLoggerImpl",
    "NativeTokenProviderImpl",
    "anyCreateUnderWay",
    "callbackBodyLimit",
    "endOfProcess",
    "exactMoney",
    "fingerprint",
    "flushLog",
    "lostCreate",
    "matchesFingerprint",
    "parseMoney",
    "setLogger",
    "showMoney",
    "validate",
];

/// How the names of converters and of what drives them begin.
const HELPERS: [&str; 2] = ["FfiConverter", "uniffi"];

/// Takes `public` and `open` away from what users of the module never name.
pub(crate) fn mend(file: &Path) -> Outcome {
    let code = fs::read_to_string(file).map_err(Failure::while_doing(format!("cannot read {}", file.display())))?;
    let mut found = BTreeSet::new();
    let mended: String = code.lines().map(|line| hidden(line, &mut found) + "\n").collect();
    let missing: Vec<_> = HIDDEN.iter().chain(&HELPERS).filter(|name| !found.contains(**name)).collect();
    if !missing.is_empty() {
        return Err(Failure::new(format!("UniFFI writes {missing:?} in another way now")));
    }
    fs::write(file, mended).map_err(Failure::while_doing(format!("cannot write {}", file.display())))
}

/// A line without the word that makes a helper public.
fn hidden(line: &str, found: &mut BTreeSet<&'static str>) -> String {
    // What can be inherited from is a helper.
    if let Some(function) = line.strip_prefix("open func ") {
        return format!("func {function}");
    }
    let Some(declared) = line.strip_prefix("public ").or_else(|| line.strip_prefix("open ")) else {
        return line.to_owned();
    };
    let name = declared.split(' ').nth(1).unwrap_or_default().split(['(', ':', '<']).next().unwrap_or_default();
    let known =
        HIDDEN.iter().find(|hidden| **hidden == name).or(HELPERS.iter().find(|begin| name.starts_with(**begin)));
    match known {
        Some(known) => {
            found.insert(known);
            declared.to_owned()
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_hidden_and_what_users_name_is_not() {
        let hide = |line: &str| hidden(line, &mut BTreeSet::new());
        assert_eq!(
            hide("open class NativeClient: NativeClientProtocol {"),
            "class NativeClient: NativeClientProtocol {"
        );
        assert_eq!(
            hide("public func FfiConverterTypePayout_lift(_ buf: RustBuffer) {"),
            "func FfiConverterTypePayout_lift(_ buf: RustBuffer) {"
        );
        assert_eq!(hide("public struct Payout: Equatable {"), "public struct Payout: Equatable {");
        assert_eq!(hide("open func cancel()  {"), "func cancel()  {");
        assert_eq!(hide("public func sandboxUrl() -> String  {"), "public func sandboxUrl() -> String  {");
    }
}
