//! The rate that all workers share: one row.

use komopay_core::Result;

use super::Journal;
use crate::chunk::{Micros, SECOND};
use crate::db::{Durability, Lock};

/// Turns in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// When it was given, by the database's clock.
    pub at: Micros,
    /// How long it is until the first turn.
    pub first_in: Micros,
    pub interval: Micros,
    pub left: i64,
}

/// For how long a rate that was halved stays so, before it grows again.
const HALVED_FOR: Micros = 10 * SECOND;

/// A rate is halved at most so often.
const FLOOR: Micros = 64;

impl Journal {
    /// Leases turns: the rest of one second's are another's. It need not survive a crash.
    pub async fn lease(&self, asked: Micros, most: i64) -> Result<Lease> {
        let mut tx = self.db.begin(Durability::Lazy).await?;
        let insert = "INSERT INTO rate (one, interval_us, next_at, halved_at) VALUES (1, $1, 0, 0) \
                      ON CONFLICT (one) DO NOTHING";
        tx.execute(insert, &[asked.into()]).await?;
        let rows = tx
            .query_locking("SELECT interval_us, next_at, halved_at FROM rate WHERE one = 1", &[], Lock::Update)
            .await?;
        let now = tx.now().await?;
        let Some(row) = rows.first() else { return Ok(Lease { at: now, first_in: 0, interval: asked, left: 1 }) };
        let (was, next_at, halved_at) = (row.int(0)?, row.int(1)?, row.int(2)?);
        // It grows back by a tenth with each lease, to what was asked for.
        let calm = now.saturating_sub(halved_at) > HALVED_FOR;
        let interval = if calm { (was - was / 10).min(was - 1).max(asked) } else { was.max(asked) };
        let first = next_at.max(now);
        let update = "UPDATE rate SET interval_us = $1, next_at = $2 WHERE one = 1";
        tx.execute(update, &[interval.into(), (first + interval * most).into()]).await?;
        tx.commit().await?;
        Ok(Lease { at: now, first_in: first - now, interval, left: most })
    }

    /// Halves the rate, unless it was since these turns were leased: ten workers that meet one limit halve it once.
    pub async fn halve_rate(&self, leased_at: Micros) -> Result<()> {
        let mut tx = self.db.begin(Durability::Lazy).await?;
        let now = tx.now().await?;
        let halve = "UPDATE rate SET interval_us = interval_us * 2, halved_at = $1 WHERE one = 1 \
                     AND halved_at < $2 AND interval_us < $3";
        tx.execute(halve, &[now.into(), leased_at.into(), (FLOOR * SECOND).into()]).await?;
        tx.commit().await
    }
}
