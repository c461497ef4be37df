//! What came of each item, and of the batch: for spreadsheets, for programs, and as one page for people.
//!
//! A report holds no name, no whole account number and no other data of a payee. What it repeats of the merchant's
//! own, it repeats as it is: ids, keys of items, names of those who approved. What a person gave as a reason is shown
//! without its long numbers.

mod advice;
mod csv;
mod html;
mod item;
mod json_lines;
mod problems;
mod summary;
mod total;
mod totals;
mod unwritten;

use std::io::Write;

use komopay_core::Result;

pub use item::{MaskedAccount, ReportItem};
pub use summary::{BalanceChange, BatchSummary, ReportEvent};
pub use total::ReportTotal;
pub use totals::{ReportCurrency, ReportDifference, ReportTotals};

/// Writes the report of a batch, item by item, in one of three forms. It keeps the totals and no more than a thousand
/// items, however many there are.
///
/// | form | what is in it |
/// |---|---|
/// | [`csv`](Self::csv) | one row per item, under a row of names |
/// | [`json_lines`](Self::json_lines) | one object per item, and a last one of the batch; a file without it is cut |
/// | [`html`](Self::html) | one page: outcome, timeline, what did not succeed; no script, nothing from elsewhere |
///
/// In CSV every value is in quotes, and a text that a spreadsheet could take for a formula has an apostrophe before it:
/// one that begins with `=`, `+`, `-` or `@`, with one of these in full width, with a tab, a line's end or an
/// apostrophe. One apostrophe taken from the front gives the text back.
///
/// ```
/// use komopay_batches::{BatchState, BatchSummary, ItemState, ReportItem, ReportWriter};
/// use komopay_core::{MethodCode, Money, PayoutId};
///
/// let money = Money::new("250000", "IDR")?;
/// let id = PayoutId::new("KB-1")?;
/// let mut item = ReportItem::new("=row-1", id, ItemState::Succeeded, money, MethodCode::BankTransfer);
/// item.operator = Some("IDR_014".to_owned());
///
/// let mut file = Vec::new();
/// let mut report = ReportWriter::csv(&mut file);
/// report.item(&item)?;
/// let totals = report.finish(&BatchSummary::new("payroll-11", BatchState::Closed))?;
/// assert_eq!(totals.of_state(ItemState::Succeeded), 1);
/// assert!(String::from_utf8_lossy(&file).contains("\"'=row-1\",\"KB-1\""));
/// # Ok::<(), komopay_core::Error>(())
/// ```
pub struct ReportWriter<W: Write> {
    totals: ReportTotals,
    form: Form<W>,
}

enum Form<W: Write> {
    Csv(Box<csv::CsvReport<W>>),
    JsonLines(json_lines::JsonLinesReport<W>),
    Html(html::HtmlReport<W>),
}

impl<W: Write> ReportWriter<W> {
    /// A report in CSV, as RFC 4180 has it, in UTF-8.
    pub fn csv(write: W) -> Self {
        Self::of(Form::Csv(Box::new(csv::CsvReport::new(write))))
    }

    /// A report in JSON Lines. Amounts are texts, so that no reader rounds them.
    pub fn json_lines(write: W) -> Self {
        Self::of(Form::JsonLines(json_lines::JsonLinesReport::new(write)))
    }

    /// A report as one page of HTML. It lists the first 1,000 items that did not succeed, those that need a person
    /// before all others, and names `whole_file`, if there is one, as where the rest is.
    pub fn html(write: W, whole_file: Option<&str>) -> Self {
        Self::of(Form::Html(html::HtmlReport::new(write, whole_file)))
    }

    fn of(form: Form<W>) -> Self {
        Self { totals: ReportTotals::default(), form }
    }

    /// Takes the next item. The order is the caller's.
    ///
    /// # Errors
    /// `configuration`, naming `report`, if it cannot be written; `invalid_request`, naming `money.amount`, if a total
    /// has more digits than can be kept exactly.
    pub fn item(&mut self, item: &ReportItem) -> Result<()> {
        self.totals.add(item)?;
        match &mut self.form {
            Form::Csv(report) => report.item(item),
            Form::JsonLines(report) => report.item(item),
            Form::Html(report) => {
                report.item(item);
                Ok(())
            }
        }
    }

    /// Writes what comes last. The totals are those of the items; [`ReportTotals::differences`] compares them with what
    /// was planned, and so do the page and the last line of JSON.
    ///
    /// # Errors
    /// As [`item`](Self::item).
    pub fn finish(self, summary: &BatchSummary) -> Result<ReportTotals> {
        let Self { totals, form } = self;
        match form {
            Form::Csv(report) => report.finish()?,
            Form::JsonLines(report) => report.finish(summary, &totals)?,
            Form::Html(report) => report.finish(summary, &totals)?,
        }
        Ok(totals)
    }
}

#[cfg(test)]
mod tests;
