//! Many payouts, each exactly once: a payroll on one machine or many, across crashes.
//!
//! | room | what is in it |
//! |---|---|
//! | `batches.rs` | [`Batches`], the front door: one method per thing that is done with a batch; imported by nobody |
//! | `drive.rs`, `follow.rs` | a worker: claims chunks, sends under their tokens, settles; follows to the final status |
//! | `plan.rs`, `approval.rs` | what a batch would do, and who says that it may |
//! | `input/` | rows of CSV, JSON Lines or an iterator become items, all of them checked |
//! | `report/` | what came of each item |
//! | `outbox.rs` | payouts that are intended in the merchant's own transaction |
//! | `journal/` | what is written down before money moves: claims, registrations, results, decisions |
//! | `fence.rs`, `item.rs`, `batch.rs` | pure rules: when "not made" may be said, and every legal move |
//! | `db/` | one way to speak to SQLite and PostgreSQL |
//! | `seal.rs` | payees are sealed, and what is compared is a keyed digest |
//!
//! A room uses those below it, and none above.

#![forbid(unsafe_code)]

mod approval;
mod batch;
mod batches;
mod db;
mod drive;
mod fence;
mod follow;
mod input;
mod item;
mod journal;
mod outbox;
mod plan;
mod report;
mod seal;

pub use db::JournalLocation;
