//! Answers in the shapes of the contract, and in the shapes of things that stand in the way.

use std::collections::BTreeMap;
use std::time::SystemTime;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde::Serialize;

/// What an answer that is never sent says that it is.
const UNSENT: &str = "text/plain";

/// An answer before it goes to the wire.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    content_type: &'static str,
    /// Each replaces one of its name.
    headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
}

/// One element of a 406 body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refusal {
    pub(crate) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attr_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: &str, attr_code: Option<&'static str>, description: &str) -> Self {
        Self { code: code.to_owned(), attr_code, description: Some(description.to_owned()) }
    }
}

#[derive(Serialize)]
struct BasicError<'a> {
    description: &'a str,
}

impl Answer {
    pub(crate) fn json<T: Serialize>(status: StatusCode, body: &T) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self { status, content_type: "application/json", headers: Vec::new(), body: body.into() },
            // Only a map with keys that are no text could fail, and no answer has one.
            Err(_) => Self::html(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// Every error but 406.
    pub(crate) fn error(status: StatusCode, description: &str) -> Self {
        Self::json(status, &BasicError { description })
    }

    pub(crate) fn bad_request(description: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, description)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "token missing, invalid or expired")
    }

    pub(crate) fn forbidden(description: &str) -> Self {
        Self::error(StatusCode::FORBIDDEN, description)
    }

    pub(crate) fn gone() -> Self {
        Self::error(StatusCode::GONE, "no such payout")
    }

    pub(crate) fn not_found() -> Self {
        Self::error(StatusCode::NOT_FOUND, "no such path")
    }

    /// 406: a bare array.
    pub(crate) fn refused(refusals: &[Refusal]) -> Self {
        Self::json(StatusCode::NOT_ACCEPTABLE, &refusals)
    }

    /// A page as a proxy or load balancer would send it.
    pub(crate) fn html(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or("Error");
        let body = format!("<html><head><title>{reason}</title></head><body><h1>{status}</h1></body></html>\n");
        Self { status, content_type: "text/html", headers: Vec::new(), body: body.into() }
    }

    /// Whatever somebody wants it to be.
    pub(crate) fn literal(status: StatusCode, headers: BTreeMap<String, String>, body: String) -> Self {
        let headers = headers.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value)));
        Self { status, content_type: "application/json", headers: headers.collect(), body: body.into() }
    }

    /// The login page of a network that lets nobody out yet.
    pub(crate) fn captive_portal() -> Self {
        let body =
            "<html><body><h1>Welcome to our Wi-Fi</h1><form action=\"/login\">Please log in</form></body></html>\n";
        Self { status: StatusCode::OK, content_type: "text/html", headers: Vec::new(), body: body.into() }
    }

    /// Bytes that claim to be JSON.
    pub(crate) fn garbage(status: StatusCode) -> Self {
        let body = Bytes::from_static(b"\x00\xff{\"paymentRequested\":<<garbage>>");
        Self { status, content_type: "application/json", headers: Vec::new(), body }
    }

    /// An answer that never reaches the client, because its connection is closed instead.
    pub(crate) fn unsent() -> Self {
        Self { status: StatusCode::OK, content_type: UNSENT, headers: Vec::new(), body: Bytes::new() }
    }

    /// Whether it is one that reaches the client.
    pub(crate) fn is_sent(&self) -> bool {
        self.content_type != UNSENT
    }

    /// With one more header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        // A fault may ask for a value that no header can have: then there is none.
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    /// As it stands on a connection: for an answer that the server does not know of.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let (status, body) = (self.status, self.body.clone());
        let mut headers = std::mem::take(self.into_response().headers_mut());
        headers.entry(CONTENT_LENGTH).or_insert(body.len().into());
        if let Ok(now) = HeaderValue::from_str(&httpdate::fmt_http_date(SystemTime::now())) {
            headers.entry(DATE).or_insert(now);
        }
        let reason = status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
        for (name, value) in &headers {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        bytes
    }
}
