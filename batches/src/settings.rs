//! What a batch is paid by: how fast, how careful, and when it stops by itself. Written down with the batch.

use std::time::Duration;

use komopay_core::{Error, Money, Result};
use serde::{Deserialize, Serialize};

/// Which tokens the creates of a batch carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchTokens {
    /// One for up to 32 payouts: it names their ids, and not their amounts.
    #[default]
    Chunk,
    /// One for each payout, which allows exactly its money: a token call more for each.
    Payout,
}

/// The settings of a batch.
///
/// ```
/// let settings = komopay_batches::BatchSettings { concurrency: 16, max_refusals: Some(100), ..Default::default() };
/// assert!(settings.check(std::time::Duration::from_secs(20)).is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BatchSettings {
    /// How many creates of one worker are under way at a time: 1 to 1024.
    pub concurrency: u32,
    /// How many creates all workers together start in a second; none is as many as the client lets pass.
    pub requests_per_second: Option<f64>,
    /// Which tokens the creates carry.
    pub tokens: BatchTokens,
    /// For how long a token is asked for: 60 to 3600 seconds, and at least twice the client's `attempt_timeout`. After
    /// a crash, what was on its way is settled no sooner than that and the fence's leeway later.
    pub token_seconds: u64,
    /// It pauses when so many items were refused: by the platform when they were sent, or later.
    pub max_refusals: Option<u64>,
    /// It pauses when this share of what was sent was refused, 0 to 1, from 100 items on.
    pub max_refused_share: Option<f64>,
    /// It pauses when the balance was too low for a payout, which is sent again after it was resumed.
    pub stop_on_low_balance: bool,
    /// Somebody else than its maker has to approve it.
    pub approval_by_another: bool,
    /// The same payee and amount in another batch within so many days is a warning; 0 does not look.
    pub paid_lately_days: u32,
    /// What an outbox may pay, by currency: it has no contents to approve. What is not in here is not paid.
    pub ceilings: Vec<Ceiling>,
}

/// What an outbox may pay in one currency before a person has to look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ceiling {
    /// The currency.
    pub currency: String,
    /// The most of one payout, in major units, such as `5000000`.
    pub item: String,
    /// The most of all that were taken in an hour.
    pub hour: String,
}

impl Ceiling {
    /// A ceiling from amounts in major units.
    #[must_use]
    pub fn new(currency: impl Into<String>, item: impl Into<String>, hour: impl Into<String>) -> Self {
        Self { currency: currency.into(), item: item.into(), hour: hour.into() }
    }

    pub(crate) fn amounts(&self) -> Result<(Money, Money)> {
        let money = |name, amount: &str| {
            Money::new(amount, &self.currency)
                .map_err(|_| Error::setting("ceilings", format!("{name} is no amount of {}", self.currency)))
        };
        Ok((money("item", &self.item)?, money("hour", &self.hour)?))
    }
}

impl Default for BatchSettings {
    fn default() -> Self {
        Self {
            concurrency: 32,
            requests_per_second: None,
            tokens: BatchTokens::Chunk,
            token_seconds: 60,
            max_refusals: None,
            max_refused_share: Some(0.1),
            stop_on_low_balance: true,
            approval_by_another: true,
            paid_lately_days: 7,
            ceilings: Vec::new(),
        }
    }
}

impl BatchSettings {
    /// Refuses what cannot be used.
    ///
    /// # Errors
    /// `configuration`, naming the setting.
    pub fn check(&self, attempt_timeout: Duration) -> Result<()> {
        let refuse = |name, problem| Err(Error::setting(name, problem));
        if !(1..=1024).contains(&self.concurrency) {
            return refuse("concurrency", "must be 1 to 1024");
        }
        if self.requests_per_second.is_some_and(|rate| !(0.001..=1_000_000.0).contains(&rate)) {
            return refuse("requests_per_second", "must be 0.001 to 1000000");
        }
        if !(60..=3600).contains(&self.token_seconds) {
            return refuse("token_seconds", "must be 60 to 3600");
        }
        if self.token_life() < attempt_timeout * 2 {
            let problem = "must be twice the client's attempt_timeout at least: nothing is sent in the last such time";
            return refuse("token_seconds", problem);
        }
        if self.max_refused_share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return refuse("max_refused_share", "must be 0 to 1");
        }
        if self.paid_lately_days > 3650 {
            return refuse("paid_lately_days", "must be 0 to 3650");
        }
        self.ceilings.iter().try_for_each(|ceiling| ceiling.amounts().map(drop))
    }

    pub(crate) fn token_life(&self) -> Duration {
        Duration::from_secs(self.token_seconds)
    }
}
