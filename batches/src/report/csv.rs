//! The report for spreadsheets.

use std::borrow::Cow;
use std::io::Write;

use ::csv::{QuoteStyle, Writer, WriterBuilder};
use komopay_core::{Error, ErrorKind, Money, PayoutStatus, Result};

use super::item::{MaskedAccount, ReportItem};
use super::unwritten::unwritten;
use crate::attention::Attention;

/// The names of the columns. New ones come last.
const COLUMNS: [&str; 22] = [
    "key",
    "payout_id",
    "row",
    "state",
    "amount",
    "currency",
    "method",
    "operator",
    "account",
    "fee",
    "fee_currency",
    "platform_status",
    "reasons",
    "needs_person",
    "what_to_do",
    "why",
    "replaces",
    "replaced_by",
    "attempts",
    "updated_at",
    "payment_id",
    "error_kind",
];

pub(super) struct CsvReport<W: Write> {
    writer: Writer<W>,
    has_names: bool,
}

impl<W: Write> CsvReport<W> {
    pub fn new(write: W) -> Self {
        // Quotes around everything: also where a spreadsheet splits at semicolons, no value becomes two cells.
        let writer = WriterBuilder::new().quote_style(QuoteStyle::Always).from_writer(write);
        Self { writer, has_names: false }
    }

    pub fn item(&mut self, item: &ReportItem) -> Result<()> {
        self.names()?;
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let values: [String; COLUMNS.len()] = [
            item.key.clone(),
            item.payout_id.to_string(),
            number(item.row),
            item.state.to_string(),
            item.money.unambiguous_amount(),
            item.money.currency().to_owned(),
            item.method.to_string(),
            text(item.operator.as_deref()),
            text(item.account.as_ref().map(MaskedAccount::as_str)),
            item.fee.as_ref().map(Money::unambiguous_amount).unwrap_or_default(),
            text(item.fee.as_ref().map(Money::currency)),
            item.platform_status.as_ref().map(PayoutStatus::to_string).unwrap_or_default(),
            item.codes(),
            text(item.attention.map(Attention::as_str)),
            text(item.what_to_do()),
            item.shown_why().unwrap_or_default(),
            text(item.replaces.as_deref()),
            text(item.replaced_by.as_deref()),
            item.attempts.to_string(),
            item.updated_at.map(|at| at.to_string()).unwrap_or_default(),
            text(item.payment_id.as_deref()),
            text(item.error_kind.map(ErrorKind::as_str)),
        ];
        self.writer.write_record(values.iter().map(|value| no_formula(value).into_owned())).map_err(failed)
    }

    pub fn finish(mut self) -> Result<()> {
        self.names()?;
        self.writer.flush().map_err(|error| unwritten(&error))
    }

    /// Of an empty batch, too, there is a row of names.
    fn names(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.has_names, true) {
            self.writer.write_record(COLUMNS).map_err(failed)?;
        }
        Ok(())
    }
}

/// A text that no spreadsheet takes for a formula. With the apostrophe that is there doubled, it can be undone.
fn no_formula(text: &str) -> Cow<'_, str> {
    let is_risky = |c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '\t' | '\r' | '\n' | '\'');
    if text.starts_with(is_risky) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn failed(error: ::csv::Error) -> Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => unwritten(&error),
        other => Error::internal(format!("a row of a report has its columns: {other:?}")),
    }
}
