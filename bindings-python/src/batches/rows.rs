//! The rows of a plan, wherever they come from.

use std::fs::File;
use std::io::{BufReader, Read};
use std::iter;
use std::path::PathBuf;
use std::vec;

use komopay_batches::{Columns, CsvRows, Field, JsonLines, Requests, RowRead, Rows};
use komopay_core::{Error, PayoutId, PayoutRequest, Result};

use super::feed::{Drafted, Fed, FedBytes, Group};

type Bytes = Box<dyn Read + Send>;

/// What the rows are written in.
#[derive(Clone, Copy)]
pub enum Format {
    /// CSV, with this between the columns.
    Csv(char),
    /// An object on each line.
    JsonLines,
    /// What a program makes.
    Requests,
}

/// Where they come from.
pub enum Origin {
    /// A file that is read by its path.
    Path(PathBuf),
    /// A thread of Python.
    Fed(Fed),
}

/// Rows that are not opened yet: that may wait for the thread which hands them over.
pub struct Unopened {
    pub format: Format,
    pub columns: Columns,
    pub origin: Origin,
}

impl Unopened {
    /// Opens them for this batch. This blocks.
    pub fn open(self, batch_id: &str) -> Result<AnyRows> {
        let Self { format, columns, origin } = self;
        let (bytes, format): (Bytes, _) = match (origin, format) {
            (Origin::Path(path), format) => {
                let opened = File::open(&path);
                let refused =
                    |error| Error::setting("input", format_args!("{} cannot be read: {error}", path.display()));
                (Box::new(BufReader::new(opened.map_err(refused)?)), format)
            }
            // What comes first tells which of both it is.
            (Origin::Fed(fed), Format::Requests) => match fed.next() {
                Some(Group::Bytes(first)) => (Box::new(FedBytes::new(first, fed)), Format::JsonLines),
                Some(Group::Requests(first)) => return AnyRows::of_requests(batch_id, first, Some(fed)),
                Some(Group::End) => return AnyRows::of_requests(batch_id, Vec::new(), None),
                None => return Err(left()),
            },
            (Origin::Fed(fed), format) => (Box::new(FedBytes::new(Vec::new(), fed)), format),
        };
        match format {
            Format::Csv(delimiter) => CsvRows::new(bytes, batch_id, columns, delimiter).map(AnyRows::Csv),
            _ => JsonLines::new(bytes, batch_id, columns).map(AnyRows::JsonLines),
        }
    }
}

/// The caller has left, or raised something: then nobody hears of this.
fn left() -> Error {
    Error::invalid("rows", "were not read to their end")
}

type Request = (String, Option<PayoutId>, PayoutRequest);

/// Rows of any kind.
pub enum AnyRows {
    Csv(CsvRows<Bytes>),
    JsonLines(JsonLines<Bytes>),
    Requests(FedRequests),
}

impl AnyRows {
    fn of_requests(batch_id: &str, first: Vec<Drafted>, fed: Option<Fed>) -> Result<Self> {
        let names = Requests::new(batch_id, iter::empty())?;
        let batch_id = batch_id.to_owned();
        Ok(Self::Requests(FedRequests { batch_id, names, group: first.into_iter(), fed, row: 0 }))
    }
}

/// Requests that are handed over.
pub struct FedRequests {
    batch_id: String,
    names: Requests<iter::Empty<Request>>,
    group: vec::IntoIter<Drafted>,
    fed: Option<Fed>,
    row: u64,
}

impl Iterator for FedRequests {
    type Item = Result<RowRead>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(drafted) = self.group.next() {
                self.row += 1;
                return Some(self.read(drafted));
            }
            match self.fed.as_ref()?.next() {
                Some(Group::Requests(group)) => self.group = group.into_iter(),
                Some(Group::End) => self.fed = None,
                Some(Group::Bytes(_)) | None => {
                    self.fed = None;
                    return Some(Err(left()));
                }
            }
        }
    }
}

impl FedRequests {
    /// One row. Rows that are no requests count, too, so each is checked by itself.
    fn read(&self, drafted: Drafted) -> Result<RowRead> {
        let row = self.row;
        let request = match drafted {
            Ok(request) => request,
            Err(problem) => return Ok(RowRead::Bad(vec![problem.of(row)])),
        };
        match Requests::new(&self.batch_id, iter::once(request))?.next() {
            Some(Ok(RowRead::Item(mut item))) => {
                item.row = row;
                Ok(RowRead::Item(item))
            }
            Some(Ok(RowRead::Bad(mut problems))) => {
                for problem in &mut problems {
                    problem.row = row;
                }
                Ok(RowRead::Bad(problems))
            }
            Some(Err(error)) => Err(error),
            None => Err(Error::internal("a request is no row")),
        }
    }
}

impl Iterator for AnyRows {
    type Item = Result<RowRead>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Csv(rows) => rows.next(),
            Self::JsonLines(rows) => rows.next(),
            Self::Requests(rows) => rows.next(),
        }
    }
}

impl Rows for AnyRows {
    fn column(&self, field: Field) -> &str {
        match self {
            Self::Csv(rows) => rows.column(field),
            Self::JsonLines(rows) => rows.column(field),
            Self::Requests(rows) => rows.names.column(field),
        }
    }

    fn unused_columns(&self) -> &[String] {
        match self {
            Self::Csv(rows) => rows.unused_columns(),
            Self::JsonLines(rows) => rows.unused_columns(),
            Self::Requests(rows) => rows.names.unused_columns(),
        }
    }
}
