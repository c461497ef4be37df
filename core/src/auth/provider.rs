//! A function that provides tokens, for a client that has no secret of its own.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::SecretString;

type Provided = Pin<Box<dyn Future<Output = Result<SecretString, String>> + Send>>;

/// A function that provides a token whenever a new one is needed: at the first call, when the last one does not allow a
/// call, and after a 401. One call of it serves all callers that wait.
///
/// ```
/// use komopay_core::{Credentials, TokenProvider};
///
/// let provider = TokenProvider::new(|| async { Ok("a token from my server".to_owned()) });
/// let credentials = Credentials::Provider(provider);
/// ```
#[derive(Clone)]
pub struct TokenProvider(Arc<dyn Fn() -> Provided + Send + Sync>);

impl TokenProvider {
    /// A provider from an async function. The text of its error enters the error of the call, so it must hold no secret.
    pub fn new<F, R>(provide: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<String, String>> + Send + 'static,
    {
        Self(Arc::new(move || {
            let token = provide();
            Box::pin(async move { token.await.map(SecretString::from) })
        }))
    }

    pub(super) fn provide(&self) -> Provided {
        (self.0)()
    }
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenProvider")
    }
}
