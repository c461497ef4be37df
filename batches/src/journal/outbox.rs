//! Intents of an outbox become items. Whoever adds one does so in a transaction of its own application, and may insert
//! only: no counter, no event, no number that comes after another.

use std::collections::BTreeMap;

use komopay_core::{ChunkToken, Error, Money, PayoutId, Result};

use super::claims::Deltas;
use super::events::{NewEvent, append};
use super::records::{BatchRecord, locked_batch, no_batch};
use super::{Journal, damaged};
use crate::batch::BatchState;
use crate::chunk::SECOND;
use crate::db::{Lock, Row, Tx};
use crate::item::ItemState;
use crate::settings::BatchSettings;

/// A row for the table `outbox`: `INSERT INTO outbox (batch, key, payout_id, currency, amount, method, operator,
/// fingerprint, key_id, body) VALUES (...) ON CONFLICT (batch, key) DO NOTHING`. The payee is sealed in `body`.
#[derive(Clone, Debug)]
pub struct OutboxRow {
    /// The outbox.
    pub batch: String,
    /// What the merchant calls it.
    pub key: String,
    /// The id that it is paid under.
    pub payout_id: PayoutId,
    /// The currency.
    pub currency: String,
    /// The amount, in major units.
    pub amount: String,
    /// The method's code.
    pub method: String,
    /// The operator's code, if there is one.
    pub operator: Option<String>,
    /// A keyed digest of the request.
    pub fingerprint: String,
    /// Which key seals the request.
    pub key_id: String,
    /// The request, sealed.
    pub body: Vec<u8>,
}

/// How many intents are taken at a time.
const TAKEN: i64 = 512;

/// What an outbox that takes intents came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// So many became items.
    Items(u64),
    /// The next one is above a ceiling: the batch pauses.
    Above(String),
}

impl Journal {
    /// Makes an outbox, or gives the one that is there other settings, which voids its approval.
    pub async fn open_outbox(&self, batch: &str, maker: &str, settings: &BatchSettings) -> Result<BatchState> {
        if self.db.is_exclusive() {
            let problem = "an outbox needs PostgreSQL: the database whose transactions intents are added in";
            return Err(Error::setting("journal", problem));
        }
        let text = serde_json::to_string(settings).map_err(|_| Error::internal("settings are JSON"))?;
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let insert = "INSERT INTO batch (id, state, is_open, settings, maker, generation, created_at) \
                      VALUES ($1, 'validated', 1, $2, $3, 0, $4) ON CONFLICT (id) DO NOTHING";
        let new = tx.execute(insert, &[batch.into(), text.as_str().into(), maker.into(), now.into()]).await?;
        let record = locked_batch(&mut tx, batch).await?;
        if !record.is_open {
            return Err(Error::invalid("batch_id", "is the id of a batch that was planned"));
        }
        let mut state = record.state;
        if new == 1 || record.settings != *settings {
            if state == BatchState::Cancelled {
                return Err(Error::invalid("batch_id", "was cancelled"));
            }
            state = BatchState::Validated;
            let update = "UPDATE batch SET settings = $1, maker = $2, state = 'validated', digest = NULL WHERE id = $3";
            tx.execute(update, &[text.into(), maker.into(), batch.into()]).await?;
            append(&mut tx, batch, NewEvent { who: maker, what: "opened", why: None, details: None }).await?;
        }
        tx.commit().await?;
        Ok(state)
    }

    /// Takes intents that are committed, whenever they were, as long as they stay below the ceilings.
    pub async fn take_intents(&self, batch: &str) -> Result<Taken> {
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        if record.state != BatchState::Running || !record.is_open {
            tx.commit().await?;
            return Ok(Taken::Items(0));
        }
        let waiting = "SELECT key, payout_id, currency, amount FROM outbox WHERE batch = $1 AND taken_at IS NULL \
                       ORDER BY added_at, key LIMIT $2";
        let rows = tx.query_locking(waiting, &[batch.into(), TAKEN.into()], Lock::SkipLocked).await?;
        let now = tx.now().await?;
        let mut room = Room::of(&mut tx, &record, now).await?;
        let last = tx.query("SELECT COALESCE(MAX(number), 0) FROM chunk WHERE batch = $1", &[batch.into()]).await?;
        let mut number = last.first().ok_or_else(no_batch)?.int(0)?;
        let (mut ids, mut taken, mut deltas, mut above) = (Vec::new(), 0, Deltas::default(), None);
        for row in &rows {
            let (key, payout_id, money) = intent(row)?;
            if let Some(why) = room.refuses(&money)? {
                above = Some(format!("payout {payout_id}: {why}"));
                break;
            }
            ids.push(payout_id);
            if ids.len() == 1 || ChunkToken::fits(&ids) < ids.len() {
                number += 1;
                ids.drain(..ids.len() - 1);
                let insert = "INSERT INTO chunk (batch, number, state, epoch, due_at) VALUES ($1, $2, 'planned', 0, 0)";
                tx.execute(insert, &[batch.into(), number.into()]).await?;
            }
            let insert = "INSERT INTO item (batch, chunk, key, payout_id, line, generation, currency, amount, method, \
                          operator, fingerprint, key_id, body, state, changed_at) \
                          SELECT batch, $1, key, payout_id, 0, 0, currency, amount, method, operator, fingerprint, \
                          key_id, body, 'planned', $2 FROM outbox WHERE batch = $3 AND key = $4 ON CONFLICT DO NOTHING";
            let values = [number.into(), now.into(), batch.into(), key.as_str().into()];
            let is_new = tx.execute(insert, &values).await? == 1;
            let update = "UPDATE outbox SET taken_at = $1 WHERE batch = $2 AND key = $3";
            tx.execute(update, &[now.into(), batch.into(), key.as_str().into()]).await?;
            if is_new {
                deltas.add(ItemState::Planned, money.currency(), 1);
                taken += 1;
            } else {
                let why = format!("the payout id of {key} is another item's: it is not paid");
                append(&mut tx, batch, NewEvent { who: super::RULE, what: "refused", why: Some(&why), details: None })
                    .await?;
            }
        }
        deltas.write(&mut tx, batch).await?;
        tx.commit().await?;
        Ok(above.filter(|_| taken == 0).map_or(Taken::Items(taken), Taken::Above))
    }
}

fn intent(row: &Row) -> Result<(String, PayoutId, Money)> {
    let id = PayoutId::new(row.text(1)?).map_err(|_| damaged("a payout id"))?;
    let money = Money::restore(&row.text(3)?, &row.text(2)?).map_err(|_| damaged("an amount"))?;
    Ok((row.text(0)?, id, money))
}

/// What may still be taken.
struct Room(BTreeMap<String, (Money, Money)>);

impl Room {
    async fn of(tx: &mut Tx, record: &BatchRecord, now: i64) -> Result<Self> {
        let mut room = BTreeMap::new();
        for ceiling in &record.settings.ceilings {
            let (item, hour) = ceiling.amounts()?;
            let taken = "SELECT CAST(COALESCE(SUM(CAST(amount AS NUMERIC)), 0) AS TEXT) FROM outbox \
                         WHERE batch = $1 AND currency = $2 AND taken_at > $3";
            let since = now.saturating_sub(3600 * SECOND);
            let values = [record.id.as_str().into(), ceiling.currency.as_str().into(), since.into()];
            let rows = tx.query(taken, &values).await?;
            let taken = rows.first().ok_or_else(no_batch)?.text(0)?;
            let taken = Money::restore(&taken, &ceiling.currency).map_err(|_| damaged("a sum"))?;
            room.insert(ceiling.currency.clone(), (item, hour.checked_sub(&taken)?));
        }
        Ok(Self(room))
    }

    /// Why this amount may not be taken; else it is counted.
    fn refuses(&mut self, money: &Money) -> Result<Option<String>> {
        let Some((item, hour)) = self.0.get_mut(money.currency()) else {
            return Ok(Some(format!("there is no ceiling for {}", money.currency())));
        };
        if money.checked_cmp(item)?.is_gt() {
            return Ok(Some(format!("{money} is above the ceiling for one payout, {item}")));
        }
        if money.checked_cmp(hour)?.is_gt() {
            return Ok(Some(format!("{money} is above what is left of this hour's ceiling, {hour}")));
        }
        *hour = hour.checked_sub(money)?;
        Ok(None)
    }
}
