//! What a batch would do: rows that are checked and written down.

use komopay_batches::{BatchSettings, BatchTokens, ControlTotals, NewBatch};
use komopay_core::Error;
use pyo3::prelude::*;

use super::settings::settings;
use super::source::Feeding;
use super::{Batches, apart, values};
use crate::answer::Answered;
use crate::error::guard;
use crate::given::{Given, Or, argument, setting};
use crate::settings::Ceilings;

#[pymethods]
impl Batches {
    /// Checks every row, writes down those that are good, and says what they add up to. Nothing is sent.
    ///
    /// `batch_id` is never made up: the same rows under the same id are the same payouts, for ever, so to plan again is
    /// harmless. Until the batch is started, its contents are what the last plan says, and any change of them voids an
    /// approval. After that they stand: a row that is another one now is a problem, and is not paid.
    ///
    /// rows is `csv(path)` or `json_lines(path)`, or an iterable of `(key, PayoutRequest)`, of `(key, payout_id,
    /// PayoutRequest)`, or of dicts with the names of the CSV template, such as the rows of a data frame:
    /// `frame.to_dict("records")`. It is read some rows at a time, in the caller's thread; what it raises is raised
    /// here, and the batch is as it was. Without a payout id, one is derived from the batch's id and the row's key.
    ///
    /// maker is who makes it. `valid_only` pays the good rows even if others are bad: a choice that is written down.
    /// count and sums, such as `{"IDR": "1250000"}`, are what you expect the rows to add up to.
    ///
    /// - `concurrency`: how many payouts of one process are under way at a time, 32.
    /// - `requests_per_second`: how many creates all processes together start in a second; no limit without it.
    /// - `tokens`: `"chunk"` for a token for up to 32 payouts, or `"payout"` for one for each, which allows its money
    ///   only.
    /// - `token_seconds`: for how long a token is asked for, 60. What was on its way in a crash is settled after that.
    /// - `max_refusals`: it pauses when so many were refused; no limit without it.
    /// - `max_refused_share`: it pauses when this share was refused, from 100 on; 0.1. With 1.0 it never does.
    /// - `stop_on_low_balance`: it pauses when the balance is too low for a payout, True.
    /// - `approval_by_another`: somebody else than its maker has to approve it, True.
    /// - `paid_lately_days`: the same payee and amount in another batch within so many days is a warning, 7.
    ///
    /// Errors: `InvalidRequestError`, naming what cannot be used; `ConfigurationError`, naming a setting, or `input` if
    /// a file cannot be read; else those of `payment_options` and `balances`.
    ///
    /// Example:
    ///
    ///     >>> from tempfile import TemporaryDirectory
    ///     >>> from komopay.batches import Batches, generate_journal_key
    ///     >>> account = BankAccount(name="Siti Rahmawati", number="0123456789")
    ///     >>> bank = BankTransfer(operator_code="BNK_000", account=account)
    ///     >>> rows = ((f"EMP-{n}", PayoutRequest(money=Money(n * 1000, "IDR"), method=bank)) for n in range(10, 15))
    ///     >>> with TemporaryDirectory() as folder, Client.from_env() as client:
    ///     ...     with Batches(client, journal=f"{folder}/journal", journal_key=generate_journal_key()) as batches:
    ///     ...         planned = batches.plan("payroll-2026-11", rows, maker="siti", count=5, sums={"IDR": 60_000})
    ///     >>> planned.state, planned.plan.currencies[0].sum
    ///     ('validated', Money('60000', 'IDR'))
    #[pyo3(
        signature = (batch_id, rows: "Rows", *, maker, valid_only=Or::DEFAULT, count=None, sums=None,
            concurrency=Or::DEFAULT, requests_per_second=None, tokens=Or::DEFAULT, token_seconds=Or::DEFAULT,
            max_refusals=None, max_refused_share=Or::DEFAULT, stop_on_low_balance=Or::DEFAULT,
            approval_by_another=Or::DEFAULT, paid_lately_days=Or::DEFAULT),
        text_signature = "($self, batch_id, rows, *, maker, valid_only=False, count=None, sums=None, concurrency=32, \
            requests_per_second=None, tokens='chunk', token_seconds=60, max_refusals=None, max_refused_share=0.1, \
            stop_on_low_balance=True, approval_by_another=True, paid_lately_days=7)"
    )]
    #[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
    fn plan(
        &self,
        py: Python<'_>,
        batch_id: Given<'_, String>,
        rows: &Bound<'_, PyAny>,
        maker: Given<'_, String>,
        valid_only: Or<'_, bool>,
        count: Option<Given<'_, u64>>,
        sums: Option<Given<'_, Ceilings>>,
        concurrency: Or<'_, u32>,
        requests_per_second: Option<Given<'_, f64>>,
        tokens: Or<'_, BatchTokens>,
        token_seconds: Or<'_, u64>,
        max_refusals: Option<Given<'_, u64>>,
        max_refused_share: Or<'_, f64>,
        stop_on_low_balance: Or<'_, bool>,
        approval_by_another: Or<'_, bool>,
        paid_lately_days: Or<'_, u32>,
    ) -> PyResult<Answered<values::Planned>> {
        guard(py, || {
            let id = argument("batch_id").take(batch_id)?;
            let mut new = NewBatch::new(id.clone(), argument("maker").take(maker)?);
            new.valid_only = argument("valid_only").take_or(valid_only, new.valid_only)?;
            let sums = argument("sums").maybe(sums)?.map(Vec::from).unwrap_or_default();
            new.control = ControlTotals { count: argument("count").maybe(count)?, sums };
            new.settings = BatchSettings {
                paid_lately_days: setting("paid_lately_days").take_or(paid_lately_days, 7)?,
                ..settings(
                    concurrency,
                    requests_per_second,
                    tokens,
                    token_seconds,
                    max_refusals,
                    max_refused_share,
                    stop_on_low_balance,
                    approval_by_another,
                )?
            };
            let made;
            let feeding = if let Ok(feeding) = rows.cast::<Feeding>() {
                feeding.get()
            } else {
                made = Feeding::of(rows, false)?;
                &made
            };
            let unopened = feeding.unopened(py)?;
            let open = self.journal.open(py)?;
            let call = async move {
                let batches = open.await?;
                // What comes first may have to be waited for.
                let rows = tokio::task::spawn_blocking(move || unopened.open(&id)).await;
                let rows = rows.map_err(|_| Error::internal("the reader of rows ended without a result"))??;
                batches.plan(new, rows).await.map(values::Planned::from)
            };
            let started = self.caller.start(py)?;
            started.call_attending(py, feeding, apart(call))
        })
    }

    /// Rows for a plan of an event loop, which hands them over.
    #[pyo3(signature = (rows: "object") -> "object")]
    #[allow(clippy::unused_self, reason = "a method of the batches that it is for")]
    fn _feeding(&self, py: Python<'_>, rows: &Bound<'_, PyAny>) -> PyResult<Feeding> {
        guard(py, || Feeding::of(rows, true))
    }
}
