//! The calls that read payouts: `get_payout` and `wait_for_payout`.

use std::sync::Arc;
use std::time::Duration;

use super::follow::SingleFlight;
use super::read::read_once;
use crate::call::{Call, Chance, ReadError, Tried, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Over;
use crate::values::{Payout, PayoutId};

/// Reads the payout, trying again where that may help.
pub(crate) async fn get(reads: &Arc<SingleFlight>, id: &PayoutId) -> Result<Payout> {
    #[cfg(feature = "provoked-panics")]
    crate::provoked::panic_of(id, "PANIC-READ");
    let session = &reads.session;
    let _tokens = session.tokens.hold(id);
    let call = Call::new(session, Some(id), session.limits.total);
    call.answer(|chance| read(Arc::clone(reads), id.clone(), chance)).await
}

/// Reads the payout until it is final.
pub(crate) async fn wait(reads: &Arc<SingleFlight>, id: &PayoutId, timeout: Duration) -> Result<Payout> {
    let session = &reads.session;
    let _tokens = session.tokens.hold(id);
    let of = id.clone();
    let not_yet = move |last_seen: Option<Payout>| {
        let message = match &last_seen {
            Some(payout) => format!("payout {of} is still {} after {timeout:?}", payout.status),
            None => format!("payout {of} could not be seen within {timeout:?}"),
        };
        Error::new(ErrorKind::NotFinal, message).with_payout_id(&of).with_payout(last_seen)
    };
    let wait = Wait { is_end: |payout: &Payout| payout.status.is_final(), not_yet: Box::new(not_yet) };
    let call = Call::new(session, Some(id), timeout);
    call.wait(|chance| read(Arc::clone(reads), id.clone(), chance), wait).await
}

/// One read: where there is a store, it is shared, and the change is recorded.
async fn read(reads: Arc<SingleFlight>, id: PayoutId, mut chance: Chance) -> Tried<Payout> {
    let result = if reads.session.change_store.is_some() {
        reads.read(&id, chance.which, chance.left, &mut chance.history).await
    } else {
        read_alone(&id, &mut chance).await
    };
    chance.tried(result)
}

async fn read_alone(id: &PayoutId, chance: &mut Chance) -> Result<Payout, ReadError> {
    let (permit, within) = chance.permit().await?;
    let Chance { session, history, .. } = chance;
    let payout = read_once(session, id, Over::Confirmed, permit, within, &Arc::default(), history).await?.payout;
    session.check_mode(&payout).map_err(ReadError::lasting)?;
    Ok(payout)
}
