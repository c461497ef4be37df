//! Ctrl-C, and SIGTERM, which asks for the same.

use komopay_core::{Error, Result};

/// The signals that ask a command to end, heard from now on.
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

impl Signals {
    /// # Errors
    /// `internal`, if the system lets nobody listen.
    #[cfg(unix)]
    pub fn listen() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let heard = |kind| signal(kind).map_err(|error| Error::internal(format!("signals cannot be heard: {error}")));
        Ok(Self { interrupt: heard(SignalKind::interrupt())?, terminate: heard(SignalKind::terminate())? })
    }

    /// # Errors
    /// `internal`, if the system lets nobody listen.
    #[cfg(windows)]
    pub fn listen() -> Result<Self> {
        let heard = tokio::signal::windows::ctrl_c();
        let heard = heard.map_err(|error| Error::internal(format!("signals cannot be heard: {error}")))?;
        Ok(Self { interrupt: heard })
    }

    /// Ends with the next one.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(windows)]
        let _ = self.interrupt.recv().await;
    }
}
