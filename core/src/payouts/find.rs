//! Was this payment made? For whoever settles a create that somebody else may have sent.

use std::sync::Arc;

use jiff::Timestamp;

use super::PayoutRequest;
use super::agreement::{Agreement, Expected};
use super::read::{read_once, unproven};
use crate::auth::Scope;
use crate::call::{Call, Chance, ReadError, ReadErrorKind};
use crate::error::Result;
use crate::session::Session;
use crate::transport::Over;
use crate::values::{Payout, PayoutAccepted, PayoutId};

/// What is under an id: [`Client::find_payout`](crate::Client::find_payout).
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one answer of a call, which is not kept by the thousand")]
pub enum Found {
    /// This payment: all that the platform repeats of it agrees. As with every payout that was found by reading, that
    /// does not prove the payee, which the platform never repeats.
    Made(PayoutAccepted),
    /// A payout that is not provably this payment.
    Other(Payout),
    /// Nothing, when the platform answered. Whether something may yet come, this does not say.
    NotThere {
        /// When the platform says it answered so (`Date`), by its own clock.
        date: Option<Timestamp>,
    },
}

/// Asks once, trying again where that may help.
pub(crate) async fn find(session: &Arc<Session>, id: &PayoutId, request: &PayoutRequest) -> Result<Found> {
    let _tokens = session.tokens.hold(&id.path());
    let call = Call::new(session, Some(id), session.limits.total);
    let wanted = Arc::new((id.clone(), Scope::read(id), request.clone()));
    let attempt = |mut chance: Chance| {
        let wanted = Arc::clone(&wanted);
        async move {
            let (id, scope, request) = &*wanted;
            let result = look(id, scope, request, &mut chance).await;
            chance.tried(result)
        }
    };
    let (found, attempts) = call.answer(attempt).await?;
    Ok(match found {
        Found::Made(accepted) => Found::Made(accepted.with_attempts(attempts.into())),
        Found::Other(payout) => Found::Other(payout.with_attempts(attempts.into())),
        Found::NotThere { date } => Found::NotThere { date },
    })
}

async fn look(id: &PayoutId, scope: &Scope, request: &PayoutRequest, chance: &mut Chance) -> Result<Found, ReadError> {
    let (permit, within) = chance.permit().await?;
    let Chance { session, history, .. } = chance;
    // Over a connection of its own: over a kept one, "not there" may be the answer to another exchange.
    let found = match read_once(session, id, scope, Over::Own(None), permit, within, &request.personal(), history).await
    {
        Err(ReadError { kind: ReadErrorKind::Gone, date, .. }) => return Ok(Found::NotThere { date }),
        found => found?,
    };
    // Of any age: it may have been sent long before, by a worker that is gone.
    let expected = Expected { is_test: session.is_test, is_young: None::<fn(Timestamp) -> bool> };
    match found.deciding.is_ours(request, expected) {
        Agreement::Ours => Ok(Found::Made(PayoutAccepted::recovered(found.payout))),
        Agreement::NotOurs => Ok(Found::Other(found.payout)),
        Agreement::Unproven(field) => Err(ReadError::lasting(unproven(id, field))),
    }
}
