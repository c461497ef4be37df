//! What the gateway's page asks for again and again: the events that it has not seen, and how things stand.

use std::sync::{Arc, Weak};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Query, State};
use http::header::CACHE_CONTROL;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::callbacks::CallbackWhen;
use crate::control::body::Balances;
use crate::faults::When;
use crate::history::Event;
use crate::http::answer::Answer;
use crate::platform::gateway::Gateway;
use crate::server::Server;

/// The longest that a call waits for an event. Shorter than what proxies and browsers have patience for.
const MOST_MS: u64 = 25_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    /// The number of the last event that is known.
    #[serde(default)]
    since: u64,
    limit_ms: Option<u64>,
}

#[derive(Serialize)]
struct Told {
    /// Another one is another sandbox, of which nothing is known yet.
    run: String,
    /// The number of the last event that there is.
    last: u64,
    #[serde(serialize_with = "each")]
    events: Vec<Arc<Event>>,
    now: Timestamp,
    merchant_active: bool,
    /// How many callbacks are not yet delivered or given up.
    waiting_callbacks: usize,
    processing_ms: u128,
    balances: Balances,
    faults: Vec<Named<When>>,
    callback_faults: Vec<Named<CallbackWhen>>,
}

/// A fault, without what it answers, which may hold anything.
#[derive(Serialize)]
struct Named<W> {
    when: W,
    effect: String,
}

/// Answers as soon as there are events after `since`, and at the latest when the time is over.
pub(super) async fn events(
    State(gateway): State<Arc<Gateway>>,
    Extension(server): Extension<Weak<Server>>,
    Query(Since { since, limit_ms }): Query<Since>,
) -> Response<Body> {
    let limit = Duration::from_millis(limit_ms.unwrap_or(MOST_MS).min(MOST_MS));
    // Not the server itself, which would not end as long as somebody waits.
    if let Some(closing) = server.upgrade().map(|server| server.closing()) {
        tokio::select! {
            () = gateway.history.moved_from(since) => {}
            () = closing => {}
            () = tokio::time::sleep(limit) => {}
        }
    }
    Answer::json(StatusCode::OK, &told(&gateway, since))
        .with_header(CACHE_CONTROL, "no-store".to_owned())
        .into_response()
}

fn told(gateway: &Gateway, since: u64) -> Told {
    // In this order: whoever reads on from there misses none that came between.
    let last = gateway.history.last();
    let events = gateway.history.after(since);
    let state = gateway.lock();
    let faults = state.faults.iter().map(|fault| Named { when: fault.when.clone(), effect: fault.effect.name() });
    let in_callbacks = state.courier.named_faults().into_iter();
    Told {
        run: gateway.clock.run(),
        last,
        events,
        now: gateway.clock.timestamp(),
        merchant_active: state.merchant_active,
        waiting_callbacks: state.courier.waiting(),
        processing_ms: gateway.settings.processing_time.as_millis(),
        balances: state.accounts().map(|(currency, balance, _)| (currency.to_owned(), balance)).collect(),
        faults: faults.collect(),
        callback_faults: in_callbacks.map(|(when, effect)| Named { when, effect }).collect(),
    }
}

fn each<S: Serializer>(events: &[Arc<Event>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(events.iter().map(AsRef::as_ref))
}
