//! What the journal tells: counts, items page by page, problems of rows.

use std::collections::HashMap;

use komopay_core::Result;

use super::records::{ItemRecord, PAGE};
use super::{Journal, damaged};
use crate::chunk::Micros;
use crate::db::Tx;
use crate::input::RowProblem;
use crate::item::ItemState;

/// Some items, and where the next ones begin.
#[derive(Debug)]
pub(crate) struct ItemPage {
    pub items: Vec<ItemRecord>,
    pub next: Option<Place>,
}

/// A place in the order of a batch's items.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    chunk: i64,
    key: String,
}

impl Journal {
    /// How many items are in which state, by currency.
    pub async fn tally(&self, batch: &str) -> Result<Vec<(ItemState, String, u64)>> {
        let mut tx = self.begin().await?;
        let tally = self.tally_in(&mut tx, batch).await?;
        tx.commit().await?;
        Ok(tally)
    }

    pub async fn tally_in(&self, tx: &mut Tx, batch: &str) -> Result<Vec<(ItemState, String, u64)>> {
        let all = "SELECT state, currency, count FROM tally WHERE batch = $1 AND count <> 0 ORDER BY state, currency";
        let rows = tx.query(all, &[batch.into()]).await?;
        rows.iter()
            .map(|row| {
                let state = ItemState::parse(&row.text(0)?).ok_or_else(|| damaged("the state of an item"))?;
                let count = u64::try_from(row.int(2)?).map_err(|_| damaged("a count below zero"))?;
                Ok((state, row.text(1)?, count))
            })
            .collect()
    }

    /// The items of a batch from a place on, in the order of the input.
    pub async fn items(&self, batch: &str, from: &Place) -> Result<ItemPage> {
        let mut tx = self.begin().await?;
        let columns = ItemRecord::COLUMNS;
        let page = format!(
            "SELECT {columns} FROM item WHERE batch = $1 AND (chunk > $2 OR (chunk = $2 AND key > $3)) \
             ORDER BY chunk, key LIMIT $4"
        );
        let values = [batch.into(), from.chunk.into(), from.key.as_str().into(), PAGE.into()];
        let rows = tx.query(&page, &values).await?;
        tx.commit().await?;
        let items: Vec<ItemRecord> = rows.iter().map(ItemRecord::of).collect::<Result<_>>()?;
        let is_full = i64::try_from(items.len()) == Ok(PAGE);
        let next = items.last().filter(|_| is_full).map(|last| Place { chunk: last.chunk, key: last.key.clone() });
        Ok(ItemPage { items, next })
    }

    /// Items behind a key, in the order of their keys, and of one state or of all. With each comes the key of the one
    /// that is a new try of it.
    pub async fn items_after(
        &self,
        batch: &str,
        after: &str,
        state: Option<ItemState>,
    ) -> Result<Vec<(ItemRecord, Option<String>)>> {
        let mut tx = self.begin().await?;
        let (columns, filter) = (ItemRecord::COLUMNS, if state.is_some() { "AND state = $4" } else { "" });
        let page = format!(
            "SELECT {columns}, \
             (SELECT new.key FROM item AS new WHERE new.batch = item.batch AND new.replaces = item.key) AS replaced_by \
             FROM item WHERE batch = $1 AND key > $2 {filter} ORDER BY item.key LIMIT $3"
        );
        let mut values = vec![batch.into(), after.into(), PAGE.into()];
        values.extend(state.map(|state| state.as_str().into()));
        let rows = tx.query(&page, &values).await?;
        tx.commit().await?;
        rows.iter().map(|row| Ok((ItemRecord::of(row)?, row.opt_text(ItemRecord::WIDTH)?))).collect()
    }

    /// Which items are new tries, by the key of the one that each replaces.
    pub async fn replacements(&self, batch: &str) -> Result<HashMap<String, String>> {
        let mut tx = self.begin().await?;
        let all = "SELECT replaces, key FROM item WHERE batch = $1 AND replaces IS NOT NULL";
        let rows = tx.query(all, &[batch.into()]).await?;
        tx.commit().await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    /// The time of the database.
    pub async fn now(&self) -> Result<Micros> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        tx.commit().await?;
        Ok(now)
    }

    /// What is wrong with rows of the input, from a line on.
    pub async fn problems(&self, batch: &str, after: i64) -> Result<Vec<RowProblem>> {
        let mut tx = self.begin().await?;
        let page = "SELECT line, field, text FROM problem WHERE batch = $1 AND line > $2 ORDER BY line LIMIT $3";
        let rows = tx.query(page, &[batch.into(), after.into(), PAGE.into()]).await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let number = u64::try_from(row.int(0)?).map_err(|_| damaged("the line of a problem"))?;
                Ok(RowProblem { row: number, field: row.opt_text(1)?, problem: row.text(2)? })
            })
            .collect()
    }
}
