//! The schema of the contract: what is a 400.

use unicode_general_category::{GeneralCategory as Category, get_general_category};

use crate::operation::{is_code, is_payout_id};
use crate::platform::fields::{Fields, Violation, any_text, non_empty};
use crate::platform::payout::{PaymentRequested, PayoutRequest};

const JPY_ACCOUNT_TYPES: [&str; 6] = ["savings", "checking", "private", "corporate", "general", "current"];
const ZAR_ACCOUNT_TYPES: [&str; 4] = ["savings", "current", "cheque", "transmission"];

/// Checks a payout id.
pub(crate) fn payout_id(id: &str) -> Result<(), Violation> {
    if is_payout_id(id) {
        Ok(())
    } else {
        Err(Violation("idPayout must match ^[A-Za-z0-9_-]+$ and have at most 250 characters".to_owned()))
    }
}

/// Reads the body of a create.
pub(crate) fn payout_request(body: &[u8]) -> Result<PayoutRequest, Violation> {
    let body = Fields::of_body(body)?;
    let requested = payment_requested(&body.object("paymentRequested")?)?;
    let currency = requested.money.currency_code.as_str();

    let method = body.object("paymentMethod")?;
    let method_code = method.text("paymentMethodCode", any_text)?;
    let account = method.object("account")?;
    method.optional_text("remark", any_text)?;
    let (method_code, operator_code, account_fields) = match method_code.as_str() {
        "BANK_TRANSFER" => {
            let operator = method.text("paymentOperatorCode", operator_code)?;
            method.optional_text("emailAddress", any_text)?;
            ("BANK_TRANSFER", Some(operator), bank_account(&account, currency)?)
        }
        "CRYPTO_TRANSFER" => {
            let operator = method.text("paymentOperatorCode", operator_code)?;
            let fields = vec![("accountNumber", account.text("accountNumber", crypto_address)?)];
            ("CRYPTO_TRANSFER", Some(operator), fields)
        }
        "WALLET_TRANSFER" => {
            let operator = method.optional_text("paymentOperatorCode", operator_code)?;
            method.optional_text("phoneNumber", phone_number)?;
            ("WALLET_TRANSFER", operator, wallet_account(&account, currency)?)
        }
        _ => return Err(method.violation("paymentMethodCode", "is not a known payment method")),
    };

    let callback_url = body.optional_text("callbackUrl", callback_url)?;
    let customer_ip = body.optional_text("customerIp", any_text)?;
    Ok(PayoutRequest { requested, method_code, operator_code, account_fields, callback_url, customer_ip })
}

/// Reads the body of a question for available options.
pub(crate) fn payment_requested_body(body: &[u8]) -> Result<PaymentRequested, Violation> {
    payment_requested(&Fields::of_body(body)?)
}

fn payment_requested(fields: &Fields<'_>) -> Result<PaymentRequested, Violation> {
    Ok(PaymentRequested {
        money: fields.money()?,
        segment_code: fields.optional_text("segmentCode", non_empty)?,
        exchanged_to_currency: fields.optional_text("exchangedToCurrency", non_empty)?,
    })
}

fn bank_account(account: &Fields<'_>, currency: &str) -> Result<Vec<(&'static str, String)>, Violation> {
    let mut fields = vec![
        ("accountName", account.text("accountName", account_holder)?),
        ("accountNumber", account.text("accountNumber", any_text)?),
    ];
    for (name, rule) in [
        ("accountType", any_text as _),
        ("bankCode", non_empty as _),
        ("bankName", non_empty as _),
        ("bankBranch", non_empty as _),
        ("bankCity", non_empty as _),
        ("bankProvince", non_empty as _),
    ] {
        if let Some(value) = account.optional_text(name, rule)? {
            fields.push((name, value));
        }
    }
    match currency {
        "JPY" => {
            account_type(account, &JPY_ACCOUNT_TYPES)?;
            account.text("bankBranch", non_empty)?;
        }
        "ZAR" => account_type(account, &ZAR_ACCOUNT_TYPES)?,
        // A missing bank code has its own 406 code.
        "INR" => drop(account.optional_text("bankCode", ifsc)?),
        _ => {}
    }
    Ok(fields)
}

fn wallet_account(account: &Fields<'_>, currency: &str) -> Result<Vec<(&'static str, String)>, Violation> {
    if currency == "INR" && !account.has("accountName") {
        return Err(account.violation("accountName", "is required for INR"));
    }
    let name = account.optional_text("accountName", account_holder)?;
    let number = account.optional_text("accountNumber", wallet_address)?;
    Ok(name
        .map(|name| ("accountName", name))
        .into_iter()
        .chain(number.map(|number| ("accountNumber", number)))
        .collect())
}

fn account_type(account: &Fields<'_>, allowed: &[&str]) -> Result<(), Violation> {
    let kind = account.text("accountType", any_text)?;
    if allowed.contains(&kind.as_str()) {
        return Ok(());
    }
    Err(account.violation("accountType", &format!("must be one of {}", allowed.join(", "))))
}

fn operator_code(text: &str) -> Result<(), &'static str> {
    if is_code(text, 30) { Ok(()) } else { Err("must match ^[A-Za-z0-9_-]+$ and have at most 30 characters") }
}

fn callback_url(text: &str) -> Result<(), &'static str> {
    if text.chars().count() <= 1000 { Ok(()) } else { Err("must have at most 1000 characters") }
}

fn phone_number(text: &str) -> Result<(), &'static str> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let valid = (7..=16).contains(&text.len()) && digits.chars().all(|digit| digit.is_ascii_digit());
    if valid { Ok(()) } else { Err("must match ^\\+?[0-9]+$ and have 7 to 16 characters") }
}

fn crypto_address(text: &str) -> Result<(), &'static str> {
    let valid = (1..=62).contains(&text.len()) && text.chars().all(|letter| letter.is_ascii_alphanumeric());
    if valid { Ok(()) } else { Err("must match ^[a-zA-Z0-9]*$ and have 1 to 62 characters") }
}

fn wallet_address(text: &str) -> Result<(), &'static str> {
    let valid = text.len() <= 100
        && text.split_once('@').is_some_and(|(user, provider)| {
            !user.is_empty()
                && !provider.is_empty()
                && user.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter))
                && provider.chars().all(|letter| letter.is_ascii_alphanumeric() || "_.".contains(letter))
        });
    if valid { Ok(()) } else { Err("must look like user@provider and have at most 100 characters") }
}

/// Indian bank codes: four letters, a zero, six letters or digits.
fn ifsc(text: &str) -> Result<(), &'static str> {
    let valid = text.len() == 11
        && text.char_indices().all(|(at, letter)| match at {
            0..4 => letter.is_ascii_uppercase(),
            4 => letter == '0',
            _ => letter.is_ascii_uppercase() || letter.is_ascii_digit(),
        });
    if valid { Ok(()) } else { Err("must be an IFSC code") }
}

/// Letters of any script, each with its combining marks, and a little punctuation. Digits are not allowed.
fn account_holder(text: &str) -> Result<(), &'static str> {
    if !(1..=64).contains(&text.chars().count()) {
        return Err("must have 1 to 64 characters");
    }
    let mut mark_may_follow = false;
    for letter in text.chars() {
        let (allowed, carries_marks) = match get_general_category(letter) {
            Category::UppercaseLetter
            | Category::LowercaseLetter
            | Category::TitlecaseLetter
            | Category::ModifierLetter
            | Category::OtherLetter => (true, true),
            Category::NonspacingMark | Category::SpacingMark | Category::EnclosingMark => (mark_may_follow, true),
            _ => (", ;:_'\"!%=@#&-.?$()+*|".contains(letter), false),
        };
        if !allowed {
            return Err("has a character that is not allowed");
        }
        mark_may_follow = carries_marks;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_holders_may_have_any_script_but_no_digits() {
        for name in
            ["Siti Rahmawati", "O'Brien, J. (Jr)", "Łukasz", "मोहन", "李小龍", "e\u{301}a", "%", &"a".repeat(64)]
        {
            assert_eq!(account_holder(name), Ok(()), "{name}");
        }
        for name in ["", "Siti 2", "a/b", "\u{301}a", "a.\u{301}", "a\u{a0}b", "x\ny", "٣", "Ⅷ", &"a".repeat(65)] {
            assert!(account_holder(name).is_err(), "{name}");
        }
    }

    #[test]
    fn patterns_hold_at_their_edges() {
        assert!(wallet_address("a.b-c_d@bank.x").is_ok());
        for address in ["a", "@b", "a@", "a@b@c", "a@b-c", "a b@c"] {
            assert!(wallet_address(address).is_err(), "{address}");
        }
        assert!(phone_number("+628123").is_ok());
        for phone in ["123456", "+", "12345678901234567", "+62 8123", "628+123"] {
            assert!(phone_number(phone).is_err(), "{phone}");
        }
        assert!(crypto_address(&"a".repeat(62)).is_ok());
        assert!(
            crypto_address(&"a".repeat(63)).is_err() && crypto_address("").is_err() && crypto_address("a_b").is_err()
        );
        assert!(operator_code("IDR_014").is_ok() && operator_code(&"a".repeat(31)).is_err());
        assert!(ifsc("HDFC0001234").is_ok() && ifsc("HDFC1001234").is_err() && ifsc("hdfc0001234").is_err());
        assert!(
            payout_id(&"a".repeat(250)).is_ok() && payout_id(&"a".repeat(251)).is_err() && payout_id("a b").is_err()
        );
    }
}
