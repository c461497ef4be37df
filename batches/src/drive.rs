//! A worker: claims chunks of a batch, sends them under their tokens, and settles those that others left.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use komopay_core::{ChunkToken, Client, Error, ErrorKind, PayoutRequest, Result};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::Instant;

use crate::answer::ItemEnd;
use crate::chunk::{Micros, SECOND, Task};
use crate::item::ItemState;
use crate::journal::{BatchRecord, Claimed, Ended, ItemRecord, Journal, Wanted};
use crate::outcome::{self, Next};
use crate::pace::Pace;
use crate::settings::BatchSettings;
use crate::steps::{Rule, Step, is_broken, reached};

/// For how long a worker may be silent between a claim and a registration, or while it settles.
const PATIENCE: Micros = 120 * SECOND;

/// For how long what could not be sent waits.
const PAUSE: Micros = 5 * SECOND;

/// When those that were accepted are read first.
const FIRST_LOOK: Micros = 3 * SECOND;

/// The most time between two looks for an item that is accepted.
const LONGEST_PAUSE: Micros = 15 * 60 * SECOND;

/// How much longer the tokens are that a proof asks for, to see that it finds what comes of it.
const BEYOND: u32 = 60;

/// How much one call may do: it ends sooner, if there is nothing to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// After that, nothing new is started. What is under way ends first.
    pub time: Duration,
}

impl Default for Budget {
    /// A minute.
    fn default() -> Self {
        Self { time: Duration::from_secs(60) }
    }
}

/// Asks a worker to end: what is under way ends first, and nothing new is started. Clones ask the same.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Asks for it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Ends when it is asked for.
    pub async fn stopped(&self) {
        let mut asked = self.0.subscribe();
        let _ = asked.wait_for(|asked| *asked).await;
    }
}

/// What the creates of one chunk tell each other.
#[derive(Default)]
struct Sending {
    /// Nothing more of it is sent for now.
    waits: AtomicBool,
    /// Its token is too long.
    shrinks: AtomicBool,
}

/// What has ended of what a worker has under way.
enum Done {
    Claimed {
        claimed: Vec<Claimed>,
        asked: usize,
    },
    /// What was to be written down with the claim still is.
    NotClaimed {
        kept: Vec<Ended>,
        error: Error,
    },
    Worked(Result<Ended>),
}

/// One worker, for one batch.
pub(crate) struct Worker {
    journal: Journal,
    client: Client,
    batch: String,
    settings: BatchSettings,
    places: Arc<Semaphore>,
    pace: Mutex<Option<Pace>>,
    stop: Stop,
    /// How many were sent, and how many of them refused.
    sent: AtomicU64,
    refused: AtomicU64,
    /// Why the batch has to pause, found by this worker.
    halt: std::sync::Mutex<Option<String>>,
    /// Nothing more is sent for now.
    waits: AtomicBool,
}

impl Worker {
    pub async fn new(journal: &Journal, client: &Client, record: &BatchRecord, stop: &Stop) -> Result<Self> {
        let settings = record.settings.clone();
        let pace = settings.requests_per_second.map(|rate| Pace::new(journal, rate, settings.concurrency));
        let worker = Self {
            journal: journal.clone(),
            client: client.clone(),
            batch: record.id.clone(),
            places: Arc::new(Semaphore::new(settings.concurrency as usize)),
            pace: Mutex::new(pace),
            stop: stop.clone(),
            halt: std::sync::Mutex::default(),
            waits: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            settings,
        };
        worker.count(&journal.tally(&record.id).await?);
        Ok(worker)
    }

    /// Takes over how many were refused so far, by whichever worker.
    fn count(&self, tally: &[(ItemState, String, u64)]) {
        let count = |refused: bool| -> u64 {
            let those = |state: &ItemState| (state.is_refused() || state.is_made()) && (!refused || state.is_refused());
            tally.iter().filter(|(state, ..)| those(state)).map(|(_, _, count)| *count).sum()
        };
        self.sent.fetch_max(count(false), Ordering::AcqRel);
        self.refused.fetch_max(count(true), Ordering::AcqRel);
    }

    /// The stop rules.
    fn check_refusals(&self) {
        let (sent, refused) = (self.sent.load(Ordering::Acquire), self.refused.load(Ordering::Acquire));
        if let Some(most) = self.settings.max_refusals.filter(|most| refused > *most) {
            self.halt(format!("{refused} items were refused, and max_refusals is {most}"));
        }
        #[expect(clippy::cast_precision_loss, reason = "a share of fewer than 2^52")]
        let share = refused as f64 / sent.max(1) as f64;
        if let Some(most) = self.settings.max_refused_share.filter(|most| sent >= 100 && share > *most) {
            self.halt(format!("{refused} of {sent} items were refused: max_refused_share is {most}"));
        }
    }

    /// Claims and works, until the time is over or nothing is due.
    ///
    /// Claims and chunks make progress together, as one set: a chunk that is not polled while it has the journal would
    /// keep the next claim from it for ever.
    pub async fn run(&self, wanted: Wanted, budget: Budget) -> Result<()> {
        let ends = Instant::now() + budget.time;
        // One chunk more than are sent at a time: its token is there when its turn comes.
        let most = if wanted == Wanted::Following { 4 } else { self.settings.concurrency as usize / 32 + 2 };
        let mut under_way: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        let (mut ended, mut is_more, mut fault) = (Vec::new(), true, None);
        let (mut chunks, mut claims) = (0, false);
        loop {
            let goes_on = fault.is_none() && !self.stop.is_stopped() && !self.is_halted() && Instant::now() < ends;
            if goes_on && is_more && !claims && chunks < most {
                let claim = self.end_and_claim(std::mem::take(&mut ended), wanted, most - chunks);
                under_way.push(Box::pin(claim));
                claims = true;
            }
            match under_way.next().await {
                Some(Done::Claimed { claimed, asked }) => {
                    claims = false;
                    is_more = claimed.len() == asked;
                    chunks += claimed.len();
                    for chunk in claimed {
                        under_way.push(Box::pin(async move { Done::Worked(self.work(chunk).await) }));
                    }
                }
                Some(Done::NotClaimed { kept, error }) => {
                    claims = false;
                    ended.extend(kept);
                    fault = Some(error);
                }
                Some(Done::Worked(worked)) => {
                    chunks -= 1;
                    is_more |= !self.waits.load(Ordering::Acquire);
                    match worked {
                        Ok(chunk) => ended.push(chunk),
                        Err(error) => fault = Some(error),
                    }
                }
                None => break,
            }
        }
        if !ended.is_empty() {
            self.end(&ended).await?;
        }
        fault.map_or(Ok(()), Err)
    }

    /// Why the batch has to pause, if this worker found that it has to.
    pub fn halted(&self) -> Option<String> {
        self.halt.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn is_halted(&self) -> bool {
        self.halted().is_some()
    }

    fn halt(&self, why: String) {
        self.halt.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(why);
    }

    /// Writes down what has ended, and claims so many chunks more.
    async fn end_and_claim(&self, ended: Vec<Ended>, wanted: Wanted, asked: usize) -> Done {
        match self.try_end_and_claim(&ended, wanted, asked).await {
            Ok(claimed) => Done::Claimed { claimed, asked },
            Err(error) => Done::NotClaimed { kept: ended, error },
        }
    }

    async fn try_end_and_claim(&self, ended: &[Ended], wanted: Wanted, room: usize) -> Result<Vec<Claimed>> {
        reached(Step::BeforeEnd);
        let mut tx = self.journal.begin().await?;
        self.journal.end_in(&mut tx, ended).await?;
        let state = self.journal.state_in(&mut tx, &self.batch).await?;
        let claimed = self.journal.claim_in(&mut tx, &self.batch, wanted.of(state), room, PATIENCE).await?;
        let tally = self.journal.tally_in(&mut tx, &self.batch).await?;
        tx.commit().await?;
        self.count(&tally);
        self.check_refusals();
        reached(Step::Ended);
        reached(Step::Claimed);
        Ok(claimed)
    }

    /// Results are written down even if the first try fails: they are true.
    async fn end(&self, ended: &[Ended]) -> Result<()> {
        reached(Step::BeforeEnd);
        let mut pause = Duration::from_millis(100);
        loop {
            match self.journal.end(ended).await {
                Err(error) if error.retryable() && pause < Duration::from_secs(10) => {
                    tracing::warn!(target: "komopay", batch = %self.batch, "results are written down again: {error}");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                result => {
                    reached(Step::Ended);
                    return result;
                }
            }
        }
    }

    async fn work(&self, chunk: Claimed) -> Result<Ended> {
        match chunk.task {
            Task::Send => self.send(chunk).await,
            Task::Settle => self.settle(chunk).await,
            Task::Follow => self.follow(chunk).await,
        }
    }

    /// The items in this state, with what they pay.
    fn requests<'a>(
        &self,
        chunk: &'a Claimed,
        state: ItemState,
        most: usize,
    ) -> Result<Vec<(&'a ItemRecord, PayoutRequest)>> {
        let items = chunk.items.iter().filter(|item| item.state == state).take(most);
        items.map(|item| Ok((item, item.request(&self.journal.keys, &self.batch)?))).collect()
    }

    /// Sends what is planned of a chunk, under one token that is written down first.
    async fn send(&self, chunk: Claimed) -> Result<Ended> {
        let items = self.requests(&chunk, ItemState::Planned, chunk.size)?;
        let nothing = |pause| ended(&chunk, Vec::new(), pause);
        if items.is_empty() {
            return Ok(nothing(FIRST_LOOK));
        }
        let tokens = match self.tokens(&items).await {
            Ok(tokens) => tokens,
            Err(error) => {
                self.token_refused(&error);
                return Ok(nothing(PAUSE));
            }
        };
        reached(Step::TokenInHand);
        match self.register(&chunk, &tokens).await {
            Ok(usable) if usable == [true] => {}
            // It is another's by now: the token is thrown away.
            Ok(_) => return Ok(nothing(PAUSE)),
            Err(error) => {
                tracing::warn!(target: "komopay", batch = %self.batch, "a token was not written down: {error}");
                self.waits.store(true, Ordering::Release);
                return Ok(nothing(PAUSE));
            }
        }
        reached(Step::Registered);
        let sending = Sending::default();
        let creates: Vec<BoxFuture<'_, Option<ItemEnd>>> = items
            .iter()
            .enumerate()
            .filter_map(|(at, (item, request))| Some((tokens.get(at).or(tokens.first())?, item, request)))
            .map(|(token, item, request)| -> BoxFuture<'_, _> { Box::pin(self.create(token, item, request, &sending)) })
            .collect();
        let ends = stream::iter(creates).buffer_unordered(self.settings.concurrency as usize);
        let ends = ends.filter_map(std::future::ready).collect().await;
        let (waits, shrinks) = (sending.waits.into_inner(), sending.shrinks.into_inner());
        if waits {
            self.waits.store(true, Ordering::Release);
        }
        let mut done = ended(&chunk, ends, if waits { PAUSE } else { FIRST_LOOK });
        if shrinks {
            if chunk.size == 1 {
                self.halt("a token for a single payout is too long for something on the way to the platform".into());
            }
            done.size = Some((chunk.size / 2).max(1));
        }
        Ok(done)
    }

    /// Writes down until when the platform takes the last of these tokens.
    async fn register(&self, chunk: &Claimed, tokens: &[ChunkToken]) -> Result<Vec<bool>> {
        let expires_at = tokens.iter().map(|token| token.expires_at().as_microsecond()).max().unwrap_or_default();
        let life = tokens.iter().map(ChunkToken::life).max().unwrap_or_default();
        let life = Micros::try_from(life.as_micros()).unwrap_or(Micros::MAX);
        if is_broken(Rule::Registration) {
            return Ok(vec![true]);
        }
        // Without the end that it was to have.
        let beyond = if is_broken(Rule::End) { life - life / Micros::from(BEYOND) } else { 0 };
        self.journal.register(&[(chunk, expires_at - beyond, life - beyond)]).await
    }

    /// Makes one payout; none of it is known where it was not sent because the worker stops.
    async fn create(
        &self,
        token: &ChunkToken,
        item: &ItemRecord,
        request: &PayoutRequest,
        sending: &Sending,
    ) -> Option<ItemEnd> {
        let _place = self.places.acquire().await.ok()?;
        let leased = self.keep_pace().await;
        if sending.waits.load(Ordering::Acquire) || self.is_halted() || self.stop.is_stopped() {
            return None;
        }
        reached(Step::BeforeSend);
        let result = self.client.create_payout_under(token, &item.payout_id, request).await;
        reached(Step::AfterSend);
        self.slow_down(leased, &result).await;
        let (end, next) = outcome::created(&item.key, result, self.settings.stop_on_low_balance);
        if end.state.is_made() || end.state.is_refused() {
            self.sent.fetch_add(1, Ordering::AcqRel);
        }
        if end.state.is_refused() {
            self.refused.fetch_add(1, Ordering::AcqRel);
            self.check_refusals();
        }
        match next {
            Next::Go => {}
            Next::Pause(why) => self.halt(why),
            Next::Wait => sending.waits.store(true, Ordering::Release),
            Next::Shrink => {
                sending.waits.store(true, Ordering::Release);
                sending.shrinks.store(true, Ordering::Release);
            }
        }
        Some(end)
    }

    /// One token for all of them, or one for each.
    async fn tokens(&self, items: &[(&ItemRecord, PayoutRequest)]) -> Result<Vec<ChunkToken>> {
        let life = self.settings.token_life() * if is_broken(Rule::End) { BEYOND } else { 1 };
        match self.settings.tokens {
            crate::settings::BatchTokens::Chunk => {
                let ids: Vec<_> = items.iter().map(|(item, _)| item.payout_id.clone()).collect();
                Ok(vec![self.client.chunk_token(&ids, life).await?])
            }
            crate::settings::BatchTokens::Payout => {
                let calls: Vec<BoxFuture<'_, Result<ChunkToken>>> = items
                    .iter()
                    .map(|(item, request)| -> BoxFuture<'_, _> {
                        Box::pin(self.client.payout_token(&item.payout_id, &request.money, life))
                    })
                    .collect();
                stream::iter(calls).buffered(8).try_collect().await
            }
        }
    }

    /// There is no token: what passes is waited for, what lasts pauses the batch.
    fn token_refused(&self, error: &Error) {
        self.waits.store(true, Ordering::Release);
        if !error.retryable() && error.kind() != ErrorKind::Closed {
            self.halt(format!("no token was issued: {error}"));
        }
    }

    /// Finds out what became of the items that are in doubt.
    async fn settle(&self, chunk: Claimed) -> Result<Ended> {
        let items = self.requests(&chunk, ItemState::InDoubt, usize::MAX)?;
        let looks: Vec<BoxFuture<'_, Option<ItemEnd>>> = items
            .iter()
            .map(|(item, request)| -> BoxFuture<'_, _> { Box::pin(self.look(&chunk, item, request)) })
            .collect();
        let ends = stream::iter(looks).buffer_unordered(32).filter_map(std::future::ready).collect().await;
        Ok(ended(&chunk, ends, PAUSE))
    }

    /// Was this item made? None, where that is not proved yet.
    async fn look(&self, chunk: &Claimed, item: &ItemRecord, request: &PayoutRequest) -> Option<ItemEnd> {
        let _place = self.places.acquire().await.ok()?;
        if self.stop.is_stopped() {
            return None;
        }
        reached(Step::BeforeLook);
        let asked = Instant::now();
        let result = self.client.find_payout(&item.payout_id, request).await;
        reached(Step::AfterLook);
        let took = Micros::try_from(asked.elapsed().as_micros()).unwrap_or(Micros::MAX);
        let (registration, before) = (chunk.registration, &item.answer);
        outcome::found(&item.key, before, result, self.journal.fence, registration, chunk.at, took)
    }

    /// Reads those that are accepted, each once or a few times.
    async fn follow(&self, chunk: Claimed) -> Result<Ended> {
        let accepted: HashMap<_, _> = chunk
            .items
            .iter()
            .filter(|item| item.state == ItemState::Accepted)
            .map(|item| (item.payout_id.clone(), item))
            .collect();
        let ids: Vec<_> = accepted.keys().cloned().collect();
        let oldest = accepted.values().map(|item| item.changed_at).min().unwrap_or(chunk.at);
        let rate = self.settings.requests_per_second.unwrap_or(komopay_core::PayoutWaits::READS_PER_SECOND.max(1000.0));
        let (mut ends, mut waits) = (Vec::new(), self.client.wait_for_payouts(&ids, Duration::from_secs(5), rate)?);
        while let Some(waited) = waits.next().await {
            let Some(item) = accepted.get(&waited.payout_id) else { continue };
            let payout = match &waited.result {
                Ok(payout) => Some(payout),
                Err(error) => error.payout(),
            };
            let Some(payout) = payout else { continue };
            let (state, answer) = outcome::seen(payout, item.answer.attempts);
            if state != item.state {
                ends.push(ItemEnd { key: item.key.clone(), state, answer, why: None });
            }
        }
        let age = chunk.at.saturating_sub(oldest);
        Ok(ended(&chunk, ends, (age / 4).clamp(PAUSE, LONGEST_PAUSE)))
    }

    /// Waits for this worker's turn in the rate that all share.
    async fn keep_pace(&self) -> Option<Micros> {
        let mut pace = self.pace.lock().await;
        match pace.as_mut() {
            Some(pace) => Some(pace.turn().await),
            None => None,
        }
    }

    /// The platform asked for less.
    async fn slow_down(&self, leased: Option<Micros>, result: &Result<komopay_core::PayoutAccepted>) {
        let attempts = match result {
            Ok(accepted) => &accepted.attempts,
            Err(error) => error.attempts(),
        };
        if let (Some(leased), true) = (leased, attempts.iter().any(|attempt| attempt.http_status == Some(429)))
            && let Err(error) = self.journal.halve_rate(leased).await
        {
            tracing::warn!(target: "komopay", batch = %self.batch, "the shared rate was not lowered: {error}");
        }
    }
}

fn ended(chunk: &Claimed, items: Vec<ItemEnd>, pause: Micros) -> Ended {
    Ended { batch: chunk.batch.clone(), number: chunk.number, epoch: chunk.epoch, items, pause, size: None }
}
