//! The claims of a token: read, never verified (only the platform can), and never required.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Claims {
    iat: Option<u64>,
    exp: Option<u64>,
}

/// For how long the token says it is valid: `exp` minus `iat`, both by the platform's clock.
pub(crate) fn lifetime(token: &str) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    Some(Duration::from_secs(claims.exp?.checked_sub(claims.iat?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_token_lives_for_ten_minutes() {
        let token = include_str!("../../../tests/contract/documented/token.jwt");
        assert_eq!(lifetime(token.trim()), Some(Duration::from_secs(600)));
    }

    #[test]
    fn what_is_no_jwt_has_no_lifetime() {
        for token in ["", "opaque", "a.b.c", "..", "a.e30.c", "a.eyJleHAiOjEsImlhdCI6Mn0.c"] {
            assert_eq!(lifetime(token), None, "{token}");
        }
    }
}
