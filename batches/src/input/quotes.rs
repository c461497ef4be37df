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
