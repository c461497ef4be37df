//! Whether the platform offers what a batch asks for, by its list of payment options.

use komopay_core::{AmountLimit, Money, PaymentOption, PaymentTypeCode, Shown};

use super::findings::{PlanProblem, PlanProblemKind};
use super::totals::GroupTotal;

/// One way for the payouts of a group to go: an option, through one of its operators.
struct Way<'a> {
    segment_code: Option<&'a str>,
    is_activated: bool,
    /// Of the option, and of its operator.
    limits: [&'a AmountLimit; 2],
}

/// Why payouts of this group cannot all be made: nothing, if they can.
pub(super) fn problems(group: &GroupTotal, options: &[PaymentOption]) -> Vec<PlanProblem> {
    let is_of_group = |option: &&PaymentOption| {
        option.type_code == PaymentTypeCode::Payout
            && option.method_code == group.method
            && option.currency == group.sum.currency()
    };
    let mut ways: Vec<_> = options.iter().filter(is_of_group).flat_map(|option| ways(option, group)).collect();
    if ways.is_empty() {
        return vec![about(group, PlanProblemKind::NotOffered, "are not offered", None)];
    }
    ways.retain(|way| way.segment_code.is_none_or(|segment| group.segment_code.as_deref() == Some(segment)));
    if ways.is_empty() {
        return vec![about(group, PlanProblemKind::NotOffered, "are offered to other segments only", None)];
    }
    ways.retain(|way| way.is_activated);
    if ways.is_empty() {
        let problem = "have to be activated in the back office first";
        return vec![about(group, PlanProblemKind::NotActivated, problem, None)];
    }
    outside(group, &ways)
}

fn ways<'a>(option: &'a PaymentOption, group: &GroupTotal) -> Vec<Way<'a>> {
    let way = |is_activated, limit| Way {
        segment_code: option.segment_code.as_deref(),
        is_activated: option.is_available && is_activated,
        limits: [&option.limit, limit],
    };
    match group.operator_code.as_deref() {
        None if option.operators.is_empty() => vec![way(true, &option.limit)],
        wanted => {
            let operators = option.operators.iter().filter(|known| wanted.is_none_or(|wanted| wanted == known.code));
            operators.map(|operator| way(operator.is_available, &operator.limit)).collect()
        }
    }
}

/// The smallest and the largest amount, where all ways are closed to them. The ends themselves are let through: whether
/// they belong to the limits is not published. What is between is not looked at: it may be in a gap of two ways.
fn outside(group: &GroupTotal, ways: &[Way<'_>]) -> Vec<PlanProblem> {
    let ((least, least_row), (most, most_row)) = (&group.least, &group.most);
    let too_small = closed(ways, |limit| limit.from.as_ref().filter(|from| least.amount() < from.amount()));
    let below = too_small.and_then(|limits| limits.into_iter().min_by_key(|from| from.amount())).map(|from| {
        let text = format!("are not made below {from}, and the smallest is {least}");
        about(group, PlanProblemKind::BelowLimit, &text, Some(*least_row))
    });
    let too_large = closed(ways, |limit| limit.to.as_ref().filter(|to| to.amount() < most.amount()));
    let above = too_large.and_then(|limits| limits.into_iter().max_by_key(|to| to.amount())).map(|to| {
        let text = format!("are not made above {to}, and the largest is {most}");
        about(group, PlanProblemKind::AboveLimit, &text, Some(*most_row))
    });
    below.into_iter().chain(above).collect()
}

/// The limit that closes each of the ways; nothing, if one of them is open.
fn closed<'a>(ways: &[Way<'a>], closes: impl Fn(&'a AmountLimit) -> Option<&'a Money>) -> Option<Vec<&'a Money>> {
    ways.iter().map(|way| way.limits.into_iter().find_map(&closes)).collect()
}

fn about(group: &GroupTotal, kind: PlanProblemKind, problem: &str, row: Option<u64>) -> PlanProblem {
    let GroupTotal { method, operator_code, segment_code, sum, .. } = group;
    // What was taken for an operator may be out of another column.
    let named =
        |what, code: &Option<String>| code.as_ref().map(|code| format!(" {what} {}", Shown(code))).unwrap_or_default();
    let (through, segment) = (named("through", operator_code), named("in segment", segment_code));
    let text = format!("payouts in {} by {method}{through}{segment} {problem}", sum.currency());
    PlanProblem { kind, text, row }
}
