//! The token of a chunk: it allows the creates of a few payouts until an end that is known, and nothing else.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::access::AccessToken;
use super::claims::Claims;
use super::scope::Scope;
use super::tokens::{Grant, Tokens};
use crate::error::{Error, ErrorKind, Result};
use crate::money::Money;
use crate::values::PayoutId;

/// How many payouts one token covers, and how many bytes their operations have: with them, a token has less than 4 KiB,
/// which every server takes in a header.
const MOST: usize = 32;
const BYTES: usize = 2048;

/// How many of these payouts, from the first one on, one token covers: at least the first.
pub(crate) fn fitting<'a>(ids: impl IntoIterator<Item = &'a PayoutId>) -> usize {
    let mut bytes = 0;
    let fits = |id: &&PayoutId| {
        // `"POST /payouts/<id>",`
        bytes += id.as_str().len() + 17;
        bytes <= BYTES
    };
    ids.into_iter().take(MOST).take_while(fits).count()
}

/// A token that allows the creates of up to 32 payouts, and nothing else, until an end that is known: a fence.
///
/// Whoever holds only this token cannot pay after its end, asleep or awake. It is never renewed, and it names ids, not
/// amounts. Made by [`Client::chunk_token`](crate::Client::chunk_token), used by
/// [`Client::create_payout_under`](crate::Client::create_payout_under). Cheap to clone.
#[derive(Clone)]
pub struct ChunkToken(Arc<Chunk>);

struct Chunk {
    /// Tells one token from another, without showing either.
    number: u64,
    token: Arc<SecretString>,
    payouts: HashSet<PayoutId>,
    life: Duration,
    expires_at: Timestamp,
    ends: Instant,
    /// Whose token it is: no other client sends it, perhaps to another host.
    of: Weak<Tokens>,
}

impl ChunkToken {
    /// How many of these payouts, from the first one on, one token covers: 32, or fewer whose ids are long, and at
    /// least one.
    ///
    /// ```
    /// use komopay_core::{ChunkToken, PayoutId};
    ///
    /// let ids: Vec<PayoutId> = (0..40).map(|n| PayoutId::new(format!("TST-{n}"))).collect::<Result<_, _>>()?;
    /// assert_eq!(ChunkToken::fits(&ids), 32);
    /// assert_eq!(ChunkToken::fits(&ids[32..]), 8);
    /// # Ok::<(), komopay_core::Error>(())
    /// ```
    #[must_use]
    pub fn fits(ids: &[PayoutId]) -> usize {
        fitting(ids)
    }

    /// For how long it is valid, as it says itself: `exp` minus `iat`, both by the platform's clock. No longer than was
    /// asked for.
    #[must_use]
    pub fn life(&self) -> Duration {
        self.0.life
    }

    /// When it ends, by the platform's clock (`exp`).
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Until when it is used, by this machine's monotonic clock: its life after the token call was started. No create
    /// starts under it later than one attempt's time before that.
    #[must_use]
    pub fn ends(&self) -> Instant {
        self.0.ends
    }

    pub(crate) fn number(&self) -> u64 {
        self.0.number
    }

    pub(crate) fn grant(&self) -> Grant {
        Grant::ready(Arc::clone(&self.0.token))
    }

    /// For how long after `started` a create may start under it, so that the attempt is over when it ends.
    pub(crate) fn sends_for(&self, started: Instant, attempt: Duration) -> Duration {
        self.0.ends.saturating_duration_since(started).saturating_sub(attempt)
    }

    /// Refuses a create that this token is not for.
    pub(crate) fn check(&self, tokens: &Arc<Tokens>, id: &PayoutId) -> Result<()> {
        if !std::ptr::eq(self.0.of.as_ptr(), Arc::as_ptr(tokens)) {
            return Err(Error::invalid("token", "is of another client; nothing was sent"));
        }
        if !self.0.payouts.contains(id) {
            return Err(Error::invalid("token", format_args!("does not allow to create {id}; nothing was sent")));
        }
        Ok(())
    }
}

impl fmt::Debug for ChunkToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkToken")
            .field("payouts", &self.0.payouts.len())
            .field("life", &self.0.life)
            .field("expires_at", &self.0.expires_at)
            .finish_non_exhaustive()
    }
}

/// A token to be asked for.
#[derive(Clone)]
pub(crate) struct ChunkRequest {
    payouts: HashSet<PayoutId>,
    pub scope: Scope,
    pub validity: Duration,
    tokens: Weak<Tokens>,
}

impl ChunkRequest {
    /// One for these payouts, if one token covers them.
    pub fn new(ids: &[PayoutId], money: Option<&Money>, validity: Duration, tokens: &Arc<Tokens>) -> Result<Self> {
        if ids.is_empty() {
            return Err(Error::invalid("ids", "must be at least one"));
        }
        let fits = fitting(ids);
        if fits < ids.len() {
            return Err(Error::invalid("ids", format_args!("are too many for one token, which covers {fits} of them")));
        }
        if !tokens.are_issued() {
            let text = "batches need a merchant code and secret: each chunk of payouts gets a token of its own, whose \
                        end is known";
            return Err(Error::setting("credentials", text));
        }
        let payouts = ids.iter().cloned().collect();
        Ok(Self {
            payouts,
            scope: Scope { money: money.cloned(), ..Scope::creates(ids) },
            validity,
            tokens: Arc::downgrade(tokens),
        })
    }

    /// What came of it, if that is a fence; `asked` is when it was asked for.
    pub fn answered(self, issued: AccessToken, asked: Instant) -> Result<ChunkToken> {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);

        let Self { payouts, scope, validity, tokens } = self;
        let refuse = |problem: &str| {
            let text = format!("the token that was issued is thrown away, unused: {problem}");
            Err(Error::new(ErrorKind::UnexpectedResponse, text))
        };
        let claims = Claims::of(issued.token.expose_secret());
        let times = claims.as_ref().and_then(|claims| Some((claims.lifetime()?, claims.expires_at()?)));
        let Some((life, expires_at)) = times else {
            return refuse("when it ends (exp and iat) cannot be read from it, so it cannot fence a chunk");
        };
        if life > validity {
            return refuse("it is valid for longer than was asked for, so a chunk could be sent for too long");
        }
        if claims.is_some_and(|claims| claims.forbids(scope.operations.as_deref().unwrap_or_default()).is_some()) {
            return refuse("it does not allow all of the payouts that it was asked for");
        }
        Ok(ChunkToken(Arc::new(Chunk {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            token: Arc::new(issued.token),
            payouts,
            life,
            expires_at,
            ends: asked + life,
            of: tokens,
        })))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::config::Config;
    use crate::credentials::Credentials;
    use crate::session::Session;

    fn ids(length: usize, count: usize) -> Vec<PayoutId> {
        (0..count).map(|number| PayoutId::new(format!("{number:0length$}")).unwrap()).collect()
    }

    fn session(credentials: Credentials) -> Session {
        Session::new(Config::new(crate::SANDBOX_URL, credentials)).unwrap()
    }

    fn answered(payload: &str) -> Result<(ChunkToken, Instant)> {
        let (session, asked) = (session(Credentials::merchant("CODE", "secret")), Instant::now());
        let request = ChunkRequest::new(&ids(3, 2), None, Duration::from_secs(60), &session.tokens)?;
        let token = SecretString::from(format!("h.{}.s", URL_SAFE_NO_PAD.encode(payload)));
        Ok((request.answered(AccessToken { token, expires_at: None }, asked)?, asked))
    }

    #[test]
    fn as_many_payouts_fit_as_a_header_takes() {
        for (length, count, fits) in [(10, 70, 32), (10, 32, 32), (10, 31, 31), (250, 10, 7), (250, 1, 1), (1, 0, 0)] {
            assert_eq!(ChunkToken::fits(&ids(length, count)), fits, "{count} ids of {length}");
        }
        // 32 operations of 64 bytes.
        assert_eq!(ChunkToken::fits(&ids(47, 32)), 32);
        assert_eq!(ChunkToken::fits(&ids(48, 32)), 31);
    }

    #[test]
    fn what_one_token_cannot_cover_is_not_asked_for() {
        let merchant = session(Credentials::merchant("CODE", "secret"));
        let field = |ids: &[PayoutId], session: &Session| {
            let refused = ChunkRequest::new(ids, None, Duration::from_secs(60), &session.tokens).err().unwrap();
            (refused.kind(), refused.field().unwrap().to_owned())
        };
        let (invalid, configuration) = (ErrorKind::InvalidRequest, ErrorKind::Configuration);
        assert_eq!(field(&[], &merchant), (invalid, "ids".to_owned()));
        assert_eq!(field(&ids(10, 33), &merchant), (invalid, "ids".to_owned()));
        assert_eq!(field(&ids(10, 1), &session(Credentials::token("t"))), (configuration, "credentials".to_owned()));
    }

    #[test]
    fn a_token_is_used_for_as_long_as_it_says_and_never_shown() {
        let operations = r#""operations":["POST /payouts/000","POST /payouts/001"]"#;
        let (token, asked) = answered(&format!(r#"{{"iat":100,"exp":150,{operations}}}"#)).unwrap();
        let life = Duration::from_secs(50);
        assert_eq!((token.life(), token.expires_at().as_second(), token.ends()), (life, 150, asked + life));
        assert_eq!(format!("{token:?}"), "ChunkToken { payouts: 2, life: 50s, expires_at: 1970-01-01T00:02:30Z, .. }");
        let attempt = Duration::from_secs(20);
        assert_eq!(token.sends_for(asked, attempt), Duration::from_secs(30));
        assert_eq!(token.sends_for(asked + Duration::from_secs(10), attempt), attempt);
        assert_eq!(token.sends_for(asked + Duration::from_secs(31), attempt), Duration::ZERO);
        let other = session(Credentials::merchant("CODE", "secret"));
        let id = PayoutId::new("000").unwrap();
        assert_eq!(token.check(&other.tokens, &id).unwrap_err().field(), Some("token"), "of another client");
    }

    #[test]
    fn a_token_that_is_no_fence_is_thrown_away() {
        for payload in [
            "no JSON",
            "{}",
            r#"{"exp":160}"#,
            r#"{"iat":100}"#,
            r#"{"iat":200,"exp":160}"#,
            r#"{"iat":100,"exp":161}"#,
            r#"{"iat":100,"exp":160,"operations":["POST /payouts/000"]}"#,
        ] {
            assert_eq!(answered(payload).err().unwrap().kind(), ErrorKind::UnexpectedResponse, "{payload}");
        }
        assert!(answered(r#"{"iat":100,"exp":160}"#).is_ok(), "to the second as long as was asked for");
    }
}
