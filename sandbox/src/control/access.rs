//! Who may use the control API: whoever has its token, and no page of a browser.
//!
//! It moves payouts and sends requests from this machine, so a page that a browser on it happens to show must not reach
//! it: not by a name that leads here (DNS rebinding), nor from another origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, Response, StatusCode};
use subtle::ConstantTimeEq;

use crate::http::answer::Answer;
use crate::platform::gateway::Gateway;

/// Lets a call through, or says what it lacks.
pub(crate) async fn checked(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response<Body> {
    match refusal(request.headers(), &gateway.settings.control_token) {
        Some(refusal) => {
            tracing::info!("control API -> {}", refusal.status.as_u16());
            refusal.into_response()
        }
        None => next.run(request).await,
    }
}

fn refusal(headers: &HeaderMap, token: &str) -> Option<Answer> {
    if headers.contains_key(ORIGIN) {
        return Some(Answer::forbidden("the control API is not for pages of a browser: leave the header Origin out"));
    }
    if !headers.get(HOST).is_some_and(|host| names_this_machine(host.as_bytes())) {
        return Some(Answer::forbidden(
            "ask the control API at an IP address or localhost, and say so in the header Host",
        ));
    }
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if !given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes()))) {
        let told =
            "the control API asks for its token, which the sandbox tells at its start: Authorization: Bearer <token>";
        return Some(Answer::error(StatusCode::UNAUTHORIZED, told).with_header(WWW_AUTHENTICATE, "Bearer".to_owned()));
    }
    None
}

/// Whether a host is none that somebody else's DNS could lead here.
fn names_this_machine(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    let name = authority.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}
