//! A stand-in KomoPay gateway that runs on a laptop.
//!
//! It speaks the payout side of the merchant API over real sockets, moves balances, writes down in a
//! [ledger](LedgerEntry) what it really executed, and breaks on demand in every way a network or a gateway can break
//! ([`Fault`]). It was written from the API contract alone and shares no code with the client it is used to test: where
//! the two disagree, one of them has read the contract wrongly.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), komopay_sandbox::StartError> {
//! use komopay_sandbox::{Effect, Fault, Operation, Sandbox, When};
//!
//! let sandbox = Sandbox::start().await?;
//! println!("listening on {}", sandbox.base_url());
//!
//! // The first create is executed, and its answer is lost on the way.
//! sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), Effect::ExecuteThenClose));
//!
//! // ... a client pays here ...
//!
//! sandbox.idle().await;
//! for line in sandbox.ledger() {
//!     println!("{line}");
//! }
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where things are
//!
//! | question | module |
//! |---|---|
//! | How do I start, ask and stop it? | `sandbox`, `builder`; by hand `program`; why not: `error` |
//! | How does a request become an answer, and where do faults act? | `operation`, `merchant`, `platform::calls`, `platform::reads` |
//! | What does the gateway hold, and when does money move? | `platform::gateway`, `payout`, `ledger` |
//! | What is a valid request? | `platform::validation` (the schema), `fields` and `query` (reading), `money` |
//! | What is refused with a 406, and how do I bring it about? | `platform::rules`, `channels`; [`refusals`] |
//! | Which currencies, operators and limits are there? | `platform::catalogue` |
//! | What may a token do? | `platform::token`; how it is signed: `hs256` |
//! | Which account numbers fail? | [`magic`] |
//! | What can break, and which call meets it? | `faults` |
//! | How is it asked for over HTTP, and by whom? | `control`, `control::access` |
//! | Where do callbacks go, when, and what goes wrong with them? | `callbacks`; which time is it: `clock` |
//! | Who sees every call? | `http::exchange`, `http::record` |
//! | What does the gateway's page show, and what is masked? | `control::page`, `control::events`; `history` |
//! | How is a connection cut or reset? | `server`, `http::connection`, `activity`, `tls` |

mod builder;
mod callbacks;
mod clock;
mod control;
mod error;
mod faults;
mod history;
mod http;
mod merchant;
mod operation;
mod platform;
mod program;
mod sandbox;
mod server;

pub use builder::{Builder, DEFAULT_MERCHANT_CODE, DEFAULT_SECRET};
pub use callbacks::{CallbackEffect, CallbackFault, CallbackWhen, Delivery, DeliveryOutcome};
pub use error::StartError;
pub use faults::{Effect, Fault, On, When};
pub use http::exchange::Exchange;
pub use http::record::RECORD_VARIABLE;
pub use operation::Operation;
pub use platform::ledger::{Balance, LedgerEntry, LedgerKind};
pub use platform::payout::ChangeError;
pub use platform::{magic, refusals};
pub use program::{CONTROL_TOKEN_VARIABLE, run_program};
pub use sandbox::Sandbox;
