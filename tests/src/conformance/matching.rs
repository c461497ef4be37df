//! Holding an answer against what was expected, and saying where they differ.

use jiff::Timestamp;
use regex::Regex;
use serde_json::Value;

/// Longer values are cut where they are shown.
const SHOWN: usize = 400;

/// The places where an answer differs from what was expected, in words.
pub fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, got, &mut found);
    found
}

/// Why this text, which begins with `$`, matches nothing; if that is so.
pub fn mistake(text: &str) -> Option<String> {
    match text {
        "$any" | "$maybe" | "$text" | "$moment" | "$span" => None,
        _ if text.starts_with("$contains:") || text.starts_with("$lacks:") => None,
        _ => match text.strip_prefix("$matches:") {
            Some(pattern) => Regex::new(pattern).err().map(|error| error.to_string()),
            None => Some(format!("{text} is neither defined nor a matcher")),
        },
    }
}

fn compare(path: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(members), _) if members.contains_key("$every") || members.contains_key("$some") => {
            compare_entries(path, members, got, found);
        }
        (Value::Object(members), Value::Object(given)) => {
            for (name, expected) in members.iter().filter(|(name, _)| *name != "...") {
                match given.get(name) {
                    Some(got) => compare(&below(path, name), expected, got, found),
                    None => found.push(format!("{}: is missing, expected {}", below(path, name), show(expected))),
                }
            }
            let is_open = members.get("...") == Some(&Value::Bool(true));
            for (name, got) in given.iter().filter(|(name, _)| !is_open && !members.contains_key(*name)) {
                found.push(format!("{}: is not expected, got {}", below(path, name), show(got)));
            }
        }
        (Value::Array(entries), Value::Array(given)) if entries.len() == given.len() => {
            for (index, (expected, got)) in entries.iter().zip(given).enumerate() {
                compare(&format!("{path}[{index}]"), expected, got, found);
            }
        }
        _ if matches(expected, got) => {}
        _ => found.push(format!("{}: expected {}, got {}", place(path), show(expected), show(got))),
    }
}

/// `$every` entry of a list that has at least one, `$some` entry of a list.
fn compare_entries(path: &str, members: &serde_json::Map<String, Value>, got: &Value, found: &mut Vec<String>) {
    let entries = got.as_array().map(Vec::as_slice).unwrap_or_default();
    if entries.is_empty() {
        found.push(format!("{}: expected a list with entries, got {}", place(path), show(got)));
        return;
    }
    if let Some(every) = members.get("$every") {
        for (index, entry) in entries.iter().enumerate() {
            compare(&format!("{path}[{index}]"), every, entry, found);
        }
    }
    if let Some(some) = members.get("$some")
        && entries.iter().all(|entry| !differences(some, entry).is_empty())
    {
        found.push(format!("{}: no entry is {}, got {}", place(path), show(some), show(got)));
    }
}

fn matches(expected: &Value, got: &Value) -> bool {
    let Value::String(text) = expected else { return expected == got };
    match (text.as_str(), got) {
        ("$any", got) => !got.is_null(),
        ("$maybe", _) => true,
        ("$text", Value::String(got)) => !got.is_empty(),
        ("$moment", Value::String(got)) => moment(got).is_some(),
        ("$span", got) => got.is_u64(),
        (text, Value::String(got)) => {
            if let Some(words) = text.strip_prefix("$contains:") {
                return got.contains(words);
            }
            if let Some(words) = text.strip_prefix("$lacks:") {
                return !got.contains(words);
            }
            if let Some(pattern) = text.strip_prefix("$matches:") {
                return Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(got));
            }
            // Languages write the zeros at the end of a second's fraction or not.
            text == got || moment(text).is_some_and(|expected| moment(got) == Some(expected))
        }
        _ => false,
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    text.ends_with('Z').then(|| text.parse().ok()).flatten()
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn place(path: &str) -> &str {
    if path.is_empty() { "the answer" } else { path }
}

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_names_its_place() {
        let expected = json!({"ok": {"money": {"amount": "1"}, "list": [{"a": 1}], "gone": null}});
        let got = json!({"ok": {"money": {"amount": "2"}, "list": [{"a": 2}], "new": true}});
        let found = differences(&expected, &got);
        assert_eq!(
            found,
            [
                "ok.gone: is missing, expected null",
                "ok.list[0].a: expected 1, got 2",
                "ok.money.amount: expected \"1\", got \"2\"",
                "ok.new: is not expected, got true",
            ]
        );
    }

    #[test]
    fn each_matcher_takes_what_it_says_and_nothing_else() {
        for (expected, good, bad) in [
            (json!("$any"), json!(false), json!(null)),
            (json!({"a": "$maybe"}), json!({"a": null}), json!({})),
            (json!("$text"), json!("a"), json!("")),
            (json!("$text"), json!("a"), json!(1)),
            (json!("$moment"), json!("2025-01-31T08:15:30.5Z"), json!("2025-01-31T08:15:30+00:00")),
            (json!("2025-01-31T08:15:30.25Z"), json!("2025-01-31T08:15:30.250000Z"), json!("2025-01-31T08:15:30Z")),
            (json!("$span"), json!(5), json!(5.5)),
            (json!("$span"), json!(0), json!(-1)),
            (json!("$contains:b c"), json!("a b c"), json!("a")),
            (json!("$matches:^a+$"), json!("aa"), json!("ab")),
            (json!("$lacks:b"), json!("a c"), json!("a b c")),
            (json!("a"), json!("a"), json!("b")),
            (json!({"a": 1, "...": true}), json!({"a": 1, "b": 2}), json!({"b": 2})),
            (json!([1, 2]), json!([1, 2]), json!([1])),
            (json!([]), json!([]), json!({})),
            (json!({"$every": "$text"}), json!(["a", "b"]), json!(["a", 1])),
            (json!({"$every": "$text"}), json!(["a"]), json!([])),
            (json!({"$some": "b"}), json!(["a", "b"]), json!(["a"])),
            (json!(null), json!(null), json!(false)),
        ] {
            assert!(differences(&expected, &good).is_empty(), "{expected} should match {good}");
            assert!(!differences(&expected, &bad).is_empty(), "{expected} should not match {bad}");
        }
    }

    #[test]
    fn a_matcher_that_does_not_exist_is_a_mistake() {
        assert!(mistake("$any").is_none() && mistake("$contains:x").is_none());
        assert!(mistake("$anything").is_some() && mistake("$matches:(").is_some());
    }
}
