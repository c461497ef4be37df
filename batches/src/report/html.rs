//! The report as one page for people: no script, nothing from elsewhere, and every text escaped by the template.

use std::io::Write;

use askama::Template;
use data_encoding::BASE64;
use jiff::Timestamp;
use komopay_core::{Money, Result};
use sha2::{Digest, Sha256};

use super::item::{MaskedAccount, ReportItem};
use super::problems::Problems;
use super::summary::BatchSummary;
use super::total::ReportTotal;
use super::totals::{ReportCurrency, ReportTotals};
use super::unwritten::unwritten;
use crate::batch::BatchState;
use crate::item::ItemState;

const STYLE: &str = include_str!("../../templates/report.css");

pub(super) struct HtmlReport<W: Write> {
    writer: W,
    whole_file: Option<String>,
    problems: Problems,
}

impl<W: Write> HtmlReport<W> {
    pub fn new(writer: W, whole_file: Option<&str>) -> Self {
        Self { writer, whole_file: whole_file.map(str::to_owned), problems: Problems::default() }
    }

    pub fn item(&mut self, item: &ReportItem) {
        self.problems.add(item);
    }

    pub fn finish(mut self, summary: &BatchSummary, totals: &ReportTotals) -> Result<()> {
        let page = Page::of(summary, totals, &self.problems, self.whole_file.as_deref())?;
        let written = page.write_into(&mut self.writer).and_then(|()| self.writer.flush());
        written.map_err(|error| unwritten(&error))
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    style: &'static str,
    style_hash: String,
    id: &'a str,
    state: &'static str,
    tone: &'static str,
    headline: String,
    facts: Vec<(&'static str, String)>,
    digest: Option<&'a str>,
    differences: Vec<String>,
    bar: Vec<Part>,
    bar_label: String,
    currencies: Vec<Currency>,
    fees: Vec<String>,
    balances: Vec<Balance>,
    events: Vec<Event<'a>>,
    problems: Vec<Problem<'a>>,
    problems_in_all: String,
    problems_left: Option<String>,
    whole_file: Option<&'a str>,
}

/// One colour of the bar of outcomes, in thousandths of its width.
struct Part {
    state: &'static str,
    name: &'static str,
    count: String,
    from: u64,
    width: u64,
}

struct Currency {
    code: String,
    states: Vec<Line>,
    sums: Vec<Line>,
}

struct Line {
    state: &'static str,
    name: &'static str,
    count: String,
    sum: String,
}

struct Balance {
    code: String,
    before: String,
    after: String,
    moved: String,
    unexplained: String,
}

struct Event<'a> {
    at: String,
    what: String,
    who: &'a str,
    why: Option<String>,
    details: Option<&'a str>,
}

struct Problem<'a> {
    key: &'a str,
    payout_id: &'a str,
    row: Option<u64>,
    state: &'static str,
    name: &'static str,
    money: String,
    way: String,
    account: Option<&'a str>,
    codes: String,
    why: Option<String>,
    what_to_do: Option<&'static str>,
    replaces: Option<&'a str>,
    replaced_by: Option<&'a str>,
}

impl<'a> Page<'a> {
    fn of(
        summary: &'a BatchSummary,
        totals: &ReportTotals,
        problems: &'a Problems,
        whole_file: Option<&'a str>,
    ) -> Result<Self> {
        let differences = totals.differences(summary)?;
        let (tone, headline) = headline(summary.state, totals, !differences.is_empty());
        let differences = differences.iter().map(|difference| {
            format!("planned {}, found {}", counted(&difference.planned), counted(&difference.found))
        });
        let balances = summary.balances.iter().map(|change| {
            Ok(Balance {
                code: change.before.currency().to_owned(),
                before: amount(&change.before),
                after: amount(&change.after),
                moved: amount(&totals.moved(change.before.currency())?),
                unexplained: amount(&totals.unexplained(change)?),
            })
        });
        let events = summary.events.iter().map(|event| Event {
            at: time(event.at),
            // `settled_made` is a word to the journal.
            what: event.what.replace('_', " "),
            who: &event.who,
            why: event.shown_why(),
            details: event.details.as_deref(),
        });
        Ok(Self {
            style: STYLE,
            style_hash: BASE64.encode(&Sha256::digest(STYLE)),
            id: &summary.id,
            state: summary.state.as_str(),
            tone,
            headline,
            facts: facts(summary, totals),
            digest: summary.digest.as_deref(),
            differences: differences.collect(),
            bar: bar(totals),
            bar_label: bar_label(totals),
            currencies: totals.currencies().map(Currency::of).collect(),
            fees: fees(totals),
            balances: balances.collect::<Result<_>>()?,
            events: events.collect(),
            problems: problems.iter().map(Problem::of).collect(),
            problems_in_all: grouped(&problems.in_all().to_string()),
            problems_left: Some(problems.left_out()).filter(|left| *left > 0).map(|left| grouped(&left.to_string())),
            whole_file,
        })
    }
}

impl Currency {
    fn of(totals: &ReportCurrency) -> Self {
        let line = |state, name, tally: &ReportTotal| Line {
            state,
            name,
            count: grouped(&tally.count.to_string()),
            sum: amount(&tally.sum),
        };
        let states = totals.states.iter().filter(|(_, tally)| tally.count > 0);
        let mut sums = vec![line("input", "Input", &totals.input)];
        if totals.tried_again.count > 0 {
            sums.push(line("again", "New tries", &totals.tried_again));
        }
        Self {
            code: totals.currency().to_owned(),
            states: states.map(|(state, tally)| line(state.as_str(), name(*state), tally)).collect(),
            sums,
        }
    }
}

impl<'a> Problem<'a> {
    fn of(item: &'a ReportItem) -> Self {
        let way = match &item.operator {
            Some(operator) => format!("{} {operator}", item.method),
            None => item.method.to_string(),
        };
        Self {
            key: &item.key,
            payout_id: item.payout_id.as_str(),
            row: item.row,
            state: item.state.as_str(),
            name: name(item.state),
            money: format!("{} {}", amount(&item.money), item.money.currency()),
            way,
            account: item.account.as_ref().map(MaskedAccount::as_str),
            codes: item.codes(),
            why: item.shown_why(),
            what_to_do: item.what_to_do(),
            replaces: item.replaces.as_deref(),
            replaced_by: item.replaced_by.as_deref(),
        }
    }
}

/// How a state is called on the page.
fn name(state: ItemState) -> &'static str {
    match state {
        ItemState::Planned => "Not sent",
        ItemState::InDoubt => "In doubt",
        ItemState::Accepted => "On its way",
        ItemState::Succeeded => "Succeeded",
        ItemState::Failed => "Failed",
        ItemState::Refused => "Refused",
        ItemState::Rejected => "Rejected",
        ItemState::NeedsPerson => "Needs a person",
        ItemState::Cancelled => "Cancelled",
    }
}

/// The one sentence that says how it stands, and how serious that is.
fn headline(state: BatchState, totals: &ReportTotals, differs: bool) -> (&'static str, String) {
    let count = |states: &[ItemState]| states.iter().map(|state| totals.of_state(*state)).sum::<u64>();
    let (items, succeeded) = (totals.items(), totals.of_state(ItemState::Succeeded));
    let people = totals.of_state(ItemState::NeedsPerson);
    let doubt = totals.of_state(ItemState::InDoubt);
    let open = count(&[ItemState::Planned, ItemState::Accepted]);
    let arrived = format!("{} of {} succeeded", grouped(&succeeded.to_string()), grouped(&items.to_string()));
    let of = |count: u64, what: &str| format!("{} {what}", grouped(&count.to_string()));
    if differs {
        return ("bad", format!("{arrived}, and the items are not what was planned."));
    }
    if people > 0 {
        let need = if people == 1 { "needs a person" } else { "need a person" };
        return ("bad", format!("{arrived}; {}.", of(people, need)));
    }
    if doubt > 0 {
        let doubt = of(doubt, if doubt == 1 { "is in doubt: pay it" } else { "are in doubt: pay them" });
        return ("warn", format!("{arrived}; {doubt} in no other way."));
    }
    if open > 0 && state != BatchState::Closed {
        let are = if open == 1 { "is not final" } else { "are not final" };
        return ("open", format!("{arrived}; {}.", of(open, are)));
    }
    if succeeded == items {
        return ("good", if items == 0 { "It has no items.".to_owned() } else { format!("{arrived}.") });
    }
    ("warn", format!("{arrived}; {} not, and that is final.", of(items - succeeded, "did")))
}

fn facts(summary: &BatchSummary, totals: &ReportTotals) -> Vec<(&'static str, String)> {
    let facts = [
        ("Made by", summary.maker.clone()),
        ("Approved by", summary.approver.clone()),
        ("Made at", summary.created_at.map(time)),
        ("As of", summary.reported_at.map(time)),
        ("Items", Some(grouped(&totals.items().to_string()))),
        ("Bad rows, left out", Some(summary.rows_left_out).filter(|rows| *rows > 0).map(|rows| rows.to_string())),
    ];
    facts.into_iter().filter_map(|(name, fact)| Some((name, fact?))).collect()
}

/// The parts of the bar. Every state that an item is in can be seen, however few they are.
fn bar(totals: &ReportTotals) -> Vec<Part> {
    const WHOLE: u64 = 1000;
    const LEAST: u64 = 6;
    let items = totals.items();
    let counts = ItemState::ALL.into_iter().map(|state| (state, totals.of_state(state)));
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    let room = WHOLE.saturating_sub(LEAST * counts.len() as u64);
    let mut from = 0;
    let part = |(state, count): (ItemState, u64)| {
        let share = u128::from(count) * u128::from(room) / u128::from(items.max(1));
        let width = LEAST + u64::try_from(share).unwrap_or(room);
        from += width;
        let count = grouped(&count.to_string());
        Part { state: state.as_str(), name: name(state), count, from: from - width, width }
    };
    counts.into_iter().map(part).collect()
}

fn bar_label(totals: &ReportTotals) -> String {
    let counts = ItemState::ALL.into_iter().map(|state| (name(state), totals.of_state(state)));
    let parts: Vec<String> =
        counts.filter(|(_, count)| *count > 0).map(|(name, count)| format!("{name}: {count}")).collect();
    parts.join(", ")
}

fn fees(totals: &ReportTotals) -> Vec<String> {
    let told = totals.fees().map(|fees| {
        let payouts = if fees.count == 1 { "payout" } else { "payouts" };
        format!("{} {} of {} {payouts}", amount(&fees.sum), fees.sum.currency(), grouped(&fees.count.to_string()))
    });
    let untold = Some(totals.fees_untold()).filter(|count| *count > 0).map(|count| {
        let payouts = if count == 1 { "payout" } else { "payouts" };
        format!("not told so far of {} {payouts}", grouped(&count.to_string()))
    });
    told.chain(untold).collect()
}

fn counted(tally: &ReportTotal) -> String {
    let items = if tally.count == 1 { "item" } else { "items" };
    format!("{} {items} of {} {}", grouped(&tally.count.to_string()), amount(&tally.sum), tally.sum.currency())
}

fn amount(money: &Money) -> String {
    grouped(&money.unambiguous_amount())
}

/// Digits in threes before the point, with a narrow blank that does not break: no country reads that in another way.
fn grouped(number: &str) -> String {
    let (sign, digits) = number.split_at(number.bytes().take_while(|b| *b == b'-').count());
    let (whole, decimals) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = sign.replace('-', "\u{2212}");
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text + decimals
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}
