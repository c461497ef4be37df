//! The control API under `/_sandbox/`, apart from the merchant API and off unless enabled.
//!
//! Every call brings the token along that was told at the start ([`access`]). What a browser loads to show the gateway
//! to a person ([`page`]) does not: it holds nothing.
//!
//! | call | does |
//! |---|---|
//! | `GET health` | `{"status": "ok"}` |
//! | `GET ledger` | the ledger, as an array |
//! | `GET balances` | the balances, by currency |
//! | `GET calls` | calls seen, by operation |
//! | `GET account-numbers` | the account numbers that decide how a payout ends |
//! | `GET idle` | answers when nothing is pending any more |
//! | `POST faults` | injects one fault, or an array of them |
//! | `DELETE faults` | clears all faults, those of callbacks too |
//! | `POST merchant` | `{"active": false}` switches the merchant off |
//! | `POST reset` | everything as at the start |
//! | `GET events` | what happened after `?since=`, masked, and how things stand; waits for it |
//!
//! What is about callbacks is in `callbacks`.

mod access;
mod body;
mod callbacks;
mod events;
mod page;

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use axum::{Extension, Json, Router, middleware};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::control::body::{Active, Balances, one_or_more};
use crate::faults::Fault;
use crate::http::answer::Answer;
use crate::http::connection::Control;
use crate::merchant;
use crate::operation::Operation;
use crate::platform::gateway::Gateway;
use crate::platform::ledger::LedgerEntry;
use crate::platform::magic::MAGIC_NUMBERS;
use crate::server::{CONTROL, Server};

/// All routes: the control API if it is on, and the merchant API for everything else.
pub(crate) fn router(gateway: Arc<Gateway>, server: Weak<Server>) -> Router {
    let mut router = Router::new();
    if gateway.settings.control {
        let control = Router::new()
            .route("/health", get(health))
            .route("/ledger", get(ledger))
            .route("/balances", get(balances))
            .route("/calls", get(calls))
            .route("/account-numbers", get(account_numbers))
            .route("/idle", get(idle))
            .route("/faults", post(inject).delete(clear))
            .route("/merchant", post(switch_merchant))
            .route("/reset", post(reset))
            .route("/events", get(events::events))
            .merge(callbacks::routes())
            .layer(Extension(server))
            .layer(middleware::from_fn_with_state(Arc::clone(&gateway), access::checked));
        let page = page::routes().layer(middleware::from_fn(access::from_here));
        router = router.merge(page).nest(CONTROL, control);
    }
    router.fallback(merchant_call).with_state(gateway)
}

async fn merchant_call(
    State(gateway): State<Arc<Gateway>>,
    Extension(connection): Extension<Control>,
    request: Request,
) -> Response<Body> {
    merchant::answer(&gateway, &connection, request).await
}

async fn health() -> Json<BTreeMap<&'static str, &'static str>> {
    Json(BTreeMap::from([("status", "ok")]))
}

async fn ledger(State(gateway): State<Arc<Gateway>>) -> Json<Vec<LedgerEntry>> {
    Json(gateway.lock().ledger.clone())
}

async fn balances(State(gateway): State<Arc<Gateway>>) -> Json<Balances> {
    let state = gateway.lock();
    Json(state.accounts().map(|(currency, balance, _)| (currency.to_owned(), balance)).collect())
}

async fn calls(State(gateway): State<Arc<Gateway>>) -> Json<BTreeMap<Operation, u64>> {
    let state = gateway.lock();
    Json(
        Operation::ALL
            .iter()
            .map(|operation| (*operation, state.calls.get(operation).copied().unwrap_or_default()))
            .collect(),
    )
}

#[derive(Serialize)]
struct AccountNumber {
    digits: &'static str,
    status: &'static str,
    failure_reason: Option<&'static str>,
}

async fn account_numbers() -> Json<Vec<AccountNumber>> {
    let numbers = MAGIC_NUMBERS.iter().map(|(digits, outcome)| AccountNumber {
        digits,
        status: outcome.status(),
        failure_reason: outcome.failure_reason(),
    });
    Json(numbers.collect())
}

async fn idle(Extension(server): Extension<Weak<Server>>) -> Json<BTreeMap<&'static str, bool>> {
    if let Some(server) = server.upgrade() {
        server.idle().await;
    }
    Json(BTreeMap::from([("idle", true)]))
}

async fn inject(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response<Body> {
    let faults = match one_or_more::<Fault>(&body) {
        Ok(faults) => faults,
        Err(answer) => return answer.into_response(),
    };
    if let Some(mistake) = faults.iter().find_map(Fault::mistake) {
        return Answer::bad_request(&mistake).into_response();
    }
    for fault in faults {
        gateway.inject(fault);
    }
    Answer::json(StatusCode::CREATED, &Active { active: gateway.lock().faults.len() }).into_response()
}

async fn clear(State(gateway): State<Arc<Gateway>>) -> StatusCode {
    gateway.clear_faults();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Merchant {
    active: bool,
}

async fn switch_merchant(State(gateway): State<Arc<Gateway>>, body: Bytes) -> Response<Body> {
    match serde_json::from_slice::<Merchant>(&body) {
        Ok(merchant) => {
            gateway.switch_merchant(merchant.active);
            Answer::json(StatusCode::OK, &BTreeMap::from([("active", merchant.active)])).into_response()
        }
        Err(error) => Answer::bad_request(&error.to_string()).into_response(),
    }
}

async fn reset(State(gateway): State<Arc<Gateway>>) -> StatusCode {
    gateway.reset();
    StatusCode::NO_CONTENT
}
