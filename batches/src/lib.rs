//! Many payouts, each exactly once: a payroll on one machine or many, across crashes.
//!
//! | room | what is in it |
//! |---|---|
//! | `batches.rs` | [`Batches`], the front door: one method per thing that is done with a batch; imported by nobody |
//! | `drive.rs`, `budget.rs`, `pace.rs` | a worker: claims chunks, sends at a rate that all share, settles, follows |
//! | `outcome.rs` | what the end of a call means for an item |
//! | `journal/` | what is written down before money moves: claims, registrations, results, decisions |
//! | `input/`, `plan.rs` | rows of CSV, JSON Lines or an iterator, all of them checked; what they add up to |
//! | `outbox.rs` | payouts that are intended in the merchant's own transaction |
//! | `report/` | what came of each item |
//! | `chunk.rs`, `item.rs`, `batch.rs`, `attention.rs` | the fence, every legal move, why a person is asked |
//! | `settings.rs`, `answer.rs` | what a batch is paid by; what is known of an item |
//! | `change_store.rs` | the changes of payouts, in PostgreSQL, for many hosts |
//! | `db/` | one way to speak to SQLite and PostgreSQL |
//! | `model.rs` | the pure rules, in every state that workers, journal and platform can come to; a test |
//! | `seal.rs` | payees are sealed, and what is compared is a keyed digest |
//!
//! A room uses those below it, and none above.

#![forbid(unsafe_code)]

// A build for merchants has no debug assertions, and cargo gives every crate that is built at once the features of all.
#[cfg(all(not(debug_assertions), feature = "proofs"))]
compile_error!("proofs is for tests: it needs debug assertions, which no build for merchants has");

mod answer;
mod attention;
mod batch;
mod batches;
mod budget;
mod change_store;
mod chunk;
mod db;
mod drive;
mod input;
mod item;
mod journal;
#[cfg(test)]
mod model;
mod outbox;
mod outcome;
mod pace;
mod plan;
mod report;
mod seal;
mod settings;
mod steps;

pub use attention::Attention;
pub use batch::BatchState;
pub use batches::{BatchStatus, Batches, DueBatch, ItemCount, NewBatch, Planned};
pub use budget::{Budget, Stop};
pub use change_store::PostgresChangeStore;
#[cfg(feature = "proofs")]
#[doc(hidden)]
pub use db::Clock;
pub use db::JournalLocation;
pub use input::{
    Columns, CsvRows, Field, ItemDraft, JsonLines, Requests, RowProblem, RowRead, Rows, csv_template, derived_payout_id,
};
pub use item::ItemState;
pub use journal::{BatchEvent, OutboxRow};
pub use outbox::Outbox;
pub use plan::{
    ControlTotals, CurrencyTotal, GroupTotal, Plan, PlanProblem, PlanProblemKind, PlanWarning, PlanWarningKind, Totals,
};
pub use report::{
    BalanceChange, BatchSummary, MaskedAccount, ReportCurrency, ReportDifference, ReportEvent, ReportItem, ReportTotal,
    ReportTotals, ReportWriter,
};
pub use seal::Keys;
pub use settings::{BatchSettings, BatchTokens, Ceiling};
