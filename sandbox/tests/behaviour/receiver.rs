//! A merchant's server: it takes callbacks, shows what came, and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, Version, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: Method,
    pub target: String,
    pub version: Version,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Received {
    /// The payout it is about, if that is all that it says.
    pub fn payout_id(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
        body["idEntity"].as_str().unwrap().to_owned()
    }
}

#[derive(Clone, Default)]
struct Shared {
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

/// The server. It ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The answer that never comes.
pub const NEVER: u16 = 0;

impl Receiver {
    /// Answers with these statuses, one after the other, and then with 200.
    pub async fn start(answers: impl IntoIterator<Item = u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Shared::default();
        shared.answers.lock().unwrap().extend(answers);
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, server }
    }

    /// A callback URL of it.
    pub fn url(&self) -> String {
        format!("http://{}/hook/A?v=1&mac=c2lnbmVk", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.received().len()
    }
}

async fn receive(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let received = Received { method, target: uri.to_string(), version, headers, body };
    shared.received.lock().unwrap().push(received);
    let answer = shared.answers.lock().unwrap().pop_front().unwrap_or(200);
    if answer == NEVER {
        std::future::pending::<()>().await;
    }
    // Only a redirect is asked to go anywhere.
    (StatusCode::from_u16(answer).unwrap(), [(header::LOCATION, "/elsewhere")], "thank you").into_response()
}
