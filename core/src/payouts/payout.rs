//! What the platform answers: the acceptance of a create, and a payout with its status.
//!
//! Reading is tolerant on purpose. Money, method and (for a payout) status must be readable; everything else may be
//! missing or malformed without failing the answer, since a field that a decision does not need must never turn a
//! payout that exists into an error. The raw JSON stays reachable.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::codes::{FailureCode, MethodCode, PayoutStatus};
use super::id::PayoutId;
use crate::money::Money;

/// The platform took the payout. This is not completion: follow it with `wait_for_payout`.
#[derive(Clone, PartialEq, Eq)]
pub struct PayoutAccepted {
    /// The merchant's id.
    pub payout_id: PayoutId,
    /// The platform's id, if the answer carried one.
    pub payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    pub reference: Option<String>,
    /// The money, as the platform repeats it.
    pub money: Money,
    /// The method, as the platform repeats it.
    pub method_code: MethodCode,
    /// The segment, if the platform repeats one.
    pub segment_code: Option<String>,
    /// The currency to exchange into, if the platform repeats one.
    pub exchanged_to_currency: Option<String>,
    /// True if the answer to the create was lost and the payout was found by reading it.
    ///
    /// That proves id, money, method and age, **not the payee**: the platform never repeats the account.
    pub recovered: bool,
    /// The payout that was found, if `recovered`.
    pub payout: Option<Payout>,
    /// The answer's JSON as it came.
    pub raw: RawJson,
}

/// A payout with its status (contract: `PayoutDetail`).
#[derive(Clone, PartialEq, Eq)]
pub struct Payout {
    /// The merchant's id.
    pub payout_id: PayoutId,
    /// The platform's id, if the answer carried one.
    pub payment_id: Option<String>,
    /// The platform's transaction reference, if the answer carried one.
    pub reference: Option<String>,
    /// The money that was asked for.
    pub money: Money,
    /// The method that was asked for.
    pub method_code: MethodCode,
    /// The segment, if there is one.
    pub segment_code: Option<String>,
    /// The currency to exchange into, if there is one.
    pub exchanged_to_currency: Option<String>,
    /// Where it stands.
    pub status: PayoutStatus,
    /// Why it failed or was refused, if the platform says so.
    pub failure_reason: Option<FailureReason>,
    /// When the platform accepted it.
    pub created_at: Option<Timestamp>,
    /// When it was processed.
    pub processed_at: Option<Timestamp>,
    /// Whether a test merchant or test channel was used.
    pub is_test: Option<bool>,
    /// The status at an external processor. It says nothing about the outcome; use `status`.
    pub processor_status: Option<String>,
    /// The fee charged to the merchant.
    pub fee: Option<Money>,
    /// The answer's JSON as it came.
    pub raw: RawJson,
}

/// Why a payout failed or was refused (contract: `FailureReasons`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FailureReason {
    /// The platform's code.
    pub code: FailureCode,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// The platform's own text.
    pub message: Option<String>,
}

/// The JSON of an answer, as it came. `Debug` shows its length only, since the platform's texts are not ours.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl fmt::Debug for PayoutAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayoutAccepted")
            .field("payout_id", &self.payout_id)
            .field("payment_id", &self.payment_id)
            .field("money", &self.money)
            .field("method_code", &self.method_code)
            .field("recovered", &self.recovered)
            .field("payout", &self.payout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Payout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payout")
            .field("payout_id", &self.payout_id)
            .field("payment_id", &self.payment_id)
            .field("money", &self.money)
            .field("method_code", &self.method_code)
            .field("status", &self.status)
            .field("failure_code", &self.failure_reason.as_ref().map(|reason| &reason.code))
            .field("created_at", &self.created_at)
            .field("fee", &self.fee)
            .finish_non_exhaustive()
    }
}

/// The parts that both answers share. Only money and method must be readable.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerWire {
    payment_requested: RequestedWire,
    payment_method_response: MethodWire,
    process: Option<Box<RawValue>>,
    fee: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestedWire {
    money: Money,
    segment_code: Option<Box<RawValue>>,
    exchanged_to_currency: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodWire {
    payment_method_code: MethodCode,
    id_payout: Option<String>,
    id_payment: Option<Box<RawValue>>,
    reference: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessWire {
    status: PayoutStatus,
    failure_reasons: Option<Box<RawValue>>,
    created_at: Option<Box<RawValue>>,
    processed_at: Option<Box<RawValue>>,
    is_test: Option<Box<RawValue>>,
    processor_status: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureWire {
    failure_reason_code: FailureCode,
    failed_at: Option<Box<RawValue>>,
    message: Option<Box<RawValue>>,
}

/// Why an answer could not be read. The text names the place, never the content.
pub(crate) struct Unreadable(pub String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        // serde's own text may quote the value.
        Self(format!("line {}, column {}", error.line(), error.column()))
    }
}

impl PayoutAccepted {
    /// Reads the answer to a create of `id`.
    pub(crate) fn read(id: &PayoutId, body: &[u8]) -> Result<Self, Unreadable> {
        let (raw, wire) = read_answer(id, body)?;
        Ok(Self {
            payout_id: id.clone(),
            payment_id: lenient(wire.payment_method_response.id_payment, "idPayment"),
            reference: lenient(wire.payment_method_response.reference, "reference"),
            money: wire.payment_requested.money,
            method_code: wire.payment_method_response.payment_method_code,
            segment_code: lenient(wire.payment_requested.segment_code, "segmentCode"),
            exchanged_to_currency: lenient(wire.payment_requested.exchanged_to_currency, "exchangedToCurrency"),
            recovered: false,
            payout: None,
            raw,
        })
    }

    /// The acceptance of a payout whose answer was lost and which was found by reading it.
    pub(crate) fn recovered(payout: Payout) -> Self {
        Self {
            payout_id: payout.payout_id.clone(),
            payment_id: payout.payment_id.clone(),
            reference: payout.reference.clone(),
            money: payout.money.clone(),
            method_code: payout.method_code.clone(),
            segment_code: payout.segment_code.clone(),
            exchanged_to_currency: payout.exchanged_to_currency.clone(),
            recovered: true,
            raw: payout.raw.clone(),
            payout: Some(payout),
        }
    }
}

impl Payout {
    /// Reads the answer to a GET of `id`.
    pub(crate) fn read(id: &PayoutId, body: &[u8]) -> Result<Self, Unreadable> {
        let (raw, wire) = read_answer(id, body)?;
        let process = wire.process.ok_or_else(|| Unreadable("process is missing".to_owned()))?;
        let process: ProcessWire = serde_json::from_str(process.get())?;
        Ok(Self {
            payout_id: id.clone(),
            payment_id: lenient(wire.payment_method_response.id_payment, "idPayment"),
            reference: lenient(wire.payment_method_response.reference, "reference"),
            money: wire.payment_requested.money,
            method_code: wire.payment_method_response.payment_method_code,
            segment_code: lenient(wire.payment_requested.segment_code, "segmentCode"),
            exchanged_to_currency: lenient(wire.payment_requested.exchanged_to_currency, "exchangedToCurrency"),
            status: process.status,
            failure_reason: lenient::<FailureWire>(process.failure_reasons, "failureReasons").map(|reason| {
                FailureReason {
                    code: reason.failure_reason_code,
                    failed_at: timestamp(reason.failed_at, "failedAt"),
                    message: lenient(reason.message, "message"),
                }
            }),
            created_at: timestamp(process.created_at, "createdAt"),
            processed_at: timestamp(process.processed_at, "processedAt"),
            is_test: lenient(process.is_test, "isTest"),
            processor_status: lenient(process.processor_status, "processorStatus"),
            fee: lenient(wire.fee, "fee"),
            raw,
        })
    }
}

/// Reads the shared parts, and refuses an answer about another payout.
fn read_answer(id: &PayoutId, body: &[u8]) -> Result<(RawJson, AnswerWire), Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable("it is not UTF-8".to_owned()))?;
    let wire: AnswerWire = serde_json::from_str(text)?;
    match &wire.payment_method_response.id_payout {
        Some(other) if other != id.as_str() => Err(Unreadable("it is about another payout".to_owned())),
        _ => Ok((RawJson(Arc::from(text)), wire)),
    }
}

/// A field no decision needs: unreadable is as good as missing, apart from a line in the log.
fn lenient<T: DeserializeOwned>(raw: Option<Box<RawValue>>, field: &'static str) -> Option<T> {
    let raw = raw?;
    serde_json::from_str(raw.get())
        .inspect_err(
            |_| tracing::warn!(target: "komopay", field, "a field of the answer cannot be read; see the raw JSON"),
        )
        .ok()
}

fn timestamp(raw: Option<Box<RawValue>>, field: &'static str) -> Option<Timestamp> {
    lenient::<String>(raw, field)?
        .parse()
        .inspect_err(
            |_| tracing::warn!(target: "komopay", field, "a time in the answer cannot be read; see the raw JSON"),
        )
        .ok()
}
