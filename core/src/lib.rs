//! The core of the KomoPay payout SDK: it knows how to move money through the platform exactly once.
//!
//! | room | what is in it |
//! |---|---|
//! | [`Client`] (`client.rs`) | the front door, one method per operation; imported by nobody |
//! | `callbacks/` | reading a callback, and the payout that it is about |
//! | `payouts/` | requests, and the calls about them; `outcome` holds the rules of a create, `create` drives them |
//! | `catalogue/`, `issue.rs` | balances, currencies, operators, options, merchant data; tokens for others |
//! | `call.rs` | one call that moves nothing: its deadline, its history, its tries |
//! | `session.rs` | what the calls of one client share |
//! | `auth/` | tokens: scope, claims, cache, renewal |
//! | `transport/` | one HTTP attempt, exact to the byte that may have been sent |
//! | `throttle/` | retry budget, breaker and limits: what may be sent now |
//! | [`Config`], [`Credentials`] (`config.rs`, `credentials.rs`) | settings, defaults, and what makes them unusable |
//! | `changes/`, `callback_url/` | the changes of payouts and their stores; signed callback URLs |
//! | `checked.rs` | the constructors that refuse what a caller gives |
//! | [`Error`], [`ErrorKind`] (`error.rs`) | the one error taxonomy |
//! | [`Money`] (`money.rs`), `values/` | exact amounts; ids, codes, and what the platform answers about a payout |
//! | [`CallOptions`], [`Telemetry`] (`options.rs`, `telemetry.rs`) | what a call does differently; what it tells |
//! | `json.rs`, `scrub/`, `timing.rs`, `address.rs`, `mask.rs` | leaves, which know nothing of the rest |
//!
//! A room uses those below it, and none above: docs/adr/0020.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> komopay_core::Result<()> {
//! use std::time::Duration;
//! use komopay_core::{BankAccount, BankTransfer, Client, Config, Credentials, Money, PayoutId, PayoutRequest};
//!
//! let credentials = Credentials::merchant("YOUR_MERCHANT_CODE", "YOUR_SECRET");
//! let client = Client::new(Config::new(komopay_core::SANDBOX_URL, credentials))?;
//! let id = PayoutId::new("TST-223344")?; // store it before the first call
//! let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
//! client.create_payout(&id, &PayoutRequest::new(Money::new("10000", "IDR")?, bank), false).await?;
//! let payout = client.wait_for_payout(&id, Duration::from_secs(60)).await?;
//! println!("{} {:?}", payout.status, payout.fee);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

// A build for merchants has no debug assertions, and cargo gives every crate that is built at once the features of all.
#[cfg(all(not(debug_assertions), any(feature = "fuzzing", feature = "provoked-panics", feature = "unthrottled")))]
compile_error!(
    "fuzzing, provoked-panics and unthrottled are for tests and benchmarks: they need debug assertions, which no build \
     for merchants has"
);

mod address;
mod attempt;
mod auth;
mod call;
mod callback_url;
mod callbacks;
mod caller;
mod catalogue;
mod changes;
mod checked;
mod client;
mod config;
mod credentials;
mod error;
mod first_failure;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod issue;
mod json;
mod mask;
mod money;
mod options;
mod payouts;
#[cfg(feature = "provoked-panics")]
mod provoked;
mod scrub;
mod session;
mod telemetry;
mod throttle;
mod timing;
mod transport;
mod values;

pub use attempt::{Attempt, Attempts};
pub use auth::{AccessScope, AccessToken, ChunkToken};
pub use callback_url::{CallbackKey, CallbackUrlOptions, ShownUrl, SignaturePlace};
pub use callbacks::Callback;
pub use caller::{called_by, caller};
pub use catalogue::{
    AmountLimit, Balance, CustomerFee, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter,
    PaymentOptionOperator, PaymentTypeCode, PayoutOperator, PayoutOption,
};
#[cfg(feature = "sqlite")]
pub use changes::SqliteChangeStore;
#[doc(hidden)]
pub use changes::credible;
pub use changes::{ChangeRecord, ChangeStore, MemoryChangeStore, PayoutChange, StoreError};
#[cfg(feature = "sqlite")]
#[doc(hidden)]
pub use changes::{files as store_files, owner as store_owner};
pub use client::Client;
pub use config::{Config, SANDBOX_URL};
pub use credentials::{Credentials, TokenProvider, TokenScope};
pub use error::{Concern, Error, ErrorKind, Reason, Result};
pub use json::RawJson;
pub use mask::Masked;
pub use money::Money;
pub use options::CallOptions;
pub use payouts::{
    BankAccount, BankTransfer, CryptoAccount, CryptoTransfer, Found, PayoutMethod, PayoutRequest, PayoutWaits,
    WaitedPayout, WalletAccount, WalletTransfer,
};
pub use scrub::Shown;
pub use telemetry::{CallAttempt, CallEnded, CallEvent, CallOutcome, CallStarted, Telemetry};
pub use values::{FailureCode, FailureReason, MethodCode, Payout, PayoutAccepted, PayoutId, PayoutStatus};
