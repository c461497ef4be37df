//! What the platform answers: the acceptance of a create, and a payout with its status.
//!
//! Reading is tolerant on purpose. Money, method and (for a payout) status must be readable; everything else may be
//! missing or malformed without failing the answer, since a field that a decision does not need must never turn a
//! payout that exists into an error. The raw JSON stays reachable.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::codes::{FailureCode, MethodCode, PayoutStatus};
use super::id::PayoutId;
use super::lenient::{Said, lenient, said, said_time, timestamp, unreadable};
use crate::attempt::Attempts;
use crate::json::{RawJson, Unreadable, nested, object};
use crate::money::Money;
use crate::scrub::Scrubber;

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
    /// The requests of the call, with the platform's ids of them; of a long one, the last.
    pub attempts: Attempts,
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
    /// The requests of the call that read it, with the platform's ids of them; of a long one, the last. None of a
    /// payout that comes out of a store.
    pub attempts: Attempts,
}

/// Why a payout failed or was refused (contract: `FailureReasons`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FailureReason {
    /// The platform's code.
    pub code: FailureCode,
    /// When it failed.
    pub failed_at: Option<Timestamp>,
    /// The platform's own text, in one line, and without its long numbers; the answer's `raw` has it as it came.
    pub message: Option<String>,
}

/// Without the message: it is the platform's text, and may repeat what must not be shown.
impl fmt::Debug for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("FailureReason");
        shown.field("code", &self.code).field("failed_at", &self.failed_at).finish_non_exhaustive()
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

/// What an answer says that decides. That it repeats our id was seen when it was read.
pub(crate) struct Deciding {
    pub money: Money,
    pub method_code: MethodCode,
    pub segment_code: Said<String>,
    pub exchanged_to_currency: Said<String>,
    /// Of a read only.
    pub process: Option<DecidingProcess>,
}

/// What only a read says, and must say (contract: `PaymentProcess`).
pub(crate) struct DecidingProcess {
    pub created_at: Said<Timestamp>,
    pub is_test: Said<bool>,
}

/// The parts that both answers share. Only money and method must be readable.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerWire<'a> {
    #[serde(borrow, deserialize_with = "nested")]
    payment_requested: RequestedWire<'a>,
    #[serde(borrow, deserialize_with = "nested")]
    payment_method_response: MethodWire<'a>,
    #[serde(borrow)]
    process: Option<&'a RawValue>,
    #[serde(borrow)]
    fee: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequestedWire<'a> {
    money: Money,
    #[serde(borrow)]
    segment_code: Option<&'a RawValue>,
    #[serde(borrow)]
    exchanged_to_currency: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MethodWire<'a> {
    payment_method_code: MethodCode,
    #[serde(borrow)]
    id_payout: Option<&'a RawValue>,
    #[serde(borrow)]
    id_payment: Option<&'a RawValue>,
    #[serde(borrow)]
    reference: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessWire<'a> {
    status: PayoutStatus,
    #[serde(borrow)]
    failure_reasons: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
    #[serde(borrow)]
    processed_at: Option<&'a RawValue>,
    #[serde(borrow)]
    is_test: Option<&'a RawValue>,
    #[serde(borrow)]
    processor_status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FailureWire<'a> {
    failure_reason_code: FailureCode,
    #[serde(borrow)]
    failed_at: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

impl PayoutAccepted {
    /// Reads the answer to a create of `id`, and what decides whose payout it is about.
    pub(crate) fn parse(id: &PayoutId, body: &[u8]) -> Result<(Self, Deciding), Unreadable> {
        let (raw, wire) = read_answer(id, body)?;
        let (requested, method) = (wire.payment_requested, wire.payment_method_response);
        let deciding = Deciding {
            money: requested.money,
            method_code: method.payment_method_code,
            segment_code: said(Some(id), requested.segment_code, "segmentCode"),
            exchanged_to_currency: said(Some(id), requested.exchanged_to_currency, "exchangedToCurrency"),
            process: None,
        };
        let accepted = Self {
            payout_id: id.clone(),
            payment_id: lenient(Some(id), method.id_payment, "idPayment"),
            reference: lenient(Some(id), method.reference, "reference"),
            money: deciding.money.clone(),
            method_code: deciding.method_code.clone(),
            segment_code: deciding.segment_code.value(),
            exchanged_to_currency: deciding.exchanged_to_currency.value(),
            recovered: false,
            payout: None,
            raw,
            attempts: Attempts::default(),
        };
        Ok((accepted, deciding))
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
            attempts: Attempts::default(),
        }
    }

    /// The same, and the payout that was found, with the requests of its call.
    pub(crate) fn with_attempts(self, attempts: Attempts) -> Self {
        let payout = self.payout.map(|payout| payout.with_attempts(attempts.clone()));
        Self { payout, attempts, ..self }
    }
}

impl Payout {
    /// Reads the answer to a GET of `id`, and what decides whose payout it shows.
    pub(crate) fn parse(id: &PayoutId, body: &[u8]) -> Result<(Self, Deciding), Unreadable> {
        let (raw, wire) = read_answer(id, body)?;
        let (requested, method) = (wire.payment_requested, wire.payment_method_response);
        let process = wire.process.ok_or_else(|| Unreadable("process is missing".to_owned()))?;
        let process: ProcessWire<'_> = object(process.get())?;
        let created_at = said_time(Some(id), process.created_at, "createdAt");
        let is_test = said(Some(id), process.is_test, "isTest");
        let deciding = Deciding {
            money: requested.money,
            method_code: method.payment_method_code,
            segment_code: said(Some(id), requested.segment_code, "segmentCode"),
            exchanged_to_currency: said(Some(id), requested.exchanged_to_currency, "exchangedToCurrency"),
            process: Some(DecidingProcess { created_at: created_at.clone(), is_test: is_test.clone() }),
        };
        let failure_reason = lenient::<Box<RawValue>>(Some(id), process.failure_reasons, "failureReasons");
        let payout = Self {
            payout_id: id.clone(),
            payment_id: lenient(Some(id), method.id_payment, "idPayment"),
            reference: lenient(Some(id), method.reference, "reference"),
            money: deciding.money.clone(),
            method_code: deciding.method_code.clone(),
            segment_code: deciding.segment_code.value(),
            exchanged_to_currency: deciding.exchanged_to_currency.value(),
            status: process.status,
            failure_reason: failure_reason.and_then(|reason| FailureReason::parse(id, reason.get())),
            created_at: created_at.value(),
            processed_at: timestamp(Some(id), process.processed_at, "processedAt"),
            is_test: is_test.value(),
            processor_status: lenient(Some(id), process.processor_status, "processorStatus"),
            fee: lenient(Some(id), wire.fee, "fee"),
            raw,
            attempts: Attempts::default(),
        };
        Ok((payout, deciding))
    }

    /// The same, with the requests of its call.
    pub(crate) fn with_attempts(self, attempts: Attempts) -> Self {
        Self { attempts, ..self }
    }
}

impl FailureReason {
    fn parse(id: &PayoutId, json: &str) -> Option<Self> {
        let reason = object::<FailureWire<'_>>(json).inspect_err(|_| {
            unreadable(Some(id), "failureReasons");
        });
        let reason = reason.ok()?;
        Some(Self {
            code: reason.failure_reason_code,
            failed_at: timestamp(Some(id), reason.failed_at, "failedAt"),
            // It may repeat the account, which a read does not know.
            message: lenient::<String>(Some(id), reason.message, "message")
                .map(|message| Scrubber::default().sparing(Some(id.as_str())).text(&message)),
        })
    }
}

/// Reads the shared parts, and refuses an answer that does not say that it is about this payout.
fn read_answer<'a>(id: &PayoutId, body: &'a [u8]) -> Result<(RawJson, AnswerWire<'a>), Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| Unreadable("it is not UTF-8".to_owned()))?;
    let mut wire: AnswerWire<'_> = object(text)?;
    match said::<String>(Some(id), wire.payment_method_response.id_payout.take(), "idPayout") {
        Said::This(said) if said == id.as_str() => Ok((RawJson::new(text), wire)),
        Said::This(_) => Err(Unreadable("it is about another payout".to_owned())),
        Said::Nothing | Said::Unreadable => {
            Err(Unreadable("it does not say which payout it is about (idPayout)".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = include_str!("../../../tests/contract/examples/payout-get.failed.response.200.json");

    fn id(id: &str) -> PayoutId {
        PayoutId::new(id).unwrap()
    }

    fn read(json: &serde_json::Value) -> Result<Payout, Unreadable> {
        Payout::parse(&id("INV-2024-0001"), json.to_string().as_bytes()).map(|(payout, _)| payout)
    }

    #[test]
    fn the_documented_answers_are_read() {
        let body = include_bytes!("../../../tests/contract/documented/create.response.json");
        let accepted = PayoutAccepted::parse(&id("TST-223344"), body).ok().unwrap().0;
        assert_eq!(accepted.money, Money::new("10000", "IDR").unwrap());
        assert_eq!(accepted.method_code, MethodCode::BankTransfer);
        assert_eq!((accepted.payment_id, accepted.reference), (None, None));

        let body = include_bytes!("../../../tests/contract/documented/status.response.json");
        let payout = Payout::parse(&id("TST-112233"), body).ok().unwrap().0;
        assert_eq!(payout.status, PayoutStatus::Success);
        assert_eq!(payout.fee, Some(Money::new("0.1", "USD").unwrap()));
        assert_eq!(payout.created_at, Some("2021-05-19T10:57:28.313Z".parse().unwrap()));
        assert_eq!(payout.is_test, Some(false));
        assert_eq!(payout.raw.as_str().as_bytes(), body);
    }

    #[test]
    fn the_full_schema_is_read() {
        let payout = Payout::parse(&id("INV-2024-0001"), FULL.as_bytes()).ok().unwrap().0;
        assert_eq!(payout.status, PayoutStatus::Failed);
        let reason = payout.failure_reason.unwrap();
        assert_eq!(reason.code, FailureCode::InvalidAccountNumber);
        assert_eq!(reason.failed_at, Some("2025-01-01T00:01:30.250Z".parse().unwrap()));
        assert_eq!(reason.message.as_deref(), Some("account unknown"));
        assert_eq!(payout.payment_id.as_deref(), Some("P-7f3c21"));
        assert_eq!(payout.reference.as_deref(), Some("REF0000001"));

        let body = include_bytes!("../../../tests/contract/examples/payout-get.processing.response.200.json");
        let payout = Payout::parse(&id("INV-2024-0001"), body).ok().unwrap().0;
        assert_eq!((payout.status.is_final(), payout.processed_at), (false, None));
        assert_eq!(payout.processor_status.as_deref(), Some("ACCEPTED"));

        let body = include_bytes!("../../../tests/contract/examples/payout-create.response.201.json");
        let accepted = PayoutAccepted::parse(&id("INV-2024-0001"), body).ok().unwrap().0;
        assert_eq!(accepted.payment_id.as_deref(), Some("P-7f3c21"));
    }

    /// Sets the value at a JSON pointer's place.
    fn with(pointer: &str, value: serde_json::Value) -> serde_json::Value {
        let mut json: serde_json::Value = serde_json::from_str(FULL).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        json.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(key.to_owned(), value);
        json
    }

    #[test]
    fn nothing_but_money_method_status_and_id_can_fail_the_reading() {
        let odd =
            || [serde_json::json!(null), serde_json::json!([1]), serde_json::json!({"a": 1}), serde_json::json!(7)];
        for pointer in [
            "/paymentRequested/segmentCode",
            "/paymentRequested/exchangedToCurrency",
            "/process/failureReasons",
            "/process/failureReasons/failedAt",
            "/process/failureReasons/message",
            "/process/createdAt",
            "/process/processedAt",
            "/process/isTest",
            "/process/processorStatus",
            "/fee",
            "/fee/amount",
            "/paymentMethodResponse/idPayment",
            "/paymentMethodResponse/reference",
            "/something_new",
        ] {
            for value in odd() {
                assert!(read(&with(pointer, value.clone())).is_ok(), "{pointer} = {value}");
            }
        }
        for pointer in [
            "/paymentRequested/money",
            "/paymentRequested/money/amount",
            "/paymentRequested/money/currencyCode",
            "/process/status",
            "/paymentMethodResponse/paymentMethodCode",
            "/paymentMethodResponse/idPayout",
            "/paymentRequested",
            "/paymentMethodResponse",
            "/process",
        ] {
            for value in odd() {
                if pointer.ends_with("amount") && value.is_number() {
                    continue;
                }
                assert!(read(&with(pointer, value.clone())).is_err(), "{pointer} = {value}");
            }
        }
    }

    #[test]
    fn an_answer_about_another_payout_is_not_read() {
        assert!(Payout::parse(&id("OTHER"), FULL.as_bytes()).is_err());
    }

    #[test]
    fn an_array_is_no_object_wherever_one_must_be() {
        let whole: serde_json::Value = serde_json::from_str(FULL).unwrap();
        for pointer in ["/paymentRequested", "/paymentRequested/money", "/paymentMethodResponse", "/process"] {
            let fields = whole.pointer(pointer).unwrap().as_object().unwrap();
            let array = fields.values().cloned().collect();
            assert!(read(&with(pointer, serde_json::Value::Array(array))).is_err(), "{pointer}");
        }
        let reason = serde_json::json!(["INVALID_ACCOUNT_NUMBER", "2025-01-01T00:01:30.250Z", "account unknown"]);
        assert_eq!(read(&with("/process/failureReasons", reason)).ok().unwrap().failure_reason, None);
    }

    #[test]
    fn unknown_codes_are_kept() {
        let payout = read(&with("/process/status", "ON_HOLD".into())).ok().unwrap();
        assert_eq!(payout.status.as_str(), "ON_HOLD");
        let payout = read(&with("/paymentMethodResponse/paymentMethodCode", "PIGEON".into())).ok().unwrap();
        assert_eq!(payout.method_code, MethodCode::Unknown("PIGEON".to_owned()));
        let payout = read(&with("/process/failureReasons/failureReasonCode", "MOON".into())).ok().unwrap();
        assert_eq!(payout.failure_reason.unwrap().code.as_str(), "MOON");
    }
}
