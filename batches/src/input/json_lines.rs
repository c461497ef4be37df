//! Rows of JSON Lines: one object on each line.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use komopay_core::{Error, Result, Shown};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::bytes::{Unmarked, unmarked, unreadable};
use super::columns::{Columns, Field};
use super::payout_id::check_batch_id;
use super::row::{self, Cells};
use super::rows::{RowProblem, RowRead, Rows};

/// The longest line, in bytes.
const LONGEST: u64 = 64 * 1024;

/// The lines of a JSON Lines file (UTF-8), as items of a batch: one flat object each, with the names of the CSV
/// template (see [`CsvRows`](super::CsvRows)).
///
/// Values are strings. The amount may be a whole number; one with a fraction has to be a string, since many programs
/// round it. `null` and `""` are no value. A name that is not known is a problem of its line.
///
/// ```
/// use komopay_batches::{Columns, JsonLines, RowRead};
///
/// let file = r#"{"id": "INV-1", "amount": 250000, "currency": "IDR", "operator_code": "IDR_014",
///                "account_name": "Siti Rahmawati", "account_number": "0123456789"}"#.replace('\n', "");
/// let mut rows = JsonLines::new(file.as_bytes(), "refunds-17", Columns::default())?;
/// assert!(matches!(rows.next(), Some(Ok(RowRead::Item(item))) if item.key == "INV-1" && item.row == 1));
/// # Ok::<(), komopay_core::Error>(())
/// ```
pub struct JsonLines<R> {
    reader: BufReader<Unmarked<R>>,
    line: Vec<u8>,
    row: u64,
    batch_id: String,
    columns: Columns,
    has_ended: bool,
}

impl<R: Read> JsonLines<R> {
    /// The lines of this file.
    ///
    /// # Errors
    /// `invalid_request`, naming `batch_id` if it is none, or `input` if the file is UTF-16; `configuration`, naming
    /// `input` if the file cannot be read, or `columns` if two fields have one name.
    pub fn new(reader: R, batch_id: &str, columns: Columns) -> Result<Self> {
        check_batch_id(batch_id)?;
        for (place, field) in Field::ALL.iter().enumerate() {
            let name = columns.name(*field);
            if let Some(other) = Field::ALL.iter().skip(place + 1).find(|other| columns.name(**other) == name) {
                return Err(Error::setting("columns", format_args!("{field} and {other} are both {name}")));
            }
        }
        let reader = BufReader::new(unmarked(reader)?);
        Ok(Self { reader, line: Vec::new(), row: 0, batch_id: batch_id.to_owned(), columns, has_ended: false })
    }

    /// Reads the next line; none at the end. Of a line that is too long, its beginning.
    fn read_line(&mut self) -> Result<Option<()>> {
        self.line.clear();
        let read = (&mut self.reader).take(LONGEST + 1).read_until(b'\n', &mut self.line);
        if read.map_err(|error| unreadable(&error))? == 0 {
            return Ok(None);
        }
        self.row += 1;
        if self.is_too_long() {
            self.reader.skip_until(b'\n').map_err(|error| unreadable(&error))?;
        }
        Ok(Some(()))
    }

    fn is_too_long(&self) -> bool {
        u64::try_from(self.line.len()).unwrap_or(u64::MAX) > LONGEST && !self.line.ends_with(b"\n")
    }

    fn row(&self) -> RowRead {
        let bad = |problem: String| RowRead::Bad(vec![RowProblem { row: self.row, field: None, problem }]);
        if self.is_too_long() {
            return bad("is longer than 64 KiB".to_owned());
        }
        let Ok(line) = std::str::from_utf8(&self.line) else {
            return bad("is not UTF-8: save the file as UTF-8".to_owned());
        };
        let object = match entries(line) {
            Ok(object) => object,
            // The text of the error may quote the line.
            Err(error) => return bad(format!("is no JSON object on one line: see its column {}", error.column())),
        };
        let mut cells = Cells::new();
        let mut problems = Vec::new();
        for (name, value) in object {
            let shown = Shown(&name).to_string();
            let Some(field) = Field::ALL.iter().copied().find(|field| self.columns.name(*field) == name) else {
                let problem = "is no field of a payout: remove it, or map the field to it".to_owned();
                problems.push(RowProblem { row: self.row, field: Some(shown), problem });
                continue;
            };
            if cells.insert(field, cell(field, value)).is_some() {
                let problem = "is there twice".to_owned();
                problems.push(RowProblem { row: self.row, field: Some(shown), problem });
            }
        }
        match row::read(self.row, &self.batch_id, &self.columns, &cells) {
            RowRead::Item(item) if problems.is_empty() => RowRead::Item(item),
            RowRead::Item(_) => RowRead::Bad(problems),
            RowRead::Bad(more) => {
                problems.extend(more);
                RowRead::Bad(problems)
            }
        }
    }
}

/// The text of a value, or why it is none.
fn cell(field: Field, value: &RawValue) -> Result<Cow<'static, str>, &'static str> {
    let json = value.get();
    if json == "null" {
        return Ok(Cow::Borrowed(""));
    }
    if json.starts_with('"') {
        return serde_json::from_str::<String>(json).map(Cow::Owned).map_err(|_| "is no text in UTF-8");
    }
    if field != Field::Amount {
        return Err("must be a string");
    }
    let is_whole = json.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if is_whole {
        Ok(Cow::Owned(json.to_owned()))
    } else {
        Err("must be a string, such as \"42.05\", or a whole number")
    }
}

/// The names and values of an object, each as often as it is there.
fn entries(line: &str) -> serde_json::Result<Vec<(String, &RawValue)>> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(line);
    let entries = (&mut deserializer).deserialize_map(Entries)?;
    deserializer.end()?;
    Ok(entries)
}

impl<R: Read> Iterator for JsonLines<R> {
    type Item = Result<RowRead>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_ended {
            match self.read_line() {
                Ok(Some(())) if self.line.trim_ascii().is_empty() => {}
                Ok(Some(())) => return Some(Ok(self.row())),
                Ok(None) => break,
                Err(error) => {
                    self.has_ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.has_ended = true;
        None
    }
}

impl<R: Read + Send> Rows for JsonLines<R> {
    fn column(&self, field: Field) -> &str {
        self.columns.name(field)
    }

    fn unused_columns(&self) -> &[String] {
        &[]
    }
}

impl<R> fmt::Debug for JsonLines<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("batch_id", &self.batch_id).field("row", &self.row).finish_non_exhaustive()
    }
}
