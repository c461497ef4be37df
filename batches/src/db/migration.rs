//! The forms that tables have had: each leads from the one before it to the next.

use komopay_core::{Error, Result};

/// One step forward, as a script for each database. Applied once, in the order of the numbers, which count from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// The number of the form that the tables have after it.
    pub(crate) number: i64,
    pub(crate) sqlite: &'static str,
    pub(crate) postgres: &'static str,
}

/// Which tables there are to be, and what they mean.
pub(crate) struct Forms {
    /// The table in which the number of their form stands: one row.
    pub(crate) table: &'static str,
    pub(crate) migrations: &'static [Migration],
    /// Whether all is to stop where the server is another than it was, which may have forgotten something.
    pub(crate) stops_at_failover: bool,
}

impl Forms {
    pub(super) const fn of_journal(migrations: &'static [Migration]) -> Self {
        Self { table: "komopay_journal", migrations, stops_at_failover: true }
    }

    /// Makes the table.
    pub(super) fn note(&self) -> String {
        format!("CREATE TABLE {} (form BIGINT NOT NULL)", self.table)
    }

    /// Writes the number of the newest form into it, where there is none yet or an older one.
    pub(super) fn write(&self, is_first: bool) -> String {
        let table = self.table;
        if is_first {
            format!("INSERT INTO {table} (form) VALUES ($1)")
        } else {
            format!("UPDATE {table} SET form = $1")
        }
    }

    /// What leads from this form (0: there are no tables) to the newest.
    pub(super) fn missing(&self, form: i64) -> Result<&'static [Migration]> {
        let newest = self.newest();
        if form > newest {
            return Err(Error::setting(
                "journal",
                format!(
                    "its tables have form {form}, and this version knows forms up to {newest}: use a newer version"
                ),
            ));
        }
        let known = self.migrations.iter().take_while(|migration| migration.number <= form).count();
        Ok(self.migrations.get(known..).unwrap_or_default())
    }

    /// The number of the newest form.
    pub(super) fn newest(&self) -> i64 {
        self.migrations.last().map_or(0, |migration| migration.number)
    }
}
