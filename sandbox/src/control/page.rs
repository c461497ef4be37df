//! The page for a person: a document with its style and its script, all in this program.
//!
//! It comes without a token and shows nothing by itself: the script asks the control API, with the token that stood
//! behind the `#` of the link, or that the person types in.

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, Response};

use crate::server::CONTROL;

const DOCUMENT: &str = include_str!("../../page/index.html");
const STYLE: &str = include_str!("../../page/page.css");

/// The script, and the modules that it imports, by their names.
const SCRIPTS: [(&str, &str); 4] = [
    ("page.js", include_str!("../../page/page.js")),
    ("model.js", include_str!("../../page/model.js")),
    ("views.js", include_str!("../../page/views.js")),
    ("effects.js", include_str!("../../page/effects.js")),
];

/// Nothing from elsewhere, nothing in a frame, no text that becomes code.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

/// The routes, with their whole paths.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let html = || async { file("text/html; charset=utf-8", DOCUMENT) };
    let router = Router::new()
        .route(CONTROL, get(html))
        .route(&format!("{CONTROL}/"), get(html))
        .route(&format!("{CONTROL}/page.css"), get(async || file("text/css; charset=utf-8", STYLE)));
    SCRIPTS.into_iter().fold(router, |router, (name, text)| {
        let script = async move || file("text/javascript; charset=utf-8", text);
        router.route(&format!("{CONTROL}/{name}"), get(script))
    })
}

fn file(kind: &'static str, text: &'static str) -> Response<Body> {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    (headers, text).into_response()
}
