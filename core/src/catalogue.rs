//! What the merchant has and what the platform offers: balances, codes, options, merchant data. None of it moves money.

mod calls;
mod models;

pub(crate) use calls::*;
pub use models::*;
