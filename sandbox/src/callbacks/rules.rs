//! The settings of callbacks.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::StartError;

/// How long after an attempt it is repeated (API contract).
const INTERVAL: Duration = Duration::from_secs(120);

/// The settings of callbacks.
#[derive(Clone)]
pub(crate) struct Rules {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) to_any_host: bool,
    /// Whether the first status of a payout counts as a change.
    pub(crate) on_create: bool,
    /// Trusted beside the machine's own.
    pub(crate) ca: Vec<CertificateDer<'static>>,
    pub(crate) seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            interval: INTERVAL,
            timeout: Duration::from_secs(10),
            to_any_host: false,
            on_create: false,
            ca: Vec::new(),
            seed: 0,
        }
    }
}

impl Rules {
    /// The settings as a sandbox can go by them.
    pub(crate) fn checked(mut self, ca_pem: Option<&str>, seed: u64) -> Result<Self, StartError> {
        for (setting, time) in [("callback_interval", self.interval), ("callback_timeout", self.timeout)] {
            if time < Duration::from_millis(1) {
                return Err(StartError::NoTime { setting });
            }
        }
        if let Some(pem) = ca_pem {
            let refuse = |reason: String| StartError::CallbackCa { reason };
            let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
            self.ca = certificates.map_err(|error| refuse(error.to_string()))?;
            if self.ca.is_empty() {
                return Err(refuse("there is none in it".to_owned()));
            }
        }
        Ok(Self { seed, ..self })
    }
}
