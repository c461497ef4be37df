//! What comes out of a call: `PayoutAccepted`, `Payout`, and what they hold.

use jiff::Timestamp;
use komopay_core as core;
use pyo3::prelude::*;

use crate::history::Attempts;
use crate::money::Money;
use crate::repr::Repr;
use crate::text::{Code, Unscrubbed};
use crate::value::value;

value! {
    /// A payout with its status.
    ///
    /// Example:
    ///
    ///     >>> money = Money("42", "USD")
    ///     >>> payout = Payout(payout_id="TST-1", money=money, method_code="BANK_TRANSFER", status="PROCESSING")
    ///     >>> payout.is_final
    ///     False
    answer Payout matches (payout_id, status, money) {
        /// The merchant's id.
        payout_id: String,
        /// The money that was asked for.
        money: Money,
        /// The method that was asked for, such as `BANK_TRANSFER`. The list is open.
        method_code: Code<core::MethodCode>,
        /// Where it stands: see `PayoutStatus`. The list is open.
        status: Code<core::PayoutStatus>,
        /// The platform's id, if the answer carried one.
        payment_id: Option<String> = None,
        /// The platform's transaction reference, if the answer carried one.
        reference: Option<String> = None,
        /// The segment, if there is one.
        segment_code: Option<String> = None,
        /// The currency to exchange into, if there is one.
        exchanged_to_currency: Option<String> = None,
        /// Why it failed or was refused, if the platform says so.
        failure_reason: Option<FailureReason> = None,
        /// When the platform accepted it.
        created_at: Option<Timestamp> = None,
        /// When it was processed.
        processed_at: Option<Timestamp> = None,
        /// Whether a test merchant or test channel was used.
        is_test: Option<bool> = None,
        /// The status at an external processor. It says nothing about the outcome; use status.
        processor_status: Option<String> = None,
        /// The fee charged to the merchant.
        fee: Option<Money> = None,
        /// The requests of the call that read it, with the platform's ids of them; of a long one, the last. None of a
        /// payout that comes out of a store. Values are equal whatever it took to read them.
        attempts: Attempts = None;
        /// The answer's JSON as it came. The platform's own words in it may repeat the payee's account.
        raw: Unscrubbed = ("str", ""),
    }
}

#[pymethods]
impl Payout {
    /// Whether the outcome is decided. An unknown status never is.
    #[getter]
    fn is_final(&self) -> bool {
        core::PayoutStatus::from(self.status.as_str()).is_final()
    }
}

impl Payout {
    /// The core's payout again, without the requests that read it.
    pub fn to_core(&self) -> core::Result<core::Payout> {
        let Self {
            payout_id,
            money,
            method_code,
            status,
            payment_id,
            reference,
            segment_code,
            exchanged_to_currency,
            failure_reason,
            created_at,
            processed_at,
            is_test,
            processor_status,
            fee,
            attempts: _,
            raw,
        } = self.clone();
        let failure_reason = failure_reason.map(|FailureReason { code, failed_at, message }| core::FailureReason {
            code: core::FailureCode::from(code.as_str()),
            failed_at,
            message,
        });
        Ok(core::Payout {
            payout_id: core::PayoutId::new(payout_id)?,
            money: (&money).into(),
            method_code: core::MethodCode::from(method_code.as_str()),
            status: core::PayoutStatus::from(status.as_str()),
            payment_id,
            reference,
            segment_code,
            exchanged_to_currency,
            failure_reason,
            created_at,
            processed_at,
            is_test,
            processor_status,
            fee: fee.as_ref().map(core::Money::from),
            attempts: core::Attempts::default(),
            raw: raw.to_core(),
        })
    }

    /// The platform's own texts stay out of it: what is in them is not known.
    pub fn show(&self, py: Python<'_>) -> String {
        Repr::new(py, "Payout")
            .text("payout_id", self.payout_id.as_str())
            .code("status", self.status.as_str())
            .value("money", self.money.show(py))
            .code("method_code", self.method_code.as_str())
            .text("payment_id", self.payment_id.as_deref())
            .code("failure_code", self.failure_reason.as_ref().map(|reason| reason.code.as_str()))
            .value("created_at", self.created_at.map(|time| time.to_string()))
            .value("fee", self.fee.as_ref().map(|fee| fee.show(py)))
            .finish()
    }
}

value! {
    /// The platform took the payout. This is not completion: follow it with `wait_for_payout`.
    ///
    /// Example:
    ///
    ///     >>> accepted = PayoutAccepted(payout_id="TST-1", money=Money("42", "USD"), method_code="BANK_TRANSFER")
    ///     >>> accepted.recovered
    ///     False
    answer PayoutAccepted matches (payout_id, money, recovered) {
        /// The merchant's id.
        payout_id: String,
        /// The money, as the platform repeats it.
        money: Money,
        /// The method, as the platform repeats it. The list is open.
        method_code: Code<core::MethodCode>,
        /// The platform's id, if the answer carried one.
        payment_id: Option<String> = None,
        /// The platform's transaction reference, if the answer carried one.
        reference: Option<String> = None,
        /// The segment, if the platform repeats one.
        segment_code: Option<String> = None,
        /// The currency to exchange into, if the platform repeats one.
        exchanged_to_currency: Option<String> = None,
        /// The payout that was found, if recovered.
        payout: Option<Payout> = None,
        /// The requests of the call, with the platform's ids of them; of a long one, the last.
        attempts: Attempts = None;
        /// True if the answer to the create was lost and the payout was found by reading it.
        ///
        /// That proves id, money, method and age, not the payee: the platform never repeats the account.
        recovered: bool = ("bool", false),
        /// The answer's JSON as it came. The platform's own words in it may repeat the payee's account.
        raw: Unscrubbed = ("str", ""),
    }
}

impl PayoutAccepted {
    fn show(&self, py: Python<'_>) -> String {
        Repr::new(py, "PayoutAccepted")
            .text("payout_id", self.payout_id.as_str())
            .value("money", self.money.show(py))
            .code("method_code", self.method_code.as_str())
            .text("payment_id", self.payment_id.as_deref())
            .truth("recovered", self.recovered)
            .value("payout", self.payout.as_ref().map(|payout| payout.show(py)))
            .finish()
    }
}

value! {
    /// Why a payout failed or was refused.
    ///
    /// Example:
    ///
    ///     >>> FailureReason(code="INVALID_ACCOUNT_NUMBER")
    ///     FailureReason(code='INVALID_ACCOUNT_NUMBER')
    answer FailureReason matches (code, failed_at, message) {
        /// The platform's code, such as `INVALID_ACCOUNT_NUMBER`. The list is open.
        code: Code<core::FailureCode>,
        /// When it failed.
        failed_at: Option<Timestamp> = None,
        /// The platform's own text.
        message: Option<String> = None,
    }
}

impl FailureReason {
    fn show(&self, py: Python<'_>) -> String {
        let Self { code, failed_at, message } = self;
        Repr::new(py, "FailureReason")
            .code("code", code.as_str())
            .value("failed_at", failed_at.map(|time| time.to_string()))
            .hidden("message", message.as_ref())
            .finish()
    }
}
