//! Calls as an observer sees them.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use crate::http::answer::Answer;

/// A call of the merchant API, as a [`Builder::observer`](crate::Builder::observer) sees it.
///
/// A call is shown once without an answer, when its request has been read, and again with each true answer that the
/// gateway makes, before a fault falsifies or loses it. What a fault makes up is never shown. A request whose body is too long,
/// or was cut off, is shown only with its answer.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The method of the request.
    pub method: &'a Method,
    /// Its path and query.
    pub uri: &'a Uri,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body; empty where nothing reads it, since no operation has this method and path, and where it cannot be read.
    pub body: &'a Bytes,
    /// Status and body of the true answer.
    pub answer: Option<(u16, &'a Bytes)>,
}

/// A function that is shown every call.
pub(crate) type Observer = Arc<dyn Fn(&Exchange<'_>) + Send + Sync>;

/// Shows a request without an answer, or with its true one.
pub(crate) fn show(
    observers: &[Observer],
    (method, uri, headers, body): (&Method, &Uri, &HeaderMap, &Bytes),
    answer: Option<&Answer>,
) {
    let answer = answer.map(|answer| (answer.status.as_u16(), &answer.body));
    for observer in observers {
        observer(&Exchange { method, uri, headers, body, answer });
    }
}
