//! Rows become items. Planning again is harmless: the same rows are the same items.

use komopay_core::{ChunkToken, Error, PayoutId, Result};

use super::events::{NewEvent, append};
use super::outbox::OutboxRow;
use super::records::{ItemRecord, KeptPlan, locked_batch};
use super::{Journal, damaged};
use crate::batch::BatchState;
use crate::chunk::Micros;
use crate::db::{Tx, Value};
use crate::input::{ItemDraft, RowProblem};
use crate::plan::{PlanWarning, PlanWarningKind};
use crate::seal::{Keys, Sealed};
use crate::settings::BatchSettings;

/// A row that is good, ready to be stored.
pub(crate) struct Stored {
    draft: Box<ItemDraft>,
    fingerprint: String,
    sealed: Sealed,
    payee_hashes: Vec<String>,
}

impl Stored {
    /// Seals the payee of a row.
    pub fn of(draft: Box<ItemDraft>, batch: &str, keys: &Keys) -> Result<Self> {
        let fingerprint = keys.fingerprint(&draft.request)?;
        let body = serde_json::to_vec(&draft.request).map_err(|_| Error::internal("a request is written as JSON"))?;
        let sealed = keys.seal(&body, &[batch, &draft.key, draft.payout_id.as_str(), &fingerprint])?;
        let payee_hashes = keys.payee_hashes(&draft.request)?;
        Ok(Self { draft, fingerprint, sealed, payee_hashes })
    }
}

impl Stored {
    /// The same, as a row of an outbox.
    pub fn into_outbox(self, batch: &str) -> OutboxRow {
        let Self { draft, fingerprint, sealed, payee_hashes: _ } = self;
        let ItemDraft { key, payout_id, request, row: _ } = *draft;
        OutboxRow {
            batch: batch.to_owned(),
            key,
            payout_id,
            currency: request.money.currency().to_owned(),
            amount: request.money.unambiguous_amount(),
            method: request.method.code().as_str().to_owned(),
            operator: request.method.operator_code().map(str::to_owned),
            fingerprint,
            key_id: sealed.key_id,
            body: sealed.bytes,
        }
    }

    /// The row.
    pub fn draft(&self) -> &ItemDraft {
        &self.draft
    }

    /// Stores a new try of an item, in a chunk of its own.
    pub(super) async fn insert_replacing(
        &self,
        tx: &mut Tx,
        batch: &str,
        chunk: i64,
        replaced: &ItemRecord,
        generation: i64,
        now: Micros,
    ) -> Result<()> {
        let insert = "INSERT INTO item (batch, chunk, key, payout_id, line, generation, currency, amount, method, \
                      operator, fingerprint, key_id, body, state, replaces, changed_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'planned', $14, $15) \
                      ON CONFLICT DO NOTHING";
        let mut values: Vec<Value> = vec![batch.into(), chunk.into()];
        values.extend([self.draft.key.as_str().into(), self.draft.payout_id.as_str().into()]);
        values.extend([replaced.line.into(), generation.into()]);
        values.extend(content(self));
        values.extend([replaced.key.as_str().into(), now.into()]);
        if tx.execute(insert, &values).await? == 0 {
            let text = "is already tried again: by an item of this key, or under this payout id";
            return Err(Error::invalid("item", text));
        }
        Ok(())
    }
}

/// A plan in the making.
pub(crate) struct Planning {
    journal: Journal,
    pub batch: String,
    pub state: BatchState,
    generation: i64,
    chunk: i64,
    /// The payouts of the last chunk: one token has to cover them.
    ids: Vec<PayoutId>,
    pub changes: Changes,
}

/// What a plan changed in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Changes {
    pub inserted: u64,
    pub changed: u64,
    pub removed: u64,
}

impl Changes {
    fn any(self) -> bool {
        self != Self::default()
    }
}

impl Journal {
    /// Begins to plan a batch, or to plan it again.
    pub async fn plan(&self, batch: &str, maker: &str, settings: &BatchSettings) -> Result<Planning> {
        let mut tx = self.begin().await?;
        let now = tx.now().await?;
        let settings_json = serde_json::to_string(settings).map_err(|_| Error::internal("settings are JSON"))?;
        let insert = "INSERT INTO batch (id, state, is_open, settings, maker, generation, created_at) \
                      VALUES ($1, 'draft', 0, $2, $3, 0, $4) ON CONFLICT (id) DO NOTHING";
        tx.execute(insert, &[batch.into(), settings_json.as_str().into(), maker.into(), now.into()]).await?;
        let record = locked_batch(&mut tx, batch).await?;
        if record.is_open {
            return Err(Error::invalid("batch_id", "is the id of an outbox, whose items are not planned"));
        }
        let generation = record.generation + 1;
        if record.state.is_open_to_changes() {
            let update = "UPDATE batch SET generation = $1, settings = $2, maker = $3 WHERE id = $4";
            tx.execute(update, &[generation.into(), settings_json.into(), maker.into(), batch.into()]).await?;
            tx.execute("DELETE FROM problem WHERE batch = $1", &[batch.into()]).await?;
        }
        let last = "SELECT COALESCE(MAX(chunk), 0) FROM item WHERE batch = $1";
        let rows = tx.query(last, &[batch.into()]).await?;
        let chunk = rows.first().map_or(Ok(0), |row| row.int(0))? + 1;
        tx.commit().await?;
        Ok(Planning {
            journal: self.clone(),
            batch: batch.to_owned(),
            state: record.state,
            generation,
            chunk,
            ids: Vec::new(),
            changes: Changes::default(),
        })
    }
}

impl Planning {
    /// Stores good rows, in one transaction. Gives the problems that only the journal sees. `columns` are what the
    /// input calls the key and the payout id.
    pub async fn add(&mut self, rows: &[Stored], columns: [&str; 2]) -> Result<Vec<RowProblem>> {
        let mut tx = self.journal.begin().await?;
        let changes = self.state.is_open_to_changes();
        if changes {
            let now = locked_batch(&mut tx, &self.batch).await?;
            if !now.state.is_open_to_changes() || now.generation != self.generation {
                let text = "was started, or planned by somebody else, while this plan was made";
                return Err(Error::invalid("batch_id", text));
            }
        }
        let new = if changes { self.insert(&mut tx, rows).await? } else { 0 };
        self.changes.inserted += new;
        let mut problems = Vec::new();
        // Some were there before.
        if usize::try_from(new) != Ok(rows.len()) {
            for row in rows {
                problems.extend(self.compare(&mut tx, row, columns).await?);
            }
        }
        if changes {
            self.see_payees(&mut tx, rows).await?;
        }
        tx.commit().await?;
        Ok(problems)
    }

    async fn insert(&mut self, tx: &mut Tx, rows: &[Stored]) -> Result<u64> {
        let now = tx.now().await?;
        let insert = "INSERT INTO item (batch, chunk, key, payout_id, line, generation, currency, amount, method, \
                      operator, fingerprint, key_id, body, state, changed_at) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'planned', $14) \
                      ON CONFLICT DO NOTHING";
        let mut values = Vec::with_capacity(rows.len());
        for row in rows {
            let chunk = self.chunk_for(&row.draft.payout_id);
            let mut value: Vec<Value> = vec![self.batch.as_str().into(), chunk.into()];
            value.extend([row.draft.key.as_str().into(), row.draft.payout_id.as_str().into()]);
            value.extend([line_of(row.draft.row).into(), self.generation.into()]);
            value.extend(content(row));
            value.push(now.into());
            values.push(value);
        }
        tx.execute_many(insert, &values).await
    }

    /// The chunk that has place for one more.
    fn chunk_for(&mut self, payout_id: &PayoutId) -> i64 {
        self.ids.push(payout_id.clone());
        if ChunkToken::fits(&self.ids) < self.ids.len() {
            self.chunk += 1;
            self.ids = vec![payout_id.clone()];
        }
        self.chunk
    }

    /// Compares a row with the item that is there. What was not sent may change; what was approved and started stays.
    async fn compare(&mut self, tx: &mut Tx, row: &Stored, columns: [&str; 2]) -> Result<Option<RowProblem>> {
        let [key_column, id_column] = columns;
        let key = row.draft.key.as_str();
        let changes = self.state.is_open_to_changes();
        let problem = |field: &str, problem: String| {
            Some(RowProblem { row: row.draft.row, field: Some(field.to_owned()), problem })
        };
        let known = "SELECT payout_id, fingerprint, generation, line FROM item WHERE batch = $1 AND key = $2";
        let rows = tx.query(known, &[self.batch.as_str().into(), key.into()]).await?;
        let Some(item) = rows.first() else {
            let text = "is not in the batch as it was approved: put it into another batch";
            return Ok(match self.owner_of(tx, row).await? {
                Some(owner) => problem(id_column, owner),
                None => problem(key_column, text.to_owned()),
            });
        };
        let (payout_id, fingerprint, line) = (item.text(0)?, item.text(1)?, line_of(row.draft.row));
        if changes && item.int(2)? == self.generation {
            // It is the one that was stored just now, or the file has it twice.
            let first = u64::try_from(item.int(3)?).unwrap_or_default();
            return Ok((first != row.draft.row).then(|| RowProblem::repeated(row.draft.row, key_column, first)));
        }
        let same =
            payout_id == row.draft.payout_id.as_str() && self.journal.keys.matches(&fingerprint, &row.draft.request)?;
        if !changes {
            let text = "was approved with other contents, and those stand: nothing is paid for this row as it is here";
            return Ok(if same { None } else { problem(key_column, text.to_owned()) });
        }
        if !same && let Some(owner) = self.owner_of(tx, row).await? {
            return Ok(problem(id_column, owner));
        }
        let seen = "UPDATE item SET line = $1, generation = $2 WHERE batch = $3 AND key = $4";
        tx.execute(seen, &[line.into(), self.generation.into(), self.batch.as_str().into(), key.into()]).await?;
        if !same {
            let change = "UPDATE item SET currency = $1, amount = $2, method = $3, operator = $4, fingerprint = $5, \
                          key_id = $6, body = $7, chunk = $8, payout_id = $9 WHERE batch = $10 AND key = $11";
            let mut values = content(row);
            // Its id may be longer now.
            values.push(self.chunk_for(&row.draft.payout_id).into());
            values.extend([row.draft.payout_id.as_str().into(), self.batch.as_str().into(), key.into()]);
            tx.execute(change, &values).await?;
            let unseen = "DELETE FROM payee_seen WHERE batch = $1 AND payout_id = $2";
            tx.execute(unseen, &[self.batch.as_str().into(), payout_id.into()]).await?;
            self.changes.changed += 1;
        }
        Ok(None)
    }

    /// Whose the payout id of a row is, if it is another item's.
    async fn owner_of(&self, tx: &mut Tx, row: &Stored) -> Result<Option<String>> {
        let others = "SELECT batch, key FROM item WHERE payout_id = $1 AND NOT (batch = $2 AND key = $3)";
        let (id, key) = (row.draft.payout_id.as_str(), row.draft.key.as_str());
        let rows = tx.query(others, &[id.into(), self.batch.as_str().into(), key.into()]).await?;
        let other = rows.first();
        other
            .map(|other| Ok(format!("is the payout id of item {} of batch {}", other.text(1)?, other.text(0)?)))
            .transpose()
    }

    /// Notes who is paid how much, by a keyed hash.
    async fn see_payees(&self, tx: &mut Tx, rows: &[Stored]) -> Result<()> {
        let now = tx.now().await?;
        let see = "INSERT INTO payee_seen (hash, currency, amount, at, batch, payout_id) \
                   VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        let mut values: Vec<Vec<Value>> = Vec::new();
        for row in rows {
            let money = &row.draft.request.money;
            for hash in &row.payee_hashes {
                values.push(vec![
                    hash.as_str().into(),
                    money.currency().into(),
                    money.amount().normalize().to_string().into(),
                    now.into(),
                    self.batch.as_str().into(),
                    row.draft.payout_id.as_str().into(),
                ]);
            }
        }
        tx.execute_many(see, &values).await.map(drop)
    }

    /// Keeps what is wrong with rows, for the report of them.
    pub async fn keep(&self, problems: &[RowProblem]) -> Result<()> {
        if problems.is_empty() || !self.state.is_open_to_changes() {
            return Ok(());
        }
        let mut tx = self.journal.begin().await?;
        let keep = "INSERT INTO problem (batch, line, field, text) VALUES ($1, $2, $3, $4)";
        let values: Vec<Vec<Value>> = problems
            .iter()
            .map(|problem| {
                let (field, text) = (problem.field.clone(), problem.problem.as_str());
                vec![self.batch.as_str().into(), line_of(problem.row).into(), field.into(), text.into()]
            })
            .collect();
        tx.execute_many(keep, &values).await?;
        tx.commit().await
    }

    /// The items of this batch that were paid in the same way, or are to be, in another batch within so many days.
    pub async fn paid_lately(&self, days: u32, most: usize) -> Result<Vec<PaidLately>> {
        if days == 0 {
            return Ok(Vec::new());
        }
        let mut tx = self.journal.begin().await?;
        let since = tx.now().await? - i64::from(days) * 86_400 * crate::chunk::SECOND;
        let same = "SELECT DISTINCT mine.payout_id, other.batch, other.payout_id FROM payee_seen AS mine \
                    JOIN payee_seen AS other ON other.hash = mine.hash AND other.currency = mine.currency \
                    AND other.amount = mine.amount AND other.batch <> mine.batch \
                    WHERE mine.batch = $1 AND other.at > $2 LIMIT $3";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = tx.query(same, &[self.batch.as_str().into(), since.into(), most.into()]).await?;
        tx.commit().await?;
        rows.iter()
            .map(|row| {
                let id = |at| PayoutId::new(row.text(at)?).map_err(|_| damaged("a payout id"));
                Ok(PaidLately { payout: id(0)?, batch: row.text(1)?, other: id(2)? })
            })
            .collect()
    }

    /// Ends the plan: items that are in it no more are gone, and any change voids an approval.
    pub async fn finish(mut self, valid: bool, valid_only: bool, who: &str, plan: &KeptPlan) -> Result<Finished> {
        let mut tx = self.journal.begin().await?;
        let record = locked_batch(&mut tx, &self.batch).await?;
        let batch: Value = self.batch.as_str().into();
        if !record.state.is_open_to_changes() || record.generation != self.generation {
            tx.commit().await?;
            return Ok(Finished { state: record.state, changes: self.changes });
        }
        let gone = "DELETE FROM item WHERE batch = $1 AND generation < $2";
        self.changes.removed = tx.execute(gone, &[batch.clone(), self.generation.into()]).await?;
        let unseen = "DELETE FROM payee_seen WHERE batch = $1 AND payout_id NOT IN \
                      (SELECT payout_id FROM item WHERE batch = $1)";
        if self.changes.removed > 0 || self.changes.changed > 0 {
            tx.execute(unseen, std::slice::from_ref(&batch)).await?;
        }
        for (sql, values) in [
            ("DELETE FROM chunk WHERE batch = $1", vec![batch.clone()]),
            (
                "INSERT INTO chunk (batch, number, state, epoch, due_at) \
                 SELECT DISTINCT batch, chunk, 'planned', 0, 0 FROM item WHERE batch = $1",
                vec![batch.clone()],
            ),
            ("DELETE FROM tally WHERE batch = $1", vec![batch.clone()]),
            (
                "INSERT INTO tally (batch, state, currency, count) \
                 SELECT batch, state, currency, COUNT(*) FROM item WHERE batch = $1 GROUP BY batch, state, currency",
                vec![batch.clone()],
            ),
        ] {
            tx.execute(sql, &values).await?;
        }
        let state = match record.state {
            BatchState::Approved if valid && !self.changes.any() => BatchState::Approved,
            _ if valid => BatchState::Validated,
            _ => BatchState::Draft,
        };
        let plan = serde_json::to_string(plan).map_err(|_| Error::internal("texts and numbers are JSON"))?;
        let digest = record.digest.clone().filter(|_| state == BatchState::Approved);
        let update = "UPDATE batch SET state = $1, digest = $2, plan = $3 WHERE id = $4";
        tx.execute(update, &[state.as_str().into(), digest.into(), plan.into(), batch]).await?;
        let Changes { inserted, changed, removed } = self.changes;
        let details = format!("{inserted} new, {changed} changed, {removed} removed");
        let why = valid_only.then_some("only the rows that are good are paid");
        let event = NewEvent { who, what: "planned", why, details: Some(&details) };
        append(&mut tx, &self.batch, event).await?;
        if record.state == BatchState::Approved && state != BatchState::Approved {
            let why = Some("its contents were changed");
            let event = NewEvent { who, what: "approval_void", why, details: None };
            append(&mut tx, &self.batch, event).await?;
        }
        tx.commit().await?;
        Ok(Finished { state, changes: self.changes })
    }
}

/// How a plan ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub state: BatchState,
    pub changes: Changes,
}

/// Currency, amount, method, operator, fingerprint, key and sealed request.
fn content(row: &Stored) -> Vec<Value> {
    let request = &row.draft.request;
    vec![
        request.money.currency().into(),
        request.money.unambiguous_amount().into(),
        request.method.code().as_str().into(),
        request.method.operator_code().map(str::to_owned).into(),
        row.fingerprint.as_str().into(),
        row.sealed.key_id.as_str().into(),
        row.sealed.bytes.clone().into(),
    ]
}

fn line_of(row: u64) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

/// An item whose payee gets the same amount in another batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaidLately {
    /// The payout that is planned.
    pub payout: PayoutId,
    /// The other batch.
    pub batch: String,
    /// The payout there.
    pub other: PayoutId,
}

impl PaidLately {
    /// The same as a warning.
    pub fn warning(&self) -> PlanWarning {
        let Self { payout, batch, other } = self;
        let text = format!(
            "payout {payout} has the payee and the amount of payout {other}, of batch {batch}: is it \
             meant to be paid twice?"
        );
        PlanWarning { kind: PlanWarningKind::PaidLately, text, row: None }
    }
}
