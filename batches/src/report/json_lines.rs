//! The report for programs: one object on each line.

use std::io::{BufWriter, Write};

use komopay_core::{Error, ErrorKind, FailureCode, MethodCode, Money, PayoutStatus, Result};
use serde::Serialize;

use super::item::{MaskedAccount, ReportItem};
use super::summary::BatchSummary;
use super::total::ReportTotal;
use super::totals::ReportTotals;
use super::unwritten::unwritten;
use crate::attention::Attention;
use crate::item::ItemState;

pub(super) struct JsonLinesReport<W: Write> {
    writer: BufWriter<W>,
}

impl<W: Write> JsonLinesReport<W> {
    pub fn new(write: W) -> Self {
        Self { writer: BufWriter::new(write) }
    }

    pub fn item(&mut self, item: &ReportItem) -> Result<()> {
        self.line(&ItemLine::of(item))
    }

    pub fn finish(mut self, summary: &BatchSummary, totals: &ReportTotals) -> Result<()> {
        self.line(&BatchLine::of(summary, totals)?)?;
        self.writer.flush().map_err(|error| unwritten(&error))
    }

    fn line(&mut self, line: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec(line).map_err(|_| Error::internal("a line of a report is JSON"))?;
        text.push(b'\n');
        self.writer.write_all(&text).map_err(|error| unwritten(&error))
    }
}

#[derive(Serialize)]
struct ItemLine<'a> {
    record: &'static str,
    key: &'a str,
    payout_id: &'a str,
    payment_id: Option<&'a str>,
    row: Option<u64>,
    state: &'static str,
    money: Amount,
    method: String,
    operator: Option<&'a str>,
    account: Option<&'a str>,
    fee: Option<Amount>,
    platform_status: Option<String>,
    failure: Option<String>,
    reasons: Vec<String>,
    error_kind: Option<&'static str>,
    needs_person: Option<&'static str>,
    what_to_do: Option<&'static str>,
    why: Option<String>,
    replaces: Option<&'a str>,
    replaced_by: Option<&'a str>,
    attempts: u32,
    updated_at: Option<String>,
}

impl<'a> ItemLine<'a> {
    fn of(item: &'a ReportItem) -> Self {
        Self {
            record: "item",
            key: &item.key,
            payout_id: item.payout_id.as_str(),
            payment_id: item.payment_id.as_deref(),
            row: item.row,
            state: item.state.as_str(),
            money: Amount::of(&item.money),
            method: MethodCode::to_string(&item.method),
            operator: item.operator.as_deref(),
            account: item.account.as_ref().map(MaskedAccount::as_str),
            fee: item.fee.as_ref().map(Amount::of),
            platform_status: item.platform_status.as_ref().map(PayoutStatus::to_string),
            failure: item.failure.as_ref().map(FailureCode::to_string),
            reasons: item.rules(),
            error_kind: item.error_kind.map(ErrorKind::as_str),
            needs_person: item.attention.map(Attention::as_str),
            what_to_do: item.what_to_do(),
            why: item.shown_why(),
            replaces: item.replaces.as_deref(),
            replaced_by: item.replaced_by.as_deref(),
            attempts: item.attempts,
            updated_at: item.updated_at.map(|at| at.to_string()),
        }
    }
}

#[derive(Serialize)]
struct BatchLine<'a> {
    record: &'static str,
    id: &'a str,
    state: &'static str,
    maker: Option<&'a str>,
    approver: Option<&'a str>,
    digest: Option<&'a str>,
    created_at: Option<String>,
    reported_at: Option<String>,
    items: u64,
    rows_left_out: u64,
    totals: Vec<CurrencyLine>,
    fees: Vec<CountedAmount>,
    fees_untold: u64,
    /// Whether the items add up to what was planned; nothing, if nothing was.
    adds_up: Option<bool>,
    differences: Vec<DifferenceLine>,
    balances: Vec<BalanceLine>,
    events: Vec<EventLine<'a>>,
}

#[derive(Serialize)]
struct CurrencyLine {
    currency: String,
    input: CountedAmount,
    tried_again: CountedAmount,
    states: Vec<StateLine>,
}

#[derive(Serialize)]
struct StateLine {
    state: &'static str,
    #[serde(flatten)]
    total: CountedAmount,
}

#[derive(Serialize)]
struct DifferenceLine {
    planned: CountedAmount,
    found: CountedAmount,
}

#[derive(Serialize)]
struct BalanceLine {
    before: Amount,
    after: Amount,
    moved_by_this_batch: Amount,
    unexplained: Amount,
}

#[derive(Serialize)]
struct EventLine<'a> {
    at: String,
    what: &'a str,
    who: &'a str,
    why: Option<String>,
    details: Option<&'a str>,
}

#[derive(Serialize)]
struct Amount {
    amount: String,
    currency: String,
}

#[derive(Serialize)]
struct CountedAmount {
    count: u64,
    #[serde(flatten)]
    sum: Amount,
}

impl<'a> BatchLine<'a> {
    fn of(summary: &'a BatchSummary, totals: &ReportTotals) -> Result<Self> {
        let differences = totals.differences(summary)?;
        let currencies = totals.currencies().map(|totals| CurrencyLine {
            currency: totals.currency().to_owned(),
            input: CountedAmount::of(&totals.input),
            tried_again: CountedAmount::of(&totals.tried_again),
            states: totals.states.iter().map(StateLine::of).collect(),
        });
        let balances = summary.balances.iter().map(|change| {
            Ok(BalanceLine {
                before: Amount::of(&change.before),
                after: Amount::of(&change.after),
                moved_by_this_batch: Amount::of(&totals.moved(change.before.currency())?),
                unexplained: Amount::of(&totals.unexplained(change)?),
            })
        });
        let events = summary.events.iter().map(|event| EventLine {
            at: event.at.to_string(),
            what: &event.what,
            who: &event.who,
            why: event.shown_why(),
            details: event.details.as_deref(),
        });
        Ok(Self {
            record: "batch",
            id: &summary.id,
            state: summary.state.as_str(),
            maker: summary.maker.as_deref(),
            approver: summary.approver.as_deref(),
            digest: summary.digest.as_deref(),
            created_at: summary.created_at.map(|at| at.to_string()),
            reported_at: summary.reported_at.map(|at| at.to_string()),
            items: totals.items(),
            rows_left_out: summary.rows_left_out,
            totals: currencies.collect(),
            fees: totals.fees().map(CountedAmount::of).collect(),
            fees_untold: totals.fees_untold(),
            adds_up: summary.planned.as_ref().map(|_| differences.is_empty()),
            differences: differences
                .iter()
                .map(|difference| DifferenceLine {
                    planned: CountedAmount::of(&difference.planned),
                    found: CountedAmount::of(&difference.found),
                })
                .collect(),
            balances: balances.collect::<Result<_>>()?,
            events: events.collect(),
        })
    }
}

impl StateLine {
    fn of((state, tally): &(ItemState, ReportTotal)) -> Self {
        Self { state: state.as_str(), total: CountedAmount::of(tally) }
    }
}

impl Amount {
    fn of(money: &Money) -> Self {
        Self { amount: money.unambiguous_amount(), currency: money.currency().to_owned() }
    }
}

impl CountedAmount {
    fn of(tally: &ReportTotal) -> Self {
        Self { count: tally.count, sum: Amount::of(&tally.sum) }
    }
}
