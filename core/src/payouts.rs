//! Payouts: what is asked for, what is answered, and the calls that move money and follow it.

mod agreement;
mod codes;
pub(crate) mod create;
mod fingerprint;
mod id;
pub(crate) mod in_flight;
#[cfg(test)]
mod model;
pub(crate) mod outcome;
mod payout;
pub(crate) mod read;
mod request;
mod unsettled;
mod validation;

pub(crate) use codes::open_codes;
pub use codes::{FailureCode, MethodCode, PayoutStatus};
pub use id::PayoutId;
pub use payout::{FailureReason, Payout, PayoutAccepted};
pub use request::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutMethod, PayoutRequest, WalletAccount,
    WalletTransfer,
};
