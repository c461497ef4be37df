//! Mends the Kotlin code that `UniFFI` generates, where it cannot be told otherwise. It works on the lines of its
//! templates: what is not found there any more is a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::str::Lines;

use crate::failure::{Failure, Outcome};

/// What holds a secret, a token, an account or a person. Whoever prints beans finds nothing of it: the methods that
/// read it are named as records name theirs (`account.number()`), and the fields are transient.
const SECRETIVE: [&str; 11] = [
    "BankAccount",
    "BankTransfer",
    "Config",
    "CryptoAccount",
    "CryptoTransfer",
    "IssuedToken",
    "Merchant",
    "PayoutRequest",
    "Token",
    "WalletAccount",
    "WalletTransfer",
];

/// What an exception is made of, which can be serialized.
const SERIALIZABLE: [&str; 8] =
    ["Attempt", "Failure", "FailureCode", "FailureReason", "MethodCode", "Payout", "PayoutStatus", "Reason"];

/// Mends the files of a folder: values that hold lists keep lists that nobody changes, values show themselves whatever
/// texts they hold, and see above.
pub(crate) fn mend(sources: &Path) -> Outcome {
    let reading = || Failure::while_doing(format!("cannot read {}", sources.display()));
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(sources).map_err(reading())? {
        let file = entry.map_err(reading())?.path();
        let code = fs::read_to_string(&file).map_err(reading())?;
        let writing = Failure::while_doing(format!("cannot write {}", file.display()));
        fs::write(&file, mended(&code, &mut found)).map_err(writing)?;
    }
    let wanted = SECRETIVE.iter().chain(&SERIALIZABLE).chain(&[TO_STRING, LISTS]);
    let missing: Vec<_> = wanted.filter(|name| !found.contains(**name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::new(format!("UniFFI writes {missing:?} in another way now"))) }
}

/// Half of a surrogate pair, which a text of the JVM may have, would throw out of the core's `toString`.
const TO_STRING: &str = "override fun toString(): String {";
const SHOWN: &str = "override fun toString(): String = try { shownByTheCore() } \
    catch (unshown: java.nio.charset.CharacterCodingException) { javaClass.simpleName + \"(not Unicode)\" }\n    \
    private fun shownByTheCore(): String {";

/// How the type of a list begins.
const LISTS: &str = "List<";

/// The code with what is wrong in it made right, and in `found` what was mended.
fn mended(code: &str, found: &mut BTreeSet<&'static str>) -> String {
    let mut mended = String::new();
    let mut lines = code.lines();
    let mut outer = "";
    while let Some(line) = lines.next() {
        if line.starts_with(char::is_alphabetic)
            && let Some(declared) = ["class ", "object ", "interface "].iter().find_map(|kind| line.split(kind).nth(1))
        {
            outer = declared.split([' ', '(', ':', '{']).next().unwrap_or_default();
        }
        let serializable = SERIALIZABLE.iter().find(|name| **name == outer);
        found.extend(serializable);
        let value = line.trim_start().strip_prefix("data class ").and_then(|rest| rest.split(['(', ' ']).next());
        let line = match value {
            Some(name) => data_class(name, line, &mut lines, found),
            None => line.to_owned(),
        };
        mended += &if serializable.is_some() { serialized(&line, outer) } else { line };
        mended.push('\n');
    }
    if mended.contains(TO_STRING) {
        found.insert(TO_STRING);
    }
    mended.replace(TO_STRING, SHOWN)
}

/// What belongs to a class that can be serialized: its version, and that of an object there is one only.
fn serialized(line: &str, class: &str) -> String {
    const VERSION: &str = "private const val serialVersionUID: Long = 1L";
    let end = format!(" : {class}()");
    match line.trim_start() {
        "companion object" => format!("{line} {{ {VERSION} }}"),
        start if start.starts_with("sealed class") => line.replace(" {", " : java.io.Serializable {"),
        start if start.starts_with("object ") && start.ends_with(&end) => {
            let name = start.trim_start_matches("object ").trim_end_matches(&end);
            format!("{line} {{\n    {VERSION}\n    private fun readResolve(): Any = {name}\n}}")
        }
        // The head of a record, up to its body.
        _ if line.contains("\n){") => line.replace("\n){", "\n) : java.io.Serializable {"),
        _ => line.to_owned(),
    }
}

/// The head of a value, up to the beginning of its body, and what belongs there if it holds lists: then it cannot be a
/// data class, which keeps what it is given, and has the members of one here.
fn data_class(name: &str, first: &str, lines: &mut Lines<'_>, found: &mut BTreeSet<&'static str>) -> String {
    let secretive = SECRETIVE.iter().find(|secretive| **secretive == name);
    found.extend(secretive);
    let property = |field: &str| match secretive {
        Some(_) => format!("@get:JvmName(\"{field}\") @Transient val `{field}`"),
        None => format!("val `{field}`"),
    };
    let (mut head, mut fields) = (vec![first.to_owned()], Vec::new());
    for line in lines {
        let field = line.trim_start().strip_prefix("val `").and_then(|rest| rest.split_once("`: "));
        if let Some((field, rest)) = field {
            let kind = rest.split([' ', ',', ')']).next().unwrap_or_default();
            let written = if kind.starts_with(LISTS) { format!("`{field}`") } else { property(field) };
            head.push(line.replace(&format!("val `{field}`"), &written));
            fields.push((field, kind));
        } else {
            head.push(line.to_owned());
        }
        if line.ends_with('{') {
            break;
        }
    }
    let head = head.join("\n");
    let lists: Vec<_> = fields.iter().filter(|(_, kind)| kind.starts_with(LISTS)).collect();
    if lists.is_empty() {
        return head;
    }
    found.insert(LISTS);
    let all = |shown: &dyn Fn(&str, &str) -> String| {
        fields.iter().map(|(field, kind)| shown(field, kind)).collect::<Vec<_>>().join(", ")
    };
    let names = all(&|field, _| format!("`{field}`"));
    let copied = all(&|field, kind| format!("`{field}`: {kind} = this.`{field}`"));
    let kept = lists.iter().map(|(field, kind)| format!("{}: {kind} = id.komopay.frozen(`{field}`)", property(field)));
    let components =
        fields.iter().zip(1..).map(|((field, kind), at)| format!("operator fun component{at}(): {kind} = `{field}`"));
    let members = kept.chain(components).chain([
        format!("fun copy({copied}): {name} = {name}({names})"),
        format!("private fun all(): List<Any?> = listOf<Any?>({names})"),
        format!("override fun equals(other: Any?): Boolean = other is {name} && all() == other.all()"),
        "override fun hashCode(): Int = all().hashCode()".to_owned(),
    ]);
    let members: Vec<_> = members.map(|member| format!("    {member}")).collect();
    format!("{}\n{}", head.replacen("data class ", "class ", 1), members.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_lists_of_its_own_and_what_is_secret_is_no_bean() {
        let code = "data class Config (\n    /**\n     * One.\n     */\n    val `key`: kotlin.String\n    , \n    \
            val `all`: List<Money> = listOf() \n    \n){\n    companion object\n}\n";
        let (mended, found) = with(code);
        for part in [
            "class Config (\n",
            "    @get:JvmName(\"key\") @Transient val `key`: kotlin.String\n",
            "    `all`: List<Money> = listOf() \n",
            "    @get:JvmName(\"all\") @Transient val `all`: List<Money> = id.komopay.frozen(`all`)\n",
            "    fun copy(`key`: kotlin.String = this.`key`, `all`: List<Money> = this.`all`): Config = Config(`key`, `all`)\n",
            "    companion object\n",
        ] {
            assert!(mended.contains(part), "{part} is not in {mended}");
        }
        assert!(!mended.contains("data class") && found.contains("Config") && found.contains(LISTS));
    }

    #[test]
    fn what_an_exception_holds_can_be_serialized() {
        let (mended, _) =
            with("sealed class PayoutStatus {\n    object Failed : PayoutStatus()\n    companion object\n}\n");
        assert!(mended.starts_with("sealed class PayoutStatus : java.io.Serializable {\n"), "{mended}");
        assert!(mended.contains("private fun readResolve(): Any = Failed\n"), "{mended}");
        assert!(
            mended.contains("    companion object { private const val serialVersionUID: Long = 1L }\n"),
            "{mended}"
        );
        let (mended, _) =
            with("data class Reason (\n    val `code`: kotlin.String\n    \n){\n    companion object\n}\n");
        assert!(mended.contains("\n) : java.io.Serializable {\n"), "{mended}");
        assert_eq!(
            with("enum class Language {\n    companion object\n}\n").0,
            "enum class Language {\n    companion object\n}\n"
        );
    }

    fn with(code: &str) -> (String, BTreeSet<&'static str>) {
        let mut found = BTreeSet::new();
        (mended(code, &mut found), found)
    }
}
