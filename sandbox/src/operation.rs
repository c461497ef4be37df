//! The calls of the merchant API: their names, methods and paths.

use std::fmt;

use http::Method;
use serde::{Deserialize, Serialize};

/// What stands in a path for the id of a payout.
const ID: &str = "/{idPayout}";

/// Whether this can be the id of a payout: letters, digits, `_` and `-`, at most 250.
pub(crate) fn is_payout_id(text: &str) -> bool {
    is_code(text, 250)
}

/// Whether it is made of what the codes of the contract are made of, and not longer than this.
pub(crate) fn is_code(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

/// One call of the merchant API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `POST /auth-tokens`
    IssueToken,
    /// `POST /payouts/!availablePaymentOptions`
    ListAvailablePayoutOptions,
    /// `POST /payouts/{idPayout}`
    CreatePayout,
    /// `GET /payouts/{idPayout}`
    GetPayout,
    /// `GET /balances`
    GetBalances,
    /// `GET /currencies`
    ListCurrencies,
    /// `GET /segments`
    ListSegments,
    /// `GET /payment-operators`
    ListPaymentOperators,
    /// `GET /payment-methods`
    ListPaymentMethods,
    /// `GET /payment-options`
    ListPaymentOptions,
    /// `GET /merchant-info`
    GetMerchantInfo,
}

impl Operation {
    /// Every operation, in the order of the contract.
    pub const ALL: [Self; 11] = [
        Self::IssueToken,
        Self::ListAvailablePayoutOptions,
        Self::CreatePayout,
        Self::GetPayout,
        Self::GetBalances,
        Self::ListCurrencies,
        Self::ListSegments,
        Self::ListPaymentOperators,
        Self::ListPaymentMethods,
        Self::ListPaymentOptions,
        Self::GetMerchantInfo,
    ];

    /// The HTTP method.
    #[must_use]
    pub fn method(self) -> Method {
        match self {
            Self::IssueToken | Self::ListAvailablePayoutOptions | Self::CreatePayout => Method::POST,
            _ => Method::GET,
        }
    }

    /// The path as the contract writes it, with `{idPayout}` for the id of a payout.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::IssueToken => "/auth-tokens",
            Self::ListAvailablePayoutOptions => "/payouts/!availablePaymentOptions",
            Self::CreatePayout | Self::GetPayout => "/payouts/{idPayout}",
            Self::GetBalances => "/balances",
            Self::ListCurrencies => "/currencies",
            Self::ListSegments => "/segments",
            Self::ListPaymentOperators => "/payment-operators",
            Self::ListPaymentMethods => "/payment-methods",
            Self::ListPaymentOptions => "/payment-options",
            Self::GetMerchantInfo => "/merchant-info",
        }
    }

    /// The operations at a path. A path without a variable part goes before `/payouts/{idPayout}`.
    pub(crate) fn at(path: &str) -> Vec<Self> {
        let having = |path: &str| Self::ALL.into_iter().filter(|operation| operation.path() == path).collect();
        let literal: Vec<_> = having(path);
        let has_id = path.strip_prefix("/payouts/").is_some_and(|id| !id.is_empty() && !id.contains('/'));
        if literal.is_empty() && has_id { having(Self::CreatePayout.path()) } else { literal }
    }

    /// Whether it is about one payout.
    pub(crate) fn has_payout_id(self) -> bool {
        self.path().ends_with(ID)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        write!(f, "{} {}", self.method(), path.strip_suffix(ID).unwrap_or(path))
    }
}
