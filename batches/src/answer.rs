//! What is known of an item from the platform, and money, as both are kept.

use komopay_core::{Error, Money, Result};
use serde::{Deserialize, Serialize};

use crate::item::ItemState;

/// Money as it is kept: as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptMoney(String, String);

impl KeptMoney {
    pub fn of(money: &Money) -> Self {
        Self(money.unambiguous_amount(), money.currency().to_owned())
    }

    pub fn money(&self) -> Result<Money> {
        Money::restore(&self.0, &self.1).map_err(|_| Error::internal("the journal is damaged: an amount"))
    }
}

/// What is known of an item from the platform. It holds nothing of the payee.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Answer {
    /// The kind of the error that it ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The platform's own id of the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<String>,
    /// The status as the platform writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fee: Option<KeptMoney>,
    /// Why it needs a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<String>,
    /// It was found by reading.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub recovered: bool,
    /// The platform said that its id is used (409).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub id_used: bool,
    /// How many requests were sent for it.
    pub attempts: u32,
}

/// What was found out about an item.
#[derive(Clone, Debug)]
pub(crate) struct ItemEnd {
    pub key: String,
    pub state: ItemState,
    pub answer: Answer,
    pub why: Option<String>,
}
