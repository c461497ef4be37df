//! Issuing a token for someone else to use.

use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{AccessScope, AccessToken};
use crate::error::{Error, ErrorKind, Result};
use crate::first_failure::Said;
use crate::session::Session;
use crate::throttle::Try;
use crate::timing::jitter;

pub(crate) async fn issue_token(session: &Session, scope: &AccessScope, validity: Duration) -> Result<AccessToken> {
    let scope = scope.check()?;
    if !(60..=3600).contains(&validity.as_secs()) {
        return Err(Error::invalid("validity", "must be 60 s to 3600 s"));
    }
    let started = Instant::now();
    let left = || session.limits.total.saturating_sub(started.elapsed());
    let mut tried = 0;
    let mut last_error: Option<Error> = None;
    let mut history = Vec::new();
    let mut said = Said::default();
    loop {
        session.check_open()?;
        let which = if tried == 0 { Try::First } else { Try::Repeat };
        let turn = session.pace.turn(which, started, left()).await.map_err(|held| match last_error.take() {
            // Its time is over: what went wrong before is a better cause.
            Some(before) if held.kind() != ErrorKind::Closed => before.with_attempts(std::mem::take(&mut history)),
            _ => held,
        })?;
        let refusal = match session.tokens.issue(&scope, validity, left(), turn, &mut history).await {
            Ok(token) => return Ok(token),
            Err(refusal) => refusal,
        };
        tried += 1;
        let asked = refusal.error.retry_after().unwrap_or_default();
        let pause = jitter(session.limits.ceiling(tried - 1)).saturating_add(asked);
        let total = session.limits.total;
        let total = if refusal.error.is_unreached() { session.limits.unreached.min(total) } else { total };
        let rest = total.saturating_sub(started.elapsed());
        let time_is_up = pause.saturating_add(session.limits.useful()) >= rest;
        if refusal.is_final || tried >= session.read_attempts || time_is_up {
            return Err(refusal.error.with_attempts(history));
        }
        session.first_failures.heard(&mut said, None, &refusal.error, &history, rest);
        last_error = Some(refusal.error);
        tokio::time::sleep(pause).await;
    }
}
