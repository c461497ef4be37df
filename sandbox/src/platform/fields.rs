//! Reading a JSON object member by member, so that a violation names the field and a number keeps its digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::platform::money::{Amount, Money};

/// What is wrong with a request, for people: it names the field and never repeats its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation(pub(crate) String);

/// A check of a text; the error is the rest of a sentence that starts with the field's name.
pub(crate) type TextRule = fn(&str) -> Result<(), &'static str>;

/// A JSON object at a path in the body.
pub(crate) struct Fields<'a> {
    /// Empty for the body itself, else with a dot at the end.
    prefix: String,
    members: BTreeMap<String, &'a RawValue>,
}

impl<'a> Fields<'a> {
    /// The body as an object.
    pub(crate) fn of_body(body: &'a [u8]) -> Result<Self, Violation> {
        let members = serde_json::from_slice(body).map_err(|_| Violation("body must be a JSON object".to_owned()))?;
        Ok(Self { prefix: String::new(), members })
    }

    /// The violation of a rule by one member.
    pub(crate) fn violation(&self, name: &str, problem: &str) -> Violation {
        Violation(format!("{}{name} {problem}", self.prefix))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub(crate) fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.members.get(name).copied()
    }

    pub(crate) fn object(&self, name: &str) -> Result<Self, Violation> {
        let raw = self.raw(name).ok_or_else(|| self.violation(name, "is required"))?;
        let members = serde_json::from_str(raw.get()).map_err(|_| self.violation(name, "must be an object"))?;
        Ok(Self { prefix: format!("{}{name}.", self.prefix), members })
    }

    pub(crate) fn optional_text(&self, name: &str, rule: TextRule) -> Result<Option<String>, Violation> {
        let Some(raw) = self.raw(name) else {
            return Ok(None);
        };
        let text: String = serde_json::from_str(raw.get()).map_err(|_| self.violation(name, "must be a string"))?;
        rule(&text).map_err(|problem| self.violation(name, problem))?;
        Ok(Some(text))
    }

    pub(crate) fn text(&self, name: &str, rule: TextRule) -> Result<String, Violation> {
        self.optional_text(name, rule)?.ok_or_else(|| self.violation(name, "is required"))
    }

    /// The member `money`.
    pub(crate) fn money(&self) -> Result<Money, Violation> {
        let money = self.object("money")?;
        let raw = money.raw("amount").ok_or_else(|| money.violation("amount", "is required"))?;
        let amount = Amount::parse(raw).map_err(|problem| money.violation("amount", problem))?;
        Ok(Money { amount, currency_code: money.text("currencyCode", non_empty)? })
    }
}

/// Any text, the empty one too.
#[expect(clippy::unnecessary_wraps, reason = "it is one of the text rules")]
pub(crate) fn any_text(_: &str) -> Result<(), &'static str> {
    Ok(())
}

/// At least one character.
pub(crate) fn non_empty(text: &str) -> Result<(), &'static str> {
    if text.is_empty() { Err("must not be empty") } else { Ok(()) }
}
