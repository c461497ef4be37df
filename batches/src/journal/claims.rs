//! What workers write down: claims, registrations, results.

use std::collections::{BTreeMap, BTreeSet};

use komopay_core::Result;

use super::Journal;
use super::records::{CHUNK_COLUMNS, ItemRecord, chunk_of};
use crate::answer::{Answer, ItemEnd};
use crate::attention::Attention;
use crate::batch::BatchState;
use crate::chunk::{Chunk, ChunkState, Left, Micros, Registration, Task};
use crate::db::{Lock, Tx, Value};
use crate::item::ItemState;

/// A chunk that this worker has now.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub number: i64,
    pub epoch: i64,
    pub task: Task,
    /// The last token of the chunk: what a read has to be later than.
    pub registration: Option<Registration>,
    /// When it was claimed, by the database's clock.
    pub at: Micros,
    /// How many of them one token covers.
    pub size: usize,
    pub items: Vec<ItemRecord>,
}

/// What a worker did with a chunk.
#[derive(Debug)]
pub(crate) struct Ended {
    pub number: i64,
    pub epoch: i64,
    /// What was found out. What is not among them stays as it is.
    pub items: Vec<ItemEnd>,
    /// For how long what is left waits.
    pub pause: Micros,
    /// How many items one token covers from now on, if that has changed.
    pub size: Option<usize>,
}

/// The tokens of a chunk that are in hand, to be written down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRegistration {
    pub number: i64,
    pub epoch: i64,
    /// When the platform stops taking the last of them, by the platform's clock.
    pub expires_at: Micros,
    /// For how long the platform takes them.
    pub life: Micros,
}

/// What came of a turn at the journal.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Of each token, in their order, whether it may be used: if not, its chunk is another's by now.
    pub usable: Vec<bool>,
    pub claimed: Vec<Claimed>,
    /// How many items are in which state, by currency.
    pub tally: Vec<(ItemState, String, u64)>,
}

/// How many items came to a state, or left it, by state and currency.
#[derive(Debug, Default)]
pub(super) struct Deltas(BTreeMap<(ItemState, String), i64>);

impl Deltas {
    pub fn add(&mut self, state: ItemState, currency: &str, count: i64) {
        *self.0.entry((state, currency.to_owned())).or_default() += count;
    }

    pub fn moved(&mut self, from: ItemState, to: ItemState, currency: &str) {
        self.add(from, currency, -1);
        self.add(to, currency, 1);
    }

    /// Adds them to the tally, in one order, so that no two wait for each other.
    pub async fn write(self, tx: &mut Tx, batch: &str) -> Result<()> {
        let add = "INSERT INTO tally (batch, state, currency, count) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (batch, state, currency) DO UPDATE SET count = tally.count + excluded.count";
        let rows: Vec<Vec<Value>> = (self.0.into_iter().filter(|(_, count)| *count != 0))
            .map(|((state, currency), count)| vec![batch.into(), state.as_str().into(), currency.into(), count.into()])
            .collect();
        tx.execute_many(add, &rows).await.map(drop)
    }
}

/// What a worker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Chunks to send, and those to settle.
    Sending,
    /// Those to settle: nothing new is sent.
    Settling,
    /// Those to follow.
    Following,
}

impl Wanted {
    /// What a worker may have that asks for this, of a batch in this state.
    pub fn of(self, batch: BatchState) -> Self {
        match self {
            Self::Sending if batch != BatchState::Running => Self::Settling,
            wanted => wanted,
        }
    }

    /// In which states chunks are claimed for it, the most urgent first.
    pub const fn states(self) -> &'static [ChunkState] {
        use ChunkState::{Claimed, Following, Planned, Sending, Settling};
        match self {
            Self::Sending => &[Settling, Sending, Planned, Claimed],
            Self::Settling => &[Settling, Sending],
            Self::Following => &[Following],
        }
    }
}

impl Journal {
    /// One turn of a worker at the journal, in one transaction: writes down what has ended, then which tokens are in
    /// hand, and claims up to `room` chunks more that are due. Whoever is silent for `patience` loses them.
    ///
    /// Nothing is sent under a token before this returned.
    pub async fn turn(
        &self,
        batch: &str,
        ended: &[Ended],
        tokens: &[NewRegistration],
        wanted: Wanted,
        room: usize,
        patience: Micros,
    ) -> Result<Turn> {
        let mut tx = self.begin().await?;
        let mut deltas = Deltas::default();
        let state = state_of(&mut tx, batch).await?;
        lock_all(&mut tx, batch, ended, tokens).await?;
        for chunk in ended {
            self.end_in(&mut tx, batch, chunk, state, &mut deltas).await?;
        }
        let usable = register_in(&mut tx, batch, tokens).await?;
        let claimed = claim_in(&mut tx, batch, wanted.of(state), room, patience, &mut deltas).await?;
        deltas.write(&mut tx, batch).await?;
        let tally = self.tally_in(&mut tx, batch).await?;
        tx.commit().await?;
        Ok(Turn { usable, claimed, tally })
    }

    /// Writes down what workers found out, and gives their chunks back. To do it twice is harmless.
    pub async fn end(&self, batch: &str, ended: &[Ended]) -> Result<()> {
        self.turn(batch, ended, &[], Wanted::Settling, 0, 0).await.map(drop)
    }

    async fn end_in(
        &self,
        tx: &mut Tx,
        batch: &str,
        ended: &Ended,
        state: BatchState,
        deltas: &mut Deltas,
    ) -> Result<()> {
        let Some(mut chunk) = locked_chunk(tx, batch, ended.number).await? else { return Ok(()) };
        let ours = chunk.epoch == ended.epoch;
        let cancelled = state == BatchState::Cancelled;
        let now = tx.now().await?;
        let states = "SELECT key, state, currency FROM item WHERE batch = $1 AND chunk = $2 ORDER BY key";
        let rows = tx.query_locking(states, &[batch.into(), ended.number.into()], Lock::Update).await?;
        let found: BTreeMap<&str, &ItemEnd> = ended.items.iter().map(|item| (item.key.as_str(), item)).collect();
        let (mut left, mut updates) = (Left::default(), Vec::new());
        for row in rows {
            let (key, currency) = (row.str(0)?, row.str(2)?);
            let was = ItemState::parse(row.str(1)?).ok_or_else(|| super::damaged("the state of an item"))?;
            let found = found.get(key);
            let found = found.and_then(|item| Some((was.found(item.state, ours)?, item)));
            let state = found.map_or(was, |(state, _)| state).left(ours, cancelled);
            left.add(state);
            if state != was {
                deltas.moved(was, state, currency);
            }
            if state != was || found.is_some() {
                let item = found.map(|(state, item)| {
                    if state == item.state {
                        return (json(&item.answer), item.why.clone());
                    }
                    let attention = Some(Attention::MadeAfterAll.as_str().to_owned());
                    (json(&Answer { attention, ..item.answer.clone() }), Some(was.contradicted()))
                });
                let (answer, why) = item.unwrap_or_default();
                updates.push(vec![
                    state.as_str().into(),
                    answer.into(),
                    why.into(),
                    now.into(),
                    batch.into(),
                    key.into(),
                ]);
            }
        }
        if !ours {
            if left.accepted && chunk.follow(now) {
                write(tx, batch, ended.number, &chunk).await?;
            }
        } else if chunk.end(ended.epoch, left, now, ended.pause, self.fence) {
            write(tx, batch, ended.number, &chunk).await?;
            if let Some(size) = ended.size.and_then(|size| i64::try_from(size).ok()) {
                let shrink = "UPDATE chunk SET size = $1 WHERE batch = $2 AND number = $3";
                tx.execute(shrink, &[size.into(), batch.into(), ended.number.into()]).await?;
            }
        }
        tx.execute_many(UPDATE_ITEM, &updates).await.map(drop)
    }
}

/// Locks the chunks of a turn in the order of their numbers, as whoever locks several does: else two of them could wait
/// for each other.
async fn lock_all(tx: &mut Tx, batch: &str, ended: &[Ended], tokens: &[NewRegistration]) -> Result<()> {
    let numbers = ended.iter().map(|chunk| chunk.number).chain(tokens.iter().map(|token| token.number));
    let numbers: BTreeSet<i64> = numbers.collect();
    if numbers.len() < 2 {
        return Ok(());
    }
    let numbers: Vec<_> = numbers.iter().map(i64::to_string).collect();
    let chunks =
        format!("SELECT number FROM chunk WHERE batch = $1 AND number IN ({}) ORDER BY number", numbers.join(", "));
    tx.query_locking(&chunks, &[batch.into()], Lock::Update).await.map(drop)
}

/// The state of a batch.
async fn state_of(tx: &mut Tx, batch: &str) -> Result<BatchState> {
    let rows = tx.query("SELECT state FROM batch WHERE id = $1", &[batch.into()]).await?;
    let state = rows.first().map(|row| row.text(0)).transpose()?;
    state.as_deref().and_then(BatchState::parse).ok_or_else(|| super::damaged("the state of a batch"))
}

/// Claims up to `room` chunks that are due, the most urgent first.
async fn claim_in(
    tx: &mut Tx,
    batch: &str,
    wanted: Wanted,
    room: usize,
    patience: Micros,
    deltas: &mut Deltas,
) -> Result<Vec<Claimed>> {
    let mut claimed = Vec::new();
    if room == 0 {
        return Ok(claimed);
    }
    let now = tx.now().await?;
    let may_send = not_before(tx).await? <= now;
    for state in wanted.states() {
        if !may_send && matches!(state, ChunkState::Planned | ChunkState::Claimed) {
            continue;
        }
        let left = i64::try_from(room.saturating_sub(claimed.len())).unwrap_or(i64::MAX);
        if left == 0 {
            break;
        }
        let due = format!(
            "SELECT {CHUNK_COLUMNS}, size FROM chunk WHERE batch = $1 AND state = $2 AND due_at <= $3 \
             ORDER BY due_at, number LIMIT $4"
        );
        let values = [batch.into(), state.as_str().into(), now.into(), left.into()];
        for row in tx.query_locking(&due, &values, Lock::SkipLocked).await? {
            let (number, mut chunk) = chunk_of(&row)?;
            let was = chunk.state;
            let Some(task) = chunk.claim(now, patience) else { continue };
            write(tx, batch, number, &chunk).await?;
            if was.is_sending() {
                doubt(tx, batch, number, now, deltas).await?;
            }
            let items = items_of(tx, batch, number).await?;
            let Chunk { epoch, registration, .. } = chunk;
            let size = usize::try_from(row.int(7)?).unwrap_or(1);
            claimed.push(Claimed { number, epoch, task, registration, at: now, size, items });
        }
    }
    Ok(claimed)
}

/// Writes down these tokens, and tells of each whether it may be used once that is committed.
async fn register_in(tx: &mut Tx, batch: &str, tokens: &[NewRegistration]) -> Result<Vec<bool>> {
    let mut usable = Vec::with_capacity(tokens.len());
    for token in tokens {
        let chunk = locked_chunk(tx, batch, token.number).await?;
        // After the lock: no time passes between this and the one that is written down but that of the commit, and that
        // makes the fence end later by the worker's clock, never sooner.
        let at = tx.now().await?;
        let registration = Registration { expires_at: token.expires_at, life: token.life, at };
        let registered = chunk.and_then(|mut chunk| chunk.register(token.epoch, registration).then_some(chunk));
        if let Some(chunk) = &registered {
            write(tx, batch, token.number, chunk).await?;
        }
        usable.push(registered.is_some());
    }
    Ok(usable)
}

pub(super) const UPDATE_ITEM: &str = "UPDATE item SET state = $1, answer = COALESCE($2, answer), why = $3, \
                                      changed_at = $4 WHERE batch = $5 AND key = $6";

pub(super) fn json(answer: &Answer) -> Option<String> {
    serde_json::to_string(answer).ok()
}

/// Until when nothing is sent: after a restore, until the end of whatever may have been sent and is not written down.
pub(super) async fn not_before(tx: &mut Tx) -> Result<Micros> {
    let rows = tx.query("SELECT not_before FROM owner WHERE one = 1", &[]).await?;
    Ok(rows.first().map(|row| row.opt_int(0)).transpose()?.flatten().unwrap_or_default())
}

/// The chunk's row, which nobody else changes until this transaction ends.
pub(super) async fn locked_chunk(tx: &mut Tx, batch: &str, number: i64) -> Result<Option<Chunk>> {
    let one = format!("SELECT {CHUNK_COLUMNS} FROM chunk WHERE batch = $1 AND number = $2");
    let rows = tx.query_locking(&one, &[batch.into(), number.into()], Lock::Update).await?;
    rows.first().map(|row| chunk_of(row).map(|(_, chunk)| chunk)).transpose()
}

pub(super) async fn write(tx: &mut Tx, batch: &str, number: i64, chunk: &Chunk) -> Result<()> {
    let update = "UPDATE chunk SET state = $1, epoch = $2, due_at = $3, expires_at = $4, life = $5, \
                  registered_at = $6 WHERE batch = $7 AND number = $8";
    let registered = chunk.registration;
    let values = [
        chunk.state.as_str().into(),
        chunk.epoch.into(),
        chunk.due_at.into(),
        registered.map(|registration| registration.expires_at).into(),
        registered.map(|registration| registration.life).into(),
        registered.map(|registration| registration.at).into(),
        batch.into(),
        number.into(),
    ];
    tx.execute(update, &values).await.map(drop)
}

/// What was planned may have been on its way.
pub(super) async fn doubt(tx: &mut Tx, batch: &str, number: i64, now: Micros, deltas: &mut Deltas) -> Result<()> {
    let was = ItemState::Planned;
    let becomes = was.doubted();
    let currencies = "SELECT currency, COUNT(*) FROM item WHERE batch = $1 AND chunk = $2 AND state = $3 \
                      GROUP BY currency";
    for row in tx.query(currencies, &[batch.into(), number.into(), was.as_str().into()]).await? {
        let (currency, count) = (row.text(0)?, row.int(1)?);
        deltas.add(was, &currency, -count);
        deltas.add(becomes, &currency, count);
    }
    let update = "UPDATE item SET state = $1, changed_at = $2 WHERE batch = $3 AND chunk = $4 AND state = $5";
    let values = [becomes.as_str().into(), now.into(), batch.into(), number.into(), was.as_str().into()];
    tx.execute(update, &values).await.map(drop)
}

async fn items_of(tx: &mut Tx, batch: &str, number: i64) -> Result<Vec<ItemRecord>> {
    let columns = ItemRecord::COLUMNS;
    let all = format!("SELECT {columns} FROM item WHERE batch = $1 AND chunk = $2 ORDER BY key");
    tx.query(&all, &[batch.into(), number.into()]).await?.iter().map(ItemRecord::of).collect()
}
