//! What people decided, and how a batch went on: each with the hash of the one before.

use jiff::Timestamp;
use komopay_core::{Error, Result};
use sha2::{Digest, Sha256};

use super::Journal;
use super::damaged;
use crate::chunk::Micros;
use crate::db::{Tx, Value};

/// Something that happened to a batch: a decision of a person, or a state that it came to. There is none per item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEvent {
    /// 1, 2, 3 ... for each batch.
    pub number: u64,
    /// When, by the clock of the journal's database.
    pub at: Timestamp,
    /// Who: the name that the application gave, or `komopay` for what follows from a rule.
    pub who: String,
    /// What: `planned`, `approved`, `running`, `paused`, `cancelled`, `settled` ...
    pub what: String,
    /// Why, where that was said.
    pub why: Option<String>,
    /// Of what: an item's key, a digest, or a count.
    pub details: Option<String>,
}

/// Who decides what follows from a rule.
pub(crate) const RULE: &str = "komopay";

/// What is to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewEvent<'a> {
    pub who: &'a str,
    pub what: &'a str,
    pub why: Option<&'a str>,
    pub details: Option<&'a str>,
}

/// Writes an event down. The batch's row is locked before, so that no two have one number.
pub(super) async fn append(tx: &mut Tx, batch: &str, event: NewEvent<'_>) -> Result<()> {
    let last = "SELECT number, hash FROM event WHERE batch = $1 ORDER BY number DESC LIMIT 1";
    let (number, before) = match tx.query(last, &[batch.into()]).await?.first() {
        Some(row) => (row.int(0)? + 1, row.text(1)?),
        None => (1, String::new()),
    };
    let at = tx.now().await?;
    let hash = hash_of(&before, batch, number, at, event);
    let insert = "INSERT INTO event (batch, number, at, who, what, why, details, hash) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let NewEvent { who, what, why, details } = event;
    let values: [Value; 8] = [
        batch.into(),
        number.into(),
        at.into(),
        who.into(),
        what.into(),
        why.map(str::to_owned).into(),
        details.map(str::to_owned).into(),
        hash.into(),
    ];
    tx.execute(insert, &values).await.map(drop)
}

fn hash_of(before: &str, batch: &str, number: i64, at: Micros, event: NewEvent<'_>) -> String {
    let NewEvent { who, what, why, details } = event;
    let (number, at) = (number.to_string(), at.to_string());
    let mut hash = Sha256::new();
    for part in ["komopay-event-1", before, batch, &number, &at, who, what] {
        add(&mut hash, Some(part));
    }
    add(&mut hash, why);
    add(&mut hash, details);
    data_encoding::HEXLOWER.encode(&hash.finalize())
}

fn add(hash: &mut Sha256, part: Option<&str>) {
    match part {
        None => hash.update([0]),
        Some(part) => {
            hash.update([1]);
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
}

impl Journal {
    /// The events of a batch, if their chain is whole.
    pub async fn events(&self, batch: &str) -> Result<Vec<BatchEvent>> {
        let mut tx = self.begin().await?;
        let all = "SELECT number, at, who, what, why, details, hash FROM event WHERE batch = $1 ORDER BY number";
        let rows = tx.query(all, &[batch.into()]).await?;
        tx.commit().await?;
        let (mut events, mut before) = (Vec::with_capacity(rows.len()), String::new());
        for row in rows {
            let (number, at, who, what) = (row.int(0)?, row.int(1)?, row.text(2)?, row.text(3)?);
            let (why, details) = (row.opt_text(4)?, row.opt_text(5)?);
            let event = NewEvent { who: &who, what: &what, why: why.as_deref(), details: details.as_deref() };
            let hash = hash_of(&before, batch, number, at, event);
            if row.text(6)? != hash || usize::try_from(number).ok() != Some(events.len() + 1) {
                return Err(damaged(&format!("event {number} of batch {batch} was changed, or one before it is gone")));
            }
            before = hash;
            let at = Timestamp::from_microsecond(at).map_err(|_| damaged("the time of an event"))?;
            let number = u64::try_from(number).map_err(|_| Error::internal("an event below 1"))?;
            events.push(BatchEvent { number, at, who, what, why, details });
        }
        Ok(events)
    }
}
