//! The merchant API: from a request to an answer, and where faults act on the way.
//!
//! [`perform`] is the gateway's true behaviour. [`decide`] wraps it in whatever fault was injected. Between reading a
//! body and performing the call nothing waits (except for effects that execute late, which run as work of their own),
//! so a client that leaves early cannot cancel a create that was read completely.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{ALLOW, DATE, HeaderValue, LOCATION, RETRY_AFTER};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use percent_encoding::percent_decode_str;
use tokio::sync::futures::OwnedNotified;

use crate::faults::Effect;
use crate::http::answer::{Answer, Refusal};
use crate::http::connection::Control;
use crate::http::exchange;
use crate::operation::{Operation, is_payout_id};
use crate::platform::call::Call;
use crate::platform::calls::perform;
use crate::platform::fields::{Fields, any_text};
use crate::platform::gateway::Gateway;

const BODY_LIMIT: usize = 1024 * 1024;

enum Route {
    To(Operation, String),
    /// With the methods that are allowed.
    WrongMethod(String),
    Unknown,
}

/// Answers a call of the merchant API.
pub(crate) async fn answer(gateway: &Arc<Gateway>, connection: &Control, request: Request<Body>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let (operation, payout_id) = match route(&head.method, head.uri.path()) {
        Route::To(operation, payout_id) => (operation, payout_id),
        Route::WrongMethod(allowed) => {
            tracing::info!("method not allowed -> 405");
            let answer = Answer::error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
            return unread(gateway, &head, answer.with_header(ALLOW, allowed));
        }
        Route::Unknown => {
            tracing::info!("no such path -> 404");
            return unread(gateway, &head, Answer::not_found());
        }
    };
    // Before anybody can know of the call: whoever clears the faults for it does so later.
    let cleared = gateway.lock().faults.cleared();
    let about = Some(payout_id.as_str()).filter(|id| !id.is_empty());
    let effect = gateway.see(operation, about, connection.is_kept());
    let loggable = if is_payout_id(&payout_id) { format!("/{payout_id}") } else { String::new() };
    let named = effect.as_ref().map(Effect::name);
    let fault = named.as_ref().map(|name| format!(" (fault: {name})")).unwrap_or_default();
    let valid_id = Some(payout_id.clone()).filter(|id| is_payout_id(id));
    let request = (&head.method, &head.uri, &head.headers);
    if effect == Some(Effect::CloseBeforeReading) {
        connection.reset();
        tracing::info!("{operation}{loggable} -> connection reset{fault}");
        let asked = gateway.history.request(request, None, valid_id.as_deref());
        gateway.history.answer(asked, &Answer::unsent(), named.as_deref());
        return Answer::unsent().into_response();
    }

    let read = read(body).await;
    let asked = gateway.history.request(request, read.as_deref().ok(), valid_id.as_deref());
    let answer = match read {
        Ok(body) => {
            let Parts { method, uri, headers, .. } = head;
            let call = Call { operation, payout_id, method, uri, headers, body, read_lag: Duration::ZERO };
            exchange::show(&gateway.settings.observers, call.request(), None);
            decide(gateway, connection, call, effect, cleared).await
        }
        Err(answer) => {
            exchange::show(
                &gateway.settings.observers,
                (&head.method, &head.uri, &head.headers, &Bytes::new()),
                Some(&answer),
            );
            answer
        }
    };
    tracing::info!("{operation}{loggable} -> {}{fault}", answer.status.as_u16());
    gateway.history.answer(asked, &answer, named.as_deref());
    let mut response = answer.into_response();
    if let Some(date) = gateway.clock.date().and_then(|date| HeaderValue::from_str(&date).ok()) {
        // A fault may tell another one.
        response.headers_mut().entry(DATE).or_insert(date);
    }
    response
}

/// Answers what no operation takes.
fn unread(gateway: &Gateway, head: &Parts, answer: Answer) -> Response<Body> {
    let request = (&head.method, &head.uri, &head.headers, &Bytes::new());
    exchange::show(&gateway.settings.observers, request, None);
    exchange::show(&gateway.settings.observers, request, Some(&answer));
    let asked = gateway.history.request((&head.method, &head.uri, &head.headers), None, None);
    gateway.history.answer(asked, &answer, None);
    answer.into_response()
}

fn route(method: &Method, path: &str) -> Route {
    let path = decoded(path);
    let operations = Operation::at(&path);
    if let Some(operation) = operations.iter().find(|operation| operation.method() == method) {
        let id = path.strip_prefix("/payouts/").filter(|_| operation.has_payout_id());
        return Route::To(*operation, id.unwrap_or_default().to_owned());
    }
    if operations.is_empty() {
        return Route::Unknown;
    }
    let allowed: Vec<_> = operations.iter().map(|operation| operation.method().to_string()).collect();
    Route::WrongMethod(allowed.join(", "))
}

/// A path without its percent encoding, except that of a slash or of bytes that are no text: those are in no valid
/// path.
fn decoded(path: &str) -> String {
    let mut segments = path.split('/').map(|segment| {
        let text = percent_decode_str(segment).decode_utf8().unwrap_or(segment.into());
        if text.contains('/') { segment.into() } else { text }
    });
    let first = segments.next().unwrap_or_default().into_owned();
    segments.fold(first, |path, segment| path + "/" + &segment)
}

/// Reads a body up to the limit. What is too long is read and thrown away, so that the client sees the 400.
async fn read(mut body: Body) -> Result<Bytes, Answer> {
    let mut bytes = Vec::new();
    let mut length = 0;
    while let Some(frame) = next_frame(&mut body).await {
        // Cut off on its way: there is nobody to answer, and nothing to execute.
        let Ok(frame) = frame else {
            return Err(Answer::bad_request("the body was cut off"));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        length += data.len();
        if length <= BODY_LIMIT {
            bytes.extend_from_slice(&data);
        } else if length > 16 * BODY_LIMIT {
            break;
        }
    }
    if length > BODY_LIMIT {
        return Err(Answer::bad_request("the body has more than 1 MiB"));
    }
    Ok(bytes.into())
}

async fn next_frame(body: &mut Body) -> Option<Result<http_body::Frame<Bytes>, axum::Error>> {
    std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut *body), cx)).await
}

/// Performs a call, or breaks it as the fault says.
async fn decide(
    gateway: &Arc<Gateway>,
    connection: &Control,
    mut call: Call,
    effect: Option<Effect>,
    cleared: OwnedNotified,
) -> Answer {
    let Some(effect) = effect else {
        return perform(gateway, &call);
    };
    match effect {
        Effect::Delay { ms } => later(gateway, connection, call, tokio::time::sleep(Duration::from_millis(ms))).await,
        Effect::Hold => later(gateway, connection, call, cleared).await,
        // The unread body was dealt with before it could be read.
        Effect::CloseBeforeReading | Effect::CloseAfterReading => close(connection),
        Effect::ExecuteThenClose => {
            perform(gateway, &call);
            close(connection)
        }
        Effect::ExecuteAfterClose { ms } => {
            if call.operation == Operation::CreatePayout {
                let (owner, closed) = (Arc::clone(gateway), connection.clone());
                drop(gateway.spawn(async move {
                    closed.closed().await;
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    perform(&owner, &call);
                }));
            }
            close(connection)
        }
        Effect::ExecuteThenStatus { status } => {
            perform(gateway, &call);
            Answer::html(code(status))
        }
        Effect::Status { status } => Answer::error(code(status), "injected"),
        Effect::CutAnswer { at_byte } => {
            let answer = perform(gateway, &call);
            connection.cut_after(at_byte);
            answer
        }
        Effect::Garbage { status, execute } => {
            if execute {
                perform(gateway, &call);
            }
            Answer::garbage(code(status))
        }
        Effect::CaptivePortal => Answer::captive_portal(),
        Effect::Redirect { status, location } => {
            Answer::html(code(status)).with_header(LOCATION, location.unwrap_or_else(|| call.uri.path().to_owned()))
        }
        Effect::NotFound => Answer::not_found(),
        Effect::RateLimited { retry_after_secs } => {
            let answer = Answer::error(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            match retry_after_secs {
                Some(seconds) => answer.with_header(RETRY_AFTER, seconds.to_string()),
                None => answer,
            }
        }
        Effect::Unauthorized => Answer::unauthorized(),
        Effect::Forbidden => Answer::forbidden("not allowed"),
        Effect::BadRequest => Answer::bad_request("request violates the schema"),
        Effect::GoneForGet { ms } => {
            let lag = Duration::from_millis(ms);
            if call.operation == Operation::GetPayout && executed_within(gateway, &call.payout_id, lag) {
                return Answer::gone();
            }
            call.read_lag = lag;
            perform(gateway, &call)
        }
        Effect::Rejected { code, uses_id_up } => {
            if uses_id_up && call.operation == Operation::CreatePayout {
                gateway.lock().used_up.insert(call.payout_id);
            }
            Answer::refused(&[Refusal::new(&code, None, "injected")])
        }
        Effect::Answer { status, headers, body, execute } => {
            if execute {
                perform(gateway, &call);
            }
            Answer::literal(code(status), headers, body)
        }
        Effect::StrayAnswer { status, headers, body, execute_after_ms } => {
            let stray = Answer::literal(code(status), headers, body).into_bytes();
            misdeliver(gateway, connection, call, stray, execute_after_ms).await
        }
        Effect::PreviousAnswer { execute_after_ms } => {
            misdeliver(gateway, connection, call, connection.previous_answer(), execute_after_ms).await
        }
        Effect::EchoAccount { status } => echo(&call, code(status)),
    }
}

/// Lets an answer out that is none to this call, and the call's own behind it.
async fn misdeliver(
    gateway: &Arc<Gateway>,
    connection: &Control,
    call: Call,
    stray: Vec<u8>,
    execute_after_ms: Option<u64>,
) -> Answer {
    match execute_after_ms {
        None => {
            let answer = perform(gateway, &call);
            connection.stray(stray);
            answer
        }
        Some(ms) => {
            connection.stray(stray);
            later(gateway, connection, call, tokio::time::sleep(Duration::from_millis(ms))).await
        }
    }
}

fn close(connection: &Control) -> Answer {
    connection.close();
    Answer::unsent()
}

/// Performs the call when the wait is over, whether the client has left or not.
async fn later(
    gateway: &Arc<Gateway>,
    connection: &Control,
    call: Call,
    wait: impl Future<Output = ()> + Send + 'static,
) -> Answer {
    let owner = Arc::clone(gateway);
    let work = gateway.spawn(async move {
        wait.await;
        perform(&owner, &call)
    });
    match work.await {
        Ok(Some(answer)) => answer,
        // The gateway is stopping.
        Ok(None) | Err(_) => close(connection),
    }
}

fn executed_within(gateway: &Gateway, id: &str, lag: Duration) -> bool {
    gateway.lock().payouts.get(id).is_some_and(|payout| payout.executed.elapsed() < lag)
}

/// An error text that gives away what a client must scrub.
fn echo(call: &Call, status: StatusCode) -> Answer {
    let body = Fields::of_body(&call.body).ok();
    let account = body.as_ref().and_then(|body| {
        body.object("paymentMethod").ok()?.object("account").ok()?.text("accountNumber", any_text).ok()
    });
    let secret = body.as_ref().and_then(|body| body.text("secret", any_text).ok());
    let mut text = "could not handle".to_owned();
    for (name, value) in [("account", account), ("token", call.bearer().map(str::to_owned)), ("secret", secret)] {
        if let Some(value) = value {
            text = format!("{text} {name} {value}");
        }
    }
    if status == StatusCode::NOT_ACCEPTABLE {
        Answer::refused(&[Refusal::new("PAYMENT_METHOD_ERROR", None, &text)])
    } else {
        Answer::error(status, &text)
    }
}

/// A status from a fault; one that is no status answers 500.
fn code(status: u16) -> StatusCode {
    // Below 200 an answer would not be final, and the client would wait for another one.
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| status.as_u16() >= 200)
        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
