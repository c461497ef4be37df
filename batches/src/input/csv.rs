//! Rows of a CSV file, and the template for one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder};
use komopay_core::{Error, MethodCode, Result, Shown};

use super::bytes::{Unmarked, unmarked, unreadable};
use super::columns::{Columns, Field};
use super::payout_id::check_batch_id;
use super::quotes::Quotes;
use super::row::{self, Cells};
use super::rows::{RowProblem, RowRead, Rows};

/// The rows of a CSV file (RFC 4180, UTF-8), as items of a batch.
///
/// The first row is the header. A row without any value is none. The columns, by their names in the template:
///
/// | column | what is in it |
/// |---|---|
/// | `id` | what the merchant calls the payout, no two rows the same; **needed** |
/// | `amount` | plain digits, with a decimal point if need be: `250000`, `42.05`; **needed** |
/// | `currency` | such as `IDR`; **needed** |
/// | `payout_id` | the id to pay it under; without one, it is derived from batch and `id` |
/// | `method` | `BANK_TRANSFER` (without this column), `CRYPTO_TRANSFER` or `WALLET_TRANSFER` |
/// | `operator_code` | bank, wallet provider or blockchain, such as `IDR_014`; only wallets do without |
/// | `account_name` | the holder's name; banks need it, and wallets in INR |
/// | `account_number` | account, or address of the wallet; banks and chains need it. Make it a column of text |
/// | `account_type`, `bank_code`, `bank_name`, `bank_branch`, `bank_city`, `bank_province` | of banks |
/// | `email_address` | of banks |
/// | `phone_number` | of wallets |
/// | `remark`, `segment_code`, `exchanged_to_currency`, `callback_url`, `customer_ip` | as in a request |
///
/// Other columns are not used, and are told by [`Rows::unused_columns`]. What spreadsheets do to values (`1,234.50`,
/// `1.5E+06`, blanks around, an apostrophe before) is refused, row by row.
///
/// ```
/// use komopay_batches::{Columns, CsvRows, RowRead};
///
/// let file = "invoice;amount;currency;operator_code;account_name;account_number\n\
///             INV-1;250000;IDR;IDR_014;Siti Rahmawati;0123456789\n\
///             INV-2;250.000;IDR;IDR_014;Budi Santoso;0123456780\n";
/// let columns = Columns::of([("id", "invoice")])?;
/// let mut rows = CsvRows::new(file.as_bytes(), "refunds-17", columns, ';')?;
/// assert!(matches!(rows.next(), Some(Ok(RowRead::Item(item))) if item.key == "INV-1" && item.row == 2));
/// let Some(Ok(RowRead::Bad(problems))) = rows.next() else { panic!("250, or a quarter of a million?") };
/// assert_eq!((problems[0].row, problems[0].field.as_deref()), (3, Some("amount")));
/// assert!(rows.next().is_none());
/// # Ok::<(), komopay_core::Error>(())
/// ```
pub struct CsvRows<R> {
    reader: Reader<Quotes<Unmarked<R>>>,
    record: ByteRecord,
    batch_id: String,
    columns: Columns,
    /// Where in a row each field is.
    places: BTreeMap<Field, usize>,
    width: usize,
    unused: Vec<String>,
    has_ended: bool,
}

impl<R: Read> CsvRows<R> {
    /// The rows of this file. The delimiter is `,` mostly, `;` where a comma is the decimal mark, or a tab.
    ///
    /// # Errors
    /// `configuration`, naming `delimiter` if it is none, `columns` if a column is not in the header or is there twice,
    /// or `input` if the file cannot be read; `invalid_request`, naming `batch_id` if it is none, or `input` if the
    /// file is no CSV of UTF-8.
    pub fn new(reader: R, batch_id: &str, columns: Columns, delimiter: char) -> Result<Self> {
        check_batch_id(batch_id)?;
        let byte = u8::try_from(delimiter).ok().filter(|byte| b",;\t|:".contains(byte));
        let byte = byte.ok_or_else(|| Error::setting("delimiter", "must be a comma, ';', a tab, '|' or ':'"))?;
        let mut reader = ReaderBuilder::new()
            .delimiter(byte)
            .has_headers(false)
            .flexible(true)
            .from_reader(Quotes::new(unmarked(reader)?, byte));
        let mut record = ByteRecord::new();
        if !reader.read_byte_record(&mut record).map_err(ended)? {
            return Err(Error::invalid("input", "is empty: its first row has to be the header"));
        }
        reader.get_mut().next_row();
        let header = record.iter().map(|name| std::str::from_utf8(name).map(|name| name.trim().to_owned()));
        let header = header.collect::<Result<Vec<_>, _>>();
        let header = header.map_err(|_| Error::invalid("input", "is not UTF-8 in its header: save it as UTF-8"))?;
        let places = places(&header, &columns, delimiter)?;
        let is_unused = |(at, name): (usize, &String)| {
            (!name.is_empty() && !places.values().any(|used| *used == at)).then(|| Shown(name).to_string())
        };
        let unused = header.iter().enumerate().filter_map(is_unused).collect();
        let (width, batch_id) = (header.len(), batch_id.to_owned());
        Ok(Self { reader, record, batch_id, columns, places, width, unused, has_ended: false })
    }

    fn row(&self, row: u64) -> RowRead {
        if self.record.len() != self.width {
            let (has, width) = (self.record.len(), self.width);
            let problem = format!("has {has} fields, and the header {width}: is a delimiter in a text without quotes?");
            return RowRead::Bad(vec![RowProblem { row, field: None, problem }]);
        }
        let cell = |place: &usize| {
            let bytes = self.record.get(*place).unwrap_or_default();
            std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| "is not UTF-8: save the file as UTF-8")
        };
        let cells: Cells<'_> = self.places.iter().map(|(field, place)| (*field, cell(place))).collect();
        row::read(row, &self.batch_id, &self.columns, &cells)
    }
}

/// Where in a row each field is.
fn places(header: &[String], columns: &Columns, delimiter: char) -> Result<BTreeMap<Field, usize>> {
    let mut places = BTreeMap::new();
    let mut missing = Vec::new();
    for field in Field::ALL.iter().copied() {
        let name = columns.name(field);
        let mut found = header.iter().enumerate().filter(|(_, known)| *known == name).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(place), None) => _ = places.insert(field, place),
            (Some(_), Some(_)) => {
                return Err(Error::setting("columns", format_args!("the header has {name} twice: which is {field}?")));
            }
            (None, _) if field.is_needed() || columns.is_mapped(field) => missing.push(name),
            (None, _) => {}
        }
    }
    if missing.is_empty() {
        return Ok(places);
    }
    let missing = missing.join(", ");
    // A first row without any column that was looked for may be a payee's.
    let problem = if places.is_empty() {
        let count = header.len();
        format!(
            "the first row is no header with {missing}, nor any other column that is known: it has {count} fields, \
             parted by {delimiter:?}"
        )
    } else {
        let names: Vec<_> = header.iter().map(|name| Shown(name).to_string()).collect();
        format!("the header has no {missing}; it has {}: name the column, or map it", names.join(", "))
    };
    Err(Error::setting("columns", problem))
}

fn ended(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(&error),
        other => Error::internal(format!("the CSV reader met what it was told to take: {other:?}")),
    }
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = Result<RowRead>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.has_ended = true;
                    return Some(Err(ended(error)));
                }
            }
            let Some(row) = self.reader.get_mut().next_row() else {
                self.has_ended = true;
                return Some(Err(Error::internal("a row of a CSV file begins nowhere")));
            };
            if self.record.iter().any(|cell| !cell.is_empty()) {
                return Some(Ok(self.row(row)));
            }
        }
        self.has_ended = true;
        None
    }
}

impl<R: Read + Send> Rows for CsvRows<R> {
    fn column(&self, field: Field) -> &str {
        self.columns.name(field)
    }

    fn unused_columns(&self) -> &[String] {
        &self.unused
    }
}

impl<R> fmt::Debug for CsvRows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvRows")
            .field("batch_id", &self.batch_id)
            .field("unused", &self.unused)
            .finish_non_exhaustive()
    }
}

/// The header of a CSV file for payouts by this method, or, without one, by any: every column that it may have. Without
/// an example, which might be paid.
///
/// ```
/// use komopay_batches::csv_template;
/// use komopay_core::MethodCode;
///
/// let crypto = "id,payout_id,amount,currency,method,operator_code,account_number,remark,segment_code,\
///               exchanged_to_currency,callback_url,customer_ip\n";
/// assert_eq!(csv_template(Some(&MethodCode::CryptoTransfer)), crypto);
/// ```
#[must_use]
pub fn csv_template(method: Option<&MethodCode>) -> String {
    let is_of = |field: &Field| method.is_none_or(|method| field.is_of(method));
    let names: Vec<_> = Field::ALL.iter().copied().filter(is_of).map(Field::name).collect();
    names.join(",") + "\n"
}
