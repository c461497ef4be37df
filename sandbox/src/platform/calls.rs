//! The merchant calls as a gateway without faults does them: check, then act, then answer, without waiting for
//! anything.
//!
//! Here are the calls that move money or issue tokens; the others are in `reads`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};

use crate::http::answer::{Answer, Refusal};
use crate::http::exchange;
use crate::operation::Operation;
use crate::platform::call::{Call, bad_request, require_active};
use crate::platform::gateway::Gateway;
use crate::platform::reads;
use crate::platform::rules;
use crate::platform::token::{Claims, TokenRequest, is_in_contract};
use crate::platform::validation;

/// What the gateway does when nothing is broken.
pub(crate) fn perform(gateway: &Arc<Gateway>, call: &Call) -> Answer {
    let answer = answer(gateway, call).unwrap_or_else(|refusal| refusal);
    exchange::show(&gateway.settings.observers, call.request(), Some(&answer));
    answer
}

fn answer(gateway: &Arc<Gateway>, call: &Call) -> Result<Answer, Answer> {
    if call.header("x-api-version").is_none_or(|version| version.parse::<i32>().is_err()) {
        return Err(Answer::bad_request("X-API-Version must be an integer"));
    }
    if call.operation == Operation::IssueToken {
        json_body(call)?;
        return issue_token(gateway, call);
    }
    let claims = authorize(gateway, call)?;
    json_body(call)?;
    if call.operation.has_payout_id() {
        validation::payout_id(&call.payout_id).map_err(bad_request)?;
    }
    if call.operation == Operation::CreatePayout {
        return create_payout(gateway, call, &claims);
    }
    if claims.money.is_some() && !gateway.settings.locked_tokens_may_read {
        return Err(Answer::forbidden("a token for a sum of money may not read"));
    }
    if call.operation == Operation::GetPayout { get_payout(gateway, call) } else { reads::answer(gateway, call) }
}

/// 400 if a call has a body that is not said to be JSON.
fn json_body(call: &Call) -> Result<(), Answer> {
    if call.operation.method() == Method::POST && !call.is_json() {
        return Err(Answer::bad_request("Content-Type must be application/json"));
    }
    Ok(())
}

/// 401 without a usable token, 403 if it does not allow the call.
fn authorize(gateway: &Gateway, call: &Call) -> Result<Claims, Answer> {
    let claims = call
        .bearer()
        .and_then(|token| gateway.signer.check(token, gateway.clock.secs(), gateway.settings.token_leeway))
        .filter(|claims| claims.sub == gateway.settings.merchant_code)
        .ok_or_else(Answer::unauthorized)?;
    let path = if call.operation.has_payout_id() {
        format!("/payouts/{}", call.payout_id)
    } else {
        call.operation.path().to_owned()
    };
    let wanted = format!("{} {path}", call.operation.method());
    if claims.operations.as_ref().is_some_and(|operations| !operations.contains(&wanted)) {
        return Err(Answer::forbidden("the token does not allow this operation"));
    }
    Ok(claims)
}

fn issue_token(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let request = TokenRequest::read(&call.body).map_err(bad_request)?;
    let settings = &gateway.settings;
    let refuse = |code, attr_code, description| Err(Answer::refused(&[Refusal::new(code, attr_code, description)]));
    if request.merchant_code != settings.merchant_code {
        return refuse("MERCHANT_NOT_FOUND", Some("merchantCode"), "no such merchant");
    }
    if request.secret != settings.secret {
        return Err(Answer::forbidden("secret not accepted"));
    }
    require_active(&gateway.lock(), call.operation)?;
    if request.operations.iter().flatten().any(|operation| !is_in_contract(operation)) {
        return refuse("OPERATION_INVALID", Some("operations"), "bad operation entry");
    }
    let token = gateway.sign_token(request.operations, request.money, request.validity_secs);
    Ok(Answer::json(StatusCode::OK, &BTreeMap::from([("token", token)])))
}

fn create_payout(gateway: &Arc<Gateway>, call: &Call, claims: &Claims) -> Result<Answer, Answer> {
    let id = call.payout_id.as_str();
    let request = validation::payout_request(&call.body).map_err(bad_request)?;
    if claims.money.as_ref().is_some_and(|lock| !lock.allows(&request.requested.money)) {
        return Err(Answer::forbidden("the token is for other money"));
    }

    let mut state = gateway.lock();
    require_active(&state, call.operation)?;
    if state.is_used(id) {
        return Err(Answer::error(StatusCode::CONFLICT, "idPayout already used"));
    }
    let channel =
        rules::channel_for(&request, &gateway.settings, &state).map_err(|refusals| Answer::refused(&refusals))?;
    let option = channel.index;
    let payout = gateway.accept(id, request, call.read_lag);
    let answer = Answer::json(StatusCode::CREATED, &payout.accepted(id, gateway.settings.documented_answers));
    gateway.execute(&mut state, id, payout, option);
    Ok(answer)
}

fn get_payout(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let id = call.payout_id.as_str();
    let state = gateway.lock();
    require_active(&state, call.operation)?;
    let payout =
        state.payouts.get(id).filter(|payout| payout.visible_from <= Instant::now()).ok_or_else(Answer::gone)?;
    Ok(Answer::json(StatusCode::OK, &payout.detail(id, gateway.settings.documented_answers)))
}
