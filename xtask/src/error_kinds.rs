//! What the kinds of errors become in Kotlin and Swift: written from the generated `ErrorKind`, so that no list of them
//! is kept by hand.

use crate::failure::{Failure, Outcome};

/// The exceptions of Kotlin, a class for each kind with its docs, and which one an error is.
pub(crate) fn exceptions(code: &str) -> Outcome<String> {
    let kinds = kinds(code, "enum class ErrorKind {")?;
    let classes = kinds.iter().map(|(docs, kind)| {
        format!(
            "{docs}public class {} internal constructor(failure: Failure, cause: KomopayException?) :\n    \
             KomopayException(failure, cause)\n\n",
            exception(kind)
        )
    });
    let arms = kinds.iter().map(|(_, kind)| format!("    ErrorKind.{kind} -> {}(this, cause)\n", exception(kind)));
    Ok(format!(
        "package id.komopay\n\nimport id.komopay.ffi.Failure\n\n{}/** It, as what is thrown. */\n\
         internal fun Failure.exception(cause: KomopayException?): KomopayException = when (kind) {{\n{}}}\n",
        classes.collect::<String>(),
        arms.collect::<String>(),
    ))
}

/// `NOT_FINAL` as the name of its class.
fn exception(kind: &str) -> String {
    let words =
        kind.split('_').map(|word| word.split_at(1)).map(|(first, rest)| first.to_owned() + &rest.to_lowercase());
    words.collect::<String>() + "Exception"
}

/// The two ways between an error of Swift, which has a case for each kind, and what it holds.
pub(crate) fn conversions(code: &str) -> Outcome<String> {
    let kinds = kinds(code, "public enum ErrorKind: Equatable, Hashable {")?;
    let arms = |arm: fn(&str) -> String| kinds.iter().map(|(_, kind)| arm(kind)).collect::<String>();
    Ok(format!(
        "extension KomopayError {{\n    init(_ failure: Failure) {{\n        switch failure.kind {{\n{}        }}\n\
         \x20   }}\n\n    var failure: Failure {{\n        switch self {{\n{}        }}\n    }}\n}}\n",
        arms(|kind| format!("        case .{kind}: self = .{kind}(failure)\n")),
        arms(|kind| format!("        case .{kind}(let failure): failure\n")),
    ))
}

/// The kinds as the code spells them, each with its docs.
fn kinds<'a>(code: &'a str, head: &str) -> Outcome<Vec<(String, &'a str)>> {
    let (mut kinds, mut docs) = (Vec::new(), String::new());
    for line in code.lines().skip_while(|line| *line != head).skip(1) {
        let entry = line.trim();
        if entry.starts_with("/*") || entry.starts_with('*') {
            // A class has its docs at the margin.
            docs = docs + line.strip_prefix("    ").unwrap_or(line) + "\n";
        } else if let Some(kind) = entry.strip_prefix("case ").or(entry.strip_suffix([',', ';'])) {
            kinds.push((std::mem::take(&mut docs), kind.trim_matches('`')));
        } else if !entry.is_empty() {
            break;
        }
    }
    if kinds.is_empty() { Err(Failure::new("UniFFI writes the kinds of errors in another way now")) } else { Ok(kinds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_an_exception_of_kotlin_with_its_docs() {
        let code = "enum class ErrorKind {\n    \n    /**\n     * One.\n     */\n    NOT_FINAL,\n    CLOSED;\n\n\
                    \x20   /**\n     * No kind.\n     */ fun `code`(): kotlin.String {\n";
        let written = exceptions(code).unwrap();
        for part in [
            "/**\n * One.\n */\npublic class NotFinalException internal constructor(",
            "\n\npublic class ClosedException internal",
            "    ErrorKind.NOT_FINAL -> NotFinalException(this, cause)\n    ErrorKind.CLOSED -> ClosedException(",
        ] {
            assert!(written.contains(part), "{part} is not in {written}");
        }
        assert!(!written.contains("No kind") && exceptions("enum class Other {\n    A;\n").is_err());
    }

    #[test]
    fn each_kind_is_a_case_of_swifts_error() {
        let code = "public enum ErrorKind: Equatable, Hashable {\n    /**\n     * One.\n     */\n    case notFinal\n\
                    \x20   case `internal`\n\npublic func code() -> String  {\n";
        let written = conversions(code).unwrap();
        for part in ["case .notFinal: self = .notFinal(failure)\n", "case .internal(let failure): failure\n"] {
            assert!(written.contains(part), "{part} is not in {written}");
        }
    }
}
