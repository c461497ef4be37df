//! What a merchant hands over becomes items: rows of CSV, lines of JSON, or requests that a program makes.
//!
//! Every reader is an iterator of [`RowRead`]: an item that can be sent, or all that is wrong with a row. Rows are read
//! one at a time, so that a file of a million rows needs no more memory than one of ten. An `Err` is about the input as
//! a whole (it cannot be read, its quotation marks do not match), and ends it: nothing behind it was seen.
//!
//! Whether a key or an id was there before is not looked for here, since that needs all of them: the journal's unique
//! index finds it, and [`RowProblem::repeated`] says it.

mod bytes;
mod columns;
mod csv;
mod json_lines;
mod payout_id;
mod quotes;
mod requests;
mod row;
mod rows;

pub use columns::{Columns, Field};
pub use csv::{CsvRows, csv_template};
pub use json_lines::JsonLines;
pub(crate) use payout_id::check_batch_id;
pub use payout_id::derived_payout_id;
pub use requests::Requests;
pub(crate) use row::check_key;
pub use rows::{ItemDraft, RowProblem, RowRead, Rows};
