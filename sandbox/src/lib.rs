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
//! | How do I start, ask and stop it? | `sandbox`, `builder`; by hand `program` |
//! | How does a request become an answer, and where do faults act? | `operation`, `merchant`, `calls`, `reads`, `answer` |
//! | What does the gateway hold, and when does money move? | `gateway`, `payout`, `ledger` |
//! | What is a valid request? | `validation` (the schema), `fields` and `query` (reading), `money` |
//! | What is refused with a 406, and how do I bring it about? | `rules`, `channels`; [`refusals`] |
//! | Which currencies, operators and limits are there? | `catalogue` |
//! | What may a token do? | `token`; how it is signed: `hs256` |
//! | Which account numbers fail? | [`magic`] |
//! | What can break, and how is it asked for? | `fault`, and over HTTP `control`; by whom: `access` |
//! | Where do callbacks go, when, and what goes wrong with them? | `callbacks`; which time is it: `clock` |
//! | Who sees every call? | `exchange`, `record` |
//! | How is a connection cut or reset? | `connection`, `server`, `activity`, `tls` |

mod access;
mod activity;
mod answer;
mod builder;
mod callbacks;
mod calls;
mod catalogue;
mod channels;
mod clock;
mod connection;
mod control;
mod exchange;
mod fault;
mod fields;
mod gateway;
mod hs256;
mod ledger;
pub mod magic;
mod merchant;
mod money;
mod operation;
mod payout;
mod program;
mod query;
mod reads;
mod record;
pub mod refusals;
mod rules;
mod sandbox;
mod server;
mod tls;
mod token;
mod validation;

pub use builder::{Builder, DEFAULT_MERCHANT_CODE, DEFAULT_SECRET, StartError};
pub use callbacks::{CallbackEffect, CallbackFault, CallbackWhen, Delivery, DeliveryOutcome};
pub use exchange::Exchange;
pub use fault::{Effect, Fault, On, When};
pub use ledger::{Balance, LedgerEntry, LedgerKind};
pub use operation::Operation;
pub use payout::ChangeError;
pub use program::{CONTROL_TOKEN_VARIABLE, run_program};
pub use record::RECORD_VARIABLE;
pub use sandbox::Sandbox;
