//! What the platform knows and decides: requests, tokens, the catalogue, payouts, and where money moves.

pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod catalogue;
pub(crate) mod channels;
pub(crate) mod fields;
pub(crate) mod gateway;
mod hs256;
pub(crate) mod ledger;
pub mod magic;
pub(crate) mod money;
pub(crate) mod payout;
mod query;
mod reads;
pub mod refusals;
mod rules;
pub(crate) mod settings;
pub(crate) mod token;
pub(crate) mod validation;
