//! The command line `komopay`: a front for people and scripts. It asks the core and the batches, and decides nothing.
//!
//! | room | what is in it |
//! |---|---|
//! | `program.rs` | [`run`]: arguments, the commands, and what they end with |
//! | `payouts.rs`, `catalogue.rs` | `payout create`, `get`, `wait`; `balances`, `operators` |
//! | `batch/` | `batch plan`, `approve`, `start`, `work` and all the others; `service.rs` is `work --forever` |
//! | `client.rs`, `journal.rs` | settings of the client and of the journal, from options, the environment and files |
//! | `data.rs` | values as JSON, in the names of Python's `to_dict` |
//! | `output.rs`, `progress.rs`, `signals.rs`, `exit.rs` | what is shown; Ctrl-C; the exit codes |
//!
//! A room uses those below it, and none above.
//!
//! # Exit codes
//!
//! | code | what it means |
//! |---|---|
//! | 0 | done, as asked for; of `payout wait`, that the money arrived; of a batch, that every item is final |
//! | 1 | a fault: the error says whether it may pass |
//! | 2 | bad input: invalid rows, an option or a setting that cannot be used |
//! | 3 | in doubt: a payout may have been made (call it again with `--resume`), or an item needs a person |
//! | 4 | the batch awaits approval |
//! | 5 | the batch was stopped by one of its rules |
//! | 6 | not at its end: the time is over, or Ctrl-C ended it, and the same command goes on |
//! | 7 | `payout wait`: the payout is final, and the money did not arrive |
//!
//! `batch work --forever` ends with 0 when it is asked to end.

#![forbid(unsafe_code)]

mod batch;
mod catalogue;
mod client;
mod data;
mod exit;
mod journal;
mod output;
mod payouts;
mod program;
mod progress;
mod secret;
mod signals;

pub use program::run;
