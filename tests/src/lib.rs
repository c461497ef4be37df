//! What the tests share: a client with short times, the documented payout, canaries, the contract, a raw TCP peer,
//! and proxies that cut connections.

use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use std::time::Duration;

use komopay_core::{BankAccount, BankTransfer, Client, Config, Credentials, Error, Money, PayoutId, PayoutRequest};
use komopay_sandbox::{Builder, Effect, Fault, LedgerEntry, LedgerKind, Operation, Sandbox, When};

pub mod batches;
pub mod canary;
pub mod conformance;
pub mod contract;
pub mod cutter;
pub mod misbehaving;
pub mod peer;
pub mod proxy;
pub mod tunnel;

/// A sandbox that processes at once and knows the canary secret.
pub async fn sandbox() -> Sandbox {
    start(Sandbox::builder()).await
}

/// As [`sandbox`], with settings of its own.
pub async fn start(builder: Builder) -> Sandbox {
    launch(builder.observer(contract::judge)).await
}

/// As [`start`], for requests that break the contract on purpose. The sandbox's answers are judged as ever.
pub async fn start_for_wrong_requests(builder: Builder) -> Sandbox {
    launch(builder.observer(contract::judge_answer)).await
}

async fn launch(builder: Builder) -> Sandbox {
    canary::listen();
    let builder = builder.merchant(canary::MERCHANT, canary::SECRET).processing_time(Duration::ZERO);
    builder.start().await.expect("the sandbox starts")
}

/// Settings with short pauses, and with deadlines that even a busy machine keeps: nothing runs into one by accident.
///
/// The settle window is far longer than anything the sandbox does late, since that is what the rules assume.
#[must_use]
pub fn config(base_url: &str) -> Config {
    canary::listen();
    let mut config = Config::new(base_url, Credentials::merchant(canary::MERCHANT, canary::SECRET));
    config.total_timeout = Duration::from_secs(40);
    config.attempt_timeout = Duration::from_secs(20);
    config.connect_timeout = Duration::from_secs(20);
    config.settle_window = Duration::from_millis(1200);
    config.backoff_base = Duration::from_millis(2);
    config.backoff_cap = Duration::from_millis(50);
    config
}

/// Settings for a call that is to run into its deadlines.
#[must_use]
pub fn hasty(base_url: &str) -> Config {
    let mut config = config(base_url);
    config.total_timeout = Duration::from_secs(4);
    config.attempt_timeout = Duration::from_millis(400);
    config.connect_timeout = Duration::from_millis(400);
    config
}

/// A client of this sandbox.
#[must_use]
pub fn client(sandbox: &Sandbox) -> Client {
    Client::new(config(sandbox.base_url())).expect("the settings are fine")
}

/// The payout that KomoPay documents, to the canary account.
#[must_use]
pub fn request() -> PayoutRequest {
    let mut bank = BankTransfer::new("BNK_000", BankAccount::new("Test account", canary::ACCOUNT));
    bank.email_address = Some("customer@test.com".to_owned());
    let mut request = PayoutRequest::new(Money::new("10000", "IDR").unwrap(), bank);
    request.callback_url = Some("https://callback.example.com".to_owned());
    request
}

/// An id from its text.
#[must_use]
pub fn id(id: &str) -> PayoutId {
    PayoutId::new(id).unwrap()
}

/// Breaks the n-th call of an operation.
pub fn break_nth(sandbox: &Sandbox, operation: Operation, n: u64, effect: Effect) {
    sandbox.inject(Fault::new(When::nth(operation, n), effect));
}

/// The executed creates of this id, once nothing is pending any more.
pub async fn executed(sandbox: &Sandbox, id: &PayoutId) -> Vec<LedgerEntry> {
    sandbox.idle().await;
    let mut ledger = sandbox.ledger();
    ledger.retain(|entry| entry.kind == LedgerKind::Executed && entry.payout_id == id.as_str());
    ledger
}

/// Puts everything an error can show where the canaries are looked for.
#[expect(clippy::must_use_candidate, reason = "looking for canaries is what most callers want of it")]
pub fn shown(error: &Error) -> String {
    let text = format!("{error} {error:?} {error:#?} {:?} {:?}", error.attempts(), error.reasons());
    canary::check(&text);
    text
}

/// One runtime for tests that are not async themselves.
pub fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap())
}

/// Ends the whole program: for what is found on a thread whose panic nobody sees.
pub fn end_program(why: fmt::Arguments<'_>) -> ! {
    // Not by `eprintln`, whose text the test harness would keep to itself. Without a stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "\n{}", canary::hide(&why.to_string()));
    std::process::abort()
}
