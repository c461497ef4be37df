//! Payouts: what is asked for, and the calls that move money and follow it.

mod agreement;
pub(crate) mod calls;
pub(crate) mod create;
pub(crate) mod find;
mod fingerprint;
pub(crate) mod follow;
pub(crate) mod in_flight;
mod kept;
#[cfg(test)]
mod model;
mod outcome;
mod read;
mod request;
mod unsettled;
mod validation;
mod waits;

pub use find::Found;
pub use request::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, PayoutMethod, PayoutRequest, WalletAccount,
    WalletTransfer,
};
pub use waits::{PayoutWaits, WaitedPayout};
