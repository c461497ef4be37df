//! The tokens in hand: bounded, found by what they cover, and never used close to their end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use secrecy::SecretString;
use tokio::time::Instant;

use super::scope::Scope;

/// Of how many payouts the tokens are kept that no call needs now: about 10 MB. A payout is created by one call and
/// followed by another, perhaps after thousands of others were created.
const CAPACITY: usize = 10_000;

/// A token this client was issued.
pub(crate) struct Issued {
    /// Tells one token from another, without showing either.
    pub number: u64,
    pub token: Arc<SecretString>,
    pub scope: Scope,
    /// When it is no longer used, by the monotonic clock.
    pub renew_at: Instant,
}

/// When a token that was asked for at `asked_at` and lives for `lifetime` is to be replaced: the smaller of 30 s and
/// a tenth of its life before its end.
pub(crate) fn renew_at(asked_at: Instant, lifetime: Duration) -> Instant {
    asked_at + lifetime.saturating_sub((lifetime / 10).min(Duration::from_secs(30)))
}

/// The tokens in hand. Those of payouts with a call under way are kept, however many those are; of the others, the
/// least recently used are forgotten first.
pub(crate) struct Cache {
    /// By key, with the number of calls that hold it.
    held: HashMap<String, (usize, Vec<Issued>)>,
    idle: LruCache<String, Vec<Issued>>,
}

impl Cache {
    pub fn new() -> Self {
        // A cache with a limit of its own would hold the memory for all of them from the start.
        Self { held: HashMap::new(), idle: LruCache::unbounded() }
    }

    /// Keeps the tokens of this key until it is let go as often as it was held.
    pub fn hold(&mut self, key: &str) {
        let idle = &mut self.idle;
        self.held.entry(key.to_owned()).or_insert_with(|| (0, idle.pop(key).unwrap_or_default())).0 += 1;
    }

    pub fn let_go(&mut self, key: &str) {
        let Some((holders, _)) = self.held.get_mut(key) else { return };
        *holders -= 1;
        if *holders == 0
            && let Some((key, (_, tokens))) = self.held.remove_entry(key)
        {
            self.keep(key, tokens);
        }
    }

    /// A token that covers what is needed and is not about to end.
    pub fn find(&mut self, needed: &Scope, now: Instant) -> Option<&Issued> {
        let tokens = self.tokens(needed.key())?;
        tokens.retain(|issued| issued.renew_at > now);
        tokens.iter().find(|issued| issued.scope.covers(needed))
    }

    pub fn insert(&mut self, issued: Issued) {
        match self.tokens(issued.scope.key()) {
            Some(tokens) => tokens.push(issued),
            None => self.keep(issued.scope.key().to_owned(), vec![issued]),
        }
    }

    /// Forgets a token that was refused.
    pub fn remove(&mut self, key: &str, number: u64) {
        if let Some(tokens) = self.tokens(key) {
            tokens.retain(|issued| issued.number != number);
        }
    }

    fn tokens(&mut self, key: &str) -> Option<&mut Vec<Issued>> {
        match self.held.get_mut(key) {
            Some((_, tokens)) => Some(tokens),
            None => self.idle.get_mut(key),
        }
    }

    fn keep(&mut self, key: String, tokens: Vec<Issued>) {
        if !tokens.is_empty() {
            self.idle.put(key, tokens);
        }
        if self.idle.len() > CAPACITY {
            self.idle.pop_lru();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::values::PayoutId;

    fn issued(number: u64, scope: Scope, renew_at: Instant) -> Issued {
        Issued { number, token: Arc::new(SecretString::from("token")), scope, renew_at }
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
    fn what_no_call_needs_is_bounded_and_what_one_needs_is_kept() {
        let now = Instant::now();
        let mut cache = Cache::new();
        let scope = |number: usize| Scope::read(&PayoutId::new(format!("P-{number}")).unwrap());
        let all = 3 * CAPACITY;
        let put = |cache: &mut Cache, number: usize| {
            cache.insert(issued(number as u64, scope(number), now + Duration::from_secs(60)));
        };
        for number in 0..all {
            cache.hold(scope(number).key());
            cache.hold(scope(number).key());
            put(&mut cache, number);
            cache.let_go(scope(number).key());
        }
        assert!((0..all).all(|number| cache.find(&scope(number), now).is_some()), "each has a call under way");
        (0..all).for_each(|number| cache.let_go(scope(number).key()));
        assert_eq!((cache.held.len(), cache.idle.len()), (0, CAPACITY));
        assert!(cache.find(&scope(0), now).is_none() && cache.find(&scope(all - 1), now).is_some());
        put(&mut cache, 0);
        assert_eq!(cache.idle.len(), CAPACITY);
        // One that has none leaves nothing behind.
        cache.hold("/none");
        cache.let_go("/none");
        assert!(cache.idle.peek("/none").is_none());
    }
}
