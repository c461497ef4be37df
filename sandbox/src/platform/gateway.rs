//! The gateway itself: what it holds, and when money moves.
//!
//! Everything lives in one plain [`State`] behind one lock, and money moves only in [`Gateway::execute`] and
//! [`State::end`]. Nothing waits while it holds the lock, so a create is executed whole or not at all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::callbacks::{CallbackFault, Courier, Subscriber};
use crate::clock::Clock;
use crate::faults::{Effect, Fault, Faults};
use crate::history::History;
use crate::history::calls::origin;
use crate::http::activity::Activity;
use crate::operation::Operation;
use crate::platform::channels::TakenToday;
use crate::platform::ledger::{Balance, LedgerEntry, LedgerKind, payee_hash};
use crate::platform::magic::Outcome;
use crate::platform::payout::{ChangeError, Payout, PayoutRequest};
use crate::platform::settings::Settings;
use crate::platform::token::{Claims, MoneyLock, Signer};

/// One gateway of one merchant.
pub(crate) struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) signer: Signer,
    pub(crate) activity: Activity,
    pub(crate) clock: Clock,
    pub(crate) history: History,
    /// Ends everything that still runs.
    pub(crate) abort: CancellationToken,
    state: Mutex<State>,
}

/// What changes while the gateway runs.
pub(crate) struct State {
    pub(crate) merchant_active: bool,
    pub(crate) payouts: HashMap<String, Payout>,
    /// Ids that no payout has and that may not be used again.
    pub(crate) used_up: HashSet<String>,
    pub(crate) ledger: Vec<LedgerEntry>,
    pub(crate) calls: BTreeMap<Operation, u64>,
    pub(crate) faults: Faults,
    pub(crate) taken_today: TakenToday,
    pub(crate) courier: Arc<Courier>,
    clock: Clock,
    history: History,
    accounts: BTreeMap<String, Account>,
    dice: fastrand::Rng,
    /// Moves with every reset, so that a payout from before is not settled after it.
    epoch: u64,
}

#[derive(Clone, Copy)]
struct Account {
    balance: Decimal,
    pending: Decimal,
    moved: Timestamp,
}

impl Account {
    fn balance(&self) -> Balance {
        let Self { balance, pending, .. } = *self;
        Balance { balance, available: balance - pending, pending_payout: pending }
    }
}

impl Gateway {
    pub(crate) fn new(settings: Settings) -> Self {
        let (clock, abort) = (Clock::new(), CancellationToken::new());
        let history = History::new(&clock, settings.control);
        Self {
            signer: Signer::new(settings.seed, &settings.secret),
            activity: Activity::new(),
            state: Mutex::new(State::new(&settings, &clock, &history, abort.child_token(), 0)),
            clock,
            history,
            abort,
            settings,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts all over: no payouts, ledger, faults, counts or callbacks, and the balances of the beginning.
    pub(crate) fn reset(&self) {
        let mut state = self.lock();
        state.courier.stop();
        self.history.forget();
        *state = State::new(&self.settings, &self.clock, &self.history, self.abort.child_token(), state.epoch + 1);
    }

    pub(crate) fn inject(&self, fault: Fault) {
        self.history.note(
            "switch",
            None,
            json!({"switch": "fault", "when": fault.when, "effect": fault.effect.name()}),
        );
        self.lock().faults.inject(fault, self.settings.seed);
    }

    pub(crate) fn courier(&self) -> Arc<Courier> {
        Arc::clone(&self.lock().courier)
    }

    pub(crate) fn inject_into_callbacks(&self, fault: CallbackFault) {
        let (when, effect) = (&fault.when, fault.effect.name());
        self.history.note("switch", None, json!({"switch": "callback_fault", "when": when, "effect": effect}));
        self.lock().courier.inject(fault);
    }

    /// Breaks nothing any more.
    pub(crate) fn clear_faults(&self) {
        let mut state = self.lock();
        state.faults.clear();
        state.courier.clear_faults();
        self.history.note("switch", None, json!({"switch": "faults_cleared"}));
    }

    /// Switches the merchant on or off.
    pub(crate) fn switch_merchant(&self, active: bool) {
        self.lock().merchant_active = active;
        self.history.note("switch", None, json!({"switch": "merchant", "active": active}));
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&self, time: Duration) {
        self.clock.advance(time);
        self.history.note("switch", None, json!({"switch": "clock", "advance_ms": time.as_millis()}));
    }

    /// Gives a payout another status, and tells its subscriber.
    pub(crate) fn change_status(&self, id: &str, outcome: Outcome) -> Result<(), ChangeError> {
        let mut state = self.lock();
        let payout = state.payouts.get(id).ok_or(ChangeError::NoPayout)?;
        let (success, money) = (outcome == Outcome::Success, &payout.requested.money);
        if outcome == Outcome::Processing {
            return Err(ChangeError::BackToProcessing);
        }
        if payout.status() == outcome.status() && payout.outcome == outcome {
            return Err(ChangeError::Unchanged { status: outcome.status() });
        }
        let has_ended = payout.processed_at.is_some();
        let available = state.balance(&money.currency_code).map(|balance| balance.available);
        // What is in processing is held already.
        if success && has_ended && available.is_some_and(|available| available < money.amount.value()) {
            return Err(ChangeError::BalanceInsufficient);
        }
        state.end(id, outcome, Cause::Switch);
        Ok(())
    }

    /// Tells a payout's subscriber about its status once more.
    pub(crate) fn send_callback(&self, id: &str) -> Result<(), ChangeError> {
        let mut state = self.lock();
        let courier = Arc::clone(&state.courier);
        let payout = state.payouts.get_mut(id).ok_or(ChangeError::NoPayout)?;
        let status = payout.status();
        let subscriber = payout.subscriber.as_mut().ok_or(ChangeError::NoCallbackUrl)?;
        courier.tell(id, status, subscriber);
        Ok(())
    }

    /// Counts a call and decides its fate. `kept`: its connection has carried another exchange before.
    pub(crate) fn see(&self, operation: Operation, payout_id: Option<&str>, kept: bool) -> Option<Effect> {
        let mut state = self.lock();
        *state.calls.entry(operation).or_default() += 1;
        state.faults.decide(operation, payout_id, kept)
    }

    /// Issues a token without asking for a secret.
    pub(crate) fn sign_token(
        &self,
        operations: Option<Vec<String>>,
        money: Option<MoneyLock>,
        validity_secs: u64,
    ) -> String {
        let issued = self.clock.secs();
        let mut id = [0; 16];
        self.lock().dice.fill(&mut id);
        self.signer.sign(&Claims {
            operations,
            exp: issued.saturating_add(validity_secs),
            jti: uuid::Builder::from_random_bytes(id).into_uuid().to_string(),
            iat: issued,
            sub: self.settings.merchant_code.clone(),
            money,
        })
    }

    /// The payout that an accepted request makes.
    pub(crate) fn accept(&self, id: &str, request: PayoutRequest, read_lag: Duration) -> Payout {
        let seed = self.settings.seed;
        let fields: Vec<(&str, &str)> =
            request.account_fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reference = digest_of_id(seed, id);
        let (created_at, executed) = (self.clock.timestamp(), Instant::now());
        Payout {
            payee_hash: payee_hash(seed, request.method_code, &fields),
            outcome: Outcome::of_account(request.account_field("accountNumber").unwrap_or_default()),
            id_payment: format!("P-{reference:016x}"),
            reference: format!("REF{:010}", reference % 10_000_000_000),
            requested: request.requested,
            subscriber: request.callback_url.map(Subscriber::new),
            method_code: request.method_code,
            created_at,
            executed,
            processed_at: None,
            visible_from: executed + read_lag,
        }
    }

    /// Takes a payout that passed every check, through an option of the catalogue: from here on it exists.
    pub(crate) fn execute(self: &Arc<Self>, state: &mut State, id: &str, payout: Payout, option: usize) {
        let outcome = payout.outcome;
        let amount = payout.requested.money.amount.value();
        if let Some(account) = state.accounts.get_mut(&payout.requested.money.currency_code) {
            account.pending += amount;
            account.moved = payout.created_at;
        }
        state.taken_today.add(option, amount);
        state.write(LedgerKind::Executed, id, &payout, payout.created_at);
        self.history.note("payout", Some(id), made(&payout));
        state.payouts.insert(id.to_owned(), payout);
        if state.courier.tells_creation() {
            state.tell(id);
        }

        if outcome == Outcome::Processing {
            return;
        }
        if self.settings.processing_time.is_zero() {
            state.settle(id);
            return;
        }
        let (gateway, id, epoch) = (Arc::clone(self), id.to_owned(), state.epoch);
        let end = self.clock.elapsed().saturating_add(self.settings.processing_time);
        drop(self.spawn(async move {
            gateway.clock.reach(end).await;
            let mut state = gateway.lock();
            if state.epoch == epoch {
                state.settle(&id);
            }
        }));
    }

    /// Runs work of its own, which no client can cancel; `idle()` waits for it, and only the gateway's end stops it.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<Option<T>> {
        let busy = self.activity.enter();
        let abort = self.abort.clone();
        tokio::spawn(async move {
            let result = abort.run_until_cancelled(work).await;
            drop(busy);
            result
        })
    }
}

impl State {
    fn new(settings: &Settings, clock: &Clock, history: &History, abort: CancellationToken, epoch: u64) -> Self {
        let accounts = settings.balances.iter();
        Self {
            merchant_active: settings.merchant_active,
            payouts: HashMap::new(),
            used_up: HashSet::new(),
            ledger: Vec::new(),
            calls: BTreeMap::new(),
            faults: Faults::default(),
            taken_today: TakenToday::default(),
            courier: Courier::new(settings.callbacks.clone(), clock.clone(), history.clone(), abort),
            clock: clock.clone(),
            history: history.clone(),
            accounts: accounts
                .map(|(currency, balance)| {
                    (currency.clone(), Account { balance: *balance, pending: Decimal::ZERO, moved: clock.timestamp() })
                })
                .collect(),
            dice: fastrand::Rng::with_seed(settings.seed),
            epoch,
        }
    }

    pub(crate) fn balance(&self, currency: &str) -> Option<Balance> {
        self.accounts.get(currency).map(Account::balance)
    }

    /// Every account: its currency, its balance, and when that moved last.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = (&str, Balance, Timestamp)> {
        self.accounts.iter().map(|(currency, account)| (currency.as_str(), account.balance(), account.moved))
    }

    /// Whether a create under this id is refused with 409.
    pub(crate) fn is_used(&self, id: &str) -> bool {
        self.payouts.contains_key(id) || self.used_up.contains(id)
    }

    /// Ends a payout as its account number wants it, unless it has ended already.
    fn settle(&mut self, id: &str) {
        let waiting = self.payouts.get(id).filter(|payout| payout.processed_at.is_none());
        if let Some(outcome) = waiting.map(|payout| payout.outcome) {
            self.end(id, outcome, Cause::AccountNumber);
        }
    }

    /// Gives a payout a final status, its first or a corrected one: books or releases its money, and tells its
    /// subscriber.
    fn end(&mut self, id: &str, outcome: Outcome, cause: Cause) {
        let Some(mut payout) = self.payouts.remove(id) else {
            return;
        };
        // Of two final statuses the later one counts, so a correction is later, in the precision that is shown.
        let earliest = payout.processed_at.and_then(|at| at.checked_add(SignedDuration::from_millis(1)).ok());
        let now = earliest.map_or(self.clock.timestamp(), |earliest| earliest.max(self.clock.timestamp()));
        let amount = payout.requested.money.amount.value();
        let was_booked = payout.processed_at.map(|_| payout.outcome == Outcome::Success);
        let is_booked = outcome == Outcome::Success;
        if let Some(account) = self.accounts.get_mut(&payout.requested.money.currency_code) {
            account.moved = now;
            match (was_booked, is_booked) {
                (None, true) => {
                    account.pending -= amount;
                    account.balance -= amount;
                }
                (None, false) => account.pending -= amount,
                (Some(false), true) => account.balance -= amount,
                (Some(true), false) => account.balance += amount,
                (Some(_), _) => {}
            }
        }
        (payout.outcome, payout.processed_at) = (outcome, Some(now));
        if was_booked != Some(is_booked) {
            let kind = if is_booked { LedgerKind::Booked } else { LedgerKind::Released };
            self.write(kind, id, &payout, now);
        }
        let (status, reason) = (outcome.status(), outcome.failure_reason());
        let what =
            json!({"status": status, "failure_reason": reason, "cause": cause, "correction": was_booked.is_some()});
        self.history.note("status", Some(id), what);
        self.payouts.insert(id.to_owned(), payout);
        self.tell(id);
    }

    /// Tells a payout's subscriber what its status is.
    fn tell(&mut self, id: &str) {
        if let Some(payout) = self.payouts.get_mut(id) {
            let status = payout.status();
            if let Some(subscriber) = payout.subscriber.as_mut() {
                self.courier.tell(id, status, subscriber);
            }
        }
    }

    fn write(&mut self, kind: LedgerKind, id: &str, payout: &Payout, at: Timestamp) {
        let money = &payout.requested.money;
        let entry = LedgerEntry {
            sequence: self.ledger.len() as u64 + 1,
            at,
            kind,
            payout_id: id.to_owned(),
            amount: money.amount.value(),
            currency: money.currency_code.clone(),
            payee_hash: payout.payee_hash.clone(),
        };
        tracing::info!("ledger {entry}");
        self.history.note("ledger", Some(id), json!({"entry": entry}));
        self.ledger.push(entry);
    }
}

/// Why a payout ended as it did, for the history.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Cause {
    AccountNumber,
    Switch,
}

/// What the history says of a payout that was made.
fn made(payout: &Payout) -> Value {
    let money = &payout.requested.money;
    json!({
        "amount": money.amount.value().to_string(),
        "currency": money.currency_code,
        "method": payout.method_code,
        "payee_hash": payout.payee_hash,
        "callback_to": payout.subscriber.as_ref().map(|subscriber| origin(subscriber.url())),
        "stays": payout.outcome == Outcome::Processing,
    })
}

/// The platform's own ids follow from seed and payout id, so that a run repeats.
fn digest_of_id(seed: u64, id: &str) -> u64 {
    let digest = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(id.as_bytes()).finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
