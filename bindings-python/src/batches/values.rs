//! What is told of a batch, as the values of `komopay/batches/values.py`, which documents their fields and types.

use jiff::Timestamp;
use komopay_batches as batches;
use komopay_core::{ErrorKind, FailureCode, MethodCode, Money, PayoutStatus};
use pyo3::prelude::*;

use crate::conversion::FromCore;
use crate::data::{self, Way};
use crate::given::Argument;
use crate::record::{Part, records};
use crate::text::{Code, codes};

codes! {
    "komopay.batches.codes"
    BatchState of batches::BatchState, known &BATCH_STATES;
    ItemState of batches::ItemState, known &ITEM_STATES;
    PlanProblemKind of batches::PlanProblemKind, known &PROBLEM_KINDS;
    PlanWarningKind of batches::PlanWarningKind, known &WARNING_KINDS;
    Attention of batches::Attention, known &ATTENTIONS;
}

/// The names of all of a list.
macro_rules! names {
    ($($name:ident of $list:ty;)*) => {
        $(
            #[allow(clippy::indexing_slicing, reason = "while it compiles, where it is seen")]
            const $name: [&str; <$list>::ALL.len()] = {
                let mut names = [""; <$list>::ALL.len()];
                let mut at = 0;
                while at < names.len() {
                    names[at] = <$list>::ALL[at].as_str();
                    at += 1;
                }
                names
            };
        )*
    };
}
names! {
    BATCH_STATES of batches::BatchState;
    ITEM_STATES of batches::ItemState;
    PROBLEM_KINDS of batches::PlanProblemKind;
    WARNING_KINDS of batches::PlanWarningKind;
    ATTENTIONS of batches::Attention;
}

/// Fields that are codes.
macro_rules! coded {
    ($($list:ty,)*) => {
        $(
            impl Part for $list {
                fn part(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    Code::from_core(self).into_pyobject(py)
                }

                fn read<'py>(argument: Argument<'_>, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
                    <Code<Self> as data::Part>::from_plain(argument, given, Way::Answer)?.into_pyobject(given.py())
                }

                fn schema(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
                    <Code<Self> as data::Part>::schema(py)
                }
            }
        )*
    };
}
coded! {
    batches::BatchState,
    batches::ItemState,
    batches::PlanProblemKind,
    batches::PlanWarningKind,
    batches::Attention,
}

/// A plan, with its totals as plain lists.
pub struct Plan {
    batch_id: String,
    rows: u64,
    items: u64,
    bad_rows: u64,
    currencies: Vec<batches::CurrencyTotal>,
    groups: Vec<GroupTotal>,
    others: u64,
    row_problems: Vec<batches::RowProblem>,
    problems: Vec<batches::PlanProblem>,
    warnings: Vec<batches::PlanWarning>,
    unused_columns: Vec<String>,
}

impl From<batches::Plan> for Plan {
    fn from(plan: batches::Plan) -> Self {
        let (rows, items) = (plan.rows(), plan.items());
        let batches::Plan { batch_id, totals, bad_rows, row_problems, problems, warnings, unused_columns } = plan;
        let currencies = totals.currencies().cloned().collect();
        let groups = totals.groups().cloned().map(GroupTotal::from).collect();
        let others = totals.others();
        Self {
            batch_id,
            rows,
            items,
            bad_rows,
            currencies,
            groups,
            others,
            row_problems,
            problems,
            warnings,
            unused_columns,
        }
    }
}

/// The totals of one way to pay, with the rows of its extremes beside them.
pub struct GroupTotal {
    method_code: MethodCode,
    operator_code: Option<String>,
    segment_code: Option<String>,
    count: u64,
    sum: Money,
    least: Money,
    least_row: u64,
    most: Money,
    most_row: u64,
}

impl From<batches::GroupTotal> for GroupTotal {
    fn from(group: batches::GroupTotal) -> Self {
        let batches::GroupTotal { method, operator_code, segment_code, count, sum, least, most } = group;
        let ((least, least_row), (most, most_row)) = (least, most);
        Self { method_code: method, operator_code, segment_code, count, sum, least, least_row, most, most_row }
    }
}

/// What came of a plan.
pub struct Planned {
    plan: Plan,
    state: batches::BatchState,
    digest: Option<String>,
    inserted: u64,
    changed: u64,
    removed: u64,
}

impl From<batches::Planned> for Planned {
    fn from(planned: batches::Planned) -> Self {
        let batches::Planned { plan, state, digest, inserted, changed, removed } = planned;
        Self { plan: plan.into(), state, digest, inserted, changed, removed }
    }
}

/// What came of an item, with its codes under the names that they have elsewhere in Python.
pub struct ReportItem {
    key: String,
    payout_id: String,
    payment_id: Option<String>,
    row: Option<u64>,
    state: batches::ItemState,
    money: Money,
    method_code: MethodCode,
    operator_code: Option<String>,
    account: Option<String>,
    fee: Option<Money>,
    platform_status: Option<PayoutStatus>,
    failure: Option<FailureCode>,
    reasons: Vec<String>,
    error_kind: Option<ErrorKind>,
    attention: Option<batches::Attention>,
    why: Option<String>,
    replaces: Option<String>,
    replaced_by: Option<String>,
    attempts: u64,
    updated_at: Option<Timestamp>,
}

impl From<batches::ReportItem> for ReportItem {
    fn from(item: batches::ReportItem) -> Self {
        let batches::ReportItem {
            key,
            payout_id,
            payment_id,
            row,
            state,
            money,
            method,
            operator,
            account,
            fee,
            platform_status,
            failure,
            reasons,
            error_kind,
            attention,
            why,
            replaces,
            replaced_by,
            attempts,
            updated_at,
        } = item;
        Self {
            key,
            payout_id: payout_id.as_str().to_owned(),
            payment_id,
            row,
            state,
            money,
            method_code: method,
            operator_code: operator,
            account: account.map(|account| account.to_string()),
            fee,
            platform_status,
            failure,
            reasons,
            error_kind,
            attention,
            why,
            replaces,
            replaced_by,
            attempts: attempts.into(),
            updated_at,
        }
    }
}

/// The totals of a report.
pub struct ReportTotals {
    currencies: Vec<ReportCurrency>,
    fees: Vec<batches::CurrencyTotal>,
    fees_untold: u64,
}

impl From<batches::ReportTotals> for ReportTotals {
    fn from(totals: batches::ReportTotals) -> Self {
        let currencies = totals.currencies().cloned().map(ReportCurrency::from).collect();
        let fees = totals.fees().cloned().map(total).collect();
        Self { currencies, fees, fees_untold: totals.fees_untold() }
    }
}

/// The totals of one currency in a report.
pub struct ReportCurrency {
    input: batches::CurrencyTotal,
    tried_again: batches::CurrencyTotal,
    states: Vec<StateTotal>,
}

impl From<batches::ReportCurrency> for ReportCurrency {
    fn from(currency: batches::ReportCurrency) -> Self {
        let batches::ReportCurrency { input, tried_again, states } = currency;
        let states = states.into_iter().filter(|(_, total)| total.count > 0);
        let states = states.map(|(state, total)| StateTotal { state, count: total.count, sum: total.sum }).collect();
        Self { input: total(input), tried_again: total(tried_again), states }
    }
}

/// The items of one currency in one state.
pub struct StateTotal {
    state: batches::ItemState,
    count: u64,
    sum: Money,
}

fn total(total: batches::ReportTotal) -> batches::CurrencyTotal {
    let batches::ReportTotal { count, sum } = total;
    batches::CurrencyTotal { count, sum }
}

records! {
    "komopay.batches.values" _read_of_batches _fields_of_batches
    Planned of Planned { plan, state, digest, inserted, changed, removed }
    Plan of Plan {
        batch_id, rows, items, bad_rows, currencies, groups, others, row_problems, problems, warnings, unused_columns
    }
    CurrencyTotal of batches::CurrencyTotal { count, sum }
    GroupTotal of GroupTotal {
        method_code, operator_code, segment_code, count, sum, least, least_row, most, most_row
    }
    RowProblem of batches::RowProblem { row, field, problem }
    PlanProblem of batches::PlanProblem { kind, text, row }
    PlanWarning of batches::PlanWarning { kind, text, row }
    BatchStatus of batches::BatchStatus { batch_id, state, why, counts, due_in }
    ItemCount of batches::ItemCount { state, currency, count }
    ReportItem of ReportItem {
        key, payout_id, payment_id, row, state, money, method_code, operator_code, account, fee, platform_status,
        failure, reasons, error_kind, attention, why, replaces, replaced_by, attempts, updated_at
    }
    ReportTotals of ReportTotals { currencies, fees, fees_untold }
    ReportCurrency of ReportCurrency { input, tried_again, states }
    StateTotal of StateTotal { state, count, sum }
    BatchEvent of batches::BatchEvent { number, at, who, what, why, details }
}
