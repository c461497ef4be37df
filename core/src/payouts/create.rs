//! Creating a payout: drives the outcome rules of [`super::outcome`], and decides nothing about them.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::PayoutRequest;
use super::agreement::{Agreement, Expected};
use super::in_flight::{Call, Entry, Flight, InFlight, unknown};
use super::outcome::{Action, Event, NotSent, Outcome, PostEnd, ReadEnd, Start, Verdict};
use super::read::{read_once, unproven};
use crate::attempt::Attempt;
use crate::auth::{ChunkToken, Grant, Refusal, Scope};
use crate::call::ReadErrorKind;
use crate::caller::spawn;
use crate::checked::check_currency;
use crate::error::{Error, ErrorKind, Result};
use crate::first_failure::Said;
use crate::session::Session;
use crate::throttle::{Permit, Try, Waiter};
use crate::timing;
use crate::transport::{Answer, FailureKind, Operation, Over};
use crate::values::{Payout, PayoutAccepted, PayoutId};

/// For how long after its deadline a call may still be ending, on a busy machine.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How much older than the call a found payout may look, since two clocks' seconds and delays are involved.
const AGE_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Creates the payout, or joins the equal call that is under way, if there is one that may be joined. With a chunk's
/// token, under that and no other.
pub(crate) async fn create(
    session: &Arc<Session>,
    creates: &Arc<InFlight>,
    id: &PayoutId,
    request: &PayoutRequest,
    mut resume: bool,
    token: Option<&ChunkToken>,
) -> Result<PayoutAccepted> {
    let started = Instant::now();
    // An earlier call may have sent it: what keeps this one from finding out proves nothing.
    let refuse = |error: Error, resume| if resume { unknown(id, Some(error)) } else { error.with_payout_id(id) };
    let mut body = Vec::with_capacity(1024);
    serde_json::to_writer(&mut body, request)
        .map_err(|_| refuse(Error::internal("the request cannot be written as JSON"), resume))?;
    let (body, request) = (Bytes::from(body), Arc::new(request.clone()));
    loop {
        if creates.is_unsettled(id, &request)? && !resume {
            resume = true;
            tracing::warn!(
                target: "komopay",
                payout_id = %id,
                "the last create under this id ended as outcome_unknown: this one starts as resumed"
            );
        }
        let open = session.check_open();
        let usable = open.and_then(|()| token.map_or(Ok(()), |token| token.check(&session.tokens, id)));
        usable.map_err(|error| refuse(error, resume))?;
        let refusal = check(session, &request).err();
        if let Some(error) = refusal.clone().filter(|_| !resume) {
            return Err(refuse(error, resume));
        }
        let total = session.limits.total;
        let entry = creates.enter(id, &request, resume, token.map(ChunkToken::number), started, total);
        let entry = entry.map_err(|error| match error.kind() {
            ErrorKind::Closed => refuse(error, resume),
            _ => error,
        })?;
        let caller = match entry {
            Entry::Joined(caller) if caller.call.outlives(started + total) => {
                return caller.result_until(started + total).await;
            }
            Entry::Joined(caller) if caller.call.had_less_than(total) => {
                let ended = caller.result(total.saturating_add(GRACE)).await;
                match ended {
                    // It ended for want of time, of which this caller has more.
                    Err(error) if error.retryable() => resume |= error.kind() == ErrorKind::OutcomeUnknown,
                    ended => return ended,
                }
                continue;
            }
            Entry::Joined(caller) => caller,
            // It ended just now.
            Entry::Unsettled => continue,
            Entry::Busy(call) => {
                let left = total.saturating_sub(started.elapsed());
                let Ok(ended) = tokio::time::timeout(left, call.ended()).await else {
                    let text = format!("another call for payout {id} took all the time");
                    return Err(unknown(id, Some(Error::new(ErrorKind::TimedOut, text))));
                };
                match next(ended, resume || token.is_some(), call.takes_any_age()) {
                    Next::Take(accepted) => return Ok(*accepted),
                    Next::Ask { resume: again } => resume = again,
                }
                continue;
            }
            Entry::Started(flight, caller) => {
                // In boxes from the start: whatever these are put into would move all of them.
                let driver = Box::new(Driver {
                    session: Arc::clone(session),
                    call: Arc::clone(&flight.call),
                    id: id.clone(),
                    request: Arc::clone(&request),
                    resume,
                    operation: Operation::post(id.path(), body.clone()).about(&request.personal()),
                    started,
                    token: token.cloned(),
                    first_post_at: None,
                    grant: None,
                    permit: None,
                    waiter: None,
                    renew: false,
                    tried: false,
                    learned: Learned { last_error: refusal.clone(), refusal, ..Learned::default() },
                    history: Vec::new(),
                    said: Said::default(),
                });
                driver.take_off(flight);
                caller
            }
        };
        // The call keeps its own deadline, unless nobody drives its runtime.
        return caller.result(total.saturating_add(GRACE)).await;
    }
}

/// Refuses what the merchant's settings do not let pass.
fn check(session: &Session, request: &PayoutRequest) -> Result<()> {
    let money = &request.money;
    // Before the ceilings, which are found by it.
    check_currency("money.currency", money.currency())?;
    let ceiling = session.max_amount.iter().find(|ceiling| ceiling.currency() == money.currency());
    if let Some(ceiling) = ceiling.filter(|ceiling| money.amount() > ceiling.amount()) {
        return Err(Error::invalid("money.amount", format_args!("is above max_amount, which is {ceiling}")));
    }
    if session.validate { request.validate() } else { Ok(()) }
}

/// What a caller does that waited for the end of a call it could not join.
pub(super) enum Next {
    /// It takes the result.
    Take(Box<PayoutAccepted>),
    /// It asks for itself.
    Ask { resume: bool },
}

/// What a caller does when the call has ended that it waited for. Whether a payout of any age may be its own, and
/// whether that call took any: one that resumes does, and so does one under a chunk's token.
pub(super) fn next(ended: Result<PayoutAccepted>, resume: bool, took_any_age: bool) -> Next {
    match ended {
        // The same request, and nothing was believed for it that this call would not believe.
        Ok(accepted) if resume || !took_any_age => Next::Take(Box::new(accepted)),
        Err(error) if error.kind() == ErrorKind::OutcomeUnknown => Next::Ask { resume: true },
        _ => Next::Ask { resume },
    }
}

/// Does what the rules say, for one call.
struct Driver {
    session: Arc<Session>,
    call: Arc<Call>,
    id: PayoutId,
    request: Arc<PayoutRequest>,
    resume: bool,
    operation: Operation,
    started: Instant,
    /// The chunk's token, if it is sent under one.
    token: Option<ChunkToken>,
    first_post_at: Option<(Instant, Timestamp)>,
    grant: Option<Grant>,
    /// The right to send, from before its token is asked for until the create is answered.
    permit: Option<Permit>,
    /// Who stands in line for it, from when it did not come at once.
    waiter: Option<Waiter>,
    /// The token in hand was refused: the next try needs another one.
    renew: bool,
    /// A try to send was made.
    tried: bool,
    learned: Learned,
    history: Vec<Attempt>,
    /// Whether its first failure was said.
    said: Said,
}

/// What a call has learned so far: its result is made of it.
#[derive(Clone, Default)]
pub(super) struct Learned {
    pub accepted: Option<PayoutAccepted>,
    pub found: Option<Payout>,
    /// The refusal that stands if the rules say so.
    pub refusal: Option<Error>,
    /// What was the last error before a read was to tell whether nothing happened.
    pub denial: Option<Error>,
    pub last_error: Option<Error>,
    /// What the last read was answered that proves nothing, if none says how things stand since: a better cause of an
    /// unknown outcome than that there was no answer in the end.
    pub unproven: Option<Error>,
    /// That something on the way seems to refuse the chunk's token for its length.
    pub too_long: Option<Error>,
}

impl Driver {
    /// The call runs on its own: a caller that leaves never cuts a create off in the middle.
    ///
    /// No part of an `async fn`: what is started there is compiled anew in each crate that awaits it.
    fn take_off(self: Box<Self>, flight: Flight) {
        spawn(Box::pin(async move { flight.land(self.run().await) }));
    }

    async fn run(mut self: Box<Self>) -> Result<PayoutAccepted> {
        #[cfg(feature = "provoked-panics")]
        crate::provoked::panic_of(&self.id, "PANIC-UNSENT");
        let call = Arc::clone(&self.call);
        let _tokens = self.session.tokens.hold(&self.id.path());
        let start = match (self.resume, &self.learned.refusal) {
            (false, _) => Start::Fresh,
            (true, None) => Start::Resume,
            (true, Some(_)) => Start::ResumeRefused,
        };
        let limits = self.session.limits;
        // Rule 13: what is sent under a chunk's token is over when that ends.
        let no_post_after = self.token.as_ref().map(|token| token.sends_for(self.started, limits.attempt));
        let (mut outcome, mut action) = Outcome::start(limits, self.started.elapsed(), start, no_post_after);
        loop {
            // Before there is anything to settle, leaving ends what it waits for at once.
            let may_leave = !outcome.settles();
            if !matches!(action, Action::Post { .. }) {
                self.permit = None;
            }
            let event = match action {
                Action::End(verdict) => {
                    let Self { learned, id, history, .. } = *self;
                    let result = learned.result(&id, verdict);
                    return match result {
                        Ok(accepted) => Ok(accepted.with_attempts(history.into())),
                        Err(error) => Err(error.with_payout_id(&id).with_attempts(history)),
                    };
                }
                Action::Post { within } => self.post(within).await,
                // No place in line keeps an open attempt from being settled.
                Action::Get { within, alone } => Event::Read(self.get(within, alone).await),
                Action::Authorize { renew, within } => {
                    self.renew |= renew;
                    let patience = outcome.patience(self.started.elapsed());
                    if let Some(event) = self.take_permit(patience).await {
                        event
                    } else {
                        tokio::select! {
                            event = self.authorize(within) => event,
                            () = call.withdrawn(), if may_leave => Event::Woke,
                        }
                    }
                }
                // Its place in line ends within that time.
                Action::Wait { within: _ } => tokio::select! {
                    event = self.stand_in_line() => event,
                    () = call.withdrawn() => Event::Woke,
                },
                Action::Pause { at_least, jitter } => {
                    // A permit that came in vain is the next one's in line.
                    if self.waiter.as_ref().is_some_and(Waiter::has_ended) {
                        let _ = self.leave_line().await;
                    }
                    tokio::select! {
                        () = pause(self.waiter.as_mut(), at_least, timing::jitter(jitter)) => {}
                        () = call.withdrawn(), if may_leave => {}
                    }
                    Event::Woke
                }
            };
            trim(&mut self.history);
            if call.is_withdrawn() {
                outcome.withdraw();
                self.waiter = None;
            }
            action = outcome.on(self.started.elapsed(), event);
            if !matches!(action, Action::End(_)) {
                self.say_first_failure();
            }
        }
    }

    /// The call goes on: if a try of it failed, that is heard.
    fn say_first_failure(&mut self) {
        let (limits, elapsed) = (self.session.limits, self.started.elapsed());
        let Some(error) = self.learned.last_error.as_ref().filter(|error| error.retryable()) else { return };
        let total = if error.is_unreached() { limits.unreached.min(limits.total) } else { limits.total };
        let left = total.saturating_sub(elapsed);
        self.session.first_failures.heard(&mut self.said, Some(&self.id), error, &self.history, left);
    }

    /// Takes the permit to send, if it is there; gives the event that comes of having none.
    async fn take_permit(&mut self, patience: Duration) -> Option<Event> {
        let waiter = self.waiter.get_or_insert_with(|| {
            let which = if self.tried { Try::Repeat } else { Try::First };
            Waiter::new(&self.session.throttle, which, self.started, patience)
        });
        if !waiter.has_ended() {
            return Some(Event::Throttled);
        }
        match self.leave_line().await {
            Ok(permit) => {
                (self.permit, self.tried) = (Some(permit), true);
                None
            }
            Err(why) => Some(Event::NotAuthorized(why)),
        }
    }

    /// Waits for the permit to send, and does nothing else.
    async fn stand_in_line(&mut self) -> Event {
        if let Some(waiter) = &mut self.waiter
            && waiter.end().await
        {
            return Event::Woke;
        }
        Event::NotAuthorized(self.leave_line().await.err().unwrap_or(NotSent::Retryable { retry_after: None }))
    }

    /// Leaves the line in which the wait has ended, with the permit if that has come.
    async fn leave_line(&mut self) -> Result<Permit, NotSent> {
        match self.waiter.take() {
            Some(waiter) => waiter.permit().await.map_err(|error| self.throttled(error)),
            None => Err(NotSent::Retryable { retry_after: None }),
        }
    }

    /// Why it was not sent, where it was held back.
    fn throttled(&mut self, error: Error) -> NotSent {
        let why = not_sent(&error);
        // What went wrong before is the better cause.
        self.learned.last_error.get_or_insert(error);
        why
    }

    async fn authorize(&mut self, within: Duration) -> Event {
        if let Some(token) = &self.token {
            if self.session.connection_per_create {
                self.operation.over = Over::Own(None);
            }
            self.grant = Some(token.grant());
            return Event::Authorized;
        }
        let scope = Scope::create(&self.id, &self.request.money);
        let refused = if std::mem::take(&mut self.renew) { self.grant.as_ref() } else { None };
        let issued = self.session.tokens.get(&scope, refused, within, &mut self.history);
        let issued = if self.session.connection_per_create {
            let (mut issued, mut opening, mut opened) = (pin!(issued), pin!(self.session.prepare(within)), None);
            let issued = loop {
                tokio::select! {
                    issued = &mut issued => break issued,
                    prepared = &mut opening, if opened.is_none() => opened = Some(prepared),
                }
            };
            // Without a token, the connection is of no use.
            if issued.is_ok() && opened.is_none() {
                opened = Some(opening.await);
            }
            self.operation.over = Over::Own(opened);
            issued
        } else {
            issued.await
        };
        match issued {
            Ok(grant) => {
                self.grant = Some(grant);
                Event::Authorized
            }
            Err(Refusal { error, is_final }) => {
                let why = if is_final { NotSent::Final } else { not_sent(&error) };
                self.learned.last_error = Some(error);
                Event::NotAuthorized(why)
            }
        }
    }

    async fn post(&mut self, within: Duration) -> Event {
        let (Some(grant), Some(mut permit)) = (&self.grant, self.permit.take()) else {
            self.learned.last_error = Some(Error::internal("no token and no permit in hand"));
            return Event::Posted(PostEnd::NotSent(NotSent::Final));
        };
        self.first_post_at.get_or_insert_with(|| (Instant::now(), Timestamp::now()));
        self.call.expose();
        let (operation, leave) = (&self.operation, self.call.withdrawn());
        let result = self.session.send(operation, grant, &mut permit, within, leave, &mut self.history).await;
        #[cfg(feature = "provoked-panics")]
        crate::provoked::panic_of(&self.id, "PANIC-SENT");
        match result {
            Ok(answer) => heard(self.judge(&answer), answer.is_first),
            Err(failure) => {
                self.learned.last_error = Some(failure.to_error());
                Event::Posted(unanswered(failure.sent, failure.kind, failure.unreached))
            }
        }
    }

    fn judge(&mut self, answer: &Answer) -> PostEnd {
        if let Some(accepted) = acceptance(&self.id, &self.request, answer) {
            self.learned.accepted = Some(accepted);
            return PostEnd::Accepted;
        }
        let mut error = answer.to_error().for_create(&self.id);
        let renewable = self.grant.as_ref().is_some_and(Grant::renewable);
        let end = no_acceptance(answer, &error, renewable, self.token.is_some());
        if end == PostEnd::TooLong {
            error = error.with_token_too_long();
            self.learned.too_long = Some(error.clone());
        }
        if end == PostEnd::Refused {
            self.learned.refusal = Some(error.clone());
        }
        self.learned.last_error = Some(error);
        end
    }

    async fn get(&mut self, within: Duration, alone: bool) -> ReadEnd {
        let session = Arc::clone(&self.session);
        // Every read of a create may settle an open attempt: none is ever held back.
        let permit = session.throttle.settling();
        let (scope, over) = (Scope::read(&self.id), if alone { Over::Own(None) } else { Over::Pool });
        if alone && self.learned.denial.is_none() {
            self.learned.denial.clone_from(&self.learned.last_error);
        }
        match read_once(&session, &self.id, &scope, over, permit, within, &self.request.personal(), &mut self.history)
            .await
        {
            Ok(found) => {
                let is_young = |created| is_young(found.date, created, self.first_post_at);
                let any_age = self.resume || self.token.is_some();
                let expected = Expected { is_test: session.is_test, is_young: Some(is_young).filter(|_| !any_age) };
                let agreement = found.deciding.is_ours(&self.request, expected);
                if let Agreement::Unproven(field) = agreement {
                    let error = unproven(&self.id, field);
                    (self.learned.last_error, self.learned.unproven) = (Some(error.clone()), Some(error));
                } else {
                    self.learned.found = Some(found.payout);
                }
                shown(agreement)
            }
            Err(missed) => {
                let end = not_shown(missed.kind, missed.error.retry_after(), missed.error.is_unreached());
                // "Not there" is an answer, and a read without an attempt's time says little; what went wrong before is
                // the better cause.
                let had_no_time = missed.error.kind() == ErrorKind::TimedOut && within < session.limits.attempt / 2;
                if missed.kind != ReadErrorKind::Gone && !had_no_time || self.learned.last_error.is_none() {
                    self.learned.last_error = Some(missed.error.clone());
                }
                // What an answer said, and not when none came: until a read says how things stand.
                match missed.kind {
                    ReadErrorKind::Gone => self.learned.unproven = None,
                    ReadErrorKind::Lasting | ReadErrorKind::Denied | ReadErrorKind::Barred => {
                        self.learned.unproven = Some(missed.error);
                    }
                    ReadErrorKind::Passing | ReadErrorKind::Throttled => {}
                }
                end
            }
        }
    }
}

/// What a create was told: over a connection that had carried another exchange, the answer may be the answer to that.
pub(super) fn heard(end: PostEnd, is_first: bool) -> Event {
    if is_first { Event::Posted(end) } else { Event::PostedAmongOthers(end) }
}

/// Rule 3: the acceptance that an answer to a create holds, if it is one of this payout.
pub(super) fn acceptance(id: &PayoutId, request: &PayoutRequest, answer: &Answer) -> Option<PayoutAccepted> {
    if !matches!(answer.status, 200 | 201) {
        return None;
    }
    let (accepted, deciding) = PayoutAccepted::parse(id, &answer.body).ok()?;
    (deciding.repeats(request) == Agreement::Ours).then_some(accepted)
}

/// Rule 3: which other answers to a create are believed; `error` is what this one means. Rule 13: a chunk's token is
/// long, and a proxy that does not take it is not the platform, whose answers are JSON.
pub(super) fn no_acceptance(answer: &Answer, error: &Error, renewable: bool, of_chunk: bool) -> PostEnd {
    match answer.status {
        431 if of_chunk => PostEnd::TooLong,
        400 if of_chunk && !answer.is_json() => PostEnd::TooLong,
        429 => PostEnd::RateLimited { retry_after: answer.retry_after },
        401 => PostEnd::Unauthorized { renewable },
        409 => PostEnd::Conflict,
        400 | 403 => PostEnd::Refused,
        406 if error.kind() == ErrorKind::Rejected => PostEnd::Refused,
        _ => PostEnd::Open,
    }
}

/// What an error means, after which the create was not sent and may be later.
fn not_sent(error: &Error) -> NotSent {
    if error.is_unreached() { NotSent::Unreached } else { NotSent::Retryable { retry_after: error.retry_after() } }
}

/// What a create without an answer means.
pub(super) fn unanswered(sent: bool, kind: FailureKind, unreached: bool) -> PostEnd {
    match (sent, kind) {
        (true, _) => PostEnd::Open,
        (false, FailureKind::Configuration) => PostEnd::NotSent(NotSent::Final),
        (false, _) if unreached => PostEnd::NotSent(NotSent::Unreached),
        (false, _) => PostEnd::NotSent(NotSent::Retryable { retry_after: None }),
    }
}

/// What a read means that shows no payout.
pub(super) fn not_shown(kind: ReadErrorKind, retry_after: Option<Duration>, unreached: bool) -> ReadEnd {
    match kind {
        ReadErrorKind::Passing if unreached => ReadEnd::Unreached,
        ReadErrorKind::Gone => ReadEnd::Gone,
        ReadErrorKind::Denied => ReadEnd::Denied,
        ReadErrorKind::Barred => ReadEnd::Final,
        ReadErrorKind::Passing | ReadErrorKind::Throttled | ReadErrorKind::Lasting => ReadEnd::Unproven { retry_after },
    }
}

/// What a read means that shows a payout.
pub(super) fn shown(agreement: Agreement) -> ReadEnd {
    match agreement {
        Agreement::Ours => ReadEnd::Ours,
        Agreement::NotOurs => ReadEnd::NotOurs,
        Agreement::Unproven(_) => ReadEnd::Unproven { retry_after: None },
    }
}

impl Learned {
    /// The result of a call that ends so.
    pub(super) fn result(self, id: &PayoutId, verdict: Verdict) -> Result<PayoutAccepted> {
        Err(match (verdict, self.accepted, self.found) {
            (Verdict::Accepted, Some(accepted), _) => return Ok(accepted),
            (Verdict::Recovered, _, Some(payout)) => return Ok(PayoutAccepted::recovered(payout)),
            (Verdict::Duplicate { found }, _, payout) => duplicate(id, payout.filter(|_| found), self.last_error),
            (Verdict::Refused, ..) => self.refusal.unwrap_or_else(|| Error::internal("a refusal without its text")),
            (Verdict::Failed, ..) => self.denial.or(self.last_error).unwrap_or_else(|| {
                Error::new(ErrorKind::TimedOut, format!("no time was left to send payout {id}; nothing was sent"))
            }),
            (Verdict::Withdrawn, ..) => {
                Error::new(ErrorKind::Closed, format!("payout {id} was given up before it was made"))
            }
            (Verdict::Unknown | Verdict::Accepted | Verdict::Recovered, ..) => {
                let too_long = self.too_long.is_some();
                let error = unknown(id, self.too_long.or(self.unproven).or(self.last_error));
                if too_long { error.with_token_too_long() } else { error }
            }
        })
    }
}

/// Pauses for so long, or until the wait in line ends.
async fn pause(waiter: Option<&mut Waiter>, at_least: Duration, more: Duration) {
    tokio::time::sleep(at_least).await;
    let more = tokio::time::sleep(more);
    match waiter {
        Some(waiter) => tokio::select! {
            () = more => {}
            _ = waiter.end() => {}
        },
        None => more.await,
    }
}

/// A call may settle for days: of its reads and their tokens, only the last ones are worth telling.
fn trim(history: &mut Vec<Attempt>) {
    while history.len() > 40
        && let Some(oldest) = history.iter().position(|attempt| !attempt.operation.starts_with("POST /payouts/"))
    {
        history.remove(oldest);
    }
}

fn duplicate(id: &PayoutId, payout: Option<Payout>, cause: Option<Error>) -> Error {
    let found = match &payout {
        Some(payout) => format!("a payout of {} was found ({})", payout.money, payout.status),
        None => "what it belongs to could not be seen".to_owned(),
    };
    let text = format!("the id {id} is taken by a payout that is not provably this one: {found}");
    Error::new(ErrorKind::DuplicatePayout, text).with_payout(payout).caused_by(cause)
}

/// Whether the payout was made during this call: by the platform's own clock, it is no older than our first attempt.
/// Skipped if the answer has no `Date`.
fn is_young(answered: Option<Timestamp>, created: Timestamp, first_post_at: Option<(Instant, Timestamp)>) -> bool {
    let (Some(answered), Some((first, first_by_wall))) = (answered, first_post_at) else {
        return true;
    };
    // The monotonic clock stops while a machine sleeps; the wall clock does not.
    let awake = SignedDuration::try_from(first.elapsed()).unwrap_or(SignedDuration::MAX);
    let ours = awake.max(Timestamp::now().duration_since(first_by_wall));
    answered.duration_since(created) <= ours.saturating_add(AGE_TOLERANCE)
}
