//! The forms that a journal's tables have had: each leads from the one before it to the next.

use komopay_core::{Error, Result};

/// One step forward, as a script for each database. Applied once, in the order of the numbers, which count from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// The number of the form that the tables have after it.
    pub(crate) number: i64,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Where the number of the form stands: one row.
pub(super) const NOTE: &str = "CREATE TABLE komopay_journal (form BIGINT NOT NULL)";
/// Reads it.
pub(super) const READ: &str = "SELECT form FROM komopay_journal";
/// Notes the first.
pub(super) const FIRST: &str = "INSERT INTO komopay_journal (form) VALUES ($1)";
/// Notes a later one.
pub(super) const NEXT: &str = "UPDATE komopay_journal SET form = $1";

/// What leads from this form (0: there are no tables) to the newest.
pub(super) fn missing(form: i64, all: &'static [Migration]) -> Result<&'static [Migration]> {
    let newest = newest(all);
    if form > newest {
        return Err(Error::setting(
            "journal",
            format!("its tables have form {form}, and this version knows forms up to {newest}: use a newer version"),
        ));
    }
    let known = all.iter().take_while(|migration| migration.number <= form).count();
    Ok(all.get(known..).unwrap_or_default())
}

/// The number of the newest form.
pub(super) fn newest(all: &[Migration]) -> i64 {
    all.last().map_or(0, |migration| migration.number)
}
