//! What a batch is paid by, as it is given by keywords.

use komopay_batches::{BatchSettings, BatchTokens};
use pyo3::prelude::*;

use crate::given::{Argument, Given, Or, Read, setting};

impl Read for BatchTokens {
    #[cfg(feature = "stubs")]
    const HINT: pyo3::inspect::PyStaticExpr = crate::hint::literal!("chunk", "payout");

    fn read(argument: Argument<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        match argument.text_of(given)? {
            "chunk" => Ok(Self::Chunk),
            "payout" => Ok(Self::Payout),
            _ => Err(argument.refuse(given.py(), "must be 'chunk' or 'payout'")),
        }
    }
}

/// What a batch is paid by.
#[allow(clippy::too_many_arguments, reason = "keywords, one per setting")]
pub fn settings(
    concurrency: Or<'_, u32>,
    requests_per_second: Option<Given<'_, f64>>,
    tokens: Or<'_, BatchTokens>,
    token_seconds: Or<'_, u64>,
    max_refusals: Option<Given<'_, u64>>,
    max_refused_share: Or<'_, f64>,
    stop_on_low_balance: Or<'_, bool>,
    approval_by_another: Or<'_, bool>,
) -> PyResult<BatchSettings> {
    let usual = BatchSettings::default();
    Ok(BatchSettings {
        concurrency: setting("concurrency").take_or(concurrency, usual.concurrency)?,
        requests_per_second: setting("requests_per_second").maybe(requests_per_second)?,
        tokens: setting("tokens").take_or(tokens, usual.tokens)?,
        token_seconds: setting("token_seconds").take_or(token_seconds, usual.token_seconds)?,
        max_refusals: setting("max_refusals").maybe(max_refusals)?,
        max_refused_share: if max_refused_share.is_default() {
            usual.max_refused_share
        } else {
            Some(setting("max_refused_share").take_or(max_refused_share, 1.0)?)
        },
        stop_on_low_balance: setting("stop_on_low_balance").take_or(stop_on_low_balance, usual.stop_on_low_balance)?,
        approval_by_another: setting("approval_by_another").take_or(approval_by_another, usual.approval_by_another)?,
        paid_lately_days: usual.paid_lately_days,
        ceilings: usual.ceilings,
    })
}
