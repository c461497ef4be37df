//! Tokens: HS256 JWTs with the claims of the contract, and what they allow.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::operation::{Operation, is_payout_id};
use crate::platform::fields::{Fields, Violation, non_empty};
use crate::platform::hs256;
use crate::platform::money::{Money, decimal, json_number};

/// Lifetime of a token that asks for none.
const DEFAULT_VALIDITY_SECS: u64 = 1800;

/// What a token says.
#[derive(Serialize, Deserialize)]
pub(crate) struct Claims {
    /// The calls it allows; absent: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) exp: u64,
    pub(crate) jti: String,
    pub(crate) iat: u64,
    pub(crate) sub: String,
    /// The only money it may create a payout of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) money: Option<MoneyLock>,
}

/// An amount and currency as a claim; the amount is a JSON number with all its digits.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MoneyLock {
    amount: Box<RawValue>,
    currency_code: String,
}

impl MoneyLock {
    /// A lock to an amount given as text; text that is no amount gives a lock to 0, which no payout has.
    pub(crate) fn new(amount: &str, currency_code: &str) -> Self {
        let value = decimal(amount).unwrap_or(Decimal::ZERO);
        Self { amount: json_number(value), currency_code: currency_code.to_owned() }
    }

    /// Whether it is this money, by value.
    pub(crate) fn allows(&self, money: &Money) -> bool {
        decimal(self.amount.get()) == Some(money.amount.value()) && self.currency_code == money.currency_code
    }
}

/// The body of `POST /auth-tokens`. No `Debug`: it holds the secret.
pub(crate) struct TokenRequest {
    pub(crate) merchant_code: String,
    pub(crate) secret: String,
    pub(crate) validity_secs: u64,
    pub(crate) operations: Option<Vec<String>>,
    pub(crate) money: Option<MoneyLock>,
}

impl TokenRequest {
    pub(crate) fn read(body: &[u8]) -> Result<Self, Violation> {
        let body = Fields::of_body(body)?;
        let money = if body.has("money") { Some(body.money()?) } else { None };
        Ok(Self {
            merchant_code: body.text("merchantCode", non_empty)?,
            secret: body.text("secret", secret)?,
            validity_secs: validity(&body)?,
            operations: operations(&body)?,
            money: money.map(|money| MoneyLock::new(&money.amount.value().to_string(), &money.currency_code)),
        })
    }
}

fn validity(body: &Fields<'_>) -> Result<u64, Violation> {
    let Some(raw) = body.raw("validitySecs") else {
        return Ok(DEFAULT_VALIDITY_SECS);
    };
    let seconds: Option<u64> = decimal(raw.get()).and_then(|value| value.to_string().parse().ok());
    match seconds {
        Some(seconds @ 60..=3600) => Ok(seconds),
        _ => Err(body.violation("validitySecs", "must be an integer from 60 to 3600")),
    }
}

fn operations(body: &Fields<'_>) -> Result<Option<Vec<String>>, Violation> {
    let Some(raw) = body.raw("operations") else {
        return Ok(None);
    };
    let operations: Vec<String> =
        serde_json::from_str(raw.get()).map_err(|_| body.violation("operations", "must be an array of strings"))?;
    if operations.is_empty() {
        return Err(body.violation("operations", "must not be empty"));
    }
    if operations.iter().any(|operation| !is_operation(operation) || operation.chars().count() > 1000) {
        return Err(
            body.violation("operations", "must match ^(POST|GET|PATCH|PUT|DELETE) /[^ ]+ with at most 1000 characters")
        );
    }
    Ok(Some(operations))
}

fn secret(text: &str) -> Result<(), &'static str> {
    non_empty(text)?;
    if text.chars().count() <= 1000 { Ok(()) } else { Err("must have at most 1000 characters") }
}

/// `^(POST|GET|PATCH|PUT|DELETE) /[^ ]+`: the pattern has no end, so anything may follow the path.
fn is_operation(text: &str) -> bool {
    text.split_once(' ').is_some_and(|(method, path)| {
        let path = path.split(' ').next().unwrap_or_default();
        ["POST", "GET", "PATCH", "PUT", "DELETE"].contains(&method) && path.starts_with('/') && path.len() > 1
    })
}

/// Whether the contract has this operation.
pub(crate) fn is_in_contract(operation: &str) -> bool {
    operation.split_once(' ').is_some_and(|(method, path)| {
        let known = Operation::at(path).into_iter().find(|operation| operation.method().as_str() == method);
        let id = path.rsplit('/').next().unwrap_or_default();
        known.is_some_and(|operation| !operation.has_payout_id() || is_payout_id(id))
    })
}

/// Signs and checks the tokens of one gateway.
pub(crate) struct Signer {
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    /// The key follows from seed and secret, so that tokens survive a restart, and is not the secret itself, so that
    /// only the gateway can issue them.
    pub(crate) fn new(seed: u64, secret: &str) -> Self {
        hs256::install();
        let key = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(secret.as_bytes()).finalize();
        Self { encoding: EncodingKey::from_secret(&key), decoding: DecodingKey::from_secret(&key) }
    }

    pub(crate) fn sign(&self, claims: &Claims) -> String {
        // HMAC takes a key of any length and the claims are texts and numbers: this cannot fail.
        encode(&Header::new(Algorithm::HS256), claims, &self.encoding).unwrap_or_default()
    }

    /// The claims of a token that was signed here and has not expired, or not for longer than `leeway`.
    pub(crate) fn check(&self, token: &str, now: u64, leeway: Duration) -> Option<Claims> {
        let mut validation = Validation::new(Algorithm::HS256);
        // Checked below instead: with no leeway but ours, and expired at the very second.
        validation.validate_exp = false;
        validation.validate_aud = false;
        let claims: Claims = decode(token, &self.decoding, &validation).ok()?.claims;
        (claims.exp.saturating_add(leeway.as_secs()) > now).then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_operations_of_the_contract_are_known() {
        for operation in
            ["POST /payouts/TST-1", "GET /payouts/TST-1", "GET /balances", "POST /payouts/!availablePaymentOptions"]
        {
            assert!(is_operation(operation) && is_in_contract(operation), "{operation}");
        }
        for operation in
            ["DELETE /payouts/TST-1", "GET /payouts/", "GET /payouts/a b", "POST /balances", "GET /payins/x"]
        {
            assert!(!is_in_contract(operation), "{operation}");
        }
        for operation in ["GET payouts", "get /payouts/x", "GET /", "GET  /x", "HEAD /x", ""] {
            assert!(!is_operation(operation), "{operation}");
        }
    }
}
