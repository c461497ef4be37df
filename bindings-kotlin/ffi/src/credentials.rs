//! Who the merchant is: a secret, a token, or something that provides tokens.

use std::fmt;
use std::sync::Arc;

use uniffi::UnexpectedUniFFICallbackError;

use crate::values::display_as_debug;

/// Who the merchant is. What it shows of itself holds no secret.
#[derive(Clone, uniffi::Enum)]
#[uniffi::export(Debug, Display)]
pub enum Credentials {
    /// The merchant's code and secret key. The client issues its own tokens, each for one payout only.
    Merchant {
        /// The merchant's code, from enrolment.
        merchant_code: String,
        /// The merchant's secret key.
        secret: String,
    },
    /// A token that someone else issued, for example a merchant's server for a mobile app. It is never renewed.
    Token {
        /// The token.
        token: String,
    },
    /// Something that provides such tokens.
    Provider {
        /// Asked whenever a new token is needed.
        provider: Arc<dyn NativeTokenProvider>,
    },
}

/// Provides tokens. The fronts have their own, in their own words.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait NativeTokenProvider: Send + Sync {
    /// A token whenever a new one is needed.
    async fn provide(&self) -> Result<String, ProviderFailure>;
}

/// Why a provider provided nothing.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum ProviderFailure {
    /// It failed.
    #[error("{type_name}")]
    Failed {
        /// The type of what it threw, and nothing of its text, which may hold a token.
        type_name: String,
    },
}

impl From<UnexpectedUniFFICallbackError> for ProviderFailure {
    fn from(_: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { type_name: "an error".to_owned() }
    }
}

impl From<Credentials> for komopay_core::Credentials {
    fn from(credentials: Credentials) -> Self {
        match credentials {
            Credentials::Merchant { merchant_code, secret } => Self::merchant(merchant_code, secret),
            Credentials::Token { token } => Self::token(token),
            Credentials::Provider { provider } => Self::Provider(komopay_core::TokenProvider::new(move || {
                let provider = Arc::clone(&provider);
                async move { provider.provide().await.map_err(|failure| failure.to_string()) }
            })),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&komopay_core::Credentials::from(self.clone()), f)
    }
}

display_as_debug!(Credentials);
