//! The values as plain data, for the Jackson modules: written from the Kotlin values, so that none of their fields is
//! forgotten. `bindings-kotlin/jackson` has what they are made of.

use crate::failure::{Failure, Outcome};
use crate::kotlin_builders::fields;

/// What holds a secret, a token, an account or a person. Whoever prints beans finds nothing of it: the methods that
/// read it are named as records name theirs (`account.number()`), and the fields are transient.
pub(crate) const SECRETIVE: [&str; 11] = [
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

/// What holds a secret, or is no data.
const NO_DATA: [&str; 2] = ["Config", "LogRecord"];

/// How a request is paid: each is a class within this one, whose form tells which one it is.
const METHODS: &str = "PayoutMethod";

/// The values whose `raw` may tell of a person, as the platform does.
const PERSONAL_RAW: [&str; 2] = ["Payout", "PayoutAccepted"];

/// The forms of the values in this code.
pub(crate) fn written(values: &str) -> Outcome<String> {
    let (mut forms, mut names) = (String::new(), Vec::new());
    for name in records(values) {
        forms += &record(name, "", values)?;
        names.push(name);
    }
    for name in variants(values, METHODS, "data class ") {
        forms += &record(name, METHODS, values)?;
    }
    for name in sealed(values) {
        let known: Vec<_> = variants(values, name, "object ").iter().map(|code| format!("{name}.{code}")).collect();
        if variants(values, name, "data class ") == ["Unknown"] {
            let form = format!(
                "internal object {name}Form : Codes<{name}>({name}::class.java, listOf({}), {name}::code, \
                 {{ {name}.Unknown(it) }})\n\n",
                known.join(", ")
            );
            forms += &form;
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(Failure::new("UniFFI writes values in another way now"));
    }
    let list: Vec<_> = names.iter().map(|name| format!("    {name}Form,\n")).collect();
    Ok(format!(
        "package id.komopay.jackson\n\nimport id.komopay.*\n\n{forms}internal val GENERATED: List<Form<*>> = \
         listOf(\n{})\n",
        list.concat()
    ))
}

fn record(name: &str, of: &str, values: &str) -> Outcome<String> {
    let class = if of.is_empty() { name.to_owned() } else { format!("{of}.{name}") };
    let is_personal = SECRETIVE.contains(&name);
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for field in fields(name, values)? {
        let (field, kind, key) = (&field.name, &field.kind, snake_case(&field.name));
        let part = part(kind)?;
        let is_asked_for = field == "raw" && PERSONAL_RAW.contains(&name);
        let condition = if is_asked_for { "if (to.includePersonal) " } else { "" };
        writes.push(format!("        {condition}to.put(\"{key}\", value.{field}, {part})\n"));
        reads.push(match (field.as_str(), kind.starts_with("List<")) {
            ("raw", _) => format!("        {field} = from.take(\"{key}\", Text.optional) ?: \"\",\n"),
            (_, true) => format!("        {field} = from.take(\"{key}\", {part}.optional) ?: listOf(),\n"),
            _ => format!("        {field} = from.take(\"{key}\", {part}),\n"),
        });
    }
    let (writes, reads) = (writes.concat(), reads.concat());
    Ok(format!(
        "internal object {name}Form : Record<{class}>({class}::class.java, isPersonal = {is_personal}) {{\n    \
         override fun write(value: {class}, to: Writing) {{\n{writes}    }}\n\n    \
         override fun read(from: Reading): {class} = {class}(\n{reads}    )\n}}\n\n"
    ))
}

/// What writes and reads a field of this type.
fn part(kind: &str) -> Outcome<String> {
    if let Some(inner) = kind.strip_suffix('?') {
        return Ok(part(inner)? + ".optional");
    }
    if let Some(inner) = kind.strip_prefix("List<").and_then(|kind| kind.strip_suffix('>')) {
        return Ok(part(inner)? + ".list");
    }
    Ok(match kind {
        "kotlin.String" => "Text".to_owned(),
        "kotlin.Boolean" => "Truth".to_owned(),
        "kotlin.Int" => "Whole".to_owned(),
        "kotlin.Long" => "LongWhole".to_owned(),
        "java.time.Instant" => "Moment".to_owned(),
        "java.time.Duration" => "Span".to_owned(),
        name if name.chars().all(char::is_alphanumeric) => format!("{name}Form"),
        other => return Err(Failure::new(format!("{other} has no form as plain data"))),
    })
}

/// The names of the classes with fields that are data.
fn records(values: &str) -> Vec<&str> {
    let heads = values.lines().filter_map(|line| line.strip_prefix("data ").unwrap_or(line).strip_prefix("class "));
    let names = heads.filter_map(|head| head.split_once(" (")).map(|(name, _)| name);
    names.filter(|name| !NO_DATA.contains(name)).collect()
}

/// The names of whatever has variants: lists of codes among them.
fn sealed(values: &str) -> Vec<&str> {
    let heads = values.lines().filter_map(|line| line.strip_prefix("sealed class "));
    heads.filter_map(|head| head.split([' ', ':']).next()).collect()
}

/// What is declared so within a class.
fn variants<'a>(values: &'a str, class: &str, kind: &str) -> Vec<&'a str> {
    let head = format!("sealed class {class} ");
    let lines = values.lines().skip_while(|line| !line.starts_with(&head)).skip(1);
    // To the next class. What can be serialized has a body, whose end is at the margin.
    let lines = lines.take_while(|line| !line.starts_with(char::is_alphabetic));
    let declared = lines.filter_map(|line| line.strip_prefix("    ")?.strip_prefix(kind));
    declared.filter_map(|rest| rest.split([' ', '(', ':']).next()).collect()
}

fn snake_case(name: &str) -> String {
    name.chars().fold(String::new(), |name, letter| match letter {
        letter if letter.is_uppercase() => name + "_" + &letter.to_lowercase().to_string(),
        letter => name + &letter.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r"
data class Payout (
    val `payoutId`: kotlin.String
    ,
    val `fee`: Money? = null
    ,
    val `raw`: kotlin.String
){
}
class Option (
    `codes`: List<Status> = listOf()
){
}
class Config (
    val `a`: kotlin.String
){
}
sealed class Status : java.io.Serializable {
    object Done : Status() {
}
    object Not : Status()
    data class Unknown(
        val `text`: kotlin.String) : Status()
    {
    }
}
";

    #[test]
    fn each_field_is_written_and_read_by_its_name_in_all_languages() {
        let code = written(CODE).unwrap();
        for part in [
            "internal object PayoutForm : Record<Payout>(Payout::class.java, isPersonal = false) {\n",
            "        to.put(\"payout_id\", value.payoutId, Text)\n",
            "        if (to.includePersonal) to.put(\"raw\", value.raw, Text)\n",
            "        fee = from.take(\"fee\", MoneyForm.optional),\n",
            "        codes = from.take(\"codes\", StatusForm.list.optional) ?: listOf(),\n",
            "Codes<Status>(Status::class.java, listOf(Status.Done, Status.Not), Status::code,",
            "listOf(\n    PayoutForm,\n    OptionForm,\n    StatusForm,\n)\n",
        ] {
            assert!(code.contains(part), "{part} is not in {code}");
        }
        assert!(!code.contains("Config") && written("enum class A {\n}\n").is_err());
    }

    #[test]
    fn a_field_of_a_type_that_has_no_form_is_not_forgotten() {
        assert!(written("class A (\n    val `a`: Map<String,Int>\n){\n}\n").is_err());
    }
}
