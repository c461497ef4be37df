//! The calls that move no money: available options, balances, and the catalogue.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::http::answer::{Answer, Refusal};
use crate::operation::Operation;
use crate::platform::call::{Call, bad_request, require_active};
use crate::platform::catalogue::{Direction, METHODS, OPERATORS, PaymentOption, SEGMENTS, operator_name};
use crate::platform::channels::Channel;
use crate::platform::fields::Violation;
use crate::platform::gateway::Gateway;
use crate::platform::money::json_number;
use crate::platform::payout::{PaymentRequested, timestamp};
use crate::platform::query::Query;
use crate::platform::rules;
use crate::platform::validation;

/// Answers every call but those for tokens and single payouts. The token was checked.
pub(crate) fn answer(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let query = Query::of(&call.uri);
    match call.operation {
        Operation::ListAvailablePayoutOptions => available_payout_options(gateway, call),
        Operation::GetBalances => balances(gateway, &query),
        Operation::ListPaymentOptions => payment_options(gateway, &query),
        operation => {
            require_active(&gateway.lock(), operation)?;
            Ok(match operation {
                Operation::ListCurrencies => list(codes(gateway.settings.balances.keys().map(String::as_str))),
                Operation::ListSegments => list(codes(SEGMENTS.into_iter())),
                Operation::ListPaymentMethods => list(codes(METHODS.into_iter())),
                Operation::ListPaymentOperators => {
                    list(OPERATORS.map(|(code, name)| Operator { code, name, customer_transaction_fee: None }).to_vec())
                }
                _ => Answer::json(
                    StatusCode::OK,
                    &BTreeMap::from([("channelInfo", BTreeMap::from([("name", SHOP_NAME)]))]),
                ),
            })
        }
    }
}

/// What `GET /merchant-info` calls the merchant.
const SHOP_NAME: &str = "Sandbox shop";

fn list<T: Serialize>(data: Vec<T>) -> Answer {
    Answer::json(StatusCode::OK, &BTreeMap::from([("data", data)]))
}

#[derive(Serialize)]
struct Code<'a> {
    code: &'a str,
}

fn codes<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<Code<'a>> {
    codes.map(|code| Code { code }).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account<'a> {
    currency_code: &'a str,
    balance: Box<RawValue>,
    available_balance: Box<RawValue>,
    pending_settlement_amount: u8,
    pending_payout_amount: Box<RawValue>,
    last_balance_movement: String,
}

fn balances(gateway: &Gateway, query: &Query) -> Result<Answer, Answer> {
    let wanted = query.codes("currencyCodes").map_err(bad_request)?;
    let state = gateway.lock();
    require_active(&state, Operation::GetBalances)?;
    let accounts =
        state.accounts().filter(|(currency, ..)| wanted.as_ref().is_none_or(|codes| codes.contains(currency)));
    let balances = accounts.map(|(currency_code, balance, moved)| Account {
        currency_code,
        balance: json_number(balance.balance),
        available_balance: json_number(balance.available),
        // Money comes into a sandbox only at its start.
        pending_settlement_amount: 0,
        pending_payout_amount: json_number(balance.pending_payout),
        last_balance_movement: timestamp(moved),
    });
    Ok(list(balances.collect()))
}

/// The filters of `GET /payment-options`; `None` lets everything through.
struct Filters<'a> {
    direction: Option<Direction>,
    methods: Option<Vec<&'a str>>,
    currencies: Option<Vec<&'a str>>,
    segments: Option<Vec<&'a str>>,
    operators: Option<Vec<&'a str>>,
}

impl<'a> Filters<'a> {
    fn read(query: &'a Query) -> Result<Self, Violation> {
        let direction = match query.text("paymentTypeCode")? {
            None => None,
            Some("PAYIN") => Some(Direction::Payin),
            Some("PAYOUT") => Some(Direction::Payout),
            Some(_) => return Err(Violation("paymentTypeCode must be PAYIN or PAYOUT".to_owned())),
        };
        Ok(Self {
            direction,
            methods: query.codes("paymentMethodCodes")?,
            currencies: query.codes("currencyCodes")?,
            segments: query.codes("segmentCodes")?,
            operators: query.codes("paymentOperatorCodes")?,
        })
    }

    /// One refusal for each filter with an unknown value. Currencies have no code for it: an unknown one matches nothing.
    fn refusals(&self) -> Vec<Refusal> {
        let unknown =
            |codes: &Option<Vec<&str>>, is_known: fn(&str) -> bool| codes.iter().flatten().any(|code| !is_known(code));
        let checks = [
            (
                "PAYMENT_METHOD_CODE_INVALID",
                "paymentMethodCodes",
                unknown(&self.methods, |code| METHODS.contains(&code)),
            ),
            ("SEGMENT_CODE_INVALID", "segmentCodes", unknown(&self.segments, |code| SEGMENTS.contains(&code))),
            (
                "PAYMENT_OPERATOR_CODE_INVALID",
                "paymentOperatorCodes",
                unknown(&self.operators, |code| operator_name(code).is_some()),
            ),
        ];
        let broken = checks.into_iter().filter(|(.., is_broken)| *is_broken);
        broken.map(|(code, attr_code, _)| Refusal::new(code, Some(attr_code), "unknown code")).collect()
    }

    /// The option with those of its operators that were asked for, if it was asked for itself.
    fn narrow(&self, option: &PaymentOption) -> Option<PaymentOption> {
        let asked_for =
            |codes: &Option<Vec<&str>>, code: &str| codes.as_ref().is_none_or(|codes| codes.contains(&code));
        let matches = self.direction.is_none_or(|direction| direction == option.direction)
            && asked_for(&self.methods, option.method)
            && asked_for(&self.currencies, &option.currency)
            && option.segment.is_none_or(|segment| asked_for(&self.segments, segment));
        let mut option = matches.then(|| option.clone())?;
        option.operators.retain(|operator| asked_for(&self.operators, operator.code));
        Some(option).filter(|option| !option.operators.is_empty())
    }
}

fn payment_options(gateway: &Gateway, query: &Query) -> Result<Answer, Answer> {
    let filters = Filters::read(query).map_err(bad_request)?;
    require_active(&gateway.lock(), Operation::ListPaymentOptions)?;
    let refusals = filters.refusals();
    if !refusals.is_empty() {
        return Err(Answer::refused(&refusals));
    }
    let options = &gateway.settings.catalogue.options;
    Ok(list(options.iter().filter_map(|option| filters.narrow(option)).collect()))
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Operator<'a> {
    code: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_transaction_fee: Option<CustomerFee<'a>>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct CustomerFee<'a> {
    min_fee: Fee<'a>,
    max_fee: Fee<'a>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fee<'a> {
    amount: Box<RawValue>,
    currency_code: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AvailableOption<'a> {
    payment_method_code: &'a str,
    payment_operators: Vec<Operator<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment_code: Option<&'a str>,
}

fn available_payout_options(gateway: &Gateway, call: &Call) -> Result<Answer, Answer> {
    let requested = validation::payment_requested_body(&call.body).map_err(bad_request)?;
    let state = gateway.lock();
    require_active(&state, call.operation)?;
    let channels =
        rules::usable_channels(&requested, &gateway.settings, &state).map_err(|refusals| Answer::refused(&refusals))?;
    let methods = METHODS.into_iter().filter_map(|method| {
        let operators: Vec<_> = channels
            .iter()
            .filter(|channel| channel.option.method == method)
            .map(|channel| operator(channel, &requested))
            .collect();
        let option = AvailableOption {
            payment_method_code: method,
            payment_operators: operators,
            segment_code: requested.segment_code.as_deref(),
        };
        Some(option).filter(|option| !option.payment_operators.is_empty())
    });
    Ok(list(methods.collect()))
}

fn operator<'a>(channel: &Channel<'a>, requested: &'a PaymentRequested) -> Operator<'a> {
    let code = channel.operator.code;
    let fee = |amount| Fee { amount: json_number(amount), currency_code: &requested.money.currency_code };
    Operator {
        code,
        name: operator_name(code).unwrap_or(code),
        customer_transaction_fee: channel
            .operator
            .customer_fee
            .map(|(least, most)| CustomerFee { min_fee: fee(least), max_fee: fee(most) }),
    }
}
