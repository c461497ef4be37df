//! The core of the KomoPay payout SDK: it knows how to move money through the platform exactly once.
//!
//! | room | what is in it |
//! |---|---|
//! | [`Client`] (`client.rs`) | the front door, one method per operation |
//! | [`Config`], [`Credentials`] (`config.rs`) | settings, defaults, and what makes them unusable |
//! | [`Money`] (`money.rs`) | exact amounts |
//! | [`Error`], [`ErrorKind`] (`error.rs`) | the one error taxonomy |
//! | `payouts/` | requests and answers; `outcome` holds the rules of a create, `create` drives them |
//! | `callbacks/` | signed callback URLs, reading callbacks, following payouts, stores of changes |
//! | `catalogue/` | balances, currencies, operators, options, merchant data |
//! | `auth/` | tokens: scope, claims, cache, renewal |
//! | `pace/` | retry budget, breaker and limits: what may be sent now |
//! | `transport/` | one HTTP attempt, exact to the byte that may have been sent |
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> komopay_core::Result<()> {
//! use std::time::Duration;
//! use komopay_core::{BankAccount, BankTransfer, Client, Config, Credentials, Money, PayoutId, PayoutRequest, SANDBOX_URL};
//!
//! let credentials = Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET");
//! let client = Client::new(Config::new(SANDBOX_URL, credentials))?;
//! let id = PayoutId::new("TST-223344")?; // store it before the first call
//! let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
//! client.create_payout(&id, &PayoutRequest::new(Money::new("10000", "IDR")?, bank), false).await?;
//! let payout = client.wait_for_payout(&id, Duration::from_secs(60)).await?;
//! println!("{} {:?}", payout.status, payout.fee);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod address;
mod auth;
mod callbacks;
mod caller;
mod catalogue;
mod client;
mod config;
mod error;
#[cfg(test)]
mod explorer;
mod first_failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod lenient;
mod mask;
mod money;
mod pace;
mod payouts;
#[cfg(feature = "provoked-panics")]
mod provoked;
mod raw_json;
mod read;
mod scrub;
mod transport;

pub use auth::{AccessScope, AccessToken, TokenProvider};
#[cfg(feature = "sqlite")]
pub use callbacks::SqliteChangeStore;
pub use callbacks::{
    Callback, CallbackKey, CallbackUrlOptions, ChangeRecord, ChangeStore, MemoryChangeStore, PayoutChange, ShownUrl,
    SignaturePlace, StoreError,
};
pub use caller::{called_by, caller};
pub use catalogue::{
    AmountLimit, Balance, CustomerFee, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter,
    PaymentOptionOperator, PaymentTypeCode, PayoutOperator, PayoutOption,
};
pub use client::Client;
pub use config::{Config, Credentials, SANDBOX_URL, TokenScope};
pub use error::{Attempt, Concern, Error, ErrorKind, Reason, Result};
pub use mask::Masked;
pub use money::Money;
pub use payouts::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, FailureCode, FailureReason, MethodCode, Payout,
    PayoutAccepted, PayoutId, PayoutMethod, PayoutRequest, PayoutStatus, WalletAccount, WalletTransfer,
};
pub use raw_json::RawJson;
pub use scrub::Shown;
