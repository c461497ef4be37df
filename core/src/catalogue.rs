//! What the merchant has and what the platform offers: balances, codes, options, merchant data. None of it moves money.

mod calls;
mod models;

#[cfg(feature = "fuzzing")]
pub(crate) use calls::entries;
pub(crate) use calls::{
    balances, currencies, merchant_info, payment_methods, payment_operators, payment_options, payout_options, segments,
};
#[cfg(feature = "fuzzing")]
pub(crate) use models::Entry;
pub use models::{
    AmountLimit, Balance, CustomerFee, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter,
    PaymentOptionOperator, PaymentTypeCode, PayoutOperator, PayoutOption,
};
