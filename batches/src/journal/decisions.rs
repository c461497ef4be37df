//! What people decide about a batch and its items, and what the rules say about batches.

use std::time::Duration;

use komopay_core::{Balance, Error, Payout, PayoutId, Result};

use super::claims::{Deltas, UPDATE_ITEM, doubt, json, locked_chunk, not_before, write};
use super::events::{NewEvent, append};
use super::planning::Stored;
use super::records::{BatchRecord, CHUNK_COLUMNS, ItemRecord, PAGE, chunk_of, locked_batch, no_batch};
use super::{Journal, damaged};
use crate::answer::{Answer, KeptMoney};
use crate::attention::Attention;
use crate::batch::BatchState;
use crate::chunk::{Micros, Registration, SECOND};
use crate::db::{Lock, Tx, Value};
use crate::input::{ItemDraft, derived_payout_id};
use crate::item::ItemState;
use crate::seal::Digest;

impl Journal {
    /// A batch.
    pub async fn batch(&self, batch: &str) -> Result<BatchRecord> {
        let mut tx = self.begin().await?;
        let one = format!("SELECT {} FROM batch WHERE id = $1", BatchRecord::COLUMNS);
        let rows = tx.query(&one, &[batch.into()]).await?;
        tx.commit().await?;
        rows.first().map(BatchRecord::of).ok_or_else(no_batch)?
    }

    /// The digest of all that a batch would pay, and of what it is paid by; under the key of `again`, to compare with
    /// it.
    pub async fn digest(&self, batch: &str, again: Option<&str>) -> Result<Digest> {
        let mut tx = self.begin().await?;
        let rows = tx.query("SELECT settings, is_open FROM batch WHERE id = $1", &[batch.into()]).await?;
        tx.commit().await?;
        let settings = rows.first().ok_or_else(no_batch)?.text(0)?;
        let mut digest = match again {
            Some(stored) => self.keys.digest_again(stored, batch, &settings)?,
            None => self.keys.digest(batch, &settings)?,
        };
        let page = "SELECT payout_id, key, fingerprint FROM item WHERE batch = $1 AND payout_id > $2 \
                    AND replaces IS NULL ORDER BY payout_id LIMIT $3";
        // An outbox has no contents to approve.
        if rows.first().ok_or_else(no_batch)?.int(1)? == 1 {
            return Ok(digest);
        }
        let mut last = String::new();
        loop {
            let mut tx = self.begin().await?;
            let rows = tx.query(page, &[batch.into(), last.as_str().into(), PAGE.into()]).await?;
            tx.commit().await?;
            let Some(end) = rows.last() else { return Ok(digest) };
            last = end.text(0)?;
            for row in &rows {
                let id = PayoutId::new(row.text(0)?).map_err(|_| damaged("a payout id"))?;
                digest.push(&id, &row.text(1)?, &row.text(2)?)?;
            }
        }
    }

    /// Approves a batch as it stands, if it is what `digest` says.
    pub async fn approve(&self, batch: &str, by: &str, digest: &str, why: Option<&str>) -> Result<()> {
        if !Digest::is_one(digest) {
            return Err(Error::invalid("digest", "is no digest of a batch: give the one that its plan gave"));
        }
        let is_it = self.digest(batch, Some(digest)).await?.is(digest);
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        check_move(&record, BatchState::Approved)?;
        if !is_it {
            let text = "is not the digest of the batch as it stands: its contents were changed. Look at the plan again";
            return Err(Error::invalid("digest", text));
        }
        let warnings = &record.plan.warnings;
        if !warnings.is_empty() && why.is_none() {
            let text = format!("is missing: the plan has {} warnings, which an approval answers", warnings.len());
            return Err(Error::invalid("why", text));
        }
        let same = same_name(&record.maker, by);
        if record.settings.approval_by_another && same {
            let text = "is the maker of this batch, which has to be approved by another (approval_by_another)";
            return Err(Error::invalid("approver", text));
        }
        let update = "UPDATE batch SET state = 'approved', approver = $1, digest = $2 WHERE id = $3";
        tx.execute(update, &[by.into(), digest.into(), batch.into()]).await?;
        append(&mut tx, batch, NewEvent { who: by, what: "approved", why, details: Some(digest) }).await?;
        tx.commit().await
    }

    /// Starts a batch, or goes on with one that is paused.
    pub async fn start(&self, batch: &str, by: &str, why: Option<&str>, balances: &[Balance]) -> Result<()> {
        let record = self.batch(batch).await?;
        if record.state == BatchState::Approved {
            let stored = record.digest.as_deref().ok_or_else(|| damaged("an approval without a digest"))?;
            if !self.digest(batch, Some(stored)).await?.is(stored) {
                let text = "its contents are not what was approved; plan it again, and have it approved again";
                return Err(Error::invalid("batch_id", text));
            }
        }
        let mut tx = self.begin().await?;
        let now = locked_batch(&mut tx, batch).await?;
        check_move(&now, BatchState::Running)?;
        if now.state == BatchState::Approved && (now.digest != record.digest || now.generation != record.generation) {
            return Err(Error::invalid("batch_id", "was planned again just now; look at it again"));
        }
        if now.state == BatchState::Approved {
            let balances: Vec<KeptMoney> = balances.iter().map(|balance| KeptMoney::of(&balance.balance)).collect();
            let balances = serde_json::to_string(&balances).map_err(|_| Error::internal("amounts are JSON"))?;
            tx.execute("UPDATE batch SET balances = $1 WHERE id = $2", &[balances.into(), batch.into()]).await?;
        }
        tx.execute("UPDATE batch SET state = 'running', why = NULL WHERE id = $1", &[batch.into()]).await?;
        append(&mut tx, batch, NewEvent { who: by, what: "running", why, details: None }).await?;
        tx.commit().await
    }

    /// Pauses a batch; false, if it does not run any more.
    pub async fn pause(&self, batch: &str, by: &str, why: &str) -> Result<bool> {
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        let runs = record.state == BatchState::Running;
        if runs {
            let update = "UPDATE batch SET state = 'paused', why = $1 WHERE id = $2";
            tx.execute(update, &[why.into(), batch.into()]).await?;
            append(&mut tx, batch, NewEvent { who: by, what: "paused", why: Some(why), details: None }).await?;
        }
        tx.commit().await?;
        Ok(runs)
    }

    /// Cancels what was not sent. What was is followed to its end.
    pub async fn cancel(&self, batch: &str, by: &str, why: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        check_move(&record, BatchState::Cancelled)?;
        let update = "UPDATE batch SET state = 'cancelled', why = $1 WHERE id = $2";
        tx.execute(update, &[why.into(), batch.into()]).await?;
        let cancelled = cancel_unsent(&mut tx, batch).await?;
        let details = format!("{cancelled} items");
        let event = NewEvent { who: by, what: "cancelled", why: Some(why), details: Some(&details) };
        append(&mut tx, batch, event).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    /// Brings a batch to the state that its chunks are in: all sent, or all final.
    pub async fn advance(&self, batch: &str) -> Result<BatchState> {
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        let goes_on = matches!(record.state, BatchState::Running | BatchState::Following) && !record.is_open;
        if !goes_on && record.state != BatchState::Cancelled {
            tx.commit().await?;
            return Ok(record.state);
        }
        if record.state == BatchState::Cancelled {
            // What a worker gave back while the batch was being cancelled.
            cancel_unsent(&mut tx, batch).await?;
        }
        let is_any = |states: &str| format!("SELECT 1 FROM chunk WHERE batch = $1 AND state IN ({states}) LIMIT 1");
        let unsent = is_any("'planned', 'claimed', 'sending', 'settling'");
        let unsent = !tx.query(&unsent, &[batch.into()]).await?.is_empty();
        let followed = !tx.query(&is_any("'following'"), &[batch.into()]).await?.is_empty();
        let persons = "SELECT 1 FROM tally WHERE batch = $1 AND state = 'needs_person' AND count > 0";
        let persons = !tx.query(persons, &[batch.into()]).await?.is_empty();
        if record.state == BatchState::Cancelled {
            let open = "SELECT 1 FROM chunk WHERE batch = $1 AND state IN ('claimed', 'sending', 'settling') LIMIT 1";
            if record.ended_at.is_none() && !followed && !persons && tx.query(open, &[batch.into()]).await?.is_empty() {
                let now = tx.now().await?;
                tx.execute("UPDATE batch SET ended_at = $1 WHERE id = $2", &[now.into(), batch.into()]).await?;
            }
            tx.commit().await?;
            return Ok(record.state);
        }
        let state = match (unsent, followed || persons) {
            (true, _) => BatchState::Running,
            (false, true) => BatchState::Following,
            (false, false) => BatchState::Closed,
        };
        if state != record.state && record.state.may_become(state) {
            let now = tx.now().await?;
            let ended = (state == BatchState::Closed).then_some(now);
            let update = "UPDATE batch SET state = $1, ended_at = $2 WHERE id = $3";
            tx.execute(update, &[state.as_str().into(), ended.into(), batch.into()]).await?;
            let event = NewEvent { who: super::events::RULE, what: state.as_str(), why: None, details: None };
            append(&mut tx, batch, event).await?;
        }
        tx.commit().await?;
        Ok(state)
    }

    /// Takes what a callback or a read says about a payout of this journal. False, if it has none of this id.
    pub async fn observe(&self, payout: &Payout) -> Result<bool> {
        let mut tx = self.begin().await?;
        let sql = format!("SELECT {}, batch FROM item WHERE payout_id = $1", ItemRecord::COLUMNS);
        let rows = tx.query_locking(&sql, &[payout.payout_id.as_str().into()], Lock::Update).await?;
        let Some(row) = rows.first() else {
            tx.commit().await?;
            return Ok(false);
        };
        let (item, batch) = (ItemRecord::of(row)?, row.text(16)?);
        let (state, answer) = crate::outcome::seen(payout, item.answer.attempts);
        // What a payout says that is not this one's: its id was taken by another.
        if item.money != payout.money || item.method != payout.method_code.as_str() {
            tx.commit().await?;
            return Ok(true);
        }
        if let Some(becomes) = item.state.shown(state) {
            let contradicts = becomes != state;
            let why = contradicts.then(|| item.state.contradicted());
            let attention = contradicts.then(|| Attention::MadeAfterAll.as_str().to_owned());
            let answer = Answer { attention, ..answer };
            self.decide(&mut tx, &batch, &item, becomes, &answer, why.as_deref()).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Moves one item, and its chunk with it, if nothing is left there to do.
    async fn decide(
        &self,
        tx: &mut Tx,
        batch: &str,
        item: &ItemRecord,
        state: ItemState,
        answer: &Answer,
        why: Option<&str>,
    ) -> Result<()> {
        let now = tx.now().await?;
        let values: [Value; 6] = [
            state.as_str().into(),
            json(answer).into(),
            why.map(str::to_owned).into(),
            now.into(),
            batch.into(),
            item.key.as_str().into(),
        ];
        tx.execute(UPDATE_ITEM, &values).await?;
        let mut deltas = Deltas::default();
        deltas.moved(item.state, state, item.money.currency());
        deltas.write(tx, batch).await?;
        // Of what is planned or in doubt, the chunk is not done.
        let is_back = state == ItemState::Accepted && !matches!(item.state, ItemState::Planned | ItemState::InDoubt);
        if is_back
            && let Some(mut chunk) = locked_chunk(tx, batch, item.chunk).await?
            && chunk.follow(now)
        {
            write(tx, batch, item.chunk, &chunk).await?;
        }
        Ok(())
    }

    /// A person's decision about an item that needs one.
    pub async fn settle(&self, batch: &str, key: &str, made: bool, by: &str, why: &str) -> Result<()> {
        let mut tx = self.begin().await?;
        locked_batch(&mut tx, batch).await?;
        let item = item_of(&mut tx, batch, key).await?;
        if item.state != ItemState::NeedsPerson {
            let text = format!("is {}: only what needs a person is settled by one", item.state);
            return Err(Error::invalid("item", text));
        }
        let state = if made { ItemState::Succeeded } else { ItemState::Rejected };
        self.decide(&mut tx, batch, &item, state, &item.answer, Some(why)).await?;
        let what = if made { "settled_made" } else { "settled_not_made" };
        append(&mut tx, batch, NewEvent { who: by, what, why: Some(why), details: Some(key) }).await?;
        tx.commit().await
    }

    /// A new item that takes the place of one that ended without a payout.
    pub async fn retry(&self, batch: &str, key: &str, by: &str, why: &str) -> Result<String> {
        let mut tx = self.begin().await?;
        let record = locked_batch(&mut tx, batch).await?;
        if !matches!(
            record.state,
            BatchState::Running | BatchState::Paused | BatchState::Following | BatchState::Closed
        ) {
            return Err(Error::invalid("batch_id", format!("is {}: nothing of it can be tried again", record.state)));
        }
        let item = item_of(&mut tx, batch, key).await?;
        if !matches!(item.state, ItemState::Failed | ItemState::Refused | ItemState::Rejected) {
            return Err(Error::invalid(
                "item",
                format!("is {}: only what is final and not paid is tried again", item.state),
            ));
        }
        let replaced = "SELECT key FROM item WHERE batch = $1 AND replaces = $2";
        if let Some(row) = tx.query(replaced, &[batch.into(), key.into()]).await?.first() {
            return Err(Error::invalid("item", format!("is tried again already, as {}", row.text(0)?)));
        }
        let new = self.next_try(&mut tx, batch, &item).await?;
        let last = "SELECT COALESCE(MAX(number), 0) FROM chunk WHERE batch = $1";
        let rows = tx.query(last, &[batch.into()]).await?;
        let number = rows.first().map_or(Ok(0), |row| row.int(0))? + 1;
        let now = tx.now().await?;
        new.insert_replacing(&mut tx, batch, number, &item, record.generation, now).await?;
        let insert = "INSERT INTO chunk (batch, number, state, epoch, due_at) VALUES ($1, $2, 'planned', 0, 0)";
        tx.execute(insert, &[batch.into(), number.into()]).await?;
        let mut deltas = Deltas::default();
        deltas.add(ItemState::Planned, item.money.currency(), 1);
        deltas.write(&mut tx, batch).await?;
        append(&mut tx, batch, NewEvent { who: by, what: "retried", why: Some(why), details: Some(key) }).await?;
        if matches!(record.state, BatchState::Following | BatchState::Closed) {
            let update = "UPDATE batch SET state = 'running', ended_at = NULL WHERE id = $1";
            tx.execute(update, &[batch.into()]).await?;
        }
        tx.commit().await?;
        Ok(new.draft().key.clone())
    }

    /// The same payment as a new item: `KEY~2`, `KEY~3` and so on, with a payout id that is derived from that.
    async fn next_try(&self, tx: &mut Tx, batch: &str, item: &ItemRecord) -> Result<Stored> {
        let request = item.request(&self.keys, batch)?;
        let name = item.replaces.as_ref().and(item.key.rsplit_once('~'));
        let (first, number) = match name.and_then(|(first, number)| Some((first, number.parse::<u32>().ok()?))) {
            Some((first, number)) => (first, number.saturating_add(1)),
            None => (item.key.as_str(), 2),
        };
        let key = format!("{first}~{number}");
        let taken = "SELECT 1 FROM item WHERE batch = $1 AND key = $2";
        if !tx.query(taken, &[batch.into(), key.as_str().into()]).await?.is_empty() {
            return Err(Error::invalid("item", format!("cannot be tried again: {key} is another item of this batch")));
        }
        let payout_id = derived_payout_id(batch, &key)?;
        let row = u64::try_from(item.line).unwrap_or_default();
        Stored::of(Box::new(ItemDraft { key, payout_id, request, row }), batch, &self.keys)
    }

    /// When there is something to do again.
    pub async fn due_in(&self, record: &BatchRecord) -> Result<Option<Duration>> {
        let due = self.due_of(Some(&record.id)).await?;
        Ok(due.into_iter().next().map(|(_, due_in)| due_in))
    }

    /// The batches that there is something to do for, and when; the most urgent first.
    pub async fn due(&self) -> Result<Vec<(String, Duration)>> {
        let mut due = self.due_of(None).await?;
        due.sort_by_key(|(_, due_in)| *due_in);
        Ok(due)
    }

    async fn due_of(&self, batch: Option<&str>) -> Result<Vec<(String, Duration)>> {
        let mut tx = self.begin().await?;
        let first = format!(
            "SELECT batch.id, batch.state, batch.is_open, \
             MIN(CASE WHEN chunk.state IN ('planned', 'claimed') THEN chunk.due_at END), \
             MIN(CASE WHEN chunk.state IN ('sending', 'settling', 'following') THEN chunk.due_at END) \
             FROM batch LEFT JOIN chunk ON chunk.batch = batch.id AND chunk.state <> 'done' WHERE {} \
             GROUP BY batch.id, batch.state, batch.is_open ORDER BY batch.id",
            match batch {
                Some(_) => "batch.id = $1",
                None => "batch.state IN ('running', 'paused', 'following', 'cancelled')",
            }
        );
        let rows = tx.query(&first, &batch.map(Value::from).into_iter().collect::<Vec<_>>()).await?;
        let (now, not_before) = (tx.now().await?, not_before(&mut tx).await?);
        let mut found = Vec::new();
        for row in rows {
            let id = row.text(0)?;
            let state = BatchState::parse(&row.text(1)?).ok_or_else(|| damaged("the state of a batch"))?;
            if state.is_open_to_changes() {
                continue;
            }
            let unsent = row.opt_int(3)?.filter(|_| state == BatchState::Running).map(|due| due.max(not_before));
            // What waits in an outbox is in no chunk yet.
            let waiting = "SELECT 1 FROM outbox WHERE batch = $1 AND taken_at IS NULL LIMIT 1";
            let takes = row.int(2)? == 1 && state == BatchState::Running;
            let waits = takes && !tx.query(waiting, &[id.as_str().into()]).await?.is_empty();
            let due = unsent.into_iter().chain(row.opt_int(4)?).chain(waits.then_some(now)).min();
            let in_time =
                |due: Micros| Duration::from_micros(u64::try_from(due.saturating_sub(now)).unwrap_or_default());
            found.extend(due.map(|due| (id, in_time(due))));
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Erases the payees of batches that ended so long ago, and gives how many items that are.
    pub async fn erase_payees(&self, ended_for: Micros) -> Result<u64> {
        let mut tx = self.begin().await?;
        let before = tx.now().await?.saturating_sub(ended_for);
        let ended = "SELECT id FROM batch WHERE ended_at <= $1 AND erased_at IS NULL ORDER BY id";
        let ids = tx.query(ended, &[before.into()]).await?;
        tx.commit().await?;
        let mut erased = 0;
        for row in ids {
            let batch = row.text(0)?;
            let mut tx = self.begin().await?;
            let record = locked_batch(&mut tx, &batch).await?;
            // It may have been started again since.
            if record.ended_at.is_none_or(|ended| ended > before) {
                continue;
            }
            let erase = "UPDATE item SET body = NULL, key_id = NULL WHERE batch = $1 AND body IS NOT NULL";
            erased += tx.execute(erase, &[batch.as_str().into()]).await?;
            tx.execute("DELETE FROM payee_seen WHERE batch = $1", &[batch.as_str().into()]).await?;
            let now = tx.now().await?;
            tx.execute("UPDATE batch SET erased_at = $1 WHERE id = $2", &[now.into(), batch.as_str().into()]).await?;
            let event = NewEvent { who: super::events::RULE, what: "payees_erased", why: None, details: None };
            append(&mut tx, &batch, event).await?;
            tx.commit().await?;
        }
        Ok(erased)
    }

    /// The journal is a restored one, or a standby that took over: what was written last may be lost. All that is open
    /// is in doubt until every token that may be about has ended. Gives how many chunks that are.
    pub async fn restored(&self, by: &str, why: &str) -> Result<u64> {
        let mut tx = self.begin().await?;
        let doubted = self.restored_in(&mut tx, by, why).await?;
        tx.commit().await?;
        Ok(doubted)
    }

    pub(super) async fn restored_in(&self, tx: &mut Tx, by: &str, why: &str) -> Result<u64> {
        let now = tx.now().await?;
        let batches = "SELECT id, settings FROM batch WHERE state IN ('running', 'paused', 'following', 'cancelled') \
                       ORDER BY id";
        let (mut doubted, mut longest) = (0, SHORTEST_LIFE);
        for row in tx.query_locking(batches, &[], Lock::Update).await? {
            let (batch, mut deltas) = (row.text(0)?, Deltas::default());
            let settings: crate::settings::BatchSettings =
                serde_json::from_str(&row.text(1)?).map_err(|_| damaged("the settings of a batch"))?;
            let life = Micros::try_from(settings.token_life().as_micros()).unwrap_or(Micros::MAX);
            longest = longest.max(life);
            let open = "SELECT number FROM chunk WHERE batch = $1 \
                        AND state IN ('planned', 'claimed', 'sending', 'settling') ORDER BY number";
            for row in tx.query(open, &[batch.as_str().into()]).await? {
                let number = row.int(0)?;
                let Some(mut chunk) = locked_chunk(tx, &batch, number).await? else { continue };
                if chunk.doubt(life, now) {
                    write(tx, &batch, number, &chunk).await?;
                    doubt(tx, &batch, number, now, &mut deltas).await?;
                    doubted += 1;
                }
            }
            deltas.write(tx, &batch).await?;
            append(tx, &batch, NewEvent { who: by, what: "restored", why: Some(why), details: None }).await?;
        }
        // What was started, or tried again, in the time that is lost may be on its way, too.
        let ends = self.fence.ends(Registration { expires_at: 0, life: longest, at: now });
        tx.execute("UPDATE owner SET not_before = $1 WHERE one = 1", &[ends.into()]).await?;
        Ok(doubted)
    }
}

/// The least that a token of a chunk lives.
const SHORTEST_LIFE: Micros = 60 * SECOND;

/// Cancels what was not sent of a batch that is cancelled, and gives how many items that are.
async fn cancel_unsent(tx: &mut Tx, batch: &str) -> Result<u64> {
    let now = tx.now().await?;
    let unsent = format!(
        "SELECT {CHUNK_COLUMNS}, EXISTS (SELECT 1 FROM item WHERE item.batch = chunk.batch AND \
         item.chunk = chunk.number AND item.state = 'accepted') FROM chunk WHERE batch = $1 \
         AND state IN ('planned', 'claimed') ORDER BY number"
    );
    for row in tx.query_locking(&unsent, &[batch.into()], Lock::Update).await? {
        let (number, mut chunk) = chunk_of(&row)?;
        if chunk.cancel(row.int(7)? == 1, now) {
            write(tx, batch, number, &chunk).await?;
        }
    }
    let planned = "FROM item WHERE batch = $1 AND state = 'planned' AND EXISTS (SELECT 1 FROM chunk \
                   WHERE chunk.batch = item.batch AND chunk.number = item.chunk \
                   AND chunk.state IN ('done', 'following'))";
    let (mut deltas, mut cancelled) = (Deltas::default(), 0);
    let counts = format!("SELECT currency, COUNT(*) {planned} GROUP BY currency");
    for row in tx.query(&counts, &[batch.into()]).await? {
        let (currency, count) = (row.text(0)?, row.int(1)?);
        deltas.add(ItemState::Planned, &currency, -count);
        deltas.add(ItemState::Cancelled, &currency, count);
        cancelled += u64::try_from(count).unwrap_or_default();
    }
    let update = "UPDATE item SET state = 'cancelled', changed_at = $1 WHERE batch = $2 AND state = 'planned' \
                  AND EXISTS (SELECT 1 FROM chunk WHERE chunk.batch = item.batch AND chunk.number = item.chunk \
                  AND chunk.state IN ('done', 'following'))";
    tx.execute(update, &[now.into(), batch.into()]).await?;
    deltas.write(tx, batch).await?;
    Ok(cancelled)
}

/// Whether two names are one person's, as far as names tell.
fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn check_move(record: &BatchRecord, to: BatchState) -> Result<()> {
    if record.state.may_become(to) {
        return Ok(());
    }
    let what = match (record.state, to) {
        (BatchState::Draft, BatchState::Approved) => "has rows that are bad: mend them and plan it again, or plan it \
                                                      with only its valid rows"
            .to_owned(),
        (BatchState::Validated, BatchState::Running) => "was not approved".to_owned(),
        (state, to) => format!("is {state}, and cannot become {to}"),
    };
    Err(Error::invalid("batch_id", what))
}

async fn item_of(tx: &mut Tx, batch: &str, key: &str) -> Result<ItemRecord> {
    let one = format!("SELECT {} FROM item WHERE batch = $1 AND key = $2", ItemRecord::COLUMNS);
    let rows = tx.query_locking(&one, &[batch.into(), key.into()], Lock::Update).await?;
    let none = || Error::invalid("item", "no such item is in this batch");
    rows.first().map(ItemRecord::of).ok_or_else(none)?
}
