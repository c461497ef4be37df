//! Answers that a front end delivers to the wrong request: no executed payout is told as "no money moved".
//!
//! Every other create is genuinely refused, and at seeded places an answer is doubled or strays in front of the true
//! one. The ledger tells which payouts were executed. What a lagging read does is shown too: that is an assumption.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use komopay_core::{Client, ErrorKind, Money, TokenScope};
use komopay_sandbox::{Effect, Fault, LedgerKind, Operation, Sandbox, When};
use komopay_tests::{break_nth, client, config, id, request, sandbox, shown};

/// How many creates. `cargo xtask prove` makes more.
fn creates() -> usize {
    if std::env::var("KOMOPAY_PROOF").is_ok_and(|form| form == "long") { 2_000 } else { 200 }
}

/// An answer that some other call of the platform was to get.
fn strayed(draw: &mut fastrand::Rng) -> Effect {
    let other = r#"{"paymentRequested":{"money":{"amount":10000,"currencyCode":"IDR"}},
        "paymentMethodResponse":{"paymentMethodCode":"BANK_TRANSFER","idPayout":"OTHER"}}"#;
    let basic = r#"{"description":"somebody else's"}"#;
    let refusal = r#"[{"code":"BALANCE_INSUFFICIENT","description":"somebody else's"}]"#;
    let answers = [
        (400, basic),
        (401, basic),
        (403, basic),
        (406, refusal),
        (409, basic),
        (429, basic),
        (502, ""),
        (200, other),
        (201, other),
    ];
    let (status, body) = answers[draw.usize(..answers.len())];
    Effect::StrayAnswer { status, headers: BTreeMap::new(), body: body.to_owned(), execute_after_ms: None }
}

/// What is wrong with creates one after the other on kept connections, whose answers are misdelivered like this.
async fn told_wrongly(seed: u64, misdelivered: impl Fn(&mut fastrand::Rng) -> Effect) -> Vec<String> {
    let sandbox = sandbox().await;
    let mut draw = fastrand::Rng::with_seed(seed);
    let mut settings = config(sandbox.base_url());
    settings.settle_window = Duration::from_millis(100);
    // One token for all, so that what goes before a create on its connection is mostly another create.
    settings.token_scope = TokenScope::Everything;
    let client = Client::new(settings).unwrap();
    let (fine, mut refused) = (request(), request());
    // The sandbox has a limit of 50,000,000 for one payout: a genuine 406.
    refused.money = Money::new("50000001", "IDR").unwrap();

    let mut told_unmoved = BTreeSet::new();
    let mut endings: BTreeMap<String, usize> = BTreeMap::new();
    for n in 0..creates() {
        let id = id(&format!("M-{n}"));
        if draw.bool() {
            sandbox.inject(Fault::new(When::nth(Operation::CreatePayout, 1), misdelivered(&mut draw)));
        }
        let request = if n % 2 == 0 { &fine } else { &refused };
        let ending = match client.create_payout(&id, request, false).await {
            Ok(accepted) if accepted.recovered => "recovered".to_owned(),
            Ok(_) => "accepted".to_owned(),
            Err(error) => {
                shown(&error);
                if !error.money_may_have_moved() {
                    told_unmoved.insert(id.to_string());
                }
                error.kind().to_string()
            }
        };
        *endings.entry(ending).or_default() += 1;
    }
    sandbox.idle().await;
    let mut executed: BTreeMap<String, usize> = BTreeMap::new();
    for line in sandbox.ledger().into_iter().filter(|line| line.kind == LedgerKind::Executed) {
        *executed.entry(line.payout_id).or_default() += 1;
    }
    let calls = Operation::ALL.map(|operation| sandbox.calls(operation)).iter().sum::<u64>();
    println!("{} creates, seed {seed}: {endings:?}; {} executed; {calls} requests", creates(), executed.len());
    sandbox.stop().await;

    assert!(executed.values().all(|times| *times == 1), "paid twice: {executed:?}");
    // A run in which nothing is refused or nothing executed proves nothing.
    assert!(endings.contains_key("rejected") && executed.len() >= creates() / 4, "{endings:?}");
    executed.into_keys().filter(|id| told_unmoved.contains(id)).collect()
}

#[tokio::test]
async fn no_executed_payout_is_told_as_unmoved_when_answers_come_twice() {
    let wrong = told_wrongly(1, |_| Effect::PreviousAnswer { execute_after_ms: None }).await;
    assert!(wrong.is_empty(), "{} executed payouts are told as \"no money moved\": {wrong:?}", wrong.len());
}

#[tokio::test]
async fn no_executed_payout_is_told_as_unmoved_when_answers_stray() {
    let wrong = told_wrongly(2, strayed).await;
    assert!(wrong.is_empty(), "{} executed payouts are told as \"no money moved\": {wrong:?}", wrong.len());
    println!("proven: {} creates among misdelivered answers", 2 * creates());
}

/// A create whose refusal is another call's, on a connection that was kept, and how it is told.
async fn told_of(sandbox: &Sandbox, execute_after_ms: Option<u64>) -> Result<(), ErrorKind> {
    let body = r#"{"description":"somebody else's"}"#.to_owned();
    let stray = Effect::StrayAnswer { status: 400, headers: BTreeMap::new(), body, execute_after_ms };
    break_nth(sandbox, Operation::CreatePayout, 1, stray);
    client(sandbox).create_payout(&id("LATE-1"), &request(), false).await.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_refusal_that_strayed_is_seen_through_by_a_read_that_does_not_lag() {
    let sandbox = sandbox().await;
    assert_eq!(told_of(&sandbox, None).await, Ok(()));
    assert_eq!(komopay_tests::executed(&sandbox, &id("LATE-1")).await.len(), 1);
}

/// The assumption, broken: whoever reads what is not yet there is told what is not so.
#[tokio::test]
async fn a_platform_that_executes_after_the_read_or_whose_reads_lag_breaks_the_assumption() {
    let late = sandbox().await;
    assert_eq!(told_of(&late, Some(3_000)).await, Err(ErrorKind::InvalidRequest));
    assert_eq!(komopay_tests::executed(&late, &id("LATE-1")).await.len(), 1);

    let lagging = sandbox().await;
    lagging.inject(Fault::new(When::always(Operation::GetPayout), Effect::GoneForGet { ms: 3_600_000 }));
    assert_eq!(told_of(&lagging, None).await, Err(ErrorKind::InvalidRequest));
    assert_eq!(komopay_tests::executed(&lagging, &id("LATE-1")).await.len(), 1);
}
