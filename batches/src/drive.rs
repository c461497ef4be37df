//! A worker: claims chunks of a batch, sends them under their tokens, and settles those that others left.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, FuturesUnordered, StreamExt, TryStreamExt};
use komopay_core::{ChunkToken, Client, Error, ErrorKind, PayoutRequest, Result};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::answer::ItemEnd;
use crate::budget::{Budget, Stop};
use crate::chunk::{Micros, SECOND, Task};
use crate::item::ItemState;
use crate::journal::{BatchRecord, Claimed, Ended, ItemRecord, Journal, NewRegistration, Turn, Wanted};
use crate::outcome::{self, Next};
use crate::pace::Pace;
use crate::settings::BatchSettings;
use crate::steps::{Rule, Step, is_broken, reached};

/// For how long a worker may be silent between a claim and a registration, or while it settles.
const PATIENCE: Micros = 120 * SECOND;

/// The most chunks that a worker has, more than it sends at a time.
const AHEAD: u64 = 12;

/// What getting a token and two turns at the journal take at the most, in microseconds: so much is got ready ahead.
const HIDDEN: u64 = 100_000;

/// For how long what could not be sent waits.
const PAUSE: Micros = 5 * SECOND;

/// When those that were accepted are read first.
const FIRST_LOOK: Micros = 3 * SECOND;

/// The most time between two looks for an item that is accepted.
const LONGEST_PAUSE: Micros = 15 * 60 * SECOND;

/// How much longer the tokens are that a proof asks for, to see that it finds what comes of it.
const BEYOND: u32 = 60;

/// What the creates of one chunk tell each other.
#[derive(Default)]
struct Sending {
    /// Nothing more of it is sent for now.
    waits: AtomicBool,
    /// Its token is too long.
    shrinks: AtomicBool,
}

/// A chunk whose tokens are in hand. None of them may be used before they are written down.
struct Ready {
    chunk: Claimed,
    items: Vec<(ItemRecord, PayoutRequest)>,
    tokens: Vec<ChunkToken>,
}

impl Ready {
    /// Until when the platform takes the last of its tokens, and for how long.
    fn registration(&self) -> NewRegistration {
        let expires_at = self.tokens.iter().map(|token| token.expires_at().as_microsecond()).max().unwrap_or_default();
        let life = self.tokens.iter().map(ChunkToken::life).max().unwrap_or_default();
        let life = Micros::try_from(life.as_micros()).unwrap_or(Micros::MAX);
        // Broken on purpose, without the end that it was to have.
        let beyond = if is_broken(Rule::End) { life - life / Micros::from(BEYOND) } else { 0 };
        let Claimed { number, epoch, .. } = self.chunk;
        NewRegistration { number, epoch, expires_at: expires_at - beyond, life: life - beyond }
    }
}

/// What has ended of what a worker has under way.
enum Done {
    /// A turn at the journal, which had this to write down.
    Turn {
        ended: Vec<Ended>,
        ready: Vec<Ready>,
        room: usize,
        turn: Result<Turn>,
    },
    Ready(Ready),
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
    /// How many microseconds the last chunk took from its registration to its end.
    took: AtomicU64,
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
            took: AtomicU64::new(HIDDEN),
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

    /// How many chunks this worker has at a time: those that are sent, and as many more as keep it busy while others
    /// are claimed, get a token and are written down. The longer a chunk takes, the fewer: after a crash, what is
    /// written down waits for the end of its token, and a token that waits for its turn may end meanwhile.
    fn most_chunks(&self, wanted: Wanted) -> usize {
        if wanted == Wanted::Following {
            return 4;
        }
        let ahead = (1 + HIDDEN / self.took.load(Ordering::Acquire).max(1)).min(AHEAD);
        self.settings.concurrency as usize / 32 + usize::try_from(ahead).unwrap_or(1)
    }

    /// How many items of a chunk are sent under one token, which lives for a minute or more: what the rate lets pass of
    /// them in a quarter of that.
    fn most_items(&self, chunk: &Claimed) -> usize {
        let rate = self.settings.requests_per_second.unwrap_or(f64::MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "too many are all")]
        let passing = (rate * self.settings.token_life().as_secs_f64() / 4.0) as usize;
        chunk.size.min(passing.max(1))
    }

    /// Claims and works, until the time is over or nothing is due.
    ///
    /// The journal is met in turns, one at a time: what came together since the last one shares a commit. Turns and
    /// chunks make progress together, as one set: a chunk that is not polled would let its requests run out of time.
    pub async fn run(&self, wanted: Wanted, budget: Budget) -> Result<()> {
        // A time that no clock can tell is one without end.
        let ends = Instant::now().checked_add(budget.time);
        let mut under_way: FuturesUnordered<BoxFuture<'_, Done>> = FuturesUnordered::new();
        let (mut ended, mut ready, mut is_more, mut fault) = (Vec::new(), Vec::new(), true, None);
        let (mut chunks, mut has_turn) = (0, false);
        let is_over = || ends.is_some_and(|ends| Instant::now() >= ends);
        loop {
            let goes_on = fault.is_none() && !self.stop.is_stopped() && !self.is_halted() && !is_over();
            if !goes_on {
                chunks -= ready.len();
                ended.extend(ready.drain(..).map(|Ready { chunk, .. }| given_back(&chunk, Vec::new(), 0)));
            }
            let room = if goes_on && is_more { self.most_chunks(wanted).saturating_sub(chunks) } else { 0 };
            if fault.is_none() && !has_turn && (room > 0 || !ended.is_empty() || !ready.is_empty()) {
                under_way.push(Box::pin(self.turn(
                    std::mem::take(&mut ended),
                    std::mem::take(&mut ready),
                    wanted,
                    room,
                )));
                has_turn = true;
            }
            match under_way.next().await {
                Some(Done::Turn { ready, room, turn: Ok(Turn { usable, claimed, .. }), .. }) => {
                    has_turn = false;
                    is_more = claimed.len() == room && (room > 0 || is_more);
                    for (ready, is_usable) in ready.into_iter().zip(usable) {
                        under_way.push(Box::pin(async move { self.send(ready, is_usable).await }));
                    }
                    chunks += claimed.len();
                    for chunk in claimed {
                        under_way.push(Box::pin(self.work(chunk)));
                    }
                }
                // What ended is kept. Of what was not registered, nothing is sent.
                Some(Done::Turn { ended: kept, ready, turn: Err(error), .. }) => {
                    has_turn = false;
                    chunks -= ready.len();
                    ended.extend(kept);
                    ended.extend(ready.iter().map(|ready| given_back(&ready.chunk, Vec::new(), PAUSE)));
                    fault = Some(error);
                }
                Some(Done::Ready(chunk)) => ready.push(chunk),
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

    /// Writes down what has ended and which tokens are in hand, and claims so many chunks more.
    async fn turn(&self, ended: Vec<Ended>, ready: Vec<Ready>, wanted: Wanted, room: usize) -> Done {
        reached(Step::BeforeEnd);
        let tokens =
            if is_broken(Rule::Registration) { Vec::new() } else { ready.iter().map(Ready::registration).collect() };
        let (journal, batch) = (self.journal.clone(), self.batch.clone());
        // On a thread of its own: the requests that are under way do not wait for it.
        let turn = tokio::spawn(async move {
            let turn = journal.turn(&batch, &ended, &tokens, wanted, room, PATIENCE).await;
            (ended, turn)
        });
        let (ended, mut turn) = match turn.await {
            Ok(turn) => turn,
            Err(error) => (Vec::new(), Err(Error::internal(format!("a turn at the journal: {error}")))),
        };
        if let Ok(turn) = &mut turn {
            if is_broken(Rule::Registration) {
                turn.usable = vec![true; ready.len()];
            }
            self.count(&turn.tally);
            self.check_refusals();
            reached(Step::Ended);
            reached(Step::Claimed);
        }
        Done::Turn { ended, ready, room, turn }
    }

    /// Results are written down even if the first try fails: they are true.
    async fn end(&self, ended: &[Ended]) -> Result<()> {
        reached(Step::BeforeEnd);
        let mut pause = Duration::from_millis(100);
        loop {
            match self.journal.end(&self.batch, ended).await {
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

    async fn work(&self, chunk: Claimed) -> Done {
        match chunk.task {
            Task::Send => self.prepare(chunk).await.unwrap_or_else(|error| Done::Worked(Err(error))),
            Task::Settle => Done::Worked(self.settle(chunk).await),
            Task::Follow => Done::Worked(self.follow(chunk).await),
        }
    }

    /// The items in this state, with what they pay.
    async fn requests(
        &self,
        chunk: &mut Claimed,
        state: ItemState,
        most: usize,
    ) -> Result<Vec<(ItemRecord, PayoutRequest)>> {
        let (items, keys, batch) = (std::mem::take(&mut chunk.items), self.journal.keys.clone(), self.batch.clone());
        let opened = tokio::spawn(async move {
            let items = items.into_iter().filter(|item| item.state == state).take(most);
            items.map(|item| item.request(&keys, &batch).map(|request| (item, request))).collect()
        });
        opened.await.unwrap_or_else(|error| Err(Error::internal(format!("the items of a chunk: {error}"))))
    }

    /// Gets tokens for what is planned of a chunk.
    async fn prepare(&self, mut chunk: Claimed) -> Result<Done> {
        let most = self.most_items(&chunk);
        let items = self.requests(&mut chunk, ItemState::Planned, most).await?;
        if items.is_empty() {
            return Ok(Done::Worked(Ok(given_back(&chunk, Vec::new(), FIRST_LOOK))));
        }
        match self.tokens(&items).await {
            Ok(tokens) => {
                reached(Step::TokenInHand);
                Ok(Done::Ready(Ready { chunk, items, tokens }))
            }
            Err(error) => {
                self.token_refused(&error);
                Ok(Done::Worked(Ok(given_back(&chunk, Vec::new(), PAUSE))))
            }
        }
    }

    /// Sends what is planned of a chunk under its tokens, which are written down by now: `is_usable`. If not, the chunk
    /// is another's, and they are thrown away.
    async fn send(&self, Ready { chunk, items, tokens }: Ready, is_usable: bool) -> Done {
        if !is_usable {
            return Done::Worked(Ok(given_back(&chunk, Vec::new(), PAUSE)));
        }
        reached(Step::Registered);
        let (sending, begun) = (Sending::default(), Instant::now());
        let creates: Vec<BoxFuture<'_, Option<ItemEnd>>> = items
            .iter()
            .enumerate()
            .filter_map(|(at, (item, request))| Some((tokens.get(at).or(tokens.first())?, item, request)))
            .map(|(token, item, request)| -> BoxFuture<'_, _> { Box::pin(self.create(token, item, request, &sending)) })
            .collect();
        let ends = stream::iter(creates).buffer_unordered(self.settings.concurrency as usize);
        let ends = ends.filter_map(std::future::ready).collect().await;
        self.took.store(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Release);
        let (waits, shrinks) = (sending.waits.into_inner(), sending.shrinks.into_inner());
        if waits {
            self.waits.store(true, Ordering::Release);
        }
        let mut done = given_back(&chunk, ends, if waits { PAUSE } else { FIRST_LOOK });
        if shrinks {
            if chunk.size == 1 {
                self.halt("a token for a single payout is too long for something on the way to the platform".into());
            }
            done.size = Some((chunk.size / 2).max(1));
        }
        Done::Worked(Ok(done))
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
    async fn tokens(&self, items: &[(ItemRecord, PayoutRequest)]) -> Result<Vec<ChunkToken>> {
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
    async fn settle(&self, mut chunk: Claimed) -> Result<Ended> {
        let items = self.requests(&mut chunk, ItemState::InDoubt, usize::MAX).await?;
        let looks: Vec<BoxFuture<'_, Option<ItemEnd>>> = items
            .iter()
            .map(|(item, request)| -> BoxFuture<'_, _> { Box::pin(self.look(&chunk, item, request)) })
            .collect();
        let ends = stream::iter(looks).buffer_unordered(32).filter_map(std::future::ready).collect().await;
        Ok(given_back(&chunk, ends, PAUSE))
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
        Ok(given_back(&chunk, ends, (age / 4).clamp(PAUSE, LONGEST_PAUSE)))
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

fn given_back(chunk: &Claimed, items: Vec<ItemEnd>, pause: Micros) -> Ended {
    Ended { number: chunk.number, epoch: chunk.epoch, items, pause, size: None }
}
