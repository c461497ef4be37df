//! What the proofs of batches share with their worker.

use std::time::Duration;

use komopay_core::{Config, Credentials};

use crate::canary;

/// Settings of a worker: as [`config`](crate::config), with a shorter settle window, and without a log that is
/// searched, which takes more time than the work.
#[must_use]
pub fn config(base_url: &str) -> Config {
    let mut config = Config::new(base_url, Credentials::merchant(canary::MERCHANT, canary::SECRET));
    config.total_timeout = Duration::from_secs(40);
    config.attempt_timeout = Duration::from_secs(20);
    config.connect_timeout = Duration::from_secs(20);
    config.settle_window = SETTLE_WINDOW;
    config.backoff_base = Duration::from_millis(2);
    config.backoff_cap = Duration::from_millis(50);
    config
}

/// For how long a request may execute after its token was checked. The sandbox executes at once.
pub const SETTLE_WINDOW: Duration = Duration::from_millis(500);
