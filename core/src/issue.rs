//! Issuing a token for someone else to use.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{AccessScope, AccessToken, Scope};
use crate::call::{Call, Chance, ReadError};
use crate::error::{Error, Result};
use crate::session::Session;

pub(crate) async fn issue_token(
    session: &Arc<Session>,
    scope: &AccessScope,
    validity: Duration,
) -> Result<AccessToken> {
    let scope = scope.check()?;
    if !(60..=3600).contains(&validity.as_secs()) {
        return Err(Error::invalid("validity", "must be 60 s to 3600 s"));
    }
    let call = Call::new(session, None, session.limits.total);
    let attempt = |mut chance: Chance| {
        let scope = scope.clone();
        async move {
            let result = issue(&scope, validity, &mut chance).await;
            chance.tried(result)
        }
    };
    Ok(call.answer(attempt).await?.0)
}

async fn issue(scope: &Scope, validity: Duration, chance: &mut Chance) -> Result<AccessToken, ReadError> {
    let (permit, _) = chance.permit().await?;
    let Chance { session, left, history, .. } = chance;
    Ok(session.tokens.issue(scope, validity, *left, permit, history).await?)
}
