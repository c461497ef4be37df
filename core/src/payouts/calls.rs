//! The calls that read payouts: `get_payout` and `wait_for_payout`.

use std::sync::Arc;
use std::time::Duration;

use super::follow::SingleFlight;
use super::read::read_once;
use crate::auth::Scope;
use crate::call::{Call, Chance, ReadError, Tried, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Over;
use crate::values::{Payout, PayoutId};

/// Reads the payout, trying again where that may help.
pub(crate) async fn get(reads: &Arc<SingleFlight>, id: &PayoutId) -> Result<Payout> {
    #[cfg(feature = "provoked-panics")]
    crate::provoked::panic_of(id, "PANIC-READ");
    let session = &reads.session;
    let _tokens = session.tokens.hold(&id.path());
    let call = Call::new(session, Some(id), session.limits.total);
    let scope = Arc::new(Scope::read(id));
    let attempt = |chance| read(Arc::clone(reads), id.clone(), Arc::clone(&scope), chance);
    let (payout, attempts) = call.answer(attempt).await?;
    Ok(payout.with_attempts(attempts.into()))
}

/// Reads the payout until it is final.
pub(crate) async fn wait(reads: &Arc<SingleFlight>, id: &PayoutId, timeout: Duration) -> Result<Payout> {
    let session = &reads.session;
    let _tokens = session.tokens.hold(&id.path());
    let call = Call::new(session, Some(id), timeout);
    let scope = Arc::new(Scope::read(id));
    let attempt = |chance| read(Arc::clone(reads), id.clone(), Arc::clone(&scope), chance);
    let (payout, attempts) = call.wait(attempt, until_final(id, timeout)).await?;
    Ok(payout.with_attempts(attempts.into()))
}

/// Waiting for a payout to be final.
pub(super) fn until_final(id: &PayoutId, timeout: Duration) -> Wait<Payout> {
    let of = id.clone();
    let not_yet = move |last_seen: Option<Payout>| {
        let message = match &last_seen {
            Some(payout) => format!("payout {of} is still {} after {timeout:?}", payout.status),
            None => format!("payout {of} could not be seen within {timeout:?}"),
        };
        Error::new(ErrorKind::NotFinal, message).with_payout_id(&of).with_payout(last_seen)
    };
    Wait { is_end: |payout: &Payout| payout.status.is_final(), not_yet: Box::new(not_yet) }
}

/// One read, with a token of this scope: where there is a store, it is shared, and the change is recorded.
pub(super) async fn read(
    reads: Arc<SingleFlight>,
    id: PayoutId,
    scope: Arc<Scope>,
    mut chance: Chance,
) -> Tried<Payout> {
    let result = if reads.session.change_store.is_some() {
        reads.read(&id, &scope, chance.which, chance.left, &mut chance.history).await
    } else {
        read_alone(&id, &scope, &mut chance).await
    };
    chance.tried(result)
}

async fn read_alone(id: &PayoutId, scope: &Scope, chance: &mut Chance) -> Result<Payout, ReadError> {
    let (permit, within) = chance.permit().await?;
    let Chance { session, history, .. } = chance;
    let found = read_once(session, id, scope, Over::Confirmed, permit, within, &Arc::default(), history).await?;
    session.check_mode(&found.payout).map_err(ReadError::lasting)?;
    Ok(found.payout)
}
