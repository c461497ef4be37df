//! What the platform saw: every request in order, and every violation of the contract.

use std::sync::{Arc, Mutex, PoisonError};

use komopay_sandbox::Exchange;
use tokio::sync::watch;

use crate::contract::{self, Request, Violation};

/// Shown every call of one sandbox.
#[derive(Clone)]
pub(super) struct Witness {
    /// Each request as method and target.
    wire: Arc<watch::Sender<Vec<String>>>,
    violations: Arc<Mutex<Vec<Violation>>>,
    /// Whether requests are held against the contract, too.
    judges_requests: bool,
}

impl Witness {
    pub(super) fn new(judges_requests: bool) -> Self {
        Self { wire: Arc::new(watch::Sender::new(Vec::new())), violations: Arc::default(), judges_requests }
    }

    pub(super) fn see(&self, exchange: &Exchange<'_>) {
        let (method, target) = (exchange.method.as_str(), exchange.uri.to_string());
        let judged = if let Some((status, body)) = exchange.answer {
            contract::check_answer(method, &target, status, body)
                .map_err(|violation| format!("the answer: {violation}"))
        } else {
            self.wire.send_modify(|wire| wire.push(format!("{method} {target}")));
            if !self.judges_requests {
                return;
            }
            let header = |name: &str| Some(exchange.headers.get(name)?.to_str().ok()?.to_owned());
            contract::check_request(&Request { method, target: &target, header: &header, body: exchange.body })
        };
        if let Err(violation) = judged {
            let text = format!("{method} {target} breaks the contract: {violation}");
            self.violations.lock().unwrap_or_else(PoisonError::into_inner).push(text);
        }
    }

    /// Waits until this request was read so many times.
    pub(super) async fn has_seen(&self, request: &str, times: usize) {
        let seen = |wire: &Vec<String>| wire.iter().filter(|seen| *seen == request).count() >= times;
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.wire.subscribe().wait_for(seen).await;
    }

    pub(super) fn wire(&self) -> Vec<String> {
        self.wire.borrow().clone()
    }

    pub(super) fn violations(&self) -> Vec<Violation> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
