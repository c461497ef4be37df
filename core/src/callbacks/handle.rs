//! Handling a callback: it is checked, and then its payout is read.

use std::sync::Arc;

use jiff::Timestamp;

use crate::auth::Scope;
use crate::call::{Call, Chance};
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
    let session = &reads.session;
    session.check_open()?;
    needed_keys(&session.callback_keys)?;
    let callback = super::check(&session.callback_keys, body, url, Timestamp::now())?;
    let id = &callback.payout_id;
    let _tokens = session.tokens.hold(&id.path());
    let call = Call::new(session, Some(id), session.callback_timeout());
    let attempt = |mut chance: Chance| {
        let (reads, id) = (Arc::clone(reads), id.clone());
        async move {
            let scope = Scope::read(&id);
            let result = reads.read(&id, &scope, chance.which, chance.left, &mut chance.history).await;
            chance.tried(result)
        }
    };
    let (payout, attempts) = call.answer(attempt).await?;
    Ok(payout.with_attempts(attempts.into()))
}
