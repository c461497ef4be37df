//! Reading a payout: one look, `get_payout`, and `wait_for_payout`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{Payout, PayoutId};
use crate::auth::Scope;
use crate::client::{Inner, jitter};
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::pace::{Try, Turn};
use crate::read::{Miss, MissKind, Unreadable, read, try_read};
use crate::transport::{Answer, Operation};

/// A payout, and when the platform says it showed it.
pub(crate) struct Found {
    pub payout: Payout,
    pub date: Option<Timestamp>,
}

/// Reads the payout once, in this turn. No text of the answer that repeats something `personal` enters an error.
pub(crate) async fn look(
    client: &Inner,
    id: &PayoutId,
    turn: Turn,
    within: Duration,
    personal: &[&str],
    history: &mut Vec<Attempt>,
) -> Result<Found, Miss> {
    let parse = |answer: &Answer| -> Result<Found, Unreadable> {
        Ok(Found { payout: Payout::read(id, &answer.body)?, date: answer.date })
    };
    try_read(client, &Operation::get(id.path()), &Scope::read(id), parse, turn, within, personal, history).await
}

/// Reads the payout, trying again where that may help.
pub(crate) async fn get(client: &Inner, id: &PayoutId) -> Result<Payout> {
    #[cfg(feature = "provoked-panics")]
    crate::provoked::panic_of(id, "PANIC-READ");
    let parse = |answer: &Answer| Payout::read(id, &answer.body);
    let payout = read(client, &Operation::get(id.path()), &Scope::read(id), parse).await;
    let payout = payout.map_err(|error| error.with_payout_id(id))?;
    client.check_world(&payout)?;
    Ok(payout)
}

/// Reads the payout until it is final.
pub(crate) async fn wait(client: &Arc<Inner>, id: &PayoutId, timeout: Duration) -> Result<Payout> {
    let started = Instant::now();
    let limits = client.limits;
    let mut history = Vec::new();
    let mut last_seen: Option<Payout> = None;
    let mut last_error: Option<Error> = None;
    let mut polls = 0;
    loop {
        // After a 410 it is asked again because the answer says so, not because there was none.
        let failed = last_error.as_ref().is_some_and(|error| error.kind() != ErrorKind::NotFound);
        let which = if failed { Try::Repeat } else { Try::First };
        let turn = client.pace.turn(which, timeout.saturating_sub(started.elapsed())).await;
        let within = limits.attempt.min(timeout.saturating_sub(started.elapsed()));
        let looked = match turn {
            Ok(turn) => look(client, id, turn, within, &[], &mut history).await,
            Err(held) if held.kind() == ErrorKind::Closed => return Err(held.with_payout_id(id)),
            // The time is over; what went wrong before is the better cause.
            Err(held) => Err(Miss { why: MissKind::Passing, error: last_error.take().unwrap_or(held) }),
        };
        match looked {
            Ok(found) => {
                client.check_world(&found.payout)?;
                if found.payout.status.is_final() {
                    return Ok(found.payout);
                }
                last_seen = Some(found.payout);
                last_error = None;
            }
            Err(miss) => {
                // A read may lag behind the create, but not behind a read that showed the payout.
                let lagging = last_seen.is_none() && started.elapsed() < limits.settle_window;
                if miss.why != MissKind::Passing && !(miss.why == MissKind::Gone && lagging) {
                    return Err(miss.error.with_payout_id(id).with_attempts(history));
                }
                last_error = Some(miss.error);
            }
        }
        // A wait may take days: only the last requests are worth telling.
        let surplus = history.len().saturating_sub(20);
        history.drain(..surplus);
        let left = timeout.saturating_sub(started.elapsed());
        let asked = last_error.as_ref().and_then(Error::retry_after).unwrap_or_default();
        if left.is_zero() || asked >= left {
            let message = match &last_seen {
                Some(payout) => format!("payout {id} is still {} after {timeout:?}", payout.status),
                None => format!("payout {id} could not be seen within {timeout:?}"),
            };
            return Err(Error::new(ErrorKind::NotFinal, message)
                .with_payout_id(id)
                .with_payout(last_seen)
                .with_attempts(history)
                .caused_by(last_error));
        }
        let pause = asked + jitter(limits.ceiling(polls));
        polls += 1;
        // The last look comes just before the time is over.
        tokio::time::sleep(pause.min(left)).await;
        client.check_open().map_err(|error| error.with_payout_id(id))?;
    }
}
