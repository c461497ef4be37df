//! What the log says of callbacks that were not dealt with.
//!
//! Anybody who finds the URL can send as many as they like. So the first of them is told at once; what follows is
//! counted, and told once a minute.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// How long callbacks are counted before the log says how many there were.
const WINDOW: Duration = Duration::from_secs(60);

/// The callbacks of one client that were not dealt with, as far as the log has not told them.
#[derive(Default)]
pub(crate) struct Refused {
    /// Before anything was looked up: whoever sent them.
    refused: Told,
    /// Of the platform's own, which it repeats. Strangers do not keep these out of the log.
    failed: Told,
}

impl Refused {
    /// Tells that a callback ended with this error, now or counted with others.
    pub(crate) fn tell(&self, error: &Error) {
        // A client without keys refuses everybody's.
        let is_anybodys = error.kind() == ErrorKind::InvalidCallback || error.field() == Some("callback_keys");
        if is_anybodys { self.refused.tell(error, "refused") } else { self.failed.tell(error, "not dealt with") }
    }
}

#[derive(Default)]
struct Told(Arc<Mutex<Window>>);

#[derive(Default)]
struct Window {
    is_open: bool,
    more: u64,
    last: String,
}

impl Told {
    fn tell(&self, error: &Error, what: &'static str) {
        let text = format!("answered with {}: {error}", error.callback_status());
        {
            let mut window = lock(&self.0);
            if window.is_open {
                window.more += 1;
                window.last = text;
                return;
            }
            window.is_open = true;
        }
        tracing::warn!(target: "komopay", "a callback was {what}, {text}");
        let open = Open(Arc::clone(&self.0));
        tokio::spawn(async move { open.count(what).await });
    }
}

/// A window that is open until this is gone, however it ends: with its runtime, for example.
struct Open(Arc<Mutex<Window>>);

impl Open {
    async fn count(&self, what: &str) {
        loop {
            tokio::time::sleep(WINDOW).await;
            let (more, last) = {
                let mut window = lock(&self.0);
                if window.more == 0 {
                    // Under the lock: the next one is a first one.
                    window.is_open = false;
                    return;
                }
                (std::mem::take(&mut window.more), std::mem::take(&mut window.last))
            };
            tracing::warn!(
                target: "komopay",
                "{more} more callbacks were {what} in the last minute, the last one {last}"
            );
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0).is_open = false;
    }
}

fn lock(window: &Mutex<Window>) -> MutexGuard<'_, Window> {
    window.lock().unwrap_or_else(PoisonError::into_inner)
}
