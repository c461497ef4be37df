//! What goes into a statement, and the rows that come out of one: four kinds of values, in both databases.

use komopay_core::{Error, Result};

/// A value of a statement or of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Int(_) => "a number",
            Self::Text(_) => "a text",
            Self::Blob(_) => "bytes",
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row of an answer. Each column is read once, as what it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Row(Vec<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The number in this column, from 0 on. A truth value of PostgreSQL is 0 or 1, as it is in SQLite.
    pub(crate) fn int(&self, column: usize) -> Result<i64> {
        self.opt_int(column)?.ok_or_else(|| self.damaged(column, "a number"))
    }

    /// The text in this column.
    pub(crate) fn text(&self, column: usize) -> Result<String> {
        self.str(column).map(str::to_owned)
    }

    /// The number in this column, if there is one.
    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.0.get(column) {
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.damaged(column, "a number")),
        }
    }

    /// The text in this column, borrowed.
    pub(crate) fn str(&self, column: usize) -> Result<&str> {
        self.opt_str(column)?.ok_or_else(|| self.damaged(column, "a text"))
    }

    /// The text in this column, if there is one.
    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<String>> {
        self.opt_str(column).map(|text| text.map(str::to_owned))
    }

    /// The text in this column, if there is one, borrowed.
    pub(crate) fn opt_str(&self, column: usize) -> Result<Option<&str>> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(self.damaged(column, "a text")),
        }
    }

    /// The bytes in this column, if there are any.
    pub(crate) fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>> {
        match self.0.get(column) {
            Some(Value::Blob(bytes)) => Ok(Some(bytes.clone())),
            Some(Value::Null) => Ok(None),
            _ => Err(self.damaged(column, "bytes")),
        }
    }

    /// What stands there is not repeated: it may be anybody's.
    fn damaged(&self, column: usize, expected: &str) -> Error {
        let found = self.0.get(column).map_or("no such column", Value::kind);
        Error::internal(format!("the journal is damaged: column {column} of an answer has {found}, not {expected}"))
    }
}
