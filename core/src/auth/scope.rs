//! What a token allows: a list of operations, and perhaps one sum of money only.

use crate::money::Money;
use crate::values::PayoutId;

/// What a call needs, or what a token allows. `operations` absent is everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub operations: Option<Vec<String>>,
    /// The only money a create may ask for.
    pub money: Option<Money>,
}

impl Scope {
    /// To create this payout and follow it.
    pub fn create(id: &PayoutId, money: &Money) -> Self {
        let path = id.path();
        Self { operations: Some(vec![["POST ", &path].concat(), ["GET ", &path].concat()]), money: Some(money.clone()) }
    }

    /// To read this payout.
    pub fn read(id: &PayoutId) -> Self {
        Self { operations: Some(vec![["GET ", &id.path()].concat()]), money: None }
    }

    /// To read these payouts.
    pub fn reads<'a>(ids: impl IntoIterator<Item = &'a PayoutId>) -> Self {
        Self { operations: Some(ids.into_iter().map(|id| ["GET ", &id.path()].concat()).collect()), money: None }
    }

    /// To create these payouts, of any money, and not to read them.
    pub fn creates(ids: &[PayoutId]) -> Self {
        Self { operations: Some(ids.iter().map(|id| ["POST ", &id.path()].concat()).collect()), money: None }
    }

    /// To make one call.
    pub fn operation(method: &str, path: &str) -> Self {
        Self { operations: Some(vec![format!("{method} {path}")]), money: None }
    }

    /// Everything the merchant can do.
    pub fn everything() -> Self {
        Self { operations: None, money: None }
    }

    /// Whether a token with this scope is enough for a call that needs `needed`.
    ///
    /// A lock on a sum of money binds creates only: a read moves nothing.
    pub fn covers(&self, needed: &Self) -> bool {
        let allowed = match (&self.operations, &needed.operations) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(have), Some(need)) => need.iter().all(|operation| have.contains(operation)),
        };
        allowed && (self.money.is_none() || needed.money.is_none() || self.money == needed.money)
    }

    /// What tokens are looked up by: the path of the operations, so that one look finds all that may cover a call.
    pub fn key(&self) -> &str {
        let first = self.operations.as_ref().and_then(|operations| operations.first());
        first.and_then(|operation| operation.split_once(' ')).map_or("", |(_, path)| path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_covers_what_it_allows_and_no_more() {
        let (a, b) = (PayoutId::new("A").unwrap(), PayoutId::new("B").unwrap());
        let (ten, ten_again) = (Money::new("10", "IDR").unwrap(), Money::new("10.00", "IDR").unwrap());
        let twenty = Money::new("20", "IDR").unwrap();
        let create = Scope::create(&a, &ten);
        assert!(create.covers(&Scope::create(&a, &ten_again)));
        assert!(create.covers(&Scope::read(&a)), "the lock binds creates only");
        assert!(!create.covers(&Scope::create(&a, &twenty)));
        assert!(!create.covers(&Scope::read(&b)));
        assert!(!Scope::read(&a).covers(&create));
        assert!(!create.covers(&Scope::everything()));
        assert!(Scope::everything().covers(&create));
        assert_eq!(create.key(), Scope::read(&a).key());
    }
}
