//! Following a payout: of one id there is one GET at a time, and what it shows is recorded before anybody is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::read::look;
use crate::call::{Miss, MissKind, turn};
use crate::caller::spawn;
use crate::changes::{self, ChangeRecord, Next, Observer, Standing, on};
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::session::Session;
use crate::throttle::{Try, Turn};
use crate::transport::Over;
use crate::values::{Payout, PayoutId};

/// The payouts that are being looked at, by id.
pub(crate) struct SingleFlight {
    pub session: Arc<Session>,
    lanes: Mutex<HashMap<PayoutId, Lane>>,
}

/// The looks at one payout: at most one under way, and one that waits for it to end.
#[derive(Default)]
struct Lane {
    turn: Arc<tokio::sync::Mutex<()>>,
    /// The look whose GET was not sent yet, which whoever comes may join.
    unsent: Option<Arc<Unsent>>,
    looks: usize,
}

/// A look that waits. Its receivers are those who wait for it.
struct Unsent {
    seen: watch::Sender<Option<Seen>>,
    /// What it waits as: a first try that joins a repeat does not stand in the line of repeats.
    which: watch::Sender<Try>,
}

/// How a look ended, and the requests that it made.
#[derive(Clone)]
struct Seen {
    result: Result<Payout, Miss>,
    history: Vec<Attempt>,
}

impl SingleFlight {
    pub fn new(session: Arc<Session>) -> Arc<Self> {
        Arc::new(Self { session, lanes: Mutex::default() })
    }

    /// Looks at a payout once: joins a look that was not sent yet, or waits for its turn. Once it is sent, it runs on if its
    /// caller leaves; before that, it ends when nobody waits for it any more.
    ///
    /// Each GET has an attempt's time of its own, which begins when it may be sent; `left` is how long the caller waits.
    pub async fn look(
        self: &Arc<Self>,
        id: &PayoutId,
        which: Try,
        left: Duration,
        history: &mut Vec<Attempt>,
    ) -> Result<Payout, Miss> {
        let ended = tokio::time::timeout(left, async {
            loop {
                let mut looking = self.enter(id, which);
                let seen = looking.wait_for(Option::is_some).await.map_or(None, |seen| seen.clone());
                match seen {
                    // Who began it was held back to the end of a time of its own, and this caller has more.
                    Some(Seen { result: Err(Miss { why: MissKind::Held, .. }), .. }) => {}
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
                Err(Miss { why: MissKind::Passing, error: Error::new(ErrorKind::TimedOut, text) })
            }
        }
    }

    /// Joins the look that was not sent yet, or starts one.
    fn enter(self: &Arc<Self>, id: &PayoutId, which: Try) -> watch::Receiver<Option<Seen>> {
        let mut lanes = self.lock();
        let lane = lanes.entry(id.clone()).or_default();
        if let Some(look) = &lane.unsent {
            if which == Try::First {
                look.which.send_replace(which);
            }
            return look.seen.subscribe();
        }
        let (seen, receiver) = watch::channel(None);
        let unsent = Arc::new(Unsent { seen, which: watch::Sender::new(which) });
        lane.unsent = Some(Arc::clone(&unsent));
        lane.looks += 1;
        let turn = Arc::clone(&lane.turn);
        drop(lanes);
        let place = Place { reads: Arc::clone(self), id: id.clone(), unsent, began: Instant::now() };
        let look = async move {
            let mut history = Vec::new();
            let looking = async {
                let _its_turn = turn.lock().await;
                observe(&place, &mut history).await
            };
            let result = tokio::select! {
                result = looking => result,
                () = place.deserted() => return,
            };
            let unsent = Arc::clone(&place.unsent);
            // Free first, so that who is told can start anew.
            drop(place);
            unsent.seen.send_replace(Some(Seen { result, history }));
        };
        spawn(look);
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PayoutId, Lane>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lost() -> Miss {
    let text = "the look at the payout ended without a result: a panic, or its runtime was shut down";
    Miss { why: MissKind::Lasting, error: Error::internal(text) }
}

/// The place of one look in its lane. However the look ends, the lane is free for the next.
struct Place {
    reads: Arc<SingleFlight>,
    id: PayoutId,
    unsent: Arc<Unsent>,
    began: Instant,
}

impl Place {
    /// The GET is about to be sent: whoever comes now wants another one.
    fn sending(&self) {
        self.leave(&mut self.reads.lock());
    }

    /// Waits until nobody waits for this look any more, and its GET was not sent; never, once it was.
    async fn deserted(&self) {
        loop {
            self.unsent.seen.closed().await;
            let mut lanes = self.reads.lock();
            // Under the lock, nobody joins.
            if self.unsent.seen.receiver_count() == 0 {
                if self.leave(&mut lanes) {
                    return;
                }
                break;
            }
        }
        std::future::pending::<()>().await;
    }

    /// Takes the look out of reach. Tells whether it was still to be joined.
    fn leave(&self, lanes: &mut HashMap<PayoutId, Lane>) -> bool {
        let lane = lanes.get_mut(&self.id);
        lane.and_then(|lane| lane.unsent.take_if(|unsent| Arc::ptr_eq(unsent, &self.unsent))).is_some()
    }

    /// Waits for the client's pace; as a first try, as soon as one has joined.
    async fn turn(&self) -> Result<Turn, Miss> {
        let mut which = self.unsent.which.subscribe();
        loop {
            let now = *which.borrow_and_update();
            tokio::select! {
                taken = turn(&self.reads.session, now, self.began, self.reads.session.limits.total) => {
                    return taken.map(|(turn, _)| turn);
                }
                _ = which.changed() => {}
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lanes = self.reads.lock();
        self.leave(&mut lanes);
        let Some(lane) = lanes.get_mut(&self.id) else { return };
        lane.looks -= 1;
        if lane.looks == 0 {
            lanes.remove(&self.id);
        }
    }
}

/// Reads the payout, and records it if it is a change. Gives the payout that holds after it.
async fn observe(place: &Place, history: &mut Vec<Attempt>) -> Result<Payout, Miss> {
    let (session, id) = (&*place.reads.session, &place.id);
    let Some(store) = &session.change_store else {
        let turn = place.turn().await?;
        place.sending();
        return read(session, id, turn, history).await;
    };
    let mut observer = Observer::new();
    let mut known: Option<(ChangeRecord, Payout)> = None;
    let mut seen: Option<Payout> = None;
    let mut next = Next::Load;
    loop {
        next = match (next, &seen, &known) {
            (Next::Load, ..) => {
                let of = id.clone();
                let record = on(store, move |store| store.latest(&of)).await.map_err(passing)?;
                known = match record {
                    Some(record) => Some((record.clone(), known_payout(session, id, &record)?)),
                    None => None,
                };
                same_payout(id, known.as_ref(), seen.as_ref())?;
                observer.loaded(known.as_ref().map(|(record, payout)| (record.sequence, Standing::of(payout))))
            }
            (Next::Read, ..) => {
                let turn = place.turn().await?;
                // When it is read again, the look that may be joined is the one after this.
                if seen.is_none() {
                    place.sending();
                }
                let payout = read(session, id, turn, history).await?;
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
                let taken = on(store, move |store| store.record(&change)).await.map_err(passing)?;
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
                return Err(passing(Error::new(ErrorKind::Unavailable, text)));
            }
        };
    }
}

fn passing(error: Error) -> Miss {
    Miss { why: MissKind::Passing, error }
}

fn lasting(error: Error) -> Miss {
    Miss { why: MissKind::Lasting, error }
}

/// What the store knows of the payout: it has to pass what a fresh answer has to.
fn known_payout(session: &Session, id: &PayoutId, record: &ChangeRecord) -> Result<Payout, Miss> {
    if record.payout_id != *id {
        return Err(lasting(Error::setting("change_store", format!("gave a change of another payout than {id}"))));
    }
    let payout = changes::payout(record, |_| Ok(())).map_err(passing)?;
    session.check_world(&payout).map_err(lasting)?;
    Ok(payout)
}

/// Two payouts of one id are of two merchants, whom a store cannot tell apart if both have tokens only. What the platform
/// decides once tells them apart.
fn same_payout(id: &PayoutId, known: Option<&(ChangeRecord, Payout)>, seen: Option<&Payout>) -> Result<(), Miss> {
    let (Some((_, known)), Some(seen)) = (known, seen) else { return Ok(()) };
    let other_time = matches!((known.created_at, seen.created_at), (Some(known), Some(seen)) if known != seen);
    if !other_time && known.method_code == seen.method_code {
        return Ok(());
    }
    let problem = format!(
        "knows another payout {id} than the platform shows: when it was created, or its method, is not the same. Is it \
         the store of another merchant?"
    );
    Err(lasting(Error::setting("change_store", problem).with_payout(Some(seen.clone()))))
}

/// One GET. What is of the other world is no news for this client.
async fn read(session: &Session, id: &PayoutId, turn: Turn, history: &mut Vec<Attempt>) -> Result<Payout, Miss> {
    let found = look(session, id, Over::Confirmed, turn, session.limits.attempt, &[], history).await?;
    session.check_world(&found.payout).map_err(lasting)?;
    Ok(found.payout)
}
