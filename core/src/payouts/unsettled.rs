//! The ids whose last create ended as `outcome_unknown`: a client does not forget that a payout may exist under them.

use lru::LruCache;

use super::PayoutRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::values::PayoutId;

/// How many ids are remembered.
const REMEMBERED: usize = 10_000;

/// The unsettled ids of one client, each with a keyed digest of its request.
pub(super) struct Unsettled {
    /// Drawn for this client: no account number can be tried out against what is kept.
    key: [u8; 32],
    digests: LruCache<PayoutId, String>,
}

impl Unsettled {
    pub fn new() -> Result<Self> {
        let mut key = [0; 32];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random.fill(&mut key).map_err(|_| Error::internal("the operating system gives no random bytes"))?;
        Ok(Self { key, digests: LruCache::unbounded() })
    }

    /// Whether the create of this id is unsettled.
    ///
    /// # Errors
    /// `duplicate_payout`, if it is one of another request.
    pub fn holds(&self, id: &PayoutId, request: &PayoutRequest) -> Result<bool> {
        let Some(digest) = self.digests.peek(id) else { return Ok(false) };
        if request.fingerprint(&self.key)? == *digest {
            return Ok(true);
        }
        let text = format!(
            "another request under the id {id} ended as outcome_unknown and is not settled; nothing was sent for this \
             one"
        );
        Err(Error::new(ErrorKind::DuplicatePayout, text).with_payout_id(id))
    }

    pub fn contains(&self, id: &PayoutId) -> bool {
        self.digests.contains(id)
    }

    /// Remembers an id, or forgets it where the call's end settles it. Gives the id that is forgotten for want of room.
    pub fn note(&mut self, id: &PayoutId, request: &PayoutRequest, is_unknown: bool) -> Option<PayoutId> {
        if !is_unknown {
            self.digests.pop(id);
            return None;
        }
        let digest = request.fingerprint(&self.key).ok()?;
        self.digests.put(id.clone(), digest);
        if self.digests.len() > REMEMBERED { self.digests.pop_lru().map(|(forgotten, _)| forgotten) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::payouts::{BankAccount, BankTransfer};

    fn request(amount: &str, number: &str) -> PayoutRequest {
        let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", number));
        PayoutRequest::new(Money::new(amount, "IDR").unwrap(), bank)
    }

    #[test]
    fn an_unsettled_id_is_held_for_its_own_request_until_it_is_settled() {
        let (id, mut unsettled) = (PayoutId::new("P").unwrap(), Unsettled::new().unwrap());
        let ours = request("10000", "11223344");
        assert!(!unsettled.holds(&id, &ours).unwrap());
        assert_eq!(unsettled.note(&id, &ours, true), None);
        assert!(unsettled.holds(&id, &request("10000.00", "11223344")).unwrap());
        for other in [request("10001", "11223344"), request("10000", "11223345")] {
            assert_eq!(unsettled.holds(&id, &other).unwrap_err().kind(), ErrorKind::DuplicatePayout);
        }
        unsettled.note(&id, &ours, false);
        assert!(!unsettled.holds(&id, &ours).unwrap());
    }

    #[test]
    fn what_is_pushed_out_is_told() {
        let (mut unsettled, ours) = (Unsettled::new().unwrap(), request("1", "1"));
        let id = |n: usize| PayoutId::new(format!("P-{n}")).unwrap();
        for n in 0..REMEMBERED {
            assert_eq!(unsettled.note(&id(n), &ours, true), None);
        }
        assert_eq!(unsettled.note(&id(0), &ours, true), None, "it is remembered already");
        assert_eq!(unsettled.note(&id(REMEMBERED), &ours, true), Some(id(1)));
    }
}
