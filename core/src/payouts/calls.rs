//! The calls that read payouts: `get_payout` and `wait_for_payout`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::follow::SingleFlight;
use super::read::look;
use crate::call::{Miss, MissKind, Tries, turn};
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::first_failure::Said;
use crate::throttle::Try;
use crate::timing::jitter;
use crate::transport::Over;
use crate::values::{Payout, PayoutId};

/// Reads the payout, trying again where that may help.
pub(crate) async fn get(reads: &Arc<SingleFlight>, id: &PayoutId) -> Result<Payout> {
    #[cfg(feature = "provoked-panics")]
    crate::provoked::panic_of(id, "PANIC-READ");
    let session = &*reads.session;
    let named = |error: Error| error.with_payout_id(id);
    let _tokens = session.tokens.hold(id);
    let mut tries = Tries::new(session, Some(id), session.limits.total);
    loop {
        let (which, left) = tries.next().map_err(named)?;
        match observe(reads, id, which, tries.started, left, &mut tries.history).await {
            Ok(payout) => return Ok(payout),
            Err(miss) => tries.missed(miss).await.map_err(named)?,
        }
    }
}

/// Looks once for somebody whose call `began` then and who has so much time left: where there is a store, in turn, and
/// the change is recorded.
async fn observe(
    reads: &Arc<SingleFlight>,
    id: &PayoutId,
    which: Try,
    began: Instant,
    left: Duration,
    history: &mut Vec<Attempt>,
) -> Result<Payout, Miss> {
    let session = &*reads.session;
    if session.change_store.is_some() {
        return reads.look(id, which, left, history).await;
    }
    let (turn, within) = turn(session, which, began, left).await?;
    let payout = look(session, id, Over::Confirmed, turn, within, &[], history).await?.payout;
    session.check_world(&payout).map_err(|error| Miss { why: MissKind::Lasting, error })?;
    Ok(payout)
}

/// Reads the payout until it is final.
pub(crate) async fn wait(reads: &Arc<SingleFlight>, id: &PayoutId, timeout: Duration) -> Result<Payout> {
    let session = &*reads.session;
    session.check_open().map_err(|error| error.with_payout_id(id))?;
    let started = Instant::now();
    let limits = session.limits;
    let _tokens = session.tokens.hold(id);
    let mut history = Vec::new();
    let mut last_seen: Option<Payout> = None;
    let mut last_error: Option<Error> = None;
    let mut failed = false;
    let mut polls = 0;
    let mut said = Said::default();
    let useful = limits.useful().min(timeout / 4);
    let mut longest = Duration::MAX;
    loop {
        let mut asked = Duration::ZERO;
        let which = if failed { Try::Repeat } else { Try::First };
        let left = timeout.saturating_sub(started.elapsed());
        match observe(reads, id, which, started, left, &mut history).await {
            Ok(payout) if payout.status.is_final() => return Ok(payout),
            Ok(payout) => {
                last_seen = Some(payout);
                last_error = None;
                failed = false;
            }
            Err(miss) if miss.error.is_unreached() && started.elapsed() + limits.useful() >= limits.unreached => {
                let error = last_error.filter(|_| miss.why == MissKind::Held).unwrap_or(miss.error);
                return Err(error.with_payout_id(id).with_attempts(history));
            }
            // What went wrong before is a better cause.
            Err(Miss { why: MissKind::Held, error }) => last_error = last_error.or(Some(error)),
            Err(miss) => {
                // A read may lag behind the create, but not behind a read that showed the payout.
                let lagging = last_seen.is_none() && started.elapsed() < limits.settle_window;
                if miss.why != MissKind::Passing && !(miss.why == MissKind::Gone && lagging) {
                    return Err(miss.error.with_payout_id(id).with_attempts(history));
                }
                // After a 410 it is asked again because the answer says so, not because there was none.
                failed = miss.why != MissKind::Gone;
                asked = miss.error.retry_after().unwrap_or_default();
                if failed {
                    let rest = if miss.error.is_unreached() { limits.unreached.min(timeout) } else { timeout };
                    let rest = rest.saturating_sub(started.elapsed());
                    longest = if miss.error.is_unreached() { rest } else { Duration::MAX };
                    session.first_failures.heard(&mut said, Some(id), &miss.error, &history, rest);
                }
                last_error = Some(miss.error);
            }
        }
        // A wait may take days: only the last requests are worth telling.
        let surplus = history.len().saturating_sub(20);
        history.drain(..surplus);
        let left = timeout.saturating_sub(started.elapsed());
        if left.saturating_sub(asked) <= useful {
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
        let pause = (asked + jitter(limits.ceiling(polls))).min(longest);
        polls += 1;
        // The last look comes before the time is over, with as much of it as a look needs.
        tokio::time::sleep(pause.min(left.saturating_sub(useful).max(asked))).await;
        session.check_open().map_err(|error| error.with_payout_id(id))?;
    }
}
