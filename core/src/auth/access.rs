//! Tokens for someone else: what they may do, and the token itself.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::scope::Scope;
use crate::error::{Error, Result};
use crate::money::Money;
use crate::values::PayoutId;

/// What an issued token shall allow.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccessScope {
    /// To create this payout of exactly this money, and to follow it: what a mobile app needs.
    Payout {
        /// The payout's id.
        id: PayoutId,
        /// The only money that may be asked for.
        money: Money,
    },
    /// To read this payout.
    Read {
        /// The payout's id.
        id: PayoutId,
    },
    /// A list of operations, each `METHOD /path` with the real id in the path.
    Operations {
        /// At least one, such as `GET /balances`.
        operations: Vec<String>,
        /// The only money that a create may ask for, if there is such a limit.
        money: Option<Money>,
    },
}

impl AccessScope {
    /// The scope to ask for, if the contract allows it.
    pub(crate) fn check(&self) -> Result<Scope> {
        match self {
            Self::Payout { id, money } => {
                money.check_payable()?;
                Ok(Scope::create(id, money))
            }
            Self::Read { id } => Ok(Scope::read(id)),
            Self::Operations { operations, money } => {
                if operations.is_empty() || !operations.iter().all(|operation| is_operation(operation)) {
                    let problem =
                        "must be at least one 'METHOD /path', such as 'GET /balances', each up to 1000 characters";
                    return Err(Error::invalid("scope.operations", problem));
                }
                if let Some(money) = money {
                    money.check_payable()?;
                }
                Ok(Scope { operations: Some(operations.clone()), money: money.clone() })
            }
        }
    }
}

/// The contract's pattern: `^(POST|GET|PATCH|PUT|DELETE) /[^ ]+`.
fn is_operation(text: &str) -> bool {
    let Some((method, path)) = text.split_once(' ') else { return false };
    matches!(method, "POST" | "GET" | "PATCH" | "PUT" | "DELETE")
        && path.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && !rest.contains(' '))
        && text.chars().count() <= 1000
}

/// A token that was issued for someone else to use.
#[derive(Clone)]
pub struct AccessToken {
    pub(crate) token: SecretString,
    /// When it ends, by the platform's clock, if the token says so.
    pub expires_at: Option<Timestamp>,
}

impl AccessToken {
    /// The token's text. Hand it over to whom it was issued for, and to nobody else: it never belongs in a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.token.expose_secret()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_what_the_contract_allows() {
        for (operation, fine) in [
            ("GET /balances", true),
            ("POST /payouts/!availablePaymentOptions", true),
            ("HEAD /balances", false),
            ("GET balances", false),
            ("GET /", false),
            ("GET /a b", false),
            ("", false),
        ] {
            assert_eq!(is_operation(operation), fine, "{operation}");
        }
        assert!(!is_operation(&format!("GET /{}", "x".repeat(1000))));
        let none = AccessScope::Operations { operations: Vec::new(), money: None };
        assert_eq!(none.check().unwrap_err().field(), Some("scope.operations"));
    }
}
