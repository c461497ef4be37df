//! The merchant calls as a gateway without faults does them: check, then act, then answer, without waiting for anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;

use crate::answer::{Answer, Refusal};
use crate::fields::Violation;
use crate::gateway::{Gateway, now_secs};
use crate::operation::Operation;
use crate::rules;
use crate::token::{Claims, TokenRequest, is_in_contract};
use crate::validation;

/// A request, read completely.
pub(crate) struct Call {
    pub(crate) operation: Operation,
    /// As it stood in the path, valid or not; empty for a token call.
    pub(crate) payout_id: String,
    pub(crate) path: String,
    pub(crate) api_version: Option<String>,
    pub(crate) bearer: Option<String>,
    pub(crate) body: Bytes,
    /// How long GETs shall not find the payout that this create makes.
    pub(crate) read_lag: Duration,
}

/// What the gateway does when nothing is broken.
pub(crate) fn perform(gateway: &Arc<Gateway>, call: &Call) -> Answer {
    if call.api_version.as_ref().is_none_or(|version| version.parse::<i32>().is_err()) {
        return Answer::bad_request("X-API-Version must be an integer");
    }
    let result = match call.operation {
        Operation::IssueToken => issue_token(gateway, call),
        Operation::CreatePayout => create_payout(gateway, call),
        Operation::GetPayout => get_payout(gateway, call),
    };
    result.unwrap_or_else(|refusal| refusal)
}

fn issue_token(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let request = TokenRequest::read(&call.body).map_err(|violation| Answer::bad_request(&violation.0))?;
    let settings = &gateway.settings;
    let refuse = |code, attr_code, description| Err(Answer::refused(&[Refusal::new(code, attr_code, description)]));
    if request.merchant_code != settings.merchant_code {
        return refuse("MERCHANT_NOT_FOUND", Some("merchantCode"), "no such merchant");
    }
    if request.secret != settings.secret {
        return Err(Answer::forbidden("secret not accepted"));
    }
    if !gateway.lock().merchant_active {
        return refuse("MERCHANT_INACTIVE", None, "merchant is not activated");
    }
    if request.operations.iter().flatten().any(|operation| !is_in_contract(operation)) {
        return refuse("OPERATION_INVALID", Some("operations"), "bad operation entry");
    }
    let token = gateway.sign_token(request.operations, request.money, request.validity_secs);
    Ok(Answer::json(StatusCode::OK, &BTreeMap::from([("token", token)])))
}

fn create_payout(gateway: &Arc<Gateway>, call: &Call) -> Result<Answer, Answer> {
    let claims = authorize(gateway, call, "POST")?;
    let id = call.payout_id.as_str();
    let bad_request = |violation: Violation| Answer::bad_request(&violation.0);
    validation::payout_id(id).map_err(bad_request)?;
    let request = validation::payout_request(&call.body).map_err(bad_request)?;
    if claims.money.as_ref().is_some_and(|lock| !lock.allows(&request.requested.money)) {
        return Err(Answer::forbidden("the token is for other money"));
    }

    let mut state = gateway.lock();
    if !state.merchant_active {
        // The contract has no 406 code for it here.
        return Err(Answer::forbidden("merchant is not activated"));
    }
    if state.is_used(id) {
        return Err(Answer::error(StatusCode::CONFLICT, "idPayout already used"));
    }
    let refusals = rules::refusals(&request, state.balance(&request.requested.money.currency_code));
    if !refusals.is_empty() {
        return Err(Answer::refused(&refusals));
    }
    gateway.execute(&mut state, id, request, call.read_lag);
    let documented = gateway.settings.documented_answers;
    let accepted =
        state.payouts.get(id).map(|payout| Answer::json(StatusCode::CREATED, &payout.accepted(id, documented)));
    accepted.ok_or_else(Answer::gone)
}

fn get_payout(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let claims = authorize(gateway, call, "GET")?;
    if claims.money.is_some() && !gateway.settings.locked_tokens_may_read {
        return Err(Answer::forbidden("a token for a sum of money may not read"));
    }
    let id = call.payout_id.as_str();
    validation::payout_id(id).map_err(|violation| Answer::bad_request(&violation.0))?;
    let state = gateway.lock();
    if !state.merchant_active {
        return Err(Answer::refused(&[Refusal::new("MERCHANT_INACTIVE", None, "merchant is not activated")]));
    }
    let payout =
        state.payouts.get(id).filter(|payout| payout.visible_from <= Instant::now()).ok_or_else(Answer::gone)?;
    Ok(Answer::json(StatusCode::OK, &payout.detail(id, gateway.settings.documented_answers)))
}

/// 401 without a usable token, 403 if it does not allow the call.
fn authorize(gateway: &Gateway, call: &Call, method: &str) -> Result<Claims, Answer> {
    let claims = call
        .bearer
        .as_ref()
        .and_then(|token| gateway.signer.check(token, now_secs()))
        .filter(|claims| claims.sub == gateway.settings.merchant_code)
        .ok_or_else(Answer::unauthorized)?;
    let wanted = format!("{method} /payouts/{}", call.payout_id);
    if claims.operations.as_ref().is_some_and(|operations| !operations.contains(&wanted)) {
        return Err(Answer::forbidden("the token does not allow this operation"));
    }
    Ok(claims)
}
