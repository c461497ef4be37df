//! What to do about an item: one plain sentence for each reason.

use komopay_core::FailureCode;

use super::item::ReportItem;
use crate::item::ItemState;

impl ReportItem {
    /// What to do about it, in one sentence; nothing, if the money arrived and nothing else is said.
    #[must_use]
    pub fn what_to_do(&self) -> Option<&'static str> {
        if self.replaced_by.is_some() {
            return Some("It was tried again: look at the item that replaces it.");
        }
        if let Some(attention) = self.attention {
            return Some(attention.what_to_do());
        }
        Some(match self.state {
            ItemState::Succeeded => return None,
            ItemState::Planned => "Nothing was sent: start the batch, or resume it.",
            ItemState::InDoubt => {
                "It may have been paid: pay it in no other way, and let a worker run on, which finds out."
            }
            ItemState::Accepted => "It is on its way: let a worker follow it, and pay it in no other way.",
            ItemState::NeedsPerson => {
                "Look for its id in the platform's back office, and settle it as made or not made by what you find."
            }
            ItemState::Cancelled => "It was never sent: put it into a new batch, if the payee is still to be paid.",
            ItemState::Failed | ItemState::Refused | ItemState::Rejected => self.after_a_no(),
        })
    }

    fn after_a_no(&self) -> &'static str {
        let codes = self.failure.iter().map(FailureCode::as_str);
        let mut codes = codes.chain(self.reasons.iter().map(String::as_str));
        codes.find_map(after_code).unwrap_or(
            "It was not paid: look its reason up in the platform's documentation, mend that, and try it again.",
        )
    }
}

/// What helps against a no with this code, of those that are known.
fn after_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "BALANCE_INSUFFICIENT" => "The balance was too low: top it up, and try it again.",
        "INVALID_ACCOUNT_NUMBER" | "INVALID_ACCOUNT_NAME" | "INCORRECT_CURRENCY" | "BANK_CODE_REQUIRED" => {
            "The payee's account is wrong: ask the payee for the right one, and put it into a new batch."
        }
        "PAYMENT_CHANNEL_DAILY_LIMITS" => "The day's limit was used up: try it again tomorrow.",
        "PAYMENT_CHANNEL_AMOUNT_LIMITS" => {
            "The amount is outside the operator's limits: put it into a new batch with an amount, or an operator, that \
             fits."
        }
        "SYSTEM"
        | "PAYMENT_PROCESS_ERROR"
        | "ENTITY_EXPIRED"
        | "PAYMENT_METHOD_ERROR"
        | "PAYMENT_OPERATOR_UNAVAILABLE"
        | "PAYMENT_CHANNEL_NO_ACTIVE_FOUND"
        | "PAYMENT_CHANNEL_NO_OPENED_FOUND" => "The operator could not pay it then: try it again later.",
        "CURRENCY_NOT_SUPPORTED"
        | "CURRENCY_PRECISION_EXCEEDED"
        | "PAYMENT_METHOD_NOT_FOUND"
        | "PAYMENT_OPERATOR_NOT_FOUND"
        | "PAYMENT_OPERATOR_INVALID"
        | "PAYMENT_OPERATOR_REQUIRED"
        | "PAYMENT_OPERATOR_CODE_INVALID"
        | "PAYMENT_METHOD_CODE_INVALID"
        | "PAYMENT_CHANNEL_NO_SEGMENT_FOUND"
        | "SEGMENT_CODE_INVALID" => {
            "The platform does not offer this: compare currency, method, operator and segment with the payment \
             options, and put it into a new batch."
        }
        "IP_DENIED" | "CLIENT_IP_INVALID" => {
            "The customer's IP address is not accepted: put it into a new batch with the right one, or without."
        }
        "DIFFERENT_AMOUNT_CONFIRMED" => {
            "Another amount was confirmed: find out how much the payee has before anything is paid again."
        }
        "MERCHANT_NOT_FOUND" | "MERCHANT_INACTIVE" | "OPERATION_INVALID" => {
            "The merchant was not allowed to pay: ask KomoPay to allow it, and try it again."
        }
        _ => return None,
    })
}
