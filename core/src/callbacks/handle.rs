//! Handling a callback: it is checked, and then its payout is read.

use std::sync::Arc;

use jiff::Timestamp;

use crate::call::Tries;
use crate::callback_url::CallbackKey;
use crate::error::{Error, Result};
use crate::payouts::follow::SingleFlight;
use crate::values::Payout;

/// The keys, without which no callback is believed.
pub(crate) fn needed_keys(keys: &[CallbackKey]) -> Result<()> {
    if keys.is_empty() {
        let problem = "is empty: anybody could make this client read payouts, since the platform signs nothing";
        return Err(Error::setting("callback_keys", problem));
    }
    Ok(())
}

/// Reads a callback, and then the payout that it is about, within `callback_timeout`: whoever sent it waits, in one of
/// few workers of a web server perhaps. A GET that was sent runs on, and what it shows is recorded.
pub(crate) async fn handle(reads: &Arc<SingleFlight>, body: &[u8], url: &str) -> Result<Payout> {
    let session = &*reads.session;
    session.check_open()?;
    needed_keys(&session.callback_keys)?;
    let callback = super::read(&session.callback_keys, body, url, Timestamp::now())?;
    let id = &callback.payout_id;
    let named = |error: Error| error.with_payout_id(id);
    let _tokens = session.tokens.hold(id);
    let mut tries = Tries::new(session, Some(id), session.callback_timeout);
    loop {
        let (which, left) = tries.next().map_err(named)?;
        match reads.look(id, which, left, &mut tries.history).await {
            Ok(payout) => return Ok(payout),
            Err(miss) => tries.missed(miss).await.map_err(named)?,
        }
    }
}
