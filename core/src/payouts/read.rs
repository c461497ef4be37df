//! One read of a payout.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::attempt::Attempt;
use crate::auth::Scope;
use crate::call::{ReadError, try_read};
use crate::error::{Error, ErrorKind};
use crate::json::Unreadable;
use crate::session::Session;
use crate::throttle::Permit;
use crate::transport::{Answer, Operation, Over};
use crate::values::{Deciding, Payout, PayoutId};

/// A payout, what decides whose it is, and when the platform says it showed it.
pub(super) struct ReadPayout {
    pub payout: Payout,
    pub deciding: Deciding,
    pub date: Option<Timestamp>,
}

/// Reads the payout once, with a token of this scope, with this permit and over such a connection. No text of the
/// answer that repeats something `personal` enters an error.
#[allow(clippy::too_many_arguments, reason = "what one read needs")]
pub(super) async fn read_once(
    session: &Session,
    id: &PayoutId,
    scope: &Scope,
    over: Over,
    permit: Permit,
    within: Duration,
    personal: &Arc<[String]>,
    history: &mut Vec<Attempt>,
) -> Result<ReadPayout, ReadError> {
    let parse = |answer: &Answer| -> Result<ReadPayout, Unreadable> {
        let (payout, deciding) = Payout::parse(id, &answer.body)?;
        Ok(ReadPayout { payout, deciding, date: answer.date })
    };
    let operation = Operation::get(id.path()).about(personal).over(over);
    try_read(session, operation, scope, parse, permit, within, history).await
}

/// The error of a read whose answer proves nothing about whose payout it shows: this field cannot be read from it.
pub(super) fn unproven(id: &PayoutId, field: &str) -> Error {
    let text = format!("{field} cannot be read from the answer to GET {}", id.path());
    Error::new(ErrorKind::UnexpectedResponse, text).with_status(200)
}
