//! Reading a payout: one look, `get_payout`, and `wait_for_payout`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{Payout, PayoutId};
use crate::auth::{Refusal, Scope};
use crate::client::{Inner, jitter};
use crate::error::{Attempt, Error, ErrorKind, Result};
use crate::transport::{Answer, FailureKind, Operation};

/// A payout, and when the platform says it showed it.
pub(crate) struct Found {
    pub payout: Payout,
    pub date: Option<Timestamp>,
}

/// Why a look shows no payout.
pub(crate) struct Miss {
    pub why: MissKind,
    pub error: Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissKind {
    /// 410: it is not there now.
    Gone,
    /// It may work in a moment: no connection, no answer in time, 429, 5xx.
    Passing,
    /// It will not work by trying again.
    Lasting,
    /// No look can be made: the platform refuses a token, or its certificate does not verify.
    Barred,
}

impl From<Refusal> for Miss {
    fn from(refusal: Refusal) -> Self {
        let why = if refusal.is_final { MissKind::Barred } else { MissKind::Passing };
        Self { why, error: refusal.error }
    }
}

/// Reads the payout once: one GET, and a second one only if the token was refused and another can be had.
pub(crate) async fn look(
    client: &Inner,
    id: &PayoutId,
    within: Duration,
    history: &mut Vec<Attempt>,
) -> Result<Found, Miss> {
    let ends = Instant::now() + within;
    let scope = Scope::read(id);
    let operation = Operation::get(id.path());
    let mut grant = client.tokens.get(&scope, None, within).await?;
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        let answer = client.send(&operation, &grant, left, history).await.map_err(|failure| Miss {
            why: match failure.kind {
                FailureKind::Network | FailureKind::TimedOut => MissKind::Passing,
                FailureKind::Unreadable => MissKind::Lasting,
                FailureKind::Certificate => MissKind::Barred,
            },
            error: failure.to_error(),
        })?;
        let renew = match answer.status {
            401 => grant.renewable(),
            // It is not published whether a token locked to a sum of money may read.
            403 => grant.locked,
            _ => false,
        };
        if !renew {
            return judge(client, id, &answer, grant.token.expose_secret());
        }
        let left = ends.saturating_duration_since(Instant::now());
        let renewed = client.tokens.get(&scope, Some(&grant), left).await?;
        // One renewal a look: whatever token comes now is the last one tried.
        grant = renewed.into_last();
    }
}

fn judge(client: &Inner, id: &PayoutId, answer: &Answer, token: &str) -> Result<Found, Miss> {
    if answer.status == 200 {
        return match Payout::read(id, &answer.body) {
            Ok(payout) => Ok(Found { payout, date: answer.date }),
            Err(problem) => Err(Miss {
                why: MissKind::Lasting,
                error: Error::new(
                    ErrorKind::UnexpectedResponse,
                    format!("the answer to GET {} cannot be understood: {}", id.path(), problem.0),
                )
                .with_status(200),
            }),
        };
    }
    let why = match answer.status {
        410 => MissKind::Gone,
        429 | 500..=599 => MissKind::Passing,
        _ => MissKind::Lasting,
    };
    Err(Miss { why, error: answer.to_error(&[token, client.tokens.secret()]) })
}

/// Reads the payout, trying again where that may help.
pub(crate) async fn get(client: &Arc<Inner>, id: &PayoutId) -> Result<Payout> {
    let started = Instant::now();
    let limits = client.limits;
    let mut history = Vec::new();
    let mut tried = 0;
    loop {
        let left = limits.total.saturating_sub(started.elapsed());
        let miss = match look(client, id, limits.attempt.min(left), &mut history).await {
            Ok(found) => return Ok(found.payout),
            Err(miss) => miss,
        };
        tried += 1;
        let pause = jitter(limits.ceiling(tried - 1)) + miss.error.retry_after().unwrap_or_default();
        let time_is_up = started.elapsed().saturating_add(pause) >= limits.total;
        if miss.why != MissKind::Passing || tried >= client.read_attempts || time_is_up {
            return Err(miss.error.with_payout_id(id).with_attempts(history));
        }
        tokio::time::sleep(pause).await;
        client.check_open().map_err(|error| error.with_payout_id(id))?;
    }
}

/// Reads the payout until it is final.
pub(crate) async fn wait(client: &Arc<Inner>, id: &PayoutId, timeout: Duration) -> Result<Payout> {
    let started = Instant::now();
    let limits = client.limits;
    let mut history = Vec::new();
    let mut last_seen: Option<Payout> = None;
    let mut polls = 0;
    loop {
        let mut last_error: Option<Error> = None;
        let left = timeout.saturating_sub(started.elapsed());
        match look(client, id, limits.attempt.min(left), &mut history).await {
            Ok(found) if found.payout.status.is_final() => return Ok(found.payout),
            Ok(found) => last_seen = Some(found.payout),
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
