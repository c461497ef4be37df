//! What the JVM knows of names and codes without crossing the border: asked here, once, while the Kotlin code is
//! written. `build.rs` has the names.

use crate::values;

/// The Kotlin code of the operations: tables, and what crosses.
#[must_use]
pub fn operations() -> String {
    let tables = include!(concat!(env!("OUT_DIR"), "/tables.rs")).concat();
    let crossing = include_str!(concat!(env!("OUT_DIR"), "/Operations.kt"));
    format!(
        "package id.komopay.ffi\n\nimport id.komopay.*\n\n/** What the core does and says: `ffi/operations.rs`. */\n\
         internal object NativeOperations {{\n{tables}\n{crossing}}}\n"
    )
}

/// What is written into Kotlin's code, with its type there.
trait Literal {
    fn literal(&self) -> (&'static str, String);
}

impl Literal for String {
    fn literal(&self) -> (&'static str, String) {
        ("String", format!("{self:?}"))
    }
}

impl Literal for bool {
    fn literal(&self) -> (&'static str, String) {
        ("Boolean", self.to_string())
    }
}

type Line = (&'static str, (&'static str, String));

/// Of a list of names.
fn plain(method: &str, of: &str, lines: &[Line]) -> String {
    let lines: Vec<_> = lines.iter().map(|(name, value)| (format!("{of}.{}", constant(name)), value)).collect();
    table(method, of, &lines, "")
}

/// Of a list of codes that the platform may extend: what is not known is its own text, or what is said of it.
fn open(method: &str, of: &str, lines: &[Line], unknown: &(&'static str, String)) -> String {
    let lines: Vec<_> = lines.iter().map(|(name, value)| (format!("{of}.{name}"), value)).collect();
    let value = match (method, unknown) {
        ("shown", _) => "shownByTheCore(itself)",
        (_, ("String", _)) => "itself.text",
        (_, (_, value)) => value,
    };
    table(method, of, &lines, &format!("        is {of}.Unknown -> {value}\n"))
}

fn table(method: &str, of: &str, lines: &[(String, &(&'static str, String))], unknown: &str) -> String {
    let kind = lines.first().map_or("Nothing", |(_, (kind, _))| kind);
    let known: Vec<_> = lines.iter().map(|(name, (_, value))| format!("        {name} -> {value}\n")).collect();
    format!("    fun {method}(itself: {of}): {kind} = when (itself) {{\n{}{unknown}    }}\n\n", known.concat())
}

/// As `UniFFI` names it in Kotlin.
fn constant(name: &str) -> String {
    let letters = name.char_indices().map(|(at, letter)| match letter {
        letter if letter.is_ascii_uppercase() && at > 0 => format!("_{letter}"),
        letter => letter.to_ascii_uppercase().to_string(),
    });
    letters.collect()
}
