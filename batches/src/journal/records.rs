//! The rows of the journal, as values.

use komopay_core::{Error, Money, PayoutId, PayoutRequest, Result};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::damaged;
use crate::answer::{Answer, KeptMoney};
use crate::batch::BatchState;
use crate::chunk::{Chunk, ChunkState, Micros, Registration};
use crate::db::{Lock, Row, Tx};
use crate::item::ItemState;
use crate::seal::{Keys, Sealed};
use crate::settings::BatchSettings;

/// What is kept of a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeptPlan {
    /// What an approval has to answer.
    pub warnings: Vec<String>,
    /// How many items, and how much, by currency.
    pub totals: Vec<(u64, KeptMoney)>,
    pub rows_left_out: u64,
}

/// A batch as the journal has it.
#[derive(Clone, Debug)]
pub(crate) struct BatchRecord {
    pub id: String,
    pub state: BatchState,
    pub is_open: bool,
    pub settings: BatchSettings,
    pub maker: String,
    pub approver: Option<String>,
    /// What was approved.
    pub digest: Option<String>,
    /// Why it is paused.
    pub why: Option<String>,
    /// What the last plan said.
    pub plan: KeptPlan,
    /// The balances when it was started.
    pub balances: Vec<KeptMoney>,
    /// How often it was planned.
    pub generation: i64,
    pub created_at: Micros,
    pub ended_at: Option<Micros>,
}

impl BatchRecord {
    pub const COLUMNS: &str = "id, state, is_open, settings, maker, approver, digest, why, plan, generation, \
                               created_at, ended_at, balances";

    pub fn of(row: &Row) -> Result<Self> {
        let settings = row.text(3)?;
        Ok(Self {
            id: row.text(0)?,
            state: BatchState::parse(row.str(1)?).ok_or_else(|| damaged("the state of a batch"))?,
            is_open: row.int(2)? == 1,
            settings: serde_json::from_str(&settings).map_err(|_| damaged("the settings of a batch"))?,
            maker: row.text(4)?,
            approver: row.opt_text(5)?,
            digest: row.opt_text(6)?,
            why: row.opt_text(7)?,
            plan: kept(row.opt_text(8)?)?,
            generation: row.int(9)?,
            created_at: row.int(10)?,
            ended_at: row.opt_int(11)?,
            balances: kept(row.opt_text(12)?)?,
        })
    }
}

fn kept<T: DeserializeOwned + Default>(text: Option<String>) -> Result<T> {
    let kept = text.map(|text| serde_json::from_str(&text)).transpose();
    Ok(kept.map_err(|_| damaged("what is kept of a batch"))?.unwrap_or_default())
}

/// An item as the journal has it. `Debug` shows nothing of the payee: that is sealed.
#[derive(Clone, Debug)]
pub(crate) struct ItemRecord {
    pub key: String,
    pub payout_id: PayoutId,
    pub chunk: i64,
    pub line: i64,
    pub money: Money,
    pub method: String,
    pub operator: Option<String>,
    pub fingerprint: String,
    /// None, once its payee was erased.
    pub sealed: Option<Sealed>,
    pub state: ItemState,
    pub answer: Answer,
    pub why: Option<String>,
    pub replaces: Option<String>,
    pub changed_at: Micros,
}

impl ItemRecord {
    pub const COLUMNS: &str = "key, payout_id, chunk, line, amount, currency, method, operator, fingerprint, key_id, \
                               body, state, answer, why, replaces, changed_at";
    /// How many columns those are.
    pub const WIDTH: usize = 16;

    pub fn of(row: &Row) -> Result<Self> {
        let sealed = match (row.opt_text(9)?, row.opt_blob(10)?) {
            (Some(key_id), Some(bytes)) => Some(Sealed { key_id, bytes }),
            _ => None,
        };
        let answer = row.opt_str(12)?.map_or(Ok(Answer::default()), serde_json::from_str);
        Ok(Self {
            key: row.text(0)?,
            payout_id: PayoutId::new(row.text(1)?).map_err(|_| damaged("a payout id"))?,
            chunk: row.int(2)?,
            line: row.int(3)?,
            money: Money::restore(row.str(4)?, row.str(5)?).map_err(|_| damaged("an amount"))?,
            method: row.text(6)?,
            operator: row.opt_text(7)?,
            fingerprint: row.text(8)?,
            sealed,
            state: ItemState::parse(row.str(11)?).ok_or_else(|| damaged("the state of an item"))?,
            answer: answer.map_err(|_| damaged("the answer to an item"))?,
            why: row.opt_text(13)?,
            replaces: row.opt_text(14)?,
            changed_at: row.int(15)?,
        })
    }

    /// What is to be paid: opened, and seen to be what was planned.
    pub fn request(&self, keys: &Keys, batch: &str) -> Result<PayoutRequest> {
        let Some(sealed) = &self.sealed else {
            return Err(Error::internal(format!("the payee of item {} was erased", self.key)));
        };
        let bound_to = [batch, &self.key, self.payout_id.as_str(), &self.fingerprint];
        let request = PayoutRequest::from_json(keys.open(sealed, &bound_to)?.expose_secret())?;
        // The seal holds only for this fingerprint.
        if request.money != self.money {
            return Err(damaged("what an item pays is not what was planned"));
        }
        Ok(request)
    }
}

pub(super) const CHUNK_COLUMNS: &str = "number, state, epoch, due_at, expires_at, life, registered_at";

pub(super) fn chunk_of(row: &Row) -> Result<(i64, Chunk)> {
    let registration = match (row.opt_int(4)?, row.opt_int(5)?, row.opt_int(6)?) {
        (Some(expires_at), Some(life), Some(at)) => Some(Registration { expires_at, life, at }),
        _ => None,
    };
    let state = ChunkState::parse(row.str(1)?).ok_or_else(|| damaged("the state of a chunk"))?;
    Ok((row.int(0)?, Chunk { state, epoch: row.int(2)?, due_at: row.int(3)?, registration }))
}

/// How many rows are read at a time.
pub(super) const PAGE: i64 = 2048;

pub(super) fn no_batch() -> Error {
    Error::invalid("batch_id", "no such batch is in this journal")
}

/// The batch's row, which nobody else changes until this transaction ends.
pub(super) async fn locked_batch(tx: &mut Tx, batch: &str) -> Result<BatchRecord> {
    let one = format!("SELECT {} FROM batch WHERE id = $1", BatchRecord::COLUMNS);
    let rows = tx.query_locking(&one, &[batch.into()], Lock::Update).await?;
    match rows.first() {
        Some(row) => BatchRecord::of(row),
        None => Err(no_batch()),
    }
}
