//! The calls of the catalogue. Each asks for a token that allows it and nothing else.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::form_urlencoded::Serializer;

use super::models::{Balance, Entry, MerchantInfo, PaymentOperator, PaymentOption, PaymentOptionFilter, PayoutOption};
use crate::auth::Scope;
use crate::call::read;
use crate::checked::check_currency;
use crate::error::{Error, ErrorKind, Result};
use crate::json::{Unreadable, object};
use crate::money::Money;
use crate::session::Session;
use crate::transport::{Answer, Operation};

const PAYOUT_OPTIONS: &str = "/payouts/!availablePaymentOptions";

pub(crate) async fn balances(session: &Arc<Session>, currencies: &[String]) -> Result<Vec<Balance>> {
    let query = [("currencyCodes", joined_currencies(currencies)?)];
    list(session, "/balances", &query).await
}

pub(crate) async fn currencies(session: &Arc<Session>) -> Result<Vec<String>> {
    list(session, "/currencies", &[]).await
}

pub(crate) async fn segments(session: &Arc<Session>) -> Result<Vec<String>> {
    list(session, "/segments", &[]).await
}

pub(crate) async fn payment_methods(session: &Arc<Session>) -> Result<Vec<String>> {
    list(session, "/payment-methods", &[]).await
}

pub(crate) async fn payment_operators(session: &Arc<Session>) -> Result<Vec<PaymentOperator>> {
    list(session, "/payment-operators", &[]).await
}

pub(crate) async fn payment_options(
    session: &Arc<Session>,
    filter: &PaymentOptionFilter,
) -> Result<Vec<PaymentOption>> {
    let PaymentOptionFilter { type_code, method_codes, currencies, segment_codes, operator_codes } = filter;
    let query = [
        ("paymentTypeCode", type_code.as_ref().map(|code| code.as_str().to_owned())),
        ("paymentMethodCodes", joined("method_codes", method_codes)?),
        ("currencyCodes", joined_currencies(currencies)?),
        ("segmentCodes", joined("segment_codes", segment_codes)?),
        ("paymentOperatorCodes", joined("operator_codes", operator_codes)?),
    ];
    list(session, "/payment-options", &query).await
}

/// The merchant's data, and when the platform says it answered.
pub(crate) async fn merchant_info(session: &Arc<Session>) -> Result<(MerchantInfo, Option<Timestamp>)> {
    let parse = |answer: &Answer| Ok((MerchantInfo::parse(text(answer)?)?, answer.date));
    read(session, &Operation::get("/merchant-info"), &Scope::operation("GET", "/merchant-info"), parse).await
}

pub(crate) async fn payout_options(
    session: &Arc<Session>,
    money: &Money,
    segment_code: Option<&str>,
    exchanged_to_currency: Option<&str>,
) -> Result<Vec<PayoutOption>> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Requested<'a> {
        money: &'a Money,
        #[serde(skip_serializing_if = "Option::is_none")]
        segment_code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        exchanged_to_currency: Option<&'a str>,
    }
    if session.validate {
        money.check_payable()?;
        if let Some(code) = exchanged_to_currency {
            check_currency("exchanged_to_currency", code)?;
        }
    }
    let body = serde_json::to_vec(&Requested { money, segment_code, exchanged_to_currency })
        .map_err(|_| Error::internal("the request cannot be written as JSON"))?;
    let scope = Scope::operation("POST", PAYOUT_OPTIONS);
    let options = read(session, &Operation::post(PAYOUT_OPTIONS, body), &scope, entries).await;
    options.or_else(|error| if is_none_found(&error) { Ok(Vec::new()) } else { Err(error) })
}

/// The platform says "there is none" with a 406 of nothing but these codes.
fn is_none_found(error: &Error) -> bool {
    error.kind() == ErrorKind::Rejected
        && !error.reasons().is_empty()
        && error.reasons().iter().all(|reason| reason.code.starts_with("PAYMENT_CHANNEL_NO_"))
}

async fn list<T: Entry + Send + 'static>(
    session: &Arc<Session>,
    path: &str,
    query: &[(&str, Option<String>)],
) -> Result<Vec<T>> {
    let operation = Operation::get(target(path, query));
    read(session, &operation, &Scope::operation("GET", path), entries).await
}

/// Not in the async function: the serializer is not `Send`, and a call must be.
fn target(path: &str, query: &[(&str, Option<String>)]) -> String {
    let mut encoded = Serializer::new(String::new());
    for (name, value) in query {
        if let Some(value) = value {
            encoded.append_pair(name, value);
        }
    }
    let encoded = encoded.finish();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{encoded}") }
}

/// Lists come in an optional `data`: `{}` is an empty list.
pub(crate) fn entries<T: Entry>(answer: &Answer) -> Result<Vec<T>, Unreadable> {
    #[derive(Deserialize)]
    struct List {
        data: Option<Vec<Box<RawValue>>>,
    }
    let list: List = object(text(answer)?)?;
    list.data.unwrap_or_default().iter().map(|entry| T::parse(entry.get())).collect()
}

fn text(answer: &Answer) -> Result<&str, Unreadable> {
    std::str::from_utf8(&answer.body).map_err(|_| Unreadable("it is not UTF-8".to_owned()))
}

/// A filter by currencies. One that is written wrong would match nothing, and the platform skips it without a word.
fn joined_currencies(codes: &[String]) -> Result<Option<String>> {
    codes.iter().try_for_each(|code| check_currency("currencies", code))?;
    joined("currencies", codes)
}

/// A filter as the platform takes it: one string, separated by commas.
fn joined(field: &str, codes: &[String]) -> Result<Option<String>> {
    if codes.iter().any(|code| code.is_empty() || code.contains(',')) {
        return Err(Error::invalid(field, "must be codes without commas, none of them empty"));
    }
    Ok((!codes.is_empty()).then(|| codes.join(",")))
}
