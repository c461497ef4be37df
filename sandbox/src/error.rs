//! What can go wrong at the start of a sandbox.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on, most often because the port is in use.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A balance is no decimal number, or negative.
    #[error("the balance in {currency} must be a decimal number of at least 0")]
    Balance {
        /// The currency of the balance.
        currency: String,
    },
    /// Limits were set for a payout option that does not exist.
    #[error("there is no payout option of {method} in {currency}")]
    NoOption {
        /// The payment method.
        method: String,
        /// The currency.
        currency: String,
    },
    /// A limit is no decimal number, or negative.
    #[error("a limit of {method} in {currency} must be a decimal number of at least 0")]
    Limit {
        /// The payment method.
        method: String,
        /// The currency.
        currency: String,
    },
    /// The file that calls shall be written to cannot be opened.
    #[error("cannot write calls to {}: {source}", path.display())]
    Record {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The token of the control API is too short, or cannot stand in a header.
    #[error(
        "the control token must have at least {MIN_TOKEN} characters, letters, digits and punctuation of ASCII alone; \
         without one, the sandbox makes its own"
    )]
    ControlToken,
    /// The system has no random bytes for a control token.
    #[error("cannot make a control token: the system has no random bytes")]
    NoRandomness,
    /// The time between the repeats of a callback, or for one attempt, is zero.
    #[error("the {setting} must be at least 1 ms")]
    NoTime {
        /// The setting: `callback_interval` or `callback_timeout`.
        setting: &'static str,
    },
    /// The certificates to trust callback URLs by are no PEM.
    #[error("callback_ca holds no usable certificate: {reason}")]
    CallbackCa {
        /// What is wrong with them.
        reason: String,
    },
    /// The certificate or key for https cannot be used.
    #[error("cannot serve https: {reason}")]
    Tls {
        /// What is wrong with it.
        reason: String,
    },
}

/// How long a control token is at least: nobody guesses it.
pub(crate) const MIN_TOKEN: usize = 16;
