//! The business rules of a create: what is a 406, with all codes that apply.

use std::net::IpAddr;

use crate::answer::Refusal;
use crate::ledger::Balance;
use crate::payout::PayoutRequest;

const AMOUNT: &str = "paymentRequested.money.amount";
const CURRENCY: &str = "paymentRequested.money.currencyCode";

/// Why a valid request is not taken; empty if it is. `balance` is the account in the payout's currency.
pub(crate) fn refusals(request: &PayoutRequest, balance: Option<Balance>) -> Vec<Refusal> {
    let money = &request.requested.money;
    let mut refusals = Vec::new();
    let mut refuse = |code, attr_code, description| refusals.push(Refusal::new(code, attr_code, description));

    if money.exceeds_precision() {
        refuse("CURRENCY_PRECISION_EXCEEDED", Some(AMOUNT), "too many decimals for the currency");
    }
    if balance.is_none() {
        refuse("CURRENCY_NOT_SUPPORTED", Some(CURRENCY), "no account in this currency");
    }
    if request.customer_ip.as_ref().is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
        refuse("CLIENT_IP_INVALID", Some("customerIp"), "not an IP address");
    }
    if money.currency_code == "INR"
        && request.method_code == "BANK_TRANSFER"
        && request.account_field("bankCode").is_none()
    {
        refuse("BANK_CODE_REQUIRED", Some("paymentMethod.account.bankCode"), "INR needs a bank code");
    }
    if balance.is_some_and(|balance| money.amount.value() > balance.available) {
        refuse("BALANCE_INSUFFICIENT", None, "not enough funds");
    }
    refusals
}
