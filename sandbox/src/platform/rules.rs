//! The business rules: what is a 406, with all codes that apply.

use std::net::IpAddr;

use crate::http::answer::Refusal;
use crate::platform::catalogue::operator_name;
use crate::platform::channels::{self, Channel, Obstacle, Payment};
use crate::platform::gateway::State;
use crate::platform::payout::{PaymentRequested, PayoutRequest};
use crate::platform::settings::Settings;

/// How a request calls what is refused.
struct Names {
    amount: &'static str,
    currency: &'static str,
    exchanged_to: &'static str,
    segment: &'static str,
}

const IN_CREATE: Names = Names {
    amount: "paymentRequested.money.amount",
    currency: "paymentRequested.money.currencyCode",
    exchanged_to: "paymentRequested.exchangedToCurrency",
    segment: "paymentRequested.segmentCode",
};

const IN_OPTIONS: Names = Names {
    amount: "money.amount",
    currency: "money.currencyCode",
    exchanged_to: "exchangedToCurrency",
    segment: "segmentCode",
};

const METHOD: &str = "paymentMethod.paymentMethodCode";
const OPERATOR: &str = "paymentMethod.paymentOperatorCode";

/// The channel that takes a create, or why none does.
pub(crate) fn channel_for<'a>(
    request: &'a PayoutRequest,
    settings: &'a Settings,
    state: &State,
) -> Result<Channel<'a>, Vec<Refusal>> {
    let money = &request.requested.money;
    let mut refusals = money_refusals(&request.requested, state, &IN_CREATE);
    let mut refuse = |code, attr_code, description| refusals.push(Refusal::new(code, attr_code, description));

    match request.customer_ip.as_ref().map(|ip| ip.parse::<IpAddr>()) {
        Some(Err(_)) => refuse("CLIENT_IP_INVALID", Some("customerIp"), "not an IP address"),
        Some(Ok(ip)) if settings.denied_ips.contains(&ip) => {
            refuse("IP_DENIED", Some("customerIp"), "denied by the merchant's lists");
        }
        _ => {}
    }
    if money.currency_code == "INR"
        && request.method_code == "BANK_TRANSFER"
        && request.account_field("bankCode").is_none()
    {
        refuse("BANK_CODE_REQUIRED", Some("paymentMethod.account.bankCode"), "INR needs a bank code");
    }
    let balance = state.balance(&money.currency_code);
    if balance.is_some_and(|balance| money.amount.value() > balance.available) {
        refuse("BALANCE_INSUFFICIENT", None, "not enough funds");
    }
    let channel = if balance.is_some() { channel_of(request, settings, state).map(Some) } else { Ok(None) };
    match channel {
        Ok(Some(channel)) if refusals.is_empty() => return Ok(channel),
        Ok(_) => {}
        Err(refusal) => refusals.push(refusal),
    }
    Err(refusals)
}

/// The channels that would take this money now, or why there is none.
pub(crate) fn usable_channels<'a>(
    requested: &'a PaymentRequested,
    settings: &'a Settings,
    state: &State,
) -> Result<Vec<Channel<'a>>, Vec<Refusal>> {
    let mut refusals = money_refusals(requested, state, &IN_OPTIONS);
    let currency = requested.money.currency_code.as_str();
    if state.balance(currency).is_none() {
        return Err(refusals);
    }
    let channels: Vec<_> = channels::in_currency(&settings.catalogue, currency).collect();
    let usable = if channels.is_empty() {
        Err(Refusal::new("PAYMENT_METHOD_NOT_FOUND", Some(IN_OPTIONS.currency), "no payment method in this currency"))
    } else {
        channels::usable(channels, &payment(requested, state)).map_err(|obstacle| match obstacle {
            // Nobody asked for an operator, so there is no code of its own for one that is off.
            Obstacle::OperatorOff => refusal_by(Obstacle::NotActive, &IN_OPTIONS),
            obstacle => refusal_by(obstacle, &IN_OPTIONS),
        })
    };
    match usable {
        Ok(usable) if refusals.is_empty() => return Ok(usable),
        Ok(_) => {}
        Err(refusal) => refusals.push(refusal),
    }
    Err(refusals)
}

fn money_refusals(requested: &PaymentRequested, state: &State, names: &Names) -> Vec<Refusal> {
    let PaymentRequested { money, exchanged_to_currency, .. } = requested;
    let mut refusals = Vec::new();
    if money.exceeds_precision() {
        refusals.push(Refusal::new(
            "CURRENCY_PRECISION_EXCEEDED",
            Some(names.amount),
            "too many decimals for the currency",
        ));
    }
    for (currency, name) in
        [(Some(&money.currency_code), names.currency), (exchanged_to_currency.as_ref(), names.exchanged_to)]
    {
        if currency.is_some_and(|currency| state.balance(currency).is_none()) {
            refusals.push(Refusal::new("CURRENCY_NOT_SUPPORTED", Some(name), "no account in this currency"));
        }
    }
    refusals
}

fn channel_of<'a>(request: &'a PayoutRequest, settings: &'a Settings, state: &State) -> Result<Channel<'a>, Refusal> {
    let currency = request.requested.money.currency_code.as_str();
    let mut channels: Vec<_> = channels::in_currency(&settings.catalogue, currency)
        .filter(|channel| channel.option.method == request.method_code)
        .collect();
    let Some(first) = channels.first().map(|channel| channel.operator.code) else {
        return Err(Refusal::new("PAYMENT_METHOD_NOT_FOUND", Some(METHOD), "no such method in this currency"));
    };
    if let Some(code) = &request.operator_code {
        if operator_name(code).is_none() {
            return Err(Refusal::new("PAYMENT_OPERATOR_NOT_FOUND", Some(OPERATOR), "no such operator"));
        }
        channels.retain(|channel| channel.operator.code == code);
        if channels.is_empty() {
            return Err(Refusal::new("PAYMENT_OPERATOR_INVALID", Some(OPERATOR), "not an operator of this method"));
        }
    } else if channels.iter().any(|channel| channel.operator.code != first) {
        return Err(Refusal::new("PAYMENT_OPERATOR_REQUIRED", Some(OPERATOR), "this method has several operators"));
    }
    let usable = channels::usable(channels, &payment(&request.requested, state))
        .map_err(|obstacle| refusal_by(obstacle, &IN_CREATE))?;
    usable.first().copied().ok_or_else(|| refusal_by(Obstacle::NotActive, &IN_CREATE))
}

fn payment<'a>(requested: &'a PaymentRequested, state: &'a State) -> Payment<'a> {
    Payment {
        amount: requested.money.amount.value(),
        segment: requested.segment_code.as_deref(),
        taken: &state.taken_today,
    }
}

fn refusal_by(obstacle: Obstacle, names: &Names) -> Refusal {
    let (code, attr_code, description) = match obstacle {
        Obstacle::NotActive => ("PAYMENT_CHANNEL_NO_ACTIVE_FOUND", None, "switched off"),
        Obstacle::NotOpened => ("PAYMENT_CHANNEL_NO_OPENED_FOUND", None, "closed at the moment"),
        Obstacle::NotForSegment => ("PAYMENT_CHANNEL_NO_SEGMENT_FOUND", Some(names.segment), "not for this segment"),
        Obstacle::Faulty => ("PAYMENT_METHOD_ERROR", None, "the payment method reports an error"),
        Obstacle::OperatorOff => ("PAYMENT_OPERATOR_UNAVAILABLE", Some(OPERATOR), "the operator is switched off"),
        Obstacle::Amount => ("PAYMENT_CHANNEL_AMOUNT_LIMITS", Some(names.amount), "outside the limits of the option"),
        Obstacle::DailyLimit => {
            ("PAYMENT_CHANNEL_DAILY_LIMITS", Some(names.amount), "more than the option takes in a day")
        }
    };
    Refusal::new(code, attr_code, description)
}
