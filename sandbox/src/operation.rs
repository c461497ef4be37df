//! The calls of the merchant API that can be counted and made to fail.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One call of the merchant API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `POST /auth-tokens`
    IssueToken,
    /// `POST /payouts/{id}`
    CreatePayout,
    /// `GET /payouts/{id}`
    GetPayout,
}

impl Operation {
    /// Every operation, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::IssueToken, Self::CreatePayout, Self::GetPayout];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IssueToken => "POST /auth-tokens",
            Self::CreatePayout => "POST /payouts",
            Self::GetPayout => "GET /payouts",
        })
    }
}
