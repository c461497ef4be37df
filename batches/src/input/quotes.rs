//! The quotation marks of a CSV file, seen on its way to the reader: strictly, since a lost one makes one row of two.
//!
//! The reader takes every file for one. `"Siti,1000` swallows all that comes before the next quotation mark, perhaps
//! the whole next row, whose payout would then be missing without a word.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

/// The longest row, in bytes.
const LONGEST_ROW: usize = 64 * 1024;

const QUOTE: u8 = b'"';

/// Passes on what it reads, and fails where that is not as RFC 4180 has it.
pub(super) struct Quotes<R> {
    inner: R,
    delimiter: u8,
    place: Place,
    line: u64,
    after_return: bool,
    /// How much of the row was read, and where it began.
    length: usize,
    began: u64,
    /// Where the rows began that were read and not asked for.
    rows: VecDeque<u64>,
}

#[derive(Clone, Copy)]
enum Place {
    /// Before a row.
    Between,
    /// Before the first character of a field.
    Before,
    /// In a field without quotation marks.
    Plain,
    /// Behind the quotation mark that a field begins with.
    Quoted,
    /// Behind one in a quoted field: its end, or the first of two.
    Closed,
}

impl<R> Quotes<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        let rows = VecDeque::new();
        Self { inner, delimiter, place: Place::Between, line: 1, after_return: false, length: 0, began: 1, rows }
    }

    /// The line that the next row begins in, once for each row that has come through.
    pub(super) fn next_row(&mut self) -> Option<u64> {
        self.rows.pop_front()
    }

    fn take(&mut self, byte: u8) -> Result<(), &'static str> {
        let ends = matches!(byte, b'\r' | b'\n');
        if matches!(self.place, Place::Between) && !ends {
            (self.length, self.began, self.place) = (0, self.line, Place::Before);
            self.rows.push_back(self.line);
        }
        self.place = match self.place {
            Place::Quoted if byte == QUOTE => Place::Closed,
            Place::Quoted => Place::Quoted,
            _ if ends => Place::Between,
            _ if byte == self.delimiter => Place::Before,
            Place::Before | Place::Closed if byte == QUOTE => Place::Quoted,
            Place::Plain if byte == QUOTE => return Err("a quotation mark in a field that does not begin with one"),
            Place::Closed => return Err("text behind the quotation mark that ends a field"),
            Place::Between | Place::Before | Place::Plain => Place::Plain,
        };
        // A line ends with a line feed, a carriage return, or both.
        if ends && !(byte == b'\n' && self.after_return) {
            self.line += 1;
        }
        self.after_return = byte == b'\r';
        self.length += 1;
        if self.length > LONGEST_ROW {
            return Err("more than 64 KiB: a quotation mark may be missing");
        }
        Ok(())
    }

    fn refused(&self, problem: &str) -> io::Error {
        let text = format!("is no CSV: the row that begins in line {} has {problem}", self.began);
        io::Error::new(ErrorKind::InvalidData, text)
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if read == 0 && matches!(self.place, Place::Quoted) {
            return Err(self.refused("a quotation mark that is never closed"));
        }
        for byte in buffer.iter().take(read) {
            self.take(*byte).map_err(|problem| self.refused(problem))?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use csv::{ByteRecord, ReaderBuilder};
    use proptest::prelude::*;
    use proptest::test_runner::FileFailurePersistence;

    use super::*;

    fn cases() -> ProptestConfig {
        let failure_persistence = Some(Box::new(FileFailurePersistence::Off) as _);
        ProptestConfig { cases: 512, failure_persistence, ..ProptestConfig::default() }
    }

    /// A reader that gives this much at once.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn records(reader: impl Read) -> csv::Result<Vec<Vec<String>>> {
        let mut builder = ReaderBuilder::new();
        let records = builder.has_headers(false).flexible(true).from_reader(reader).into_byte_records();
        let texts = |record: ByteRecord| record.iter().map(|cell| String::from_utf8(cell.to_vec()).unwrap()).collect();
        records.map(|record| record.map(texts)).collect()
    }

    fn written(rows: &[Vec<String>], end: &str) -> (String, Vec<u64>) {
        let (mut text, mut lines, mut line) = (String::new(), Vec::new(), 1);
        for row in rows {
            lines.push(line);
            let cells: Vec<_> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
            line += 1 + u64::try_from(row.concat().matches('\n').count()).unwrap();
            text += &cells.join(",");
            text += end;
        }
        (text, lines)
    }

    proptest! {
        #![proptest_config(cases())]

        #[test]
        fn what_passes_is_read_in_one_way_and_each_row_has_its_line(text in "[a,\"\n\r]{0,24}", piece in 1..5_usize) {
            let mut quotes = Quotes::new(Pieces(text.as_bytes(), piece), b',');
            if let Ok(rows) = records(&mut quotes) {
                prop_assert_eq!(quotes.rows.len(), rows.len(), "a line for each row that the reader sees");
                let begins_row = |line: &u64| {
                    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
                    let text = lines.split('\n').nth(usize::try_from(*line).unwrap() - 1);
                    text.is_some_and(|text| !text.is_empty())
                };
                prop_assert!(quotes.rows.iter().all(begins_row), "{:?}", quotes.rows);
                // Written anew, with quotation marks everywhere, the rows are the same: nothing was taken leniently.
                let again = written(&rows, "\n").0;
                prop_assert_eq!(records(Quotes::new(again.as_bytes(), b',')).unwrap(), rows);
            }
        }

        #[test]
        fn whatever_is_written_well_passes(
            rows in prop::collection::vec(prop::collection::vec("[a,\"\n]{0,4}", 1..4), 1..6),
            end in "\n|\r\n", piece in 1..5_usize,
        ) {
            let (text, lines) = written(&rows, &end);
            let mut quotes = Quotes::new(Pieces(text.as_bytes(), piece), b',');
            prop_assert_eq!(records(&mut quotes).unwrap(), rows);
            prop_assert_eq!(quotes.rows.into_iter().collect::<Vec<_>>(), lines);
        }

        #[test]
        fn without_one_of_its_quotation_marks_a_file_does_not_pass_as_fewer_rows(
            rows in prop::collection::vec(prop::collection::vec("[a,]{0,3}", 2), 2..5), lost: prop::sample::Index,
        ) {
            let text = written(&rows, "\n").0;
            let marks: Vec<_> = text.match_indices('"').map(|(at, _)| at).collect();
            let at = marks[lost.index(marks.len())];
            let torn = [&text[..at], &text[at + 1..]].concat();
            if let Ok(read) = records(Quotes::new(torn.as_bytes(), b',')) {
                prop_assert!(read.len() >= rows.len(), "{:?}", torn);
            }
        }
    }
}
