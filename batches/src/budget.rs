//! For how long one call works, and how it is asked to end sooner.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

/// How much one call may do: it ends sooner, if there is nothing to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// After that, nothing new is started. What is under way ends first.
    pub time: Duration,
}

impl Default for Budget {
    /// A minute.
    fn default() -> Self {
        Self { time: Duration::from_secs(60) }
    }
}

/// Asks a worker to end: what is under way ends first, and nothing new is started. Clones ask the same.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks for it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is asked for.
    pub async fn stopped(&self) {
        let mut asked = self.0.subscribe();
        let _ = asked.wait_for(|asked| *asked).await;
    }
}
