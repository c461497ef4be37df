//! Who may use the control API: whoever has its token, and of the pages of a browser the gateway's own alone.
//!
//! It moves payouts and sends requests from this machine, so another page that a browser on it happens to show must not
//! reach it: not by a name that leads here (DNS rebinding), nor from another origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use subtle::ConstantTimeEq;

use crate::http::answer::Answer;
use crate::platform::gateway::Gateway;

/// Lets a call through, or says what it lacks.
pub(crate) async fn checked(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response<Body> {
    let headers = request.headers();
    let refusal = elsewhere(headers).or_else(|| without_token(headers, &gateway.settings.control_token));
    answered(refusal, request, next).await
}

/// Lets through what asks for the page itself, from whom the token cannot be asked for yet.
pub(crate) async fn from_here(request: Request, next: Next) -> Response<Body> {
    answered(elsewhere(request.headers()), request, next).await
}

async fn answered(refusal: Option<Answer>, request: Request, next: Next) -> Response<Body> {
    match refusal {
        Some(refusal) => {
            tracing::info!("control API -> {}", refusal.status.as_u16());
            refusal.into_response()
        }
        None => next.run(request).await,
    }
}

/// Refuses what was sent to another name than this machine's, or by a page of another origin.
fn elsewhere(headers: &HeaderMap) -> Option<Answer> {
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    if !names_this_machine(host) {
        return Some(Answer::forbidden(
            "ask the control API at an IP address or localhost, and say so in the header Host",
        ));
    }
    let mut origins = headers.get_all(ORIGIN).iter().map(HeaderValue::as_bytes);
    let is_own =
        |origin: &[u8]| [&b"http://"[..], b"https://"].iter().any(|scheme| origin.strip_prefix(*scheme) == Some(host));
    let is_cross_site = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
    // A link that a person follows is none of a page's requests, and gives the page that it is on nothing to read.
    let is_followed = headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if !origins.all(is_own) || (is_cross_site && !is_followed) {
        let told = "the control API is not for other pages of a browser: leave the header Origin out, or open the \
                    gateway's own page (its link is told at the start) under the very address that the header Host has";
        return Some(Answer::forbidden(told));
    }
    None
}

fn without_token(headers: &HeaderMap, token: &str) -> Option<Answer> {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    if given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes()))) {
        return None;
    }
    let told =
        "the control API asks for its token, which the sandbox tells at its start: Authorization: Bearer <token>";
    Some(Answer::error(StatusCode::UNAUTHORIZED, told).with_header(WWW_AUTHENTICATE, "Bearer".to_owned()))
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
