//! Tokens for someone else: what they may do, and the token itself.

use std::fmt;

use komopay_core::PayoutId;

use crate::error::CallFailure;
use crate::money::Money;
use crate::scalar::Moment;
use crate::values::display_as_debug;

/// What an issued token shall allow.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
#[uniffi::export(Debug, Display)]
pub enum AccessScope {
    /// To create this payout of exactly this money, and to follow it: what a mobile app needs.
    Payout {
        /// The payout's id.
        payout_id: String,
        /// The only money that may be asked for.
        money: Money,
    },
    /// To read this payout.
    Read {
        /// The payout's id.
        payout_id: String,
    },
    /// A list of operations, each `METHOD /path` with the real id in the path.
    Operations {
        /// At least one, such as `GET /balances`.
        operations: Vec<String>,
        /// The only money that a create may ask for, if there is such a limit.
        #[uniffi(default = None)]
        money: Option<Money>,
    },
}

impl AccessScope {
    pub fn into_core(self) -> Result<komopay_core::AccessScope, CallFailure> {
        Ok(match self {
            Self::Payout { payout_id, money } => {
                komopay_core::AccessScope::Payout { id: PayoutId::new(payout_id)?, money: money.into() }
            }
            Self::Read { payout_id } => komopay_core::AccessScope::Read { id: PayoutId::new(payout_id)? },
            Self::Operations { operations, money } => {
                komopay_core::AccessScope::Operations { operations, money: money.map(komopay_core::Money::from) }
            }
        })
    }
}

/// A token as it crosses; the fronts' `AccessToken` is what users see.
#[derive(uniffi::Record)]
#[uniffi::export(Debug, Display)]
pub struct IssuedToken {
    /// The token itself.
    pub text: String,
    /// When it ends, by the platform's clock, if the token says so.
    pub expires_at: Option<Moment>,
}

impl From<komopay_core::AccessToken> for IssuedToken {
    fn from(token: komopay_core::AccessToken) -> Self {
        Self { text: token.expose().to_owned(), expires_at: token.expires_at.map(Moment::from) }
    }
}

/// Without the token.
impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

display_as_debug!(AccessScope, IssuedToken);
