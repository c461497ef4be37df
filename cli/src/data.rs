//! Values as JSON. Those of the core have the names that Python's `to_dict` gives them. Nothing of a payee is in them.

use komopay_batches::{BatchEvent, BatchStatus, Plan, Planned, RowProblem};
use komopay_core::{Balance, Error, Money, PaymentOperator, Payout, PayoutAccepted};
use serde_json::{Value, json};

pub fn money(money: &Money) -> Value {
    json!({"amount": money.amount().to_string(), "currency": money.currency()})
}

pub fn payout(payout: &Payout) -> Value {
    let failure = payout.failure_reason.as_ref().map(|reason| {
        json!({
            "code": reason.code.as_str(),
            "failed_at": reason.failed_at.map(|time| time.to_string()),
            "message": reason.message,
        })
    });
    json!({
        "payout_id": payout.payout_id.as_str(),
        "status": payout.status.as_str(),
        "is_final": payout.status.is_final(),
        "money": money(&payout.money),
        "method_code": payout.method_code.as_str(),
        "payment_id": payout.payment_id,
        "reference": payout.reference,
        "segment_code": payout.segment_code,
        "exchanged_to_currency": payout.exchanged_to_currency,
        "failure_reason": failure,
        "created_at": payout.created_at.map(|time| time.to_string()),
        "processed_at": payout.processed_at.map(|time| time.to_string()),
        "is_test": payout.is_test,
        "processor_status": payout.processor_status,
        "fee": payout.fee.as_ref().map(money),
    })
}

pub fn accepted(accepted: &PayoutAccepted) -> Value {
    json!({
        "payout_id": accepted.payout_id.as_str(),
        "money": money(&accepted.money),
        "method_code": accepted.method_code.as_str(),
        "payment_id": accepted.payment_id,
        "reference": accepted.reference,
        "recovered": accepted.recovered,
        "payout": accepted.payout.as_ref().map(payout),
    })
}

pub fn error(error: &Error) -> Value {
    let reasons: Vec<Value> = error
        .reasons()
        .iter()
        .map(|reason| json!({"code": reason.code, "field": reason.field, "description": reason.description}))
        .collect();
    json!({
        "kind": error.kind().as_str(),
        "message": error.message(),
        "retryable": error.retryable(),
        "money_may_have_moved": error.money_may_have_moved(),
        "concerns": error.concerns().map(komopay_core::Concern::as_str),
        "http_status": error.http_status(),
        "field": error.field(),
        "reasons": reasons,
        "payout_id": error.payout_id().map(komopay_core::PayoutId::as_str),
        "retry_after": error.retry_after().map(|time| time.as_secs_f64()),
        "payout": error.payout().map(payout),
    })
}

pub fn balance(balance: &Balance) -> Value {
    json!({
        "currency": balance.balance.currency(),
        "balance": money(&balance.balance),
        "available": money(&balance.available),
        "pending_settlement": money(&balance.pending_settlement),
        "pending_payout": money(&balance.pending_payout),
        "last_movement": balance.last_movement.map(|time| time.to_string()),
    })
}

pub fn operator(operator: &PaymentOperator) -> Value {
    json!({"code": operator.code, "name": operator.name})
}

pub fn row_problem(problem: &RowProblem) -> Value {
    json!({"row": problem.row, "field": problem.field, "problem": problem.problem})
}

pub fn status(status: &BatchStatus, by_rule: bool) -> Value {
    let counts: Vec<Value> = status
        .counts
        .iter()
        .map(|count| json!({"state": count.state.as_str(), "currency": count.currency, "count": count.count}))
        .collect();
    json!({
        "batch_id": status.batch_id,
        "state": status.state.as_str(),
        "why": status.why,
        "by_rule": by_rule,
        "items": status.items(),
        "counts": counts,
        "due_in": status.due_in.map(|time| time.as_secs_f64()),
    })
}

pub fn event(event: &BatchEvent) -> Value {
    json!({
        "number": event.number,
        "at": event.at.to_string(),
        "who": event.who,
        "what": event.what,
        "why": event.why,
        "details": event.details,
    })
}

pub fn planned(planned: &Planned) -> Value {
    let Plan { batch_id, totals, bad_rows, row_problems, problems, warnings, unused_columns } = &planned.plan;
    let currencies: Vec<Value> =
        totals.currencies().map(|total| json!({"count": total.count, "sum": money(&total.sum)})).collect();
    let groups: Vec<Value> = totals
        .groups()
        .map(|group| {
            json!({
                "method_code": group.method.as_str(),
                "operator_code": group.operator_code,
                "segment_code": group.segment_code,
                "count": group.count,
                "sum": money(&group.sum),
            })
        })
        .collect();
    let problems: Vec<Value> = problems
        .iter()
        .map(|problem| json!({"kind": problem.kind.as_str(), "text": problem.text, "row": problem.row}))
        .collect();
    let warnings: Vec<Value> = warnings
        .iter()
        .map(|warning| json!({"kind": warning.kind.as_str(), "text": warning.text, "row": warning.row}))
        .collect();
    json!({
        "batch_id": batch_id,
        "state": planned.state.as_str(),
        "digest": planned.digest,
        "rows": planned.plan.rows(),
        "items": planned.plan.items(),
        "bad_rows": bad_rows,
        "row_problems": row_problems.iter().map(row_problem).collect::<Vec<_>>(),
        "problems": problems,
        "warnings": warnings,
        "totals": currencies,
        "groups": groups,
        "unused_columns": unused_columns,
        "inserted": planned.inserted,
        "changed": planned.changed,
        "removed": planned.removed,
    })
}
