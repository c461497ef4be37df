//! The part of the control API that is about callbacks: status changes, what goes wrong, and the delivery log.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::callbacks::{CallbackFault, Delivery, is_loopback};
use crate::control::body::{Active, one_or_more, read};
use crate::http::answer::Answer;
use crate::platform::gateway::Gateway;
use crate::platform::magic::Outcome;
use crate::platform::payout::ChangeError;
use crate::server::Server;

/// How long a call waits for the deliveries that did not say.
const LIMIT_MS: u64 = 60_000;

/// The routes, below the prefix of the control API.
pub(crate) fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/deliveries", get(deliveries))
        .route("/deliveries/done", get(done))
        .route("/deliveries/faults", post(inject))
        .route("/deliveries/forge", post(forge))
        .route("/payouts/{id}/status", post(change_status))
        .route("/payouts/{id}/callback", post(send_callback))
        .route("/clock", post(advance))
}

async fn deliveries(State(gateway): State<Arc<Gateway>>) -> Json<Vec<Delivery>> {
    Json(gateway.courier().deliveries())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    limit_ms: Option<u64>,
}

async fn done(
    Extension(server): Extension<Weak<Server>>,
    Query(Limit { limit_ms }): Query<Limit>,
) -> Json<BTreeMap<&'static str, bool>> {
    let limit = Duration::from_millis(limit_ms.unwrap_or(LIMIT_MS));
    let done = match server.upgrade() {
        Some(server) => tokio::time::timeout(limit, server.callbacks_done()).await.is_ok(),
        // A server that has gone delivers nothing any more.
        None => true,
    };
    Json(BTreeMap::from([("done", done)]))
}

async fn inject(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response<Body> {
    let faults = match one_or_more::<CallbackFault>(&body) {
        Ok(faults) => faults,
        Err(answer) => return answer.into_response(),
    };
    if let Some(mistake) = faults.iter().find_map(CallbackFault::mistake) {
        return Answer::bad_request(&mistake).into_response();
    }
    for fault in faults {
        gateway.inject_into_callbacks(fault);
    }
    Answer::json(StatusCode::CREATED, &Active { active: gateway.courier().faults() }).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forged {
    payout_id: String,
    url: Option<String>,
    /// In place of a URL: the payout whose own it is. Who is shown no URL can ask for it this way.
    url_of: Option<String>,
}

async fn forge(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response<Body> {
    let Forged { payout_id, url, url_of } = match read(&body) {
        Ok(forged) => forged,
        Err(answer) => return answer.into_response(),
    };
    let url = match (url, url_of) {
        (Some(url), None) => url,
        (None, Some(id)) => match callback_url(&gateway, &id) {
            Ok(url) => url,
            Err(error) => return refused(error).into_response(),
        },
        _ => return Answer::bad_request("give either url or url_of, the payout whose URL it is").into_response(),
    };
    if !may_forge_to(&gateway, &url) {
        let told = "callbacks are forged only to URLs that a create handed over, and to ports of this machine that the \
                    sandbox was started with (--forge-to-port)";
        return Answer::forbidden(told).into_response();
    }
    let answer = match gateway.courier().forge(&payout_id, &url).await {
        Some(delivery) => Answer::json(StatusCode::OK, &delivery),
        None => Answer::error(StatusCode::SERVICE_UNAVAILABLE, "the sandbox is stopping"),
    };
    answer.into_response()
}

/// Where the changes of a payout are told.
fn callback_url(gateway: &Gateway, id: &str) -> Result<String, ChangeError> {
    let state = gateway.lock();
    let payout = state.payouts.get(id).ok_or(ChangeError::NoPayout)?;
    payout.subscriber.as_ref().map(|own| own.url().to_owned()).ok_or(ChangeError::NoCallbackUrl)
}

fn may_forge_to(gateway: &Gateway, url: &str) -> bool {
    if gateway.lock().payouts.values().any(|payout| payout.subscriber.as_ref().is_some_and(|own| own.url() == url)) {
        return true;
    }
    let named =
        |url: &Url| url.port_or_known_default().is_some_and(|port| gateway.settings.forge_to_ports.contains(&port));
    Url::parse(url).is_ok_and(|url| is_loopback(&url) && named(&url))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    status: String,
    failure_reason: Option<String>,
}

async fn change_status(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, body: Bytes) -> Response<Body> {
    let change = || {
        let Change { status, failure_reason } = read(&body)?;
        let outcome =
            Outcome::named(&status, failure_reason.as_deref()).map_err(|error| Answer::bad_request(&error))?;
        gateway.change_status(&id, outcome).map_err(refused)?;
        Ok(Answer::json(StatusCode::OK, &BTreeMap::from([("status", status)])))
    };
    change().unwrap_or_else(|answer| answer).into_response()
}

async fn send_callback(State(gateway): State<Arc<Gateway>>, Path(id): Path<String>) -> Response<Body> {
    match gateway.send_callback(&id) {
        Ok(()) => Answer::json(StatusCode::ACCEPTED, &BTreeMap::from([("payout_id", id)])),
        Err(error) => refused(error),
    }
    .into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

async fn advance(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response<Body> {
    match read(&body) {
        Ok(Advance { advance_ms }) => {
            gateway.advance(Duration::from_millis(advance_ms));
            Answer::json(StatusCode::OK, &BTreeMap::from([("now", gateway.clock.timestamp())]))
        }
        Err(answer) => answer,
    }
    .into_response()
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn refused(error: ChangeError) -> Answer {
    let status = if error == ChangeError::NoPayout { StatusCode::NOT_FOUND } else { StatusCode::CONFLICT };
    Answer::error(status, &error.to_string())
}
