//! The claims of a token: read, never verified (only the platform can), and never required.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

/// What a token says of itself (source: KomoPay's published payout page).
#[derive(Deserialize)]
pub(crate) struct Claims {
    iat: Option<u64>,
    exp: Option<u64>,
    operations: Option<Vec<String>>,
}

impl Claims {
    /// The claims of a token that is a readable JWT.
    pub fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice(&payload).ok()
    }

    /// For how long it is valid: `exp` minus `iat`, both by the platform's clock.
    pub fn lifetime(&self) -> Option<Duration> {
        Some(Duration::from_secs(self.exp?.checked_sub(self.iat?)?))
    }

    /// When it ends, by the platform's clock.
    pub fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(i64::try_from(self.exp?).ok()?).ok()
    }

    /// The first of these operations that it surely does not allow.
    ///
    /// A token that names no operations, or names one that may be a pattern, is left to the platform.
    pub fn forbids<'a>(&self, needed: &'a [String]) -> Option<&'a str> {
        let allowed = self.operations.as_ref()?;
        if allowed.iter().any(|operation| operation.contains(['*', '{', '(', '['])) {
            return None;
        }
        needed.iter().find(|operation| !allowed.contains(operation)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = include_str!("../../../tests/contract/documented/token.jwt");

    #[test]
    fn the_documented_token_lives_for_ten_minutes_and_allows_two_calls() {
        let claims = Claims::of(DOCUMENTED.trim()).unwrap();
        assert_eq!(claims.lifetime(), Some(Duration::from_secs(600)));
        assert_eq!(claims.expires_at(), Some("2021-06-02T10:07:18Z".parse().unwrap()));
        let needs = |operation: &str| [operation.to_owned()];
        assert_eq!(claims.forbids(&needs("GET /payouts/TST-223344")), None);
        assert_eq!(claims.forbids(&needs("GET /payouts/OTHER")), Some("GET /payouts/OTHER"));
    }

    #[test]
    fn what_is_no_jwt_has_no_claims_and_odd_claims_decide_nothing() {
        for token in ["", "opaque", "a.b.c", ".."] {
            assert!(Claims::of(token).is_none(), "{token}");
        }
        let of = |payload: &str| Claims::of(&format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload))).unwrap();
        assert_eq!(of("{}").lifetime(), None);
        assert_eq!(of(r#"{"exp":1,"iat":2}"#).lifetime(), None);
        let needed = ["GET /balances".to_owned()];
        assert_eq!(of("{}").forbids(&needed), None);
        assert_eq!(of(r#"{"operations":["GET /.*"]}"#).forbids(&needed), None);
        assert_eq!(of(r#"{"operations":[]}"#).forbids(&needed), Some("GET /balances"));
    }
}
