//! Mends the Kotlin code that `UniFFI` generates, where it cannot be told otherwise. It works on the lines of its
//! templates: what is not found there any more is a failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::str::Lines;

use crate::failure::{Failure, Outcome};
use crate::kotlin_forms::SECRETIVE;
use crate::{error_kinds, kotlin_builders, kotlin_forms};

/// What an exception is made of, which can be serialized.
const SERIALIZABLE: [&str; 8] =
    ["Attempt", "Failure", "FailureCode", "FailureReason", "MethodCode", "Payout", "PayoutStatus", "Reason"];

/// Values that users never name: the fronts make their own of them.
pub(crate) const INNER: [&str; 8] = [
    "CallFailure",
    "CallbackParts",
    "Failure",
    "IssuedToken",
    "Language",
    "MoneyParts",
    "ProviderFailure",
    "WaitedParts",
];

/// Mends the code below a folder: values that hold lists keep lists that nobody changes, values show themselves
/// whatever texts they hold, a text that cannot be sent is told by its name, and see above. Those that users name go
/// from `id.komopay.ffi`, where all is generated, to `id.komopay`; what stays there is internal. Exceptions and
/// builders are written besides; and the values as plain data, beside that folder, for the artifact in `jackson/`.
pub(crate) fn mend(sources: &Path) -> Outcome {
    let file = |path: &str| sources.join("id").join("komopay").join(path);
    let (generated, values) = (file("ffi/komopay_ffi.kt"), file("Values.kt"));
    let reading = Failure::while_doing(format!("cannot read {}", generated.display()));
    let code = fs::read_to_string(&generated).map_err(reading)?;
    let mut found = BTreeSet::new();
    let (rest, for_users) = parted(&mended(&code, &mut found), &mut found);
    let builders = (file("Builders.kt"), kotlin_builders::written(&for_users)?);
    let exceptions = (file("Exceptions.kt"), error_kinds::exceptions(&for_users)?);
    let folder = sources.with_file_name("generated-jackson");
    fs::create_dir_all(&folder).map_err(Failure::while_doing(format!("cannot make {}", folder.display())))?;
    let forms = (folder.join("Forms.kt"), kotlin_forms::written(&for_users)?);
    for (path, code) in [(generated, rest), (values, for_users), builders, exceptions, forms] {
        fs::write(&path, code).map_err(Failure::while_doing(format!("cannot write {}", path.display())))?;
    }
    let others =
        [TO_STRING, LISTS, HISTORY, CODES, CALLS, FIELD, ARGUMENT, DESTROYED, PROVIDER, FUNCTIONS[0], FUNCTIONS[1]];
    let wanted = SECRETIVE.iter().chain(&SERIALIZABLE).chain(&INNER).chain(&others);
    let missing: Vec<_> = wanted.filter(|name| !found.contains(**name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Failure::new(format!("UniFFI writes {missing:?} in another way now"))) }
}

/// Half of a surrogate pair, which a text of the JVM may have, would throw out of the core's `toString`.
const TO_STRING: &str = "override fun toString(): String {";
const SHOWN: &str = "override fun toString(): String = try { shownByTheCore() } \
    catch (unshown: java.nio.charset.CharacterCodingException) { javaClass.simpleName + \"(not Unicode)\" }\n    \
    private fun shownByTheCore(): String {";

/// How a field of a value, and an argument of a call, are handed over.
const FIELD: &str = ".write(value.`";
const ARGUMENT: &str = ".lower(`";

/// How the list of codes that the platform may extend ends.
const CODES: &str = "data class Unknown(";

/// How the methods of values call the library.
const CALLS: &str = "    uniffiRustCall() { _status ->";

/// How functions begin that belong to no class.
const FUNCTIONS: [&str; 2] = ["         */ fun ", "    @Throws(CallFailure::class) fun "];

/// How the method begins that frees what a value holds. Nobody calls it: what is held frees itself.
const DESTROYED: &str = "    @Suppress(\"UNNECESSARY_SAFE_CALL\")";

/// The one variant that holds what users cannot make, nor name: `Credentials.provider` makes it for them.
const PROVIDER: &str = "data class Provider(";

/// What times, spans and numbers are called in generated code, and what they are.
const ALIASES: [(&str, &str); 4] = [
    (": ChangeNumber", ": kotlin.Long"),
    (": Moment", ": java.time.Instant"),
    (": Span", ": java.time.Duration"),
    (": Whole", ": kotlin.Int"),
];

/// How the type of a list begins.
const LISTS: &str = "List<";

/// The field that tells how a value was learned, and is no part of what it is: equal values may have others.
pub(crate) const HISTORY: &str = "attempts";

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
    named(&named(&mended.replace(TO_STRING, SHOWN), FIELD, found), ARGUMENT, found)
}

/// The code in which whatever is handed over has its name around it, by which an error tells it.
fn named(code: &str, over: &'static str, found: &mut BTreeSet<&'static str>) -> String {
    let mut pieces = code.split(over);
    let mut named = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let word = named.rsplit(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let converter = named.len() - word.len();
        let Some((name, rest)) = piece.split_once('`').filter(|_| named[converter..].starts_with("FfiConverter"))
        else {
            named = named + over + piece;
            continue;
        };
        found.insert(over);
        let converter = named.split_off(converter);
        let (function, value) = over.split_once('(').unwrap_or_default();
        // To the end of the call: what else is handed to it has no brackets.
        let (others, rest) = rest.split_once(')').unwrap_or((rest, ""));
        let name_of_error = name.chars().fold(String::new(), |name, letter| match letter {
            letter if letter.is_uppercase() => name + "_" + &letter.to_lowercase().to_string(),
            letter => name + &letter.to_string(),
        });
        let handed_over = format!("{{ {converter}{function}(it{others}) }}");
        named = named + "id.komopay.inField(\"" + &name_of_error + "\", " + value + name + "`) " + &handed_over + rest;
    }
    named
}

/// The code without the values that users name, and these.
fn parted(code: &str, found: &mut BTreeSet<&'static str>) -> (String, String) {
    let mut rest = String::new();
    let mut values = String::new();
    for part in declarations(code) {
        let head = part.lines().find(|line| line.starts_with(char::is_alphabetic)).unwrap_or_default();
        let name =
            ["data class ", "enum class ", "sealed class ", "class "].iter().find_map(|kind| head.strip_prefix(kind));
        let name = name.map(|rest| rest.split([' ', '(', ':', '{']).next().unwrap_or_default());
        let inner = INNER.iter().find(|inner| name == Some(**inner));
        found.extend(inner);
        match name {
            Some(name) if inner.is_none() && name != "InternalException" => {
                values += &for_switch(&at_the_border(&without_helpers(&part, found), found), found);
            }
            _ => rest.extend(part.lines().map(|line| internal(line, found) + "\n")),
        }
    }
    let package = "package id.komopay.ffi\n";
    let rest = rest.replacen(package, &format!("{package}\nimport id.komopay.*\n"), 1);
    let values = values.replace("id.komopay.ffi.", "");
    let values = ALIASES.iter().fold(values, |values, (alias, kind)| values.replace(alias, kind));
    (rest, format!("package id.komopay\n\nimport id.komopay.ffi.*\n\n{values}"))
}

/// A line of what users never name. What it declares for all is for the module.
fn internal(line: &str, found: &mut BTreeSet<&'static str>) -> String {
    if let Some(begin) = FUNCTIONS.iter().find(|begin| line.starts_with(**begin)) {
        found.insert(begin);
        return line.replacen("fun ", "internal fun ", 1);
    }
    let first = line.split([' ', '<']).next().unwrap_or_default();
    if !line.starts_with(char::is_alphabetic) || ["package", "import", "internal", "private"].contains(&first) {
        return line.to_owned();
    }
    format!("internal {}", line.strip_prefix("public ").unwrap_or(line))
}

/// A value without what shows that it is generated.
fn without_helpers(code: &str, found: &mut BTreeSet<&'static str>) -> String {
    if code.contains(PROVIDER) {
        found.insert(PROVIDER);
    }
    let code = code.replace(PROVIDER, &format!("internal {PROVIDER}"));
    match code.split_once(DESTROYED).and_then(|(before, rest)| Some((before, rest.split_once("\n    }\n")?.1))) {
        Some((before, after)) => {
            found.insert(DESTROYED);
            format!("{}{after}", before.replacen(": Disposable", "", 1))
        }
        None => code,
    }
}

/// A value whose methods do not go by JNA: what they are called in `NativeOperations` knows, or asks, what they say.
fn at_the_border(code: &str, found: &mut BTreeSet<&'static str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = code.lines();
    while let Some(line) = rest.next() {
        if line != CALLS {
            lines.push(line.to_owned());
            continue;
        }
        found.insert(CALLS);
        // What converts the result, before the call, and the head of the method.
        lines.pop();
        let head = lines.pop().unwrap_or_default();
        let (of, arguments) = head.split_once('(').unwrap_or_default();
        let name = match of.rsplit_once("fun ").unwrap_or_default().1.trim_matches('`') {
            "shownByTheCore" => "shown",
            name => name,
        };
        let arguments: Vec<&str> = arguments.split('`').skip(1).step_by(2).flat_map(|name| [", ", name]).collect();
        let arguments = arguments.concat();
        lines
            .push(format!("{} = id.komopay.ffi.NativeOperations.{name}(this{arguments})", head.trim_end_matches(" {")));
        let _ = rest.by_ref().find(|line| *line == "    }");
    }
    lines.join("\n") + "\n"
}

/// The code in its declarations, each with the docs and annotations before it.
fn declarations(code: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_declared = false;
    for line in code.split_inclusive('\n') {
        let declares = line.starts_with(char::is_alphabetic);
        if is_declared && (declares || line.starts_with("/**") || line.starts_with('@')) {
            parts.push(String::new());
            is_declared = false;
        }
        is_declared |= declares;
        if let Some(part) = parts.last_mut() {
            part.push_str(line);
        }
    }
    parts
}

/// A list of codes with an enum of them, for Java: it can be switched over, and the compiler knows whether a case is
/// missing.
fn for_switch(code: &str, found: &mut BTreeSet<&'static str>) -> String {
    if !code.contains(CODES) {
        return code.to_owned();
    }
    found.insert(CODES);
    let objects = code.lines().filter_map(|line| line.trim_start().strip_prefix("object ")?.split_once(" : "));
    let known: Vec<_> = objects.map(|(known, _)| known).collect();
    let constant = |known: &str| {
        let capital = |(at, letter): (usize, char)| match letter {
            letter if letter.is_ascii_uppercase() && at > 0 => format!("_{letter}"),
            letter => letter.to_ascii_uppercase().to_string(),
        };
        known.char_indices().map(capital).collect::<String>()
    };
    let entries: Vec<_> = known.iter().copied().map(constant).collect();
    let arms: Vec<_> = known.iter().map(|known| format!("{known} -> Value.{}", constant(known))).collect();
    let head = code.lines().find(|line| line.starts_with("sealed class ")).unwrap_or_default();
    let switch = format!(
        "{head}\n    /** The codes that this version knows, and one for all others: for a `switch` in Java. */\n    \
         enum class Value {{ {}, UNKNOWN }}\n\n    /** Which of them this is. */\n    \
         fun asEnum(): Value = when (this) {{ {}; is Unknown -> Value.UNKNOWN }}\n",
        entries.join(", "),
        arms.join("; "),
    );
    code.replacen(head, &switch, 1)
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
    let own: Vec<_> =
        fields.iter().filter(|(field, _)| *field != HISTORY).map(|(field, _)| format!("`{field}`")).collect();
    if own.len() < fields.len() {
        found.insert(HISTORY);
    }
    let copied = all(&|field, kind| format!("`{field}`: {kind} = this.`{field}`"));
    let kept = lists.iter().map(|(field, kind)| format!("{}: {kind} = id.komopay.frozen(`{field}`)", property(field)));
    let components =
        fields.iter().zip(1..).map(|((field, kind), at)| format!("operator fun component{at}(): {kind} = `{field}`"));
    let members = kept.chain(components).chain([
        format!("fun copy({copied}): {name} = {name}({names})"),
        format!("private fun all(): List<Any?> = listOf<Any?>({})", own.join(", ")),
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
            "    fun copy(`key`: kotlin.String = this.`key`, `all`: List<Money> = this.`all`): Config = \
                Config(`key`, `all`)\n",
            "    companion object\n",
        ] {
            assert!(mended.contains(part), "{part} is not in {mended}");
        }
        assert!(!mended.contains("data class") && found.contains("Config") && found.contains(LISTS));
    }

    #[test]
    fn how_a_value_was_learned_is_no_part_of_what_it_is() {
        let (mended, found) = with(
            "data class Payout (\n    val `id`: kotlin.String\n    , \n    val `attempts`: List<Attempt> = listOf() \n\
                \x20   \n){\n    companion object\n}\n",
        );
        assert!(mended.contains("private fun all(): List<Any?> = listOf<Any?>(`id`)\n"), "{mended}");
        assert!(mended.contains("Payout(`id`, `attempts`)\n") && found.contains(HISTORY), "{mended}");
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

    #[test]
    fn what_users_name_goes_into_their_package_and_codes_can_be_switched_over() {
        let code = "package id.komopay.ffi\n\n/**\n * A \
            status.\n */\nsealed class PayoutStatus {\n    object NotYet : PayoutStatus()\n    data class \
            Unknown(\n        val `text`: id.komopay.ffi.Moment) : PayoutStatus()\n}\n\ndata \
            class Failure (\n)\n{\n}\n";
        let (rest, values) = parted(code, &mut BTreeSet::new());
        assert!(rest.starts_with("package id.komopay.ffi\n\nimport id.komopay.*\n"), "{rest}");
        assert!(rest.contains("class Failure"), "{rest}");
        for part in [
            "package id.komopay\n\nimport id.komopay.ffi.*\n\n/**\n * A status.\n */\nsealed class PayoutStatus {\n",
            "enum class Value { NOT_YET, UNKNOWN }\n",
            "fun asEnum(): Value = when (this) { NotYet -> Value.NOT_YET; is Unknown -> Value.UNKNOWN }\n",
            "val `text`: java.time.Instant)",
        ] {
            assert!(values.contains(part), "{part} is not in {values}");
        }
    }

    #[test]
    fn what_users_do_not_name_is_internal_and_a_value_shows_nothing_of_it() {
        let code = "package id.komopay.ffi\n\nimport java.util.Map\npublic interface Disposable {\n\
            \x20   fun destroy()\n}\nopen class RustBuffer {\n}\nprivate class Cleaner {\n}\n\
            sealed class Credentials: Disposable  {\n\
            \x20   data class Provider(\n        val `provider`: Any) : Credentials()\n\n\
            \x20   @Suppress(\"UNNECESSARY_SAFE_CALL\") // Why.\n    override fun destroy() {\n        when(this) {\n\
            \x20       }\n    }\n\n    companion object\n}\npublic object FfiConverterInt {\n}\n\n\
            \x20       /**\n         * It.\n         */ fun `flushLog`()\n\
            \x20   @Throws(CallFailure::class) fun `validate`()\n";
        let (rest, values) = parted(code, &mut BTreeSet::new());
        for part in [
            "\nimport java.util.Map\ninternal interface Disposable {\n    fun destroy()\n}\n",
            "\ninternal open class RustBuffer {\n",
            "\nprivate class Cleaner {\n",
            "\ninternal object FfiConverterInt {\n",
            "         */ internal fun `flushLog`()\n    @Throws(CallFailure::class) internal fun `validate`()\n",
        ] {
            assert!(rest.contains(part), "{part} is not in {rest}");
        }
        assert!(values.contains("sealed class Credentials  {\n    internal data class Provider("), "{values}");
        assert!(!values.contains("destroy") && values.ends_with("\n\n    companion object\n}\n"), "{values}");
    }

    #[test]
    fn the_methods_of_a_value_do_not_go_by_jna() {
        let code = "enum class Kind {\n    A;\n     */ fun `statusOf`(`field`: kotlin.String?, `n`: Int): \
            kotlin.Int {\n\
            \x20           return FfiConverterInt.lift(\n    uniffiRustCall() { _status ->\n    UniffiLib.call(this,\n\
            \x20       _status)\n}\n    )\n    }\n    private fun shownByTheCore(): String {\n\
            \x20       return FfiConverterString.lift(\n    uniffiRustCall() { _status ->\n}\n    )\n    }\n}\n";
        let mut found = BTreeSet::new();
        assert_eq!(
            at_the_border(code, &mut found),
            "enum class Kind {\n    A;\n     */ fun `statusOf`(`field`: kotlin.String?, `n`: Int): kotlin.Int \
             = id.komopay.ffi.NativeOperations.statusOf(this, field, n)\n    \
             private fun shownByTheCore(): String = id.komopay.ffi.NativeOperations.shown(this)\n}\n"
        );
        assert!(found.contains(CALLS));
    }

    #[test]
    fn whatever_is_handed_over_has_its_name_around_it() {
        let (mended, found) = with(
            "            FfiConverterOptionalString.write(value.`bankCity`, buf)\n\
             \x20   FfiConverterString.lower(`payoutId`),\n\
             \x20   FfiConverterString.lower(value)\n    other.lower(`it`)\n",
        );
        assert_eq!(
            mended,
            "            id.komopay.inField(\"bank_city\", value.`bankCity`) \
             { FfiConverterOptionalString.write(it, buf) }\n\
             \x20   id.komopay.inField(\"payout_id\", `payoutId`) { FfiConverterString.lower(it) },\n\
             \x20   FfiConverterString.lower(value)\n    other.lower(`it`)\n"
        );
        assert!(found.contains(FIELD) && found.contains(ARGUMENT));
    }

    fn with(code: &str) -> (String, BTreeSet<&'static str>) {
        let mut found = BTreeSet::new();
        (mended(code, &mut found), found)
    }
}
