//! Who the merchant is, and where a client's tokens come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};

/// Who the merchant is: code and secret, or a ready token.
#[derive(Clone)]
pub enum Credentials {
    /// The merchant code and the secret key. The client issues its own tokens, each for one payout only.
    Merchant {
        /// The merchant's code, from enrolment.
        code: String,
        /// The merchant's secret key.
        secret: SecretString,
    },
    /// A token that someone else issued, for example a merchant's server for a mobile app. It is never renewed.
    Token(SecretString),
    /// A function that provides such tokens.
    Provider(TokenProvider),
}

impl Credentials {
    /// Credentials of a merchant.
    #[must_use]
    pub fn merchant(code: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::Merchant { code: code.into(), secret: SecretString::from(secret.into()) }
    }

    /// A ready token.
    #[must_use]
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(SecretString::from(token.into()))
    }

    pub(crate) fn check(&self) -> Result<()> {
        let (name, text) = match self {
            Self::Merchant { code, .. } if code.is_empty() => {
                return Err(Error::setting("merchant_code", "is empty"));
            }
            Self::Merchant { code, secret } => {
                check_ends("merchant_code", code)?;
                ("secret", secret)
            }
            Self::Token(token) => ("token", token),
            // What it provides is checked when it has provided it.
            Self::Provider(_) => return Ok(()),
        };
        let text = text.expose_secret();
        if text.is_empty() {
            return Err(Error::setting(name, "is empty"));
        }
        check_ends(name, text)?;
        if name == "secret" && text.chars().count() > 1000 {
            return Err(Error::setting(name, "is longer than 1000 characters"));
        }
        if name == "token" && !is_token(text) {
            return Err(Error::setting(name, "has characters that no token has"));
        }
        Ok(())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant { code, .. } => write!(f, "Credentials(merchant_code: {code:?})"),
            Self::Token(_) => f.write_str("Credentials(token)"),
            Self::Provider(_) => f.write_str("Credentials(token provider)"),
        }
    }
}

/// What the merchant was given, or has made, holds no line end, and no blank at its ends: those come of the file or the
/// variable that it was read from. They are refused and not taken away, so that no two programs use two texts as one.
pub(crate) fn check_ends(name: &str, text: &str) -> Result<()> {
    let is_blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    let problem = if text.starts_with(is_blank) || text.ends_with(is_blank) {
        "has a blank or a line end at its start or end, as a file that it is read from may have; take it away first"
    } else if text.chars().any(char::is_control) {
        "has a line end or another control character in it"
    } else {
        return Ok(());
    };
    Err(Error::setting(name, problem))
}

/// Whether this can be the text of a token at all.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic())
}

/// Which tokens the client issues for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// One token for one payout: it allows exactly the calls needed, and a create of exactly that money.
    #[default]
    Payout,
    /// One token for every call of this client, without a list of operations. Fewer token calls, but a leaked token
    /// can do all that the merchant can. What the platform lets such a token do is not published.
    Everything,
}

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
    /// A provider from an async function. The text of its error enters the error of the call, so it must hold no
    /// secret.
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

    pub(crate) fn provide(&self) -> Provided {
        (self.0)()
    }
}

impl fmt::Debug for TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenProvider")
    }
}
