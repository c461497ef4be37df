//! What the end of a call means for an item. Which ends prove what, the core has decided: here they get their names.

use komopay_core::{Concern, Error, ErrorKind, Found, Payout, PayoutAccepted, PayoutStatus};

use crate::answer::{Answer, ItemEnd, KeptMoney};
use crate::attention::Attention;
use crate::chunk::{Fence, Micros, Registration};
use crate::item::ItemState;
use crate::steps::{Rule, is_broken};

/// What the end of a create says about those to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing.
    Go,
    /// The batch pauses: a person has to mend that first.
    Pause(String),
    /// What was not sent waits for a while.
    Wait,
    /// The token of this chunk is too long for something on the way.
    Shrink,
}

/// The platform's code of a balance that is too low.
const LOW_BALANCE: &str = "BALANCE_INSUFFICIENT";

/// What the end of a create means.
pub(crate) fn created(key: &str, result: Result<PayoutAccepted, Error>, stop_on_low_balance: bool) -> (ItemEnd, Next) {
    let error = match result {
        Ok(accepted) => {
            let attempts = u32::try_from(accepted.attempts.len()).unwrap_or(u32::MAX);
            let (state, answer) = if let Some(payout) = &accepted.payout {
                seen(payout, attempts)
            } else {
                let payment_id = accepted.payment_id.clone();
                (ItemState::Accepted, Answer { payment_id, attempts, ..Answer::default() })
            };
            let answer = Answer { recovered: accepted.recovered, ..answer };
            return (ItemEnd { key: key.to_owned(), state, answer, why: None }, Next::Go);
        }
        Err(error) => error,
    };
    let is_low = error.reasons().iter().any(|reason| reason.code == LOW_BALANCE);
    let is_merchants = error.concerns() == Some(Concern::Merchant);
    let (state, next) = match error.kind() {
        ErrorKind::OutcomeUnknown if error.token_too_long() => (ItemState::InDoubt, Next::Shrink),
        // Refused, and nothing was made: it can be sent once there is money.
        ErrorKind::Rejected if is_low && stop_on_low_balance => {
            (ItemState::Planned, Next::Pause("the balance is too low for a payout".to_owned()))
        }
        ErrorKind::Rejected | ErrorKind::InvalidRequest if is_merchants => {
            (ItemState::Planned, Next::Pause(error.message().to_owned()))
        }
        kind => failed(kind, error.message()),
    };
    let why = matches!(state, ItemState::NeedsPerson | ItemState::Rejected | ItemState::InDoubt)
        .then(|| error.message().to_owned());
    let attention = (state == ItemState::NeedsPerson).then(|| Attention::TakenByAnother.as_str().to_owned());
    (ItemEnd { key: key.to_owned(), state, answer: Answer { attention, ..told(&error) }, why }, next)
}

/// What the kind of an error means that ends a create of a payee's own.
pub(crate) fn failed(kind: ErrorKind, message: &str) -> (ItemState, Next) {
    match kind {
        ErrorKind::DuplicatePayout => (ItemState::NeedsPerson, Next::Go),
        ErrorKind::Rejected | ErrorKind::InvalidRequest => (ItemState::Rejected, Next::Go),
        // The token ended, or the client's limits let nothing pass: nothing was sent.
        ErrorKind::Authentication
        | ErrorKind::RateLimited
        | ErrorKind::Unavailable
        | ErrorKind::TimedOut
        | ErrorKind::Closed => (ItemState::Planned, Next::Wait),
        ErrorKind::Configuration | ErrorKind::PermissionDenied => (ItemState::Planned, Next::Pause(message.to_owned())),
        // Of these, only the first ends a create; if another did, nothing would be known.
        ErrorKind::OutcomeUnknown
        | ErrorKind::NotFound
        | ErrorKind::NotFinal
        | ErrorKind::UnexpectedResponse
        | ErrorKind::InvalidCallback
        | ErrorKind::Internal => (ItemState::InDoubt, Next::Go),
    }
}

/// What a payout that was seen means.
pub(crate) fn seen(payout: &Payout, attempts: u32) -> (ItemState, Answer) {
    let state = match payout.status {
        PayoutStatus::Success => ItemState::Succeeded,
        PayoutStatus::Failed => ItemState::Failed,
        PayoutStatus::Refused => ItemState::Refused,
        _ => ItemState::Accepted,
    };
    let answer = Answer {
        payment_id: payout.payment_id.clone(),
        status: Some(payout.status.to_string()),
        failure: payout.failure_reason.as_ref().map(|reason| reason.code.to_string()),
        fee: payout.fee.as_ref().map(KeptMoney::of),
        attempts,
        ..Answer::default()
    };
    (state, answer)
}

/// What a look for an item that is in doubt means. A look that shows nothing proves nothing before the fence. Its chunk
/// was claimed at `started` by the database's clock, and the look `took` so long by the worker's own: the platform says
/// when it answered, and may have looked as much sooner.
///
/// Nor does it later, if the platform said that the id is used: to send it again would be answered so again, for ever.
pub(crate) fn found(
    key: &str,
    before: &Answer,
    result: Result<Found, Error>,
    fence: Fence,
    registration: Option<Registration>,
    started: Micros,
    took: Micros,
) -> Option<ItemEnd> {
    let end = |state, answer, why| Some(ItemEnd { key: key.to_owned(), state, answer, why });
    match result {
        Ok(Found::Made(accepted)) => {
            let (item, _) = created(key, Ok(accepted), false);
            Some(item)
        }
        Ok(Found::Other(_)) => {
            let why = "its id is taken by a payout that is not provably this one".to_owned();
            let attention = Some(Attention::TakenByAnother.as_str().to_owned());
            end(ItemState::NeedsPerson, Answer { attention, ..Answer::default() }, Some(why))
        }
        Ok(Found::NotThere { date }) => {
            let date = date.map(|date| date.as_microsecond().saturating_sub(took));
            let is_proved =
                is_broken(Rule::Fence) || registration.is_none_or(|token| fence.proves_not_made(token, started, date));
            if is_proved && before.id_used {
                let why = "the platform says that its id is used, and shows no payout of it".to_owned();
                let attention = Some(Attention::TakenByAnother.as_str().to_owned());
                return end(ItemState::NeedsPerson, Answer { attention, ..before.clone() }, Some(why));
            }
            if is_proved { end(ItemState::Planned, Answer::default(), None) } else { None }
        }
        Err(_) => None,
    }
}

/// What an error tells of an item: nothing personal is in it.
fn told(error: &Error) -> Answer {
    Answer {
        error: Some(error.kind().as_str().to_owned()),
        message: Some(error.message().to_owned()),
        reasons: error.reasons().iter().map(|reason| reason.code.clone()).collect(),
        attempts: u32::try_from(error.attempts().len()).unwrap_or(u32::MAX),
        id_used: error.attempts().iter().any(|attempt| attempt.http_status == Some(409)),
        ..Answer::default()
    }
}
