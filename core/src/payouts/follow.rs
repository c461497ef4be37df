//! Following a payout: the single flight of its reads, in which what is shown is recorded before anybody is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::read::read_once;
use crate::attempt::Attempt;
use crate::auth::Scope;
use crate::call::{ReadError, ReadErrorKind};
use crate::caller::spawn;
use crate::changes::{self, ChangeRecord, Next, Observer, Standing, on};
use crate::error::{Error, ErrorKind, Result};
use crate::session::Session;
use crate::throttle::{Permit, Try};
use crate::transport::Over;
use crate::values::{Payout, PayoutId};

/// The reads of payouts: of one id, one at a time is under way.
pub(crate) struct SingleFlight {
    pub session: Arc<Session>,
    by_id: Arc<Mutex<HashMap<PayoutId, Reads>>>,
}

/// The reads of one payout: at most one under way, and one that waits for it to end.
#[derive(Default)]
struct Reads {
    under_way: Arc<tokio::sync::Mutex<()>>,
    /// The read whose GET was not sent yet, which whoever comes may join.
    unsent: Option<Arc<Unsent>>,
    count: usize,
}

/// A read that waits. Its receivers are those who wait for it.
struct Unsent {
    seen: watch::Sender<Option<Seen>>,
    /// What it waits as: a first try that joins a repeat does not stand in the line of repeats.
    which: watch::Sender<Try>,
}

/// How a read ended, and the requests that it made.
#[derive(Clone)]
struct Seen {
    result: Result<Payout, ReadError>,
    history: Vec<Attempt>,
}

impl SingleFlight {
    pub fn new(session: Arc<Session>) -> Arc<Self> {
        Arc::new(Self { session, by_id: Arc::default() })
    }

    /// The same reads, for calls of this session, which shares everything with that of before.
    pub fn of(&self, session: Arc<Session>) -> Arc<Self> {
        Arc::new(Self { session, by_id: Arc::clone(&self.by_id) })
    }

    /// Reads a payout once: joins a read that was not sent yet, or waits until the one under way has ended. Once it is
    /// sent, it runs on if its caller leaves; before that, it ends when nobody waits for it any more.
    ///
    /// It has a token of this scope, or of that of who began it. Each GET has an attempt's time of its own, which
    /// begins when it may be sent; `left` is how long the caller waits.
    pub async fn read(
        self: &Arc<Self>,
        id: &PayoutId,
        scope: &Scope,
        which: Try,
        left: Duration,
        history: &mut Vec<Attempt>,
    ) -> Result<Payout, ReadError> {
        let ended = tokio::time::timeout(left, async {
            loop {
                let mut joined = self.enter(id, scope, which);
                let seen = joined.wait_for(Option::is_some).await.map_or(None, |seen| seen.clone());
                match seen {
                    // Who began it was held back to the end of a time of its own, and this caller has more.
                    Some(Seen { result: Err(ReadError { kind: ReadErrorKind::Throttled, .. }), .. }) => {}
                    seen => return seen,
                }
            }
        });
        match ended.await {
            Ok(Some(Seen { result, history: requests })) => {
                history.extend(requests);
                result
            }
            Ok(None) => Err(lost()),
            Err(_) => {
                let text = format!("payout {id} could not be read within {left:?}");
                Err(ReadError::passing(Error::new(ErrorKind::TimedOut, text)))
            }
        }
    }

    /// Joins the read that was not sent yet, or starts one.
    fn enter(self: &Arc<Self>, id: &PayoutId, scope: &Scope, which: Try) -> watch::Receiver<Option<Seen>> {
        let mut by_id = self.lock();
        let reads = by_id.entry(id.clone()).or_default();
        if let Some(unsent) = &reads.unsent {
            if which == Try::First {
                unsent.which.send_replace(which);
            }
            return unsent.seen.subscribe();
        }
        let (seen, receiver) = watch::channel(None);
        let unsent = Arc::new(Unsent { seen, which: watch::Sender::new(which) });
        reads.unsent = Some(Arc::clone(&unsent));
        reads.count += 1;
        let under_way = Arc::clone(&reads.under_way);
        drop(by_id);
        let reading =
            Reading { reads: Arc::clone(self), id: id.clone(), scope: scope.clone(), unsent, began: Instant::now() };
        spawn(async move {
            let mut history = Vec::new();
            let observed = async {
                let _only_one = under_way.lock().await;
                observe(&reading, &mut history).await
            };
            let result = tokio::select! {
                biased;
                // Before it may go on: who has left by then wants no GET.
                () = reading.deserted() => return,
                result = observed => result,
            };
            let unsent = Arc::clone(&reading.unsent);
            // Free first, so that who is told can start anew.
            drop(reading);
            unsent.seen.send_replace(Some(Seen { result, history }));
        });
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PayoutId, Reads>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost() -> ReadError {
    let text = "the read of the payout ended without a result: a panic, or its runtime was shut down";
    ReadError::lasting(Error::internal(text))
}

/// One read, under way or waiting. However it ends, the next one may begin.
struct Reading {
    reads: Arc<SingleFlight>,
    id: PayoutId,
    scope: Scope,
    unsent: Arc<Unsent>,
    began: Instant,
}

impl Reading {
    /// The GET is about to be sent: whoever comes now wants another one.
    fn sending(&self) {
        self.leave(&mut self.reads.lock());
    }

    /// Waits until nobody waits for this read any more, and its GET was not sent; never, once it was.
    async fn deserted(&self) {
        loop {
            self.unsent.seen.closed().await;
            let mut by_id = self.reads.lock();
            // Under the lock, nobody joins.
            if self.unsent.seen.receiver_count() == 0 {
                if self.leave(&mut by_id) {
                    return;
                }
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Takes the read out of reach. Tells whether it was still to be joined.
    fn leave(&self, by_id: &mut HashMap<PayoutId, Reads>) -> bool {
        let reads = by_id.get_mut(&self.id);
        reads.and_then(|reads| reads.unsent.take_if(|unsent| Arc::ptr_eq(unsent, &self.unsent))).is_some()
    }

    /// Waits for a permit; as a first try, as soon as one has joined.
    async fn permit(&self) -> Result<Permit, ReadError> {
        let mut which = self.unsent.which.subscribe();
        let session = &self.reads.session;
        loop {
            let now = *which.borrow_and_update();
            tokio::select! {
                permit = session.throttle.permit(now, self.began, session.limits.total) => {
                    return permit.map_err(ReadError::throttled);
                }
                _ = which.changed() => {}
            }
        }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut by_id = self.reads.lock();
        self.leave(&mut by_id);
        let Some(reads) = by_id.get_mut(&self.id) else { return };
        reads.count -= 1;
        if reads.count == 0 {
            by_id.remove(&self.id);
        }
    }
}

/// Reads the payout, and records it if it is a change. Gives the payout that holds after it.
async fn observe(reading: &Reading, history: &mut Vec<Attempt>) -> Result<Payout, ReadError> {
    let (session, id) = (&*reading.reads.session, &reading.id);
    let Some(store) = &session.change_store else {
        let permit = reading.permit().await?;
        reading.sending();
        return read(session, id, &reading.scope, permit, history).await;
    };
    let mut observer = Observer::new();
    let mut known: Option<(ChangeRecord, Payout)> = None;
    let mut seen: Option<Payout> = None;
    let mut next = Next::Load;
    loop {
        next = match (next, &seen, &known) {
            (Next::Load, ..) => {
                let of = id.clone();
                let record = on(store, move |store| store.latest(&of)).await.map_err(ReadError::passing)?;
                known = match record {
                    Some(record) => Some((record.clone(), known_payout(session, id, &record)?)),
                    None => None,
                };
                same_payout(id, known.as_ref(), seen.as_ref())?;
                observer.loaded(known.as_ref().map(|(record, payout)| (record.sequence, Standing::of(payout))))
            }
            (Next::Read, ..) => {
                let permit = reading.permit().await?;
                // When it is read again, the read that may be joined is the one after this.
                if seen.is_none() {
                    reading.sending();
                }
                let payout = read(session, id, &reading.scope, permit, history).await?;
                let standing = Standing::of(&payout);
                seen = Some(payout);
                same_payout(id, known.as_ref(), seen.as_ref())?;
                observer.saw(standing)
            }
            (Next::Record(sequence), Some(payout), _) => {
                let change = ChangeRecord {
                    payout_id: id.clone(),
                    sequence,
                    previous_status: known.as_ref().map(|(_, payout)| payout.status.as_str().to_owned()),
                    payout: payout.raw.as_str().to_owned(),
                };
                let taken = on(store, move |store| store.record(&change)).await.map_err(ReadError::passing)?;
                if taken {
                    tracing::info!(
                        target: "komopay",
                        payout_id = %id,
                        sequence,
                        status = %payout.status,
                        "a change was recorded"
                    );
                }
                observer.recorded(taken)
            }
            (Next::TakeAnswer, Some(payout), _) | (Next::TakeKnown, _, Some((_, payout))) => return Ok(payout.clone()),
            _ => {
                let text = format!("the platform's answers about payout {id} do not agree; nothing was recorded");
                return Err(ReadError::passing(Error::new(ErrorKind::Unavailable, text)));
            }
        };
    }
}

/// What the store knows of the payout: it has to pass what a fresh answer has to.
fn known_payout(session: &Session, id: &PayoutId, record: &ChangeRecord) -> Result<Payout, ReadError> {
    if record.payout_id != *id {
        return Err(ReadError::lasting(Error::setting(
            "change_store",
            format!("gave a change of another payout than {id}"),
        )));
    }
    let payout = changes::payout(record, |_| Ok(())).map_err(ReadError::passing)?;
    session.check_mode(&payout).map_err(ReadError::lasting)?;
    Ok(payout)
}

/// Two payouts of one id are of two merchants, whom a store cannot tell apart if both have tokens only. What the
/// platform decides once tells them apart.
fn same_payout(id: &PayoutId, known: Option<&(ChangeRecord, Payout)>, seen: Option<&Payout>) -> Result<(), ReadError> {
    let (Some((_, known)), Some(seen)) = (known, seen) else { return Ok(()) };
    let other_time = matches!((known.created_at, seen.created_at), (Some(known), Some(seen)) if known != seen);
    if !other_time && known.method_code == seen.method_code {
        return Ok(());
    }
    let problem = format!(
        "knows another payout {id} than the platform shows: when it was created, or its method, is not the same. Is it \
         the store of another merchant?"
    );
    Err(ReadError::lasting(Error::setting("change_store", problem).with_payout(Some(seen.clone()))))
}

/// One GET. What is of the other mode is no news for this client.
async fn read(
    session: &Session,
    id: &PayoutId,
    scope: &Scope,
    permit: Permit,
    history: &mut Vec<Attempt>,
) -> Result<Payout, ReadError> {
    let found =
        read_once(session, id, scope, Over::Confirmed, permit, session.limits.attempt, &Arc::default(), history)
            .await?;
    session.check_mode(&found.payout).map_err(ReadError::lasting)?;
    Ok(found.payout)
}
