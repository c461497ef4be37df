//! The tokens in hand: bounded, found by what they cover, and never used close to their end.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use secrecy::SecretString;
use tokio::time::Instant;

use super::scope::Scope;

/// How many keys (payouts, as a rule) have their tokens kept.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// A token this client was issued.
pub(crate) struct Issued {
    /// Tells one token from another, without showing either.
    pub number: u64,
    pub token: SecretString,
    pub scope: Scope,
    /// When it is no longer used, by the monotonic clock.
    pub renew_at: Instant,
}

/// When a token that was asked for at `asked_at` and lives for `lifetime` is to be replaced: the smaller of 30 s and
/// a tenth of its life before its end.
pub(crate) fn renew_at(asked_at: Instant, lifetime: Duration) -> Instant {
    asked_at + lifetime.saturating_sub((lifetime / 10).min(Duration::from_secs(30)))
}

/// The tokens in hand, the least recently used forgotten first.
pub(crate) struct Cache(LruCache<String, Vec<Issued>>);

impl Cache {
    pub fn new() -> Self {
        Self(LruCache::new(CAPACITY))
    }

    /// A token that covers what is needed and is not about to end.
    pub fn find(&mut self, needed: &Scope, now: Instant) -> Option<&Issued> {
        let tokens = self.0.get_mut(needed.key())?;
        tokens.retain(|issued| issued.renew_at > now);
        tokens.iter().find(|issued| issued.scope.covers(needed))
    }

    pub fn insert(&mut self, issued: Issued) {
        let key = issued.scope.key().to_owned();
        self.0.get_or_insert_mut(key, Vec::new).push(issued);
    }

    /// Forgets a token that was refused.
    pub fn remove(&mut self, key: &str, number: u64) {
        if let Some(tokens) = self.0.get_mut(key) {
            tokens.retain(|issued| issued.number != number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::payouts::PayoutId;

    fn issued(number: u64, scope: Scope, renew_at: Instant) -> Issued {
        Issued { number, token: SecretString::from("token"), scope, renew_at }
    }

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let now = Instant::now();
        assert_eq!(renew_at(now, Duration::from_secs(600)) - now, Duration::from_secs(570));
        assert_eq!(renew_at(now, Duration::from_secs(60)) - now, Duration::from_secs(54));
        assert_eq!(renew_at(now, Duration::ZERO), now);
    }

    #[test]
    fn any_token_that_covers_the_call_is_used_until_it_is_about_to_end() {
        let (now, minute) = (Instant::now(), Duration::from_secs(60));
        let (id, money) = (PayoutId::new("A").unwrap(), Money::new("1", "IDR").unwrap());
        let mut cache = Cache::new();
        cache.insert(issued(1, Scope::create(&id, &money), now + minute));
        assert_eq!(cache.find(&Scope::read(&id), now).unwrap().number, 1);
        assert!(cache.find(&Scope::read(&id), now + minute).is_none());
    }

    #[test]
    fn the_cache_is_bounded() {
        let now = Instant::now();
        let mut cache = Cache::new();
        for number in 0..2000 {
            let id = PayoutId::new(format!("P-{number}")).unwrap();
            cache.insert(issued(number, Scope::read(&id), now + Duration::from_secs(60)));
        }
        assert_eq!(cache.0.len(), CAPACITY.get());
        assert!(cache.find(&Scope::read(&PayoutId::new("P-1999").unwrap()), now).is_some());
    }
}
