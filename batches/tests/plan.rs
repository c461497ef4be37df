//! What a plan says of a batch, against the gateway's own catalogue and balances.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use komopay_batches::{
    ControlTotals, ItemDraft, Plan, PlanProblem, PlanProblemKind, PlanWarningKind, Requests, RowProblem, RowRead,
    Totals,
};
use komopay_core::{
    BankAccount, BankTransfer, Client, Config, Credentials, CryptoAccount, CryptoTransfer, ErrorKind, MethodCode,
    Money, PayoutMethod, PayoutRequest, Result, WalletAccount, WalletTransfer,
};
use komopay_sandbox::{Builder, Operation, Sandbox};

const BATCH: &str = "payroll-2026-11";

fn money(text: &str) -> Money {
    let (amount, currency) = text.split_once(' ').unwrap();
    Money::exact(amount, currency).unwrap()
}

fn bank(operator: &str) -> PayoutMethod {
    let mut account = BankAccount::new("Siti Rahmawati", "0123456789");
    account.bank_code = Some("HDFC0000001".to_owned());
    BankTransfer::new(operator, account).into()
}

fn wallet(operator: Option<&str>) -> PayoutMethod {
    let account = WalletAccount { name: Some("Siti Rahmawati".to_owned()), number: None };
    let mut wallet = WalletTransfer::new(account);
    wallet.operator_code = operator.map(str::to_owned);
    wallet.into()
}

fn plan(payouts: impl IntoIterator<Item = (&'static str, PayoutMethod)>) -> Plan {
    plan_of(payouts.into_iter().map(|(sum, method)| PayoutRequest::new(money(sum), method)))
}

fn plan_of(requests: impl IntoIterator<Item = PayoutRequest>) -> Plan {
    let items = requests.into_iter().enumerate().map(|(at, request)| (format!("K{at}"), None, request));
    let mut plan = Plan::new(BATCH, &[]);
    for row in Requests::new(BATCH, items).unwrap() {
        plan.add(&row.unwrap()).unwrap();
    }
    plan
}

async fn start(builder: Builder) -> (Sandbox, Client) {
    let sandbox = builder.start().await.unwrap();
    let credentials = Credentials::merchant(sandbox.merchant_code(), sandbox.secret());
    let client = Client::new(Config::new(sandbox.base_url(), credentials)).unwrap();
    (sandbox, client)
}

async fn checked(mut plan: Plan) -> Plan {
    let (_sandbox, client) = start(Sandbox::builder()).await;
    plan.check(&client).await.unwrap();
    plan
}

fn kinds(plan: &Plan) -> Vec<(PlanProblemKind, Option<u64>)> {
    plan.problems.iter().map(|problem| (problem.kind, problem.row)).collect()
}

#[test]
fn totals_are_exact_by_currency_and_by_kind() {
    let crypto = CryptoTransfer::new("DEMO_CHAIN", CryptoAccount::new("T0Demo"));
    let mut vip = PayoutRequest::new(money("7 IDR"), bank("IDR_014"));
    vip.segment_code = Some("VIP".to_owned());
    let requests = [
        PayoutRequest::new(money("0.1 USD"), bank("BNK_000")),
        PayoutRequest::new(money("0.20 USD"), bank("BNK_000")),
        PayoutRequest::new(money("0.05 USD"), bank("BNK_000")),
        PayoutRequest::new(money("1 USD"), wallet(None)),
        PayoutRequest::new(money("0.123456789012345678 USDT"), crypto),
        PayoutRequest::new(money("5 IDR"), bank("IDR_014")),
        vip,
    ];
    let plan = plan_of(requests);
    let sums: Vec<_> = plan.totals.currencies().map(|total| (total.count, total.sum.to_string())).collect();
    let expected = [(2, "12 IDR"), (4, "1.35 USD"), (1, "0.123456789012345678 USDT")];
    assert_eq!(sums, expected.map(|(count, sum)| (count, sum.to_owned())));
    let groups: Vec<_> = plan
        .totals
        .groups()
        .map(|group| {
            let (operator, segment) = (group.operator_code.as_deref(), group.segment_code.as_deref());
            (group.method.clone(), operator, segment, group.count, group.sum.to_string())
        })
        .collect();
    let bank = MethodCode::BankTransfer;
    assert_eq!(
        groups,
        [
            (bank.clone(), Some("IDR_014"), None, 1, "5 IDR".to_owned()),
            (bank.clone(), Some("IDR_014"), Some("VIP"), 1, "7 IDR".to_owned()),
            (bank, Some("BNK_000"), None, 3, "0.35 USD".to_owned()),
            (MethodCode::WalletTransfer, None, None, 1, "1 USD".to_owned()),
            (MethodCode::CryptoTransfer, Some("DEMO_CHAIN"), None, 1, "0.123456789012345678 USDT".to_owned()),
        ]
    );
    let dollars = plan.totals.groups().nth(2).unwrap();
    assert_eq!((&dollars.least, &dollars.most), (&(money("0.05 USD"), 3), &(money("0.20 USD"), 2)));
    assert_eq!((plan.items(), plan.rows(), plan.totals.others()), (7, 7, 0));
}

#[test]
fn a_sum_that_cannot_be_kept_exactly_is_refused_and_so_are_too_many_currencies() {
    let mut totals = Totals::default();
    let large = PayoutRequest::new(money("79228162514264337593543950335 XTS"), bank("OP"));
    totals.add(1, &large).unwrap();
    let error = totals.add(2, &large).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.amount")));

    let mut totals = Totals::default();
    let of = |n: u32| PayoutRequest::new(Money::new("1", format!("X{n}")).unwrap(), bank("OP"));
    (0..100).for_each(|n| totals.add(1, &of(n)).unwrap());
    let error = totals.add(1, &of(100)).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("money.currency")));
    totals.add(1, &of(99)).unwrap();
}

#[tokio::test]
async fn what_is_of_too_many_kinds_is_in_the_sums_and_a_warning_says_what_was_not_looked_up() {
    let operators = (0..1003).map(|n| ("10000 IDR", bank(&format!("OP_{n}"))));
    let plan = checked(plan(operators)).await;
    assert_eq!((plan.items(), plan.totals.groups().count(), plan.totals.others()), (1003, 1000, 3));
    assert_eq!(plan.totals.currencies().next().unwrap().sum, money("10030000 IDR"));
    let [warning] = &plan.warnings[..] else { panic!("{:?}", plan.warnings) };
    assert!(warning.kind == PlanWarningKind::NotChecked && warning.text.contains("the 3 payouts"), "{warning:?}");
    assert_eq!(plan.problems.len(), 1000);
}

#[test]
fn control_totals_are_those_of_the_batch_or_each_difference_is_said() {
    let compared = |count: Option<u64>, sums: &[&str]| {
        let mut plan = plan([("1 IDR", bank("OP")), ("2 IDR", bank("OP")), ("0.50 USD", bank("OP"))]);
        plan.compare(&ControlTotals { count, sums: sums.iter().map(|sum| money(sum)).collect() })?;
        Ok(plan.problems.into_iter().map(|problem| (problem.kind.as_str(), problem.text)).collect::<Vec<_>>())
            as Result<_>
    };
    let texts = |count, sums: &[&str]| compared(count, sums).unwrap();
    for (count, sums) in
        [(None, &[][..]), (Some(3), &[]), (Some(3), &["3 IDR", "0.5 USD"]), (None, &["0.5 USD", "3.00 IDR", "0 INR"])]
    {
        assert_eq!(texts(count, sums), []);
    }
    let one = |kind, text: &str| vec![(kind, text.to_owned())];
    assert_eq!(texts(Some(4), &[]), one("count", "the count is 3, and was to be 4"));
    assert_eq!(texts(Some(2), &["3 IDR", "0.5 USD"]), one("count", "the count is 3, and was to be 2"));
    assert_eq!(texts(None, &["4 IDR", "0.5 USD"]), one("sum", "the sum is 3 IDR, and was to be 4 IDR"));
    assert_eq!(texts(None, &["3 IDR"]), one("sum", "the sum is 0.50 USD, and was not expected"));
    let more = ["3 IDR", "0.5 USD", "9 INR"];
    assert_eq!(texts(None, &more), one("sum", "there is nothing in INR, and was to be 9 INR"));
    let error = compared(None, &["3 IDR", "3 IDR"]).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidRequest, Some("control_totals")));
}

#[test]
fn bad_rows_are_counted_and_the_first_hundred_problems_are_kept() {
    let mut plan = plan([("1 IDR", bank("OP"))]);
    for row in 1..=70 {
        let problem = RowProblem { row, field: None, problem: "is bad".to_owned() };
        plan.add(&RowRead::Bad(vec![problem.clone(), problem])).unwrap();
    }
    assert_eq!((plan.rows(), plan.items(), plan.bad_rows, plan.row_problems.len()), (71, 1, 70, 100));
    assert_eq!(plan.row_problems[99].row, 50);
    plan.compare(&ControlTotals { count: Some(71), sums: Vec::new() }).unwrap();
    assert!(plan.problems[0].text.ends_with("; 70 more rows are bad, and were not counted"), "{:?}", plan.problems);
}

#[tokio::test]
async fn what_the_platform_offers_within_its_limits_is_no_problem() {
    let fine = [
        ("10000 IDR", bank("IDR_014")),
        ("50000000 IDR", bank("IDR_014")),
        ("10000 IDR", bank("IDR_008")),
        ("1 IDR", bank("BNK_000")),
        ("20000000 IDR", wallet(Some("ID_OVO"))),
        ("50000 USD", bank("BNK_000")),
        ("10000 USD", wallet(None)),
        ("0.000001 USDT", CryptoTransfer::new("DEMO_CHAIN", CryptoAccount::new("T0Demo")).into()),
        ("100 INR", bank("INR_DEMO")),
    ];
    let plan = checked(plan(fine)).await;
    assert!(plan.problems.is_empty() && plan.warnings.is_empty(), "{plan:?}");
}

#[tokio::test]
async fn each_thing_that_cannot_be_paid_is_a_problem_once() {
    for (sum, method, kind) in [
        ("10000 IDR", bank("IDR_999"), PlanProblemKind::NotOffered),
        ("10000 IDR", wallet(Some("IDR_014")), PlanProblemKind::NotOffered),
        ("10000 XYZ", bank("BNK_000"), PlanProblemKind::NotOffered),
        ("1 DEMO_VIP", bank("BNK_000"), PlanProblemKind::NotOffered),
        ("10000 IDR", bank("IDR_003"), PlanProblemKind::NotActivated),
        ("1 DEMO_OFF", bank("BNK_000"), PlanProblemKind::NotActivated),
        ("9999 IDR", bank("IDR_014"), PlanProblemKind::BelowLimit),
        ("50000001 IDR", bank("IDR_014"), PlanProblemKind::AboveLimit),
        ("10000.01 USD", wallet(None), PlanProblemKind::AboveLimit),
    ] {
        let twice = [(sum, method.clone()), (sum, method)];
        let plan = checked(plan(twice)).await;
        let row = matches!(kind, PlanProblemKind::BelowLimit | PlanProblemKind::AboveLimit).then_some(1);
        assert_eq!(kinds(&plan), [(kind, row)], "{sum}: {:?}", plan.problems);
    }
    let mixed = [("20000 IDR", bank("IDR_014")), ("1 IDR", bank("IDR_014")), ("60000000 IDR", bank("IDR_014"))];
    let plan = checked(plan(mixed)).await;
    assert_eq!(kinds(&plan), [(PlanProblemKind::BelowLimit, Some(2)), (PlanProblemKind::AboveLimit, Some(3))]);
    let texts: Vec<_> = plan.problems.iter().map(|problem: &PlanProblem| problem.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "payouts in IDR by BANK_TRANSFER through IDR_014 are not made below 10000 IDR, and the smallest is 1 IDR",
            "payouts in IDR by BANK_TRANSFER through IDR_014 are not made above 50000000 IDR, and the largest is \
             60000000 IDR",
        ]
    );
}

#[tokio::test]
async fn an_operator_for_one_segment_is_offered_to_it_only() {
    let in_segment = |segment: Option<&str>| {
        let mut request = PayoutRequest::new(money("10000 IDR"), bank("IDR_003"));
        request.segment_code = segment.map(str::to_owned);
        plan_of([request])
    };
    assert_eq!(kinds(&checked(in_segment(Some("VIP"))).await), []);
    let others = checked(in_segment(Some("STANDARD"))).await;
    assert_eq!(kinds(&others), [(PlanProblemKind::NotActivated, None)]);
    assert!(others.problems[0].text.contains("through IDR_003 in segment STANDARD"), "{:?}", others.problems);
}

#[tokio::test]
async fn a_balance_that_is_too_small_is_a_warning_that_says_what_is_missing() {
    let (_sandbox, client) = start(Sandbox::builder().balance("IDR", "25000").balance("USD", "30")).await;
    let mut plan = plan([
        ("10000 IDR", bank("IDR_014")),
        ("15000.00 IDR", bank("IDR_014")),
        ("30.01 USD", bank("BNK_000")),
        ("1 XYZ", bank("BNK_000")),
    ]);
    plan.check(&client).await.unwrap();
    let texts: Vec<_> = plan.warnings.iter().map(|warning| (warning.kind, warning.text.as_str())).collect();
    let balance = PlanWarningKind::Balance;
    assert_eq!(
        texts,
        [
            (balance, "the payouts need 30.01 USD and fees, and 30 USD can be spent: 0.01 USD and fees are missing"),
            (balance, "there is no balance in XYZ; the payouts need 1 XYZ and fees"),
        ]
    );
}

#[tokio::test]
async fn the_platform_is_asked_once_for_all_rows_and_never_for_none() {
    let (sandbox, client) = start(Sandbox::builder()).await;
    let calls = || (sandbox.calls(Operation::ListPaymentOptions), sandbox.calls(Operation::GetBalances));
    let mut empty = plan([]);
    empty.check(&client).await.unwrap();
    assert_eq!(calls(), (0, 0));
    let mut plan = plan((0..500).map(|n| ("10000 IDR", bank(["IDR_014", "IDR_008"][n % 2]))));
    plan.check(&client).await.unwrap();
    assert_eq!(calls(), (1, 1));
}

#[test]
fn what_is_no_operator_but_a_number_is_not_shown_whole() {
    let mut plan = Plan::new(BATCH, &[]);
    let request = PayoutRequest::new(money("1 IDR"), bank("0123456789"));
    let payout_id = "P1".parse().unwrap();
    plan.add_item(&ItemDraft { key: "K".to_owned(), payout_id, request, row: 1 }).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let plan = runtime.block_on(checked(plan));
    assert!(!plan.problems[0].text.contains("0123456789"), "{:?}", plan.problems);
}
