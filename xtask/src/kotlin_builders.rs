//! Builders for Java, which has no named arguments, and the settings with the time spans of Kotlin: written from the
//! Kotlin values that programs make.

use crate::failure::{Failure, Outcome};

/// The values that have a builder. A method of payout has the fields of its account among its own.
const BUILT: [&str; 6] =
    ["Config", "PayoutRequest", "BankTransfer", "CryptoTransfer", "WalletTransfer", "PaymentOptionFilter"];

/// The field whose own fields are the builder's.
const FLAT: &str = "account";

pub(crate) struct Field {
    docs: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    may_be_left_out: bool,
}

/// The builders for the values in this code.
pub(crate) fn written(values: &str) -> Outcome<String> {
    let builders = BUILT.map(|name| builder(name, values));
    let builders = builders.into_iter().collect::<Outcome<Vec<_>>>()?;
    let imports = "import kotlin.time.toJavaDuration";
    Ok(format!("package id.komopay\n\n{imports}\n\n{}\n{}", builders.join("\n"), spans("Config", values)?))
}

/// A way to set time spans that are Kotlin's: the constructor takes Java's.
fn spans(name: &str, values: &str) -> Outcome<String> {
    let fields: Vec<_> =
        fields(name, values)?.into_iter().filter(|field| field.kind == "java.time.Duration?").collect();
    let join = |line: &dyn Fn(&str) -> String| fields.iter().map(|field| line(&field.name)).collect::<String>();
    Ok(format!(
        "/**\n * The same with these time spans of Kotlin: `{name}(...).copy({} = 30.seconds)`.\n * What is not named \
         stays as it is.\n */\nfun {name}.copy(\n{}): {name} = copy(\n{})\n",
        fields.first().map_or("", |field| &field.name),
        join(&|name| format!("    {name}: kotlin.time.Duration? = null,\n")),
        join(&|name| format!("    {name} = {name}?.toJavaDuration() ?: this.{name},\n")),
    ))
}

fn builder(name: &str, values: &str) -> Outcome<String> {
    let (mut needed, mut made, mut setters) = (Vec::new(), Vec::new(), String::new());
    for field in fields(name, values)? {
        let Field { docs, name: of, kind, may_be_left_out } = field;
        if of == FLAT {
            let mut given = Vec::new();
            for inner in fields(&kind, values)? {
                if inner.may_be_left_out {
                    let change = format!("made.{FLAT}.copy({0} = value)", inner.name);
                    setters += &setter(name, &inner, &format!("{FLAT} = {change}"));
                } else {
                    let argument = format!("{FLAT}{}", capital(&inner.name));
                    needed.push(format!("{argument}: {}", inner.kind));
                    given.push(argument);
                }
            }
            made.push(format!("{of} = {kind}({})", given.join(", ")));
        } else if may_be_left_out {
            let list = kind.strip_prefix("List<").and_then(|kind| kind.strip_suffix('>'));
            let value = if list.is_some() { "value.asList()" } else { "value" };
            let kind = list.map_or_else(|| kind.trim_end_matches('?').to_owned(), |kind| format!("vararg {kind}"));
            setters +=
                &setter(name, &Field { docs, name: of.clone(), kind, may_be_left_out }, &format!("{of} = {value}"));
        } else {
            needed.push(format!("{of}: {kind}"));
            made.push(format!("{of} = {of}"));
        }
    }
    Ok(format!(
        "/** Makes a [{name}] in Java: what is not called keeps its default. In Kotlin, use the constructor. */\n\
         class {name}Builder({}) {{\n    private var made = {name}({})\n\n{setters}    /** What was asked for. */\n    \
         fun build(): {name} = made\n}}\n",
        needed.join(", "),
        made.join(", "),
    ))
}

fn setter(builder: &str, field: &Field, change: &str) -> String {
    let Field { docs, name, kind, .. } = field;
    let (vararg, kind) = kind.strip_prefix("vararg ").map_or(("", kind.as_str()), |kind| ("vararg ", kind));
    let kind = kind.trim_end_matches('?');
    format!(
        "{docs}    fun {name}({vararg}value: {kind}): {builder}Builder = apply {{ made = made.copy({change}) }}\n\n"
    )
}

/// The fields of a class, as its head in the code names them.
pub(crate) fn fields(class: &str, values: &str) -> Outcome<Vec<Field>> {
    let missing = || Failure::new(format!("UniFFI writes {class} in another way now"));
    let begins = |line: &&str| {
        let head = line.trim_start();
        let head = head.strip_prefix("data ").unwrap_or(head).strip_prefix("class ");
        head.and_then(|head| head.strip_prefix(class)).is_some_and(|rest| rest.trim_start().starts_with('('))
    };
    let mut lines = values.lines().skip_while(|line| !begins(line));
    lines.next().ok_or_else(missing)?;
    let (mut fields, mut docs) = (Vec::new(), String::new());
    for line in lines {
        let line = line.trim();
        if line.starts_with("/**") || line.starts_with('*') {
            let indent = if line.starts_with("/**") { "    " } else { "     " };
            docs += &[indent, line, "\n"].concat();
        } else if let Some((name, rest)) = line.split_once('`').and_then(|(_, rest)| rest.split_once("`: ")) {
            let kind = rest.split([' ', ',', ')']).next().unwrap_or_default().to_owned();
            let may_be_left_out = rest.contains(" = ");
            fields.push(Field { docs: std::mem::take(&mut docs), name: name.to_owned(), kind, may_be_left_out });
            if rest.contains(") :") {
                break;
            }
        } else if line.starts_with(')') {
            break;
        }
    }
    if fields.is_empty() { Err(missing()) } else { Ok(fields) }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = r"
sealed class PayoutMethod {
    data class BankTransfer(
        /**
         * The bank.
         */
        @Transient val `operatorCode`: kotlin.String,
        @Transient val `account`: BankAccount,
        /**
         * Free text.
         */
        @Transient val `remark`: kotlin.String? = null) : PayoutMethod()
    {
data class BankAccount (
    val `number`: kotlin.String
    ,
    /**
     * The branch.
     */
    val `branch`: kotlin.String? = null
){
class Filter (
    `codes`: List<kotlin.String> = listOf()
){
";

    #[test]
    fn a_builder_needs_what_the_value_needs_and_sets_the_rest_with_the_docs_of_the_field() {
        let code = builder("BankTransfer", CODE).unwrap();
        for part in [
            "class BankTransferBuilder(operatorCode: kotlin.String, accountNumber: kotlin.String) {\n",
            "made = BankTransfer(operatorCode = operatorCode, account = BankAccount(accountNumber))\n",
            "     * Free text.\n     */\n    fun remark(value: kotlin.String): BankTransferBuilder =",
            " apply { made = made.copy(remark = value) }\n",
            "     * The branch.\n     */\n    fun branch(value: kotlin.String): BankTransferBuilder =",
            " apply { made = made.copy(account = made.account.copy(branch = value)) }\n",
        ] {
            assert!(code.contains(part), "{part} is not in {code}");
        }
        let code = builder("Filter", CODE).unwrap();
        assert!(code.contains("fun codes(vararg value: kotlin.String): FilterBuilder"), "{code}");
        assert!(code.contains("made.copy(codes = value.asList())"), "{code}");
        assert!(builder("Nothing", CODE).is_err());
    }

    #[test]
    fn time_spans_are_set_in_those_of_kotlin_too() {
        let code =
            "class Config (\n    val `url`: kotlin.String\n    ,\n    val `span`: java.time.Duration? = null\n){\n";
        let written = spans("Config", code).unwrap();
        assert!(written.contains("fun Config.copy(\n    span: kotlin.time.Duration? = null,\n): Config"), "{written}");
        assert!(written.contains("copy(\n    span = span?.toJavaDuration() ?: this.span,\n)\n"), "{written}");
    }
}
