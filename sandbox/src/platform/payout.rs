//! A payout: as it was asked for, as the gateway holds it, and as it is shown.

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::callbacks::Subscriber;
use crate::platform::magic::Outcome;
use crate::platform::money::{Money, json_number};

/// What is echoed in every answer about the payout.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PaymentRequested {
    pub(crate) money: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) segment_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exchanged_to_currency: Option<String>,
}

/// A create that satisfies the schema. No `Debug`: it holds an account number.
pub(crate) struct PayoutRequest {
    pub(crate) requested: PaymentRequested,
    pub(crate) method_code: &'static str,
    pub(crate) operator_code: Option<String>,
    /// The payee: every field of the account that was given.
    pub(crate) account_fields: Vec<(&'static str, String)>,
    pub(crate) callback_url: Option<String>,
    pub(crate) customer_ip: Option<String>,
}

impl PayoutRequest {
    pub(crate) fn account_field(&self, name: &str) -> Option<&str> {
        self.account_fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.as_str())
    }
}

/// A payout the gateway has taken. It holds no account number.
pub(crate) struct Payout {
    pub(crate) requested: PaymentRequested,
    /// Where changes of its status are told, if anywhere.
    pub(crate) subscriber: Option<Subscriber>,
    pub(crate) method_code: &'static str,
    pub(crate) payee_hash: String,
    pub(crate) id_payment: String,
    pub(crate) reference: String,
    pub(crate) outcome: Outcome,
    pub(crate) created_at: Timestamp,
    /// `created_at` on the clock that measures durations.
    pub(crate) executed: Instant,
    /// When it ended; `None` while it is in processing.
    pub(crate) processed_at: Option<Timestamp>,
    /// GETs do not find it before.
    pub(crate) visible_from: Instant,
}

/// Why a payout's status was not changed, or its callback not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The gateway has no payout of this id.
    #[error("there is no such payout")]
    NoPayout,
    /// The payout was created without a `callbackUrl`.
    #[error("the payout was created without a callbackUrl")]
    NoCallbackUrl,
    /// It has this status and failure reason already.
    #[error("the payout is {status} already; a callback without a change is sent by send_callback")]
    Unchanged {
        /// The status.
        status: &'static str,
    },
    /// No payout goes back to `PROCESSING`.
    #[error("a payout does not become PROCESSING; it becomes SUCCESS, FAILED or REFUSED")]
    BackToProcessing,
    /// What was released cannot be booked: the money is not available any more.
    #[error("the available balance is less than the payout's amount")]
    BalanceInsufficient,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accepted<'a> {
    payment_requested: &'a PaymentRequested,
    payment_method_response: MethodResponse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    payment_requested: &'a PaymentRequested,
    process: Process,
    fee: Fee<'a>,
    payment_method_response: MethodResponse<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MethodResponse<'a> {
    payment_method_code: &'a str,
    id_payout: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_payment: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reasons: Option<FailureReasons>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed_at: Option<String>,
    is_test: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    processor_status: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureReasons {
    failed_at: String,
    failure_reason_code: &'static str,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fee<'a> {
    amount: Box<RawValue>,
    currency_code: &'a str,
}

impl Payout {
    /// The body of a 201. `documented` leaves out what KomoPay's documented answers leave out.
    pub(crate) fn accepted<'a>(&'a self, id: &'a str, documented: bool) -> impl Serialize + use<'a> {
        Accepted { payment_requested: &self.requested, payment_method_response: self.method_response(id, documented) }
    }

    /// The body of a GET.
    pub(crate) fn detail<'a>(&'a self, id: &'a str, documented: bool) -> impl Serialize + use<'a> {
        Detail {
            payment_requested: &self.requested,
            process: self.process(documented),
            fee: Fee {
                amount: json_number(self.requested.money.fee()),
                currency_code: &self.requested.money.currency_code,
            },
            payment_method_response: self.method_response(id, documented),
        }
    }

    /// Its status now.
    pub(crate) fn status(&self) -> &'static str {
        if self.processed_at.is_some() { self.outcome.status() } else { Outcome::Processing.status() }
    }

    fn process(&self, documented: bool) -> Process {
        let processor_status = if self.processed_at.is_some() { "PROCESSED" } else { "ACCEPTED" };
        let failure_reasons = self.processed_at.zip(self.outcome.failure_reason()).map(|(at, code)| FailureReasons {
            failed_at: timestamp(at),
            failure_reason_code: code,
            message: format!("the sandbox ended this payout with {code}"),
        });
        Process {
            status: self.status(),
            failure_reasons,
            created_at: timestamp(self.created_at),
            processed_at: self.processed_at.map(timestamp),
            is_test: true,
            processor_status: (!documented).then_some(processor_status),
        }
    }

    fn method_response<'a>(&'a self, id: &'a str, documented: bool) -> MethodResponse<'a> {
        MethodResponse {
            payment_method_code: self.method_code,
            id_payout: id,
            id_payment: (!documented).then_some(&self.id_payment),
            reference: (!documented).then_some(&self.reference),
        }
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(crate) fn timestamp(at: Timestamp) -> String {
    format!("{at:.3}")
}
