//! Issuing a token for someone else to use, or for a chunk of payouts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{AccessScope, AccessToken, ChunkRequest, ChunkToken, Scope};
use crate::call::{Call, Chance, ReadError};
use crate::error::{Error, Result};
use crate::money::Money;
use crate::session::Session;
use crate::values::PayoutId;

pub(crate) async fn issue_token(
    session: &Arc<Session>,
    scope: &AccessScope,
    validity: Duration,
) -> Result<AccessToken> {
    let scope = scope.check()?;
    check_validity(validity)?;
    let call = Call::new(session, None, session.limits.total);
    let attempt = |mut chance: Chance| {
        let scope = scope.clone();
        async move {
            let result = issue(&scope, validity, &mut chance).await;
            chance.tried(result.map(|(token, _)| token))
        }
    };
    Ok(call.answer(attempt).await?.0)
}

/// The token of a chunk: each try is a token of its own, which ends its life after that try was started.
pub(crate) async fn chunk_token(
    session: &Arc<Session>,
    ids: &[PayoutId],
    money: Option<&Money>,
    validity: Duration,
) -> Result<ChunkToken> {
    check_validity(validity)?;
    let request = ChunkRequest::new(ids, money, validity, &session.tokens)?;
    let call = Call::new(session, None, session.limits.total);
    let attempt = |mut chance: Chance| {
        let request = request.clone();
        async move {
            let issued = issue(&request.scope, request.validity, &mut chance).await;
            chance.tried(issued.and_then(|(token, asked)| request.answered(token, asked).map_err(ReadError::lasting)))
        }
    };
    Ok(call.answer(attempt).await?.0)
}

/// What the contract lets a token live.
fn check_validity(validity: Duration) -> Result<()> {
    if !(60..=3600).contains(&validity.as_secs()) {
        return Err(Error::invalid("validity", "must be 60 s to 3600 s"));
    }
    Ok(())
}

/// A token, and when it was asked for.
async fn issue(scope: &Scope, validity: Duration, chance: &mut Chance) -> Result<(AccessToken, Instant), ReadError> {
    let (permit, _) = chance.permit().await?;
    let asked = Instant::now();
    let Chance { session, left, history, .. } = chance;
    Ok((session.tokens.issue(scope, validity, *left, permit, history).await?, asked))
}
