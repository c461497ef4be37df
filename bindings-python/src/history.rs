//! What an error tells of the call: the requests that it made, and the reasons of a refusal.

use std::time::Duration;

use jiff::Timestamp;
use pyo3::prelude::*;

use crate::repr::Repr;
use crate::value::value;

value! {
    /// One entry of a 406 answer: which business rule said no, and to which field.
    ///
    /// Example:
    ///
    ///     >>> Reason(code="BALANCE_INSUFFICIENT", field="money.amount")
    ///     Reason(code='BALANCE_INSUFFICIENT', field='money.amount')
    answer Reason matches (code, field, description) {
        /// The platform's code, such as `BALANCE_INSUFFICIENT`. The list is open.
        code: String,
        /// The request attribute it is about, as the platform names it.
        field: Option<String> = None,
        /// The platform's own text, scrubbed of secrets and account numbers.
        description: Option<String> = None,
    }
}

impl Reason {
    fn show(&self, py: Python<'_>) -> String {
        let Self { code, field, description } = self;
        Repr::new(py, "Reason")
            .text("code", code.as_str())
            .text("field", field.as_deref())
            .text("description", description.as_deref())
            .finish()
    }
}

value! {
    /// One request on the wire, as the history of an error tells it.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:
    ///     ...     try:
    ///     ...         client.get_payout("TST-0")
    ///     ...     except KomopayError as error:
    ///     ...         print([attempt.operation for attempt in error.attempts])
    ///     ['POST /auth-tokens', 'GET /payouts/TST-0', 'GET /payouts/TST-0']
    answer Attempt matches (operation, started_at, duration, http_status, request_id) {
        /// The method and path, such as POST /payouts/TST-223344.
        operation: String,
        /// When it started, by the wall clock.
        started_at: Timestamp,
        /// How long it took.
        duration: Duration,
        /// The HTTP status, if an answer came.
        http_status: Option<u16> = None,
        /// The platform's request id, if the answer carried one.
        request_id: Option<String> = None,
    }
}

impl Attempt {
    fn show(&self, py: Python<'_>) -> String {
        let Self { operation, started_at, duration, http_status, request_id } = self;
        Repr::new(py, "Attempt")
            .text("operation", operation.as_str())
            .value("started_at", started_at.to_string())
            .value("duration", format!("{duration:?}"))
            .value("http_status", http_status.map(|status| status.to_string()))
            .text("request_id", request_id.as_deref())
            .finish()
    }
}
