use crate::attention::Attention;
use std::io;

use komopay_core::{
    BankAccount, BankTransfer, ErrorKind, FailureCode, MethodCode, Money, PayoutId, PayoutRequest, PayoutStatus,
    WalletAccount, WalletTransfer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::batch::BatchState;
use crate::item::ItemState;
use crate::item::ItemState::{Accepted, Cancelled, Failed, InDoubt, NeedsPerson, Planned, Succeeded};

fn money(amount: &str, currency: &str) -> Money {
    Money::new(amount, currency).unwrap()
}

fn id(id: &str) -> PayoutId {
    PayoutId::new(id).unwrap()
}

fn item(key: &str, state: ItemState) -> ReportItem {
    ReportItem::new(key, id("KB-1"), state, money("250000", "IDR"), MethodCode::BankTransfer)
}

/// An item and a batch with everything in them, and a text of the merchant's own in every place that takes one.
fn everything(text: &str) -> (ReportItem, BatchSummary) {
    let at = "2026-11-29T08:00:00Z".parse().unwrap();
    let item = ReportItem {
        row: Some(7),
        operator: Some(text.to_owned()),
        account: Some(MaskedAccount::of("0123456789")),
        fee: Some(money("0.1", "USD")),
        platform_status: Some(PayoutStatus::Processing),
        failure: Some(FailureCode::from("ODD_CODE")),
        reasons: vec!["BALANCE_INSUFFICIENT".to_owned()],
        error_kind: Some(ErrorKind::DuplicatePayout),
        attention: Some(Attention::TakenByAnother),
        why: Some(text.to_owned()),
        replaces: Some(text.to_owned()),
        replaced_by: Some(text.to_owned()),
        payment_id: Some("P-1".to_owned()),
        attempts: 2,
        updated_at: Some(at),
        ..item(text, NeedsPerson)
    };
    let text = || text.to_owned();
    let event = ReportEvent { at, what: text(), who: text(), why: Some(text()), details: Some(text()) };
    let summary = BatchSummary {
        maker: Some(text()),
        approver: Some(text()),
        digest: Some("kb1:00000000:00".to_owned()),
        created_at: Some(at),
        reported_at: Some(at),
        planned: Some(vec![ReportTotal { count: 0, sum: money("0", "IDR") }]),
        rows_left_out: 2,
        balances: vec![BalanceChange { before: money("1000000", "IDR"), after: money("900000", "IDR") }],
        events: vec![event],
        ..BatchSummary::new(text(), BatchState::Following)
    };
    (item, summary)
}

fn csv(items: &[ReportItem], summary: &BatchSummary) -> String {
    let mut file = Vec::new();
    write(ReportWriter::csv(&mut file), items, summary);
    String::from_utf8(file).unwrap()
}

fn json_lines(items: &[ReportItem], summary: &BatchSummary) -> String {
    let mut file = Vec::new();
    write(ReportWriter::json_lines(&mut file), items, summary);
    String::from_utf8(file).unwrap()
}

fn html(items: &[ReportItem], summary: &BatchSummary) -> String {
    let mut file = Vec::new();
    write(ReportWriter::html(&mut file, Some("<all>.csv")), items, summary);
    String::from_utf8(file).unwrap()
}

fn write(mut report: ReportWriter<&mut Vec<u8>>, items: &[ReportItem], summary: &BatchSummary) -> ReportTotals {
    for item in items {
        report.item(item).unwrap();
    }
    report.finish(summary).unwrap()
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(csv.as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn closed() -> BatchSummary {
    BatchSummary::new("payroll-11", BatchState::Closed)
}

#[test]
fn a_row_of_csv_says_all_of_an_item_under_the_names_of_the_columns() {
    let (mut item, summary) = everything("a text");
    item.key = "row, \"7\"".to_owned();
    let rows = rows(&csv(&[item], &summary));
    let [names, values] = &rows[..] else { panic!("{rows:?}") };
    let row: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect();
    let expected = [
        ("key", "row, \"7\""),
        ("payout_id", "KB-1"),
        ("row", "7"),
        ("state", "needs_person"),
        ("amount", "250000"),
        ("currency", "IDR"),
        ("method", "BANK_TRANSFER"),
        ("operator", "a text"),
        ("account", "****6789"),
        ("fee", "0.1"),
        ("fee_currency", "USD"),
        ("platform_status", "PROCESSING"),
        ("reasons", "ODD_CODE, BALANCE_INSUFFICIENT"),
        ("needs_person", "taken_by_another"),
        ("what_to_do", "It was tried again: look at the item that replaces it."),
        ("why", "a text"),
        ("replaces", "a text"),
        ("replaced_by", "a text"),
        ("attempts", "2"),
        ("updated_at", "2026-11-29T08:00:00Z"),
        ("payment_id", "P-1"),
        ("error_kind", "duplicate_payout"),
    ];
    assert_eq!(row, expected);
    let of_none = csv(&[], &closed());
    assert_eq!(of_none.lines().count(), 1, "{of_none}");
}

#[test]
fn no_text_is_a_formula_in_a_spreadsheet_and_each_can_be_had_back() {
    for text in ["=1+1", "+62812", "-1", "@SUM(A1)", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", "\n=1", "'=1", "''"]
    {
        let (mut item, summary) = everything(text);
        item.payout_id = id("-2");
        let csv = csv(&[item], &summary);
        let values = &rows(&csv)[1];
        for value in values {
            assert!(!value.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n']), "{value:?}");
        }
        assert_eq!((values[0].strip_prefix('\''), values[7].strip_prefix('\'')), (Some(text), Some(text)));
        assert_eq!(values[1], "'-2");
    }
    // Where semicolons separate, a value is still one cell.
    let csv = csv(&[item("a;=1+1", Planned)], &closed());
    assert!(csv.contains("\"a;=1+1\""), "{csv}");
}

#[test]
fn a_line_of_json_says_all_of_an_item_and_the_last_one_all_of_the_batch() {
    let (item, summary) = everything("a text");
    let text = json_lines(&[item], &summary);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [item, batch] = &lines[..] else { panic!("{text}") };
    let expected = json!({
        "record": "item", "key": "a text", "payout_id": "KB-1", "row": 7, "state": "needs_person",
        "money": {"amount": "250000", "currency": "IDR"}, "method": "BANK_TRANSFER", "operator": "a text",
        "account": "****6789", "fee": {"amount": "0.1", "currency": "USD"}, "platform_status": "PROCESSING",
        "failure": "ODD_CODE", "reasons": ["BALANCE_INSUFFICIENT"], "error_kind": "duplicate_payout",
        "needs_person": "taken_by_another",
        "what_to_do": "It was tried again: look at the item that replaces it.", "why": "a text", "replaces": "a text",
        "replaced_by": "a text", "payment_id": "P-1", "attempts": 2, "updated_at": "2026-11-29T08:00:00Z",
    });
    assert_eq!(*item, expected);
    let none = json!({"count": 0, "amount": "0", "currency": "IDR"});
    let one = json!({"count": 1, "amount": "250000", "currency": "IDR"});
    assert_eq!(
        (&batch["record"], &batch["id"], &batch["state"]),
        (&json!("batch"), &json!("a text"), &json!("following"))
    );
    assert_eq!((&batch["items"], &batch["rows_left_out"], &batch["adds_up"]), (&json!(1), &json!(2), &json!(true)));
    let totals = &batch["totals"][0];
    assert_eq!((&totals["input"], &totals["tried_again"]), (&none, &one));
    let state = totals["states"].as_array().unwrap().iter().find(|line| line["state"] == "needs_person").unwrap();
    assert_eq!(*state, json!({"state": "needs_person", "count": 1, "amount": "250000", "currency": "IDR"}));
    assert_eq!(batch["fees"], json!([{"count": 1, "amount": "0.1", "currency": "USD"}]));
    let balance = json!({
        "before": {"amount": "1000000", "currency": "IDR"}, "after": {"amount": "900000", "currency": "IDR"},
        "moved_by_this_batch": {"amount": "0", "currency": "IDR"},
        "unexplained": {"amount": "-100000", "currency": "IDR"},
    });
    assert_eq!(batch["balances"], json!([balance]));
    let event =
        json!({"at": "2026-11-29T08:00:00Z", "what": "a text", "who": "a text", "why": "a text", "details": "a text"});
    assert_eq!(batch["events"], json!([event]));
}

#[test]
fn no_report_holds_a_payee() {
    let bank = BankTransfer::new("IDR_014", BankAccount::new("Siti Rahmawati", "0123456789"));
    let account = WalletAccount { name: Some("Siti Rahmawati".to_owned()), number: None };
    let mut wallet = WalletTransfer::new(account);
    wallet.phone_number = Some("+6281234567890".to_owned());
    let requests = [PayoutRequest::new(money("1", "IDR"), bank), PayoutRequest::new(money("1", "IDR"), wallet)];
    let items = requests.map(|request| {
        let (mut item, _) = everything("x");
        item.account = MaskedAccount::of_request(&request);
        // A person gives a reason, and the platform a code, with an account in it.
        item.why = Some("paid by hand to 0123456789, phone +6281234567890".to_owned());
        item.failure = Some(FailureCode::from("NO ACCOUNT 0123456789"));
        item.platform_status = Some(PayoutStatus::from("HELD for 0123456789"));
        item.reasons = vec!["BAD 0123456789".to_owned()];
        item
    });
    let (_, mut summary) = everything("x");
    summary.events[0].why = Some("the bank called about 0123456789".to_owned());
    let reports = [
        csv(&items, &summary),
        json_lines(&items, &summary),
        html(&items, &summary),
        format!("{:?}", items[0].account),
    ];
    for report in &reports {
        for payee in ["Siti", "Rahmawati", "0123456789", "012345", "628123", "81234567890"] {
            assert!(!report.contains(payee), "{payee} in {report}");
        }
    }
    assert!(reports[..3].iter().all(|report| report.contains("****6789") && report.contains("****7890")));
}

#[test]
fn no_text_of_the_merchant_is_markup_on_the_page() {
    let text = "</style></title><script>alert('1')</script>\"><img src=x onerror=alert(1)>&amp;";
    let (mut item, summary) = everything(text);
    item.replaced_by = None;
    let items = vec![item; 1001];
    let page = html(&items, &summary);
    for markup in ["<script", "<img", "onerror=alert(1)>\"", "&amp;amp;"] {
        assert!(!page.contains(markup), "{markup} in {page}");
    }
    assert_eq!((page.matches("</style>").count(), page.matches("</title>").count()), (1, 1));
    // It is there, in every place that takes one.
    for place in [
        "<h1>Batch <bdi>",
        "<title>Batch ",
        "<dd><bdi>",
        "<b><bdi>",
        "by <bdi>",
        "<br><bdi>",
        "Reason: <bdi>",
        "New try of <bdi>",
        ": <bdi>",
    ] {
        assert!(page.contains(&format!("{place}&#60;/style&#62;")), "{place}");
    }
    assert!(page.contains("BANK_TRANSFER &#60;/style&#62;") && page.contains("<code><bdi>&#60;all&#62;.csv"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_allows_nothing_but_its_own_style() {
    let (item, summary) = everything("x");
    let page = html(&[item], &summary);
    for address in ["http:", "https:", "url(", "src=", "@import", "<script", "<link", " style="] {
        assert!(!page.contains(address), "{address}");
    }
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = data_encoding::BASE64.encode(&<sha2::Sha256 as sha2::Digest>::digest(style));
    let policy = page.split_once("Content-Security-Policy\"\n content=\"").unwrap().1.split_once('"').unwrap().0;
    assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
}

#[test]
fn the_page_lists_a_thousand_items_the_gravest_first_and_says_how_many_more_there_are() {
    let mut file = Vec::new();
    let mut report = ReportWriter::html(&mut file, Some("all.csv"));
    for n in 0..1500 {
        report.item(&item(&format!("waits-{n}"), Planned)).unwrap();
        report.item(&item(&format!("done-{n}"), Succeeded)).unwrap();
    }
    for n in 0..3 {
        report.item(&item(&format!("failed-{n}"), Failed)).unwrap();
        report.item(&item(&format!("doubt-{n}"), InDoubt)).unwrap();
        report.item(&item(&format!("person-{n}"), NeedsPerson)).unwrap();
    }
    report.finish(&closed()).unwrap();
    let page = String::from_utf8(file).unwrap();
    assert_eq!(page.matches("<td data-name=\"Item\">").count(), 1000);
    assert!(page.contains("<b>509 more are not on this page;</b> all items are in <code><bdi>all.csv</bdi></code>."));
    let at = |key: &str| page.find(&format!("<bdi>{key}</bdi>")).unwrap_or_else(|| panic!("{key}"));
    let order = ["person-0", "person-2", "doubt-0", "doubt-2", "failed-0", "failed-2", "waits-0", "waits-990"].map(at);
    assert!(order.is_sorted(), "{order:?}");
    assert!(!page.contains("done-") && !page.contains("waits-991<"));
}

#[test]
fn the_page_says_in_one_sentence_how_it_stands() {
    let says = |states: &[ItemState], state: BatchState, sentence: &str| {
        let items: Vec<ReportItem> = states.iter().map(|state| item("a", *state)).collect();
        let page = html(&items, &BatchSummary::new("B", state));
        assert!(page.contains(&format!("</span> {sentence}</p>")), "{sentence}: {page}");
    };
    says(&[], BatchState::Closed, "It has no items.");
    says(&[Succeeded], BatchState::Closed, "1 of 1 succeeded.");
    says(&[Succeeded, Failed], BatchState::Closed, "1 of 2 succeeded; 1 did not, and that is final.");
    says(&[Succeeded, Cancelled, Failed], BatchState::Cancelled, "1 of 3 succeeded; 2 did not, and that is final.");
    says(&[Succeeded, Accepted, Planned], BatchState::Running, "1 of 3 succeeded; 2 are not final.");
    says(&[Accepted, InDoubt], BatchState::Running, "0 of 2 succeeded; 1 is in doubt: pay it in no other way.");
    says(&[InDoubt, NeedsPerson], BatchState::Running, "0 of 2 succeeded; 1 needs a person.");
    let planned = Some(vec![ReportTotal { count: 2, sum: money("500000", "IDR") }]);
    let page = html(&[item("a", Succeeded)], &BatchSummary { planned, ..closed() });
    assert!(page.contains("1 of 1 succeeded, and the items are not what was planned."), "{page}");
    assert!(page.contains("planned 2 items of 500\u{202f}000 IDR, found 1 item of 250\u{202f}000 IDR"), "{page}");
}

#[test]
fn the_page_tells_what_happened_when_and_by_whom() {
    let (_, mut summary) = everything("Budi");
    summary.events[0].what = "settled_made".to_owned();
    summary.events[0].details = Some("row-7".to_owned());
    let page = html(&[], &summary);
    let event = page.split_once("<li><time>").unwrap().1.split_once("</li>").unwrap().0.replace('\n', "");
    let expected = "2026-11-29 08:00:00 UTC</time> <b><bdi>settled made</bdi></b> by <bdi>Budi</bdi>: <bdi>row-7</bdi>\
                    <br><bdi>Budi</bdi>";
    assert_eq!(event, expected);
}

#[test]
fn every_reason_has_one_sentence_of_its_own_on_what_to_do() {
    let mut sentences: Vec<&str> = Attention::ALL.into_iter().map(Attention::what_to_do).collect();
    for attention in Attention::ALL {
        assert_eq!(Attention::parse(attention.as_str()), Some(attention));
    }
    for state in ItemState::ALL {
        let item = item("a", state);
        assert_eq!(item.what_to_do().is_none(), state == Succeeded);
        // The three that end with a no differ by their codes.
        if !matches!(state, ItemState::Refused | ItemState::Rejected) {
            sentences.extend(item.what_to_do());
        }
    }
    for sentence in &sentences {
        assert!(sentence.ends_with('.') && sentence.matches(". ").count() == 0, "{sentence}");
    }
    let count = sentences.len();
    sentences.sort_unstable();
    sentences.dedup();
    assert_eq!(sentences.len(), count);
}

#[test]
fn what_helps_against_a_no_is_told_by_its_code() {
    let unknown = item("a", Failed).what_to_do();
    for code in FailureCode::KNOWN {
        let by_failure = ReportItem { failure: Some(FailureCode::from(*code)), ..item("a", Failed) };
        let by_rule = ReportItem { reasons: vec![(*code).to_owned()], ..item("a", ItemState::Rejected) };
        assert_ne!(by_failure.what_to_do(), unknown, "{code}");
        assert_eq!(by_failure.what_to_do(), by_rule.what_to_do(), "{code}");
    }
    // The first that is known tells.
    let reasons = ["NEW_RULE", "BALANCE_INSUFFICIENT"].map(str::to_owned).to_vec();
    let item = ReportItem { reasons, ..item("a", ItemState::Rejected) };
    assert!(item.what_to_do().unwrap().contains("top it up"));
}

#[test]
fn what_cannot_be_written_is_an_error_that_names_the_report() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for report in [ReportWriter::csv(Full), ReportWriter::json_lines(Full), ReportWriter::html(Full, None)] {
        let error = report.finish(&closed()).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::Configuration, Some("report")), "{error}");
    }
}

#[test]
fn a_balance_is_moved_by_what_arrived_and_by_the_fees_in_its_currency() {
    let with_fee = |state, fee: Money| ReportItem { fee: Some(fee), ..item("a", state) };
    let items = [
        with_fee(Succeeded, money("1000", "IDR")),
        with_fee(Failed, money("500", "IDR")),
        with_fee(Succeeded, money("0.1", "USD")),
        item("a", Accepted),
        item("a", Planned),
    ];
    let totals = write(ReportWriter::csv(&mut Vec::new()), &items, &closed());
    assert_eq!(totals.moved("IDR").unwrap(), money("-501500", "IDR"));
    assert_eq!(totals.moved("USD").unwrap(), money("-0.1", "USD"));
    assert_eq!(totals.moved("EUR").unwrap(), money("0", "EUR"));
    assert_eq!(totals.fees_untold(), 1);
    let change = BalanceChange { before: money("1000000", "IDR"), after: money("598500", "IDR") };
    assert_eq!(totals.unexplained(&change).unwrap(), money("100000", "IDR"));
}

#[test]
fn every_currency_that_was_not_planned_as_it_is_found_is_a_difference() {
    let items = [item("a", Succeeded)];
    let totals = write(ReportWriter::csv(&mut Vec::new()), &items, &closed());
    let tally = |count, amount, currency| ReportTotal { count, sum: money(amount, currency) };
    let differences = |planned: &[ReportTotal]| {
        let summary = BatchSummary { planned: Some(planned.to_vec()), ..closed() };
        let differences = totals.differences(&summary).unwrap();
        differences.into_iter().map(|difference| difference.found).collect::<Vec<_>>()
    };
    assert_eq!(differences(&[tally(1, "250000", "IDR")]), []);
    assert_eq!(differences(&[tally(1, "250000", "IDR"), tally(0, "0", "USD")]), []);
    for planned in [tally(2, "250000", "IDR"), tally(1, "250001", "IDR")] {
        assert_eq!(differences(&[planned]), [tally(1, "250000", "IDR")]);
    }
    assert_eq!(differences(&[]), [tally(1, "250000", "IDR")]);
    assert_eq!(differences(&[tally(1, "250000", "IDR"), tally(1, "1", "USD")]), [tally(0, "0", "USD")]);
    assert_eq!(totals.differences(&closed()).unwrap(), []);
}

proptest! {
    /// Whatever the items: each is in one state, and input and new tries are the sum of the states, to the last digit.
    #[test]
    fn the_totals_reconcile(
        items in prop::collection::vec((0..9_usize, 1..10_000_000_u64, 0..3_usize, any::<bool>()), 0..60),
    ) {
        let items: Vec<ReportItem> = items
            .into_iter()
            .map(|(state, cents, currency, again)| {
                let amount = format!("{}.{:02}", cents / 100, cents % 100);
                let money = Money::exact(amount, ["EUR", "USD", "XTS"][currency]).unwrap();
                let replaces = again.then(|| "a".to_owned());
                ReportItem { money, replaces, ..item("a", ItemState::ALL[state]) }
            })
            .collect();
        let totals = write(ReportWriter::csv(&mut Vec::new()), &items, &closed());
        prop_assert_eq!(totals.items(), items.len() as u64);
        let mut in_all = 0;
        for currency in totals.currencies() {
            let none = Money::exact("0", currency.currency()).unwrap();
            let sum = |tallies: &[&ReportTotal]| {
                let count: u64 = tallies.iter().map(|tally| tally.count).sum();
                (count, tallies.iter().fold(none.clone(), |sum, tally| sum.checked_add(&tally.sum).unwrap()))
            };
            let states: Vec<&ReportTotal> = currency.states.iter().map(|(_, tally)| tally).collect();
            let sources = [&currency.input, &currency.tried_again];
            prop_assert_eq!(sum(&states), sum(&sources));
            // And the same, added up without the report.
            let of = items.iter().filter(|item| item.money.currency() == currency.currency());
            let input = of.clone().filter(|item| item.replaces.is_none());
            let expected = input.fold(none.clone(), |sum, item| sum.checked_add(&item.money).unwrap());
            prop_assert_eq!(&currency.input.sum, &expected);
            for (state, tally) in &currency.states {
                prop_assert_eq!(tally.count, of.clone().filter(|item| item.state == *state).count() as u64);
            }
            in_all += currency.input.count + currency.tried_again.count;
        }
        prop_assert_eq!(in_all, items.len() as u64);
        let planned = totals.currencies().map(|currency| currency.input.clone()).collect();
        prop_assert_eq!(totals.differences(&BatchSummary { planned: Some(planned), ..closed() }).unwrap(), vec![]);
    }
}
