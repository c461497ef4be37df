//! What a command shows: one JSON document, or lines for people, on standard output; what is said meanwhile, on
//! standard error. If nobody can read it, there is nobody to tell: how a command ends does not depend on it.

use std::fmt::Display;
use std::io::Write;

use komopay_core::Error;
use serde_json::{Value, json};

use crate::data;

/// Where a command shows what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// Shows a result: this document, or these lines.
    pub fn show(self, document: &Value, lines: impl FnOnce() -> String) {
        let text = if self.json { document.to_string() } else { lines() };
        let text = text.trim_end();
        if !text.is_empty() {
            drop(writeln!(std::io::stdout().lock(), "{text}"));
        }
    }

    /// Shows an error.
    pub fn show_error(self, error: &Error) {
        if self.json {
            self.show(&json!({"error": data::error(error)}), String::new);
        } else {
            say(format_args!("komopay: {error}"));
        }
    }

    /// Says something to people, while a command runs or after it.
    pub fn note(self, text: impl Display) {
        if !self.json {
            say(text);
        }
    }
}

/// A line on standard error.
pub fn say(text: impl Display) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// A text of somebody else's, in one line: no terminal takes it for anything but text.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// Rows in columns as wide as their widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["id".to_owned(), "A-1".to_owned()], vec!["status".to_owned(), "SUCCESS".to_owned()]];
        assert_eq!(table(&rows), "id      A-1\nstatus  SUCCESS\n");
    }

    #[test]
    fn what_somebody_else_wrote_moves_no_cursor() {
        assert_eq!(plain("\u{1b}[2Jhi\n"), "\u{fffd}[2Jhi\u{fffd}");
    }
}
