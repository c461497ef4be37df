//! The creates under way: two attempts for one id never overlap, whoever asks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{SetOnce, watch};
use tokio::time::Instant;

use super::PayoutRequest;
use super::unsettled::Unsettled;
use crate::error::{Error, ErrorKind, Result};
use crate::values::{PayoutAccepted, PayoutId};

/// The creates of one client that are under way, by id, and those that ended without an outcome.
pub(crate) struct InFlight {
    calls: Mutex<Calls>,
    /// How many there are; `close` waits for none.
    count: watch::Sender<usize>,
}

struct Calls {
    by_id: HashMap<PayoutId, Arc<Call>>,
    /// The ids that nobody calls for now, and whose last call ended as unknown.
    unsettled: Unsettled,
    /// No call may enter any more. Under the same lock, so that none slips in while the rest is waited for.
    closed: bool,
}

/// One create under way. It belongs to all callers that wait for it, and runs on after they left.
pub(crate) struct Call {
    request: Arc<PayoutRequest>,
    resume: bool,
    /// The chunk's token that it is sent under, if it is.
    chunk: Option<u64>,
    began: Instant,
    /// When it ends at the latest, and all the time of who started it.
    ends: Instant,
    total: Duration,
    /// Callers that wait. Changed only under the lock of the map.
    callers: AtomicUsize,
    /// No further POST: every caller left, or the client closes.
    withdrawn: SetOnce<()>,
    /// A create of this id may have been sent, by this call or the one it resumes.
    exposed: AtomicBool,
    result: SetOnce<Result<PayoutAccepted>>,
    /// A caller has the result.
    heard: AtomicBool,
}

/// What a new caller is to do.
pub(crate) enum Entry {
    /// Nothing of this id was under way: start it.
    Started(Flight, Caller),
    /// An equal call is under way: wait for its result.
    Joined(Caller),
    /// A call that cannot be joined is under way: try again when it has ended.
    Busy(Arc<Call>),
    /// The last call of this id ended as unknown, and this one does not resume: ask [`InFlight::is_unsettled`] first.
    Unsettled,
}

impl InFlight {
    pub fn new() -> Result<Self> {
        let calls = Calls { by_id: HashMap::new(), unsettled: Unsettled::new()?, closed: false };
        Ok(Self { calls: Mutex::new(calls), count: watch::Sender::new(0) })
    }

    /// Whether the last call of this id ended as unknown, so that the next one starts as one that resumes it.
    ///
    /// # Errors
    /// `duplicate_payout`, if that was another request.
    pub fn is_unsettled(&self, id: &PayoutId, request: &PayoutRequest) -> Result<bool> {
        self.lock().unsettled.holds(id, request)
    }

    /// Enters a call for this id, whose caller `asked` then, and has so much time; under a chunk's token, if so.
    ///
    /// # Errors
    /// `closed` after [`InFlight::shut`]; `duplicate_payout`, if another request under this id is under way.
    pub fn enter(
        self: &Arc<Self>,
        id: &PayoutId,
        request: &Arc<PayoutRequest>,
        resume: bool,
        chunk: Option<u64>,
        asked: Instant,
        total: Duration,
    ) -> Result<Entry> {
        let mut calls = self.lock();
        if calls.closed {
            return Err(Error::new(ErrorKind::Closed, "the client was closed").with_payout_id(id));
        }
        if let Some(call) = calls.by_id.get(id) {
            if !call.request.is_same_payout(request) {
                let text = format!("another request under the id {id} is being sent; nothing was sent for this one");
                return Err(Error::new(ErrorKind::DuplicatePayout, text).with_payout_id(id));
            }
            // `resume` changes what a 409 means, so the two ask different questions. So do two that resume, if
            // something may have been sent elsewhere in between: docs/adr/0010.
            let is_older = resume && call.began < asked;
            // Under another token it has another end, and a 409 means something else than without one.
            if call.resume != resume || call.chunk != chunk || is_older || call.is_withdrawn() {
                return Ok(Entry::Busy(Arc::clone(call)));
            }
            call.callers.fetch_add(1, Ordering::AcqRel);
            return Ok(Entry::Joined(Caller { registry: Arc::clone(self), id: id.clone(), call: Arc::clone(call) }));
        }
        if !resume && calls.unsettled.contains(id) {
            return Ok(Entry::Unsettled);
        }
        let call = Arc::new(Call {
            request: Arc::clone(request),
            resume,
            chunk,
            began: Instant::now(),
            ends: asked + total,
            total,
            callers: AtomicUsize::new(1),
            withdrawn: SetOnce::new(),
            exposed: AtomicBool::new(resume),
            result: SetOnce::new(),
            heard: AtomicBool::new(false),
        });
        calls.by_id.insert(id.clone(), Arc::clone(&call));
        self.count(|count| *count += 1);
        let flight = Flight { registry: Arc::clone(self), id: id.clone(), call: Arc::clone(&call), landed: false };
        Ok(Entry::Started(flight, Caller { registry: Arc::clone(self), id: id.clone(), call }))
    }

    /// Lets no call in any more, and stops further POSTs of every call.
    pub fn shut(&self) {
        let mut calls = self.lock();
        calls.closed = true;
        for call in calls.by_id.values() {
            call.withdraw();
        }
    }

    /// Waits until all calls have ended, for at most this long after the last of their deadlines.
    pub async fn drained(&self, grace: Duration) {
        // Each keeps its own deadline, unless nobody drives its runtime.
        let last = self.lock().by_id.values().map(|call| call.ends).max();
        let patience = last.map_or(grace, |last| last.saturating_duration_since(Instant::now()).saturating_add(grace));
        let mut count = self.count.subscribe();
        let _ = tokio::time::timeout(patience, count.wait_for(|count| *count == 0)).await;
    }

    /// Counts a call. To tell those who wait costs more than all the rest, so it is done where there are some.
    fn count(&self, change: impl FnOnce(&mut usize)) {
        self.count.send_if_modified(|count| {
            change(count);
            self.count.receiver_count() > 0
        });
    }

    /// The ids of the calls that have not ended.
    pub fn ids(&self) -> Vec<PayoutId> {
        self.lock().by_id.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Call {
    /// Waits until the call has ended, and tells how.
    pub async fn ended(&self) -> Result<PayoutAccepted> {
        self.result.wait().await.clone()
    }

    /// Whether it goes on for longer than until then.
    pub fn outlives(&self, end: Instant) -> bool {
        self.ends > end
    }

    /// Whether who started it had less time than this.
    pub fn had_less_than(&self, total: Duration) -> bool {
        self.total < total
    }

    /// Whether a payout of any age may be its own: it resumes an earlier one, or has a chunk's token.
    pub fn takes_any_age(&self) -> bool {
        self.resume || self.chunk.is_some()
    }

    /// Waits until no further POST may start.
    pub async fn withdrawn(&self) {
        self.withdrawn.wait().await;
    }

    pub fn is_withdrawn(&self) -> bool {
        self.withdrawn.initialized()
    }

    /// It never turns back, and may come twice.
    fn withdraw(&self) {
        let _ = self.withdrawn.set(());
    }

    /// Notes that a create is about to be sent: from here on, ending without a result means "unknown".
    pub fn expose(&self) {
        self.exposed.store(true, Ordering::Release);
    }
}

/// One caller that waits for a call. Dropping it is leaving.
pub(crate) struct Caller {
    registry: Arc<InFlight>,
    id: PayoutId,
    pub call: Arc<Call>,
}

impl Caller {
    /// Waits for the result, for at most this long.
    pub async fn result(self, patience: Duration) -> Result<PayoutAccepted> {
        let exposed = || self.call.exposed.load(Ordering::Acquire);
        self.heard(patience).await.unwrap_or_else(|| Err(lost(&self.id, exposed())))
    }

    /// Waits for the result until then, where the call goes on for longer: what becomes of it, this caller does not
    /// learn, whether it was sent or not.
    pub async fn result_until(self, end: Instant) -> Result<PayoutAccepted> {
        let patience = end.saturating_duration_since(Instant::now());
        self.heard(patience).await.unwrap_or_else(|| {
            let text = "its time was over, and the create that it joined has more";
            Err(unknown(&self.id, Some(Error::new(ErrorKind::TimedOut, text))))
        })
    }

    async fn heard(&self, patience: Duration) -> Option<Result<PayoutAccepted>> {
        let ended = tokio::time::timeout(patience, self.call.ended()).await;
        self.call.heard.store(true, Ordering::Release);
        ended.ok()
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let (is_last, has_ended) = {
            let _calls = self.registry.lock();
            let is_last = self.call.callers.fetch_sub(1, Ordering::AcqRel) == 1;
            let has_ended = self.call.result.initialized();
            if is_last && !has_ended {
                self.call.withdraw();
            }
            (is_last, has_ended)
        };
        // Not under the lock: whoever takes the log may ask which creates are under way.
        match has_ended {
            _ if !is_last || self.call.heard.load(Ordering::Acquire) => {}
            false => tracing::warn!(
                target: "komopay",
                payout_id = %self.id,
                "nobody waits for this create any more; no further attempt starts, and what was sent is read to its \
                 end. To learn its outcome, call create_payout with the same id, the same request and resume"
            ),
            true => tracing::warn!(
                target: "komopay",
                payout_id = %self.id,
                "this create ended just as its caller left. To learn its outcome, call create_payout with the same id, \
                 the same request and resume"
            ),
        }
    }
}

/// The running side of a call. However it ends, its callers get a result and the id is free again.
pub(crate) struct Flight {
    registry: Arc<InFlight>,
    id: PayoutId,
    pub call: Arc<Call>,
    landed: bool,
}

impl Flight {
    /// Ends the call.
    pub fn land(mut self, result: Result<PayoutAccepted>) {
        if self.call.callers.load(Ordering::Acquire) == 0 {
            match &result {
                Ok(_) => tracing::info!(
                    target: "komopay",
                    payout_id = %self.id,
                    "this create was accepted, with nobody waiting"
                ),
                Err(error) => {
                    tracing::warn!(
                        target: "komopay",
                        payout_id = %self.id,
                        kind = %error.kind(),
                        http_status = error.http_status(),
                        "this create ended, with nobody waiting: {error}"
                    );
                }
            }
        }
        self.finish(result);
    }

    /// Frees the id first, so that a caller that sees the result can start anew.
    fn finish(&mut self, result: Result<PayoutAccepted>) {
        self.landed = true;
        let is_unknown = matches!(&result, Err(error) if error.kind() == ErrorKind::OutcomeUnknown);
        let forgotten = {
            let mut calls = self.registry.lock();
            calls.by_id.remove(&self.id);
            calls.unsettled.note(&self.id, &self.call.request, is_unknown)
        };
        if let Some(forgotten) = forgotten {
            tracing::warn!(
                target: "komopay",
                payout_id = %forgotten,
                "it is no longer remembered that this create ended as outcome_unknown: too many others did since. To \
                 settle it, call create_payout with the same id, the same request and resume"
            );
        }
        // Not under the lock: a waiter may be woken, and run, right here.
        let _ = self.call.result.set(result);
        self.registry.count(|count| *count -= 1);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if !self.landed {
            // A panic, or the runtime was shut down.
            let exposed = self.call.exposed.load(Ordering::Acquire);
            self.finish(Err(lost(&self.id, exposed)));
        }
    }
}

/// The error of a create whose outcome is not known.
pub(super) fn unknown(id: &PayoutId, cause: Option<Error>) -> Error {
    let why = cause.as_ref().map(|cause| format!(" ({})", cause.message())).unwrap_or_default();
    let text = format!(
        "payout {id} may have been made, and that could not be settled in time{why}; \
         call again with the same id, the same request and resume"
    );
    Error::new(ErrorKind::OutcomeUnknown, text).with_payout_id(id).caused_by(cause)
}

/// The error of a call that ended without a result; `exposed` if a create may have been sent.
pub(super) fn lost(id: &PayoutId, exposed: bool) -> Error {
    let cause = Error::internal("the call ended without a result: a panic, or its runtime was shut down");
    if exposed { unknown(id, Some(cause)) } else { cause.with_payout_id(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::payouts::{BankAccount, BankTransfer};

    const SECOND: Duration = Duration::from_secs(1);

    struct Asked {
        registry: Arc<InFlight>,
        id: PayoutId,
        request: Arc<PayoutRequest>,
    }

    impl Asked {
        fn new() -> Self {
            let bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", "11223344"));
            let request = Arc::new(PayoutRequest::new(Money::new("10000", "IDR").unwrap(), bank));
            Self { registry: Arc::new(InFlight::new().unwrap()), id: PayoutId::new("P").unwrap(), request }
        }

        fn enter(&self, resume: bool, asked: Instant) -> Entry {
            self.registry.enter(&self.id, &self.request, resume, None, asked, SECOND).unwrap()
        }

        fn started(&self, resume: bool) -> (Flight, Caller) {
            match self.enter(resume, Instant::now()) {
                Entry::Started(flight, caller) => (flight, caller),
                _ => panic!("it is under way"),
            }
        }

        fn joined(&self) -> Caller {
            match self.enter(false, Instant::now()) {
                Entry::Joined(caller) => caller,
                _ => panic!("it is not joined"),
            }
        }
    }

    fn refused() -> Result<PayoutAccepted> {
        Err(Error::new(ErrorKind::Rejected, "no"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_is_named_and_waited_for_until_it_ends_and_all_its_callers_hear_how() {
        let (asked, began) = (Asked::new(), Instant::now());
        let (flight, first) = asked.started(false);
        let (call, second) = (Arc::clone(&flight.call), asked.joined());
        assert_eq!(asked.registry.ids(), std::slice::from_ref(&asked.id));
        asked.registry.drained(SECOND).await;
        assert_eq!(began.elapsed(), 2 * SECOND, "until its deadline, and a second more");
        flight.land(refused());
        assert!(asked.registry.ids().is_empty());
        asked.registry.drained(SECOND).await;
        let results = [call.ended().await, first.result(SECOND).await, second.result(SECOND).await];
        assert_eq!(results.map(|result| result.unwrap_err().kind()), [ErrorKind::Rejected; 3]);
        assert_eq!(began.elapsed(), 2 * SECOND, "nobody waited for what was there");
        assert!(!asked.registry.is_unsettled(&asked.id, &asked.request).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_caller_that_leaves_withdraws_what_has_not_ended() {
        let asked = Asked::new();
        let (flight, first) = asked.started(false);
        let (call, second) = (Arc::clone(&flight.call), asked.joined());
        let withdrawn = async |call: &Call| tokio::time::timeout(SECOND, call.withdrawn()).await.is_ok();
        drop(second);
        assert!(!call.is_withdrawn() && !withdrawn(&call).await);
        drop(first);
        assert!(call.is_withdrawn() && withdrawn(&call).await);
        assert!(matches!(asked.enter(false, Instant::now()), Entry::Busy(_)), "it sends nothing more");
        flight.land(refused());

        let (flight, caller) = asked.started(false);
        let call = Arc::clone(&flight.call);
        flight.land(refused());
        drop(caller);
        assert!(!call.is_withdrawn());
    }

    #[tokio::test]
    async fn nothing_enters_what_is_shut_and_what_is_under_way_sends_no_more() {
        let asked = Asked::new();
        let (flight, _caller) = asked.started(false);
        asked.registry.shut();
        assert!(flight.call.is_withdrawn());
        let error = asked.registry.enter(&asked.id, &asked.request, false, None, Instant::now(), SECOND).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Closed);
    }

    #[tokio::test]
    async fn what_ends_without_a_result_is_unknown_if_it_may_have_been_sent() {
        for (resume, exposed) in [(false, false), (false, true), (true, false)] {
            let asked = Asked::new();
            let (flight, caller) = asked.started(resume);
            assert_eq!(flight.call.takes_any_age(), resume);
            if exposed {
                flight.call.expose();
            }
            drop(flight);
            let kind = if resume || exposed { ErrorKind::OutcomeUnknown } else { ErrorKind::Internal };
            assert_eq!(caller.result(SECOND).await.unwrap_err().kind(), kind, "{resume} {exposed}");
            assert_eq!(asked.registry.is_unsettled(&asked.id, &asked.request).unwrap(), resume || exposed);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_resumed_call_is_joined_only_by_who_asked_before_it_began() {
        let asked = Asked::new();
        let began = Instant::now();
        let resumed = asked.enter(true, began);
        assert!(matches!(asked.enter(true, began), Entry::Joined(_)));
        assert!(matches!(asked.enter(true, began + SECOND), Entry::Busy(_)));
        // It ends without a result, so nobody knows its outcome.
        drop(resumed);
        assert!(matches!(asked.enter(false, began + SECOND), Entry::Unsettled));
        let other = Asked { id: PayoutId::new("Q").unwrap(), ..asked };
        let _fresh = other.enter(false, began);
        assert!(matches!(other.enter(false, began + SECOND), Entry::Joined(_)), "it speaks for itself alone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_under_a_chunks_token_is_joined_under_the_same_one_only() {
        let asked = Asked::new();
        let enter = |chunk| asked.registry.enter(&asked.id, &asked.request, false, chunk, Instant::now(), SECOND);
        let Entry::Started(flight, _caller) = enter(Some(1)).unwrap() else { panic!("it is under way") };
        assert!(flight.call.takes_any_age());
        assert!(matches!(enter(Some(1)).unwrap(), Entry::Joined(_)));
        assert!(matches!(enter(Some(2)).unwrap(), Entry::Busy(_)));
        assert!(matches!(enter(None).unwrap(), Entry::Busy(_)));
        flight.land(refused());
        let _plain = enter(None).unwrap();
        assert!(matches!(enter(Some(1)).unwrap(), Entry::Busy(_)));
    }
}
