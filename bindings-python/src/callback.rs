//! Callbacks that were read, and the changes of payouts that they and reads show.

use komopay_core as core;
use pyo3::prelude::*;

use crate::payout::Payout;
use crate::repr::Repr;
use crate::text::Code;
use crate::value::value;

value! {
    /// A callback that was read: the platform says that this payout changed. Its status is read from the platform.
    ///
    /// Example:
    ///
    ///     >>> with Client.from_env() as client:  # it has no callback_keys
    ///     ...     client.read_callback(b'{"idEntity": "TST-223344"}', "/hook")
    ///     Callback(payout_id='TST-223344', verified=False)
    answer Callback matches (payout_id, verified) {
        /// The payout that changed.
        payout_id: String,
        /// Whether the URL was signed for this payout with one of the client's keys. False only of a client without
        /// keys: with keys, what does not verify is refused.
        verified: bool,
    }
}

#[pymethods]
impl Callback {
    /// The largest body that is looked at, in bytes. Who receives callbacks need not read more than one byte above it.
    #[classattr]
    const LARGEST_BODY: usize = core::Callback::LARGEST_BODY;
}

impl Callback {
    fn show(&self, py: Python<'_>) -> String {
        let Self { payout_id, verified } = self;
        Repr::new(py, "Callback").text("payout_id", payout_id.as_str()).truth("verified", *verified).finish()
    }
}

value! {
    /// A change of a payout, told once: another status, or another decision about a payout that was final.
    ///
    /// Example:
    ///
    ///     >>> def on_change(change: PayoutChange) -> None:
    ///     ...     print(f"{change.payout_id} is now {change.payout.status}, change {change.sequence}")
    answer PayoutChange matches (payout_id, sequence, payout) {
        /// The payout that changed.
        payout_id: String,
        /// The number of the change: 1, 2, 3 ... for each payout. With the id, it names the change for ever.
        sequence: u64,
        /// The whole payout after it, as the platform told it.
        payout: Payout,
        /// The status before it; None of the first change that was seen.
        previous_status: Option<Code<core::PayoutStatus>> = None;
        /// Whether it corrects a final status: what was done because of that has to be looked at again.
        is_correction: bool = ("bool", false),
    }
}

impl PayoutChange {
    fn show(&self, py: Python<'_>) -> String {
        let Self { payout_id, sequence, previous_status, payout, is_correction } = self;
        Repr::new(py, "PayoutChange")
            .text("payout_id", payout_id.as_str())
            .value("sequence", sequence.to_string())
            .code("previous_status", previous_status.as_ref().map(Code::as_str))
            .truth("is_correction", *is_correction)
            .value("payout", payout.show(py))
            .finish()
    }
}
